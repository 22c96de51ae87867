//! Opening the log file safely: the path may lead through directories of other users.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// Opens a log file, which must be a regular file with one link. A symbolic link as its last part is not followed.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // The owner of a directory above the file can make the path lead anywhere, so root's rights are not used for it.
    let _acting = nix::unistd::geteuid().is_root().then(|| other_owner(path)).flatten().map(ActsAs::user);
    // O_NONBLOCK, or opening a pipe without a reader would block the start.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.nlink() == 1 {
        Ok(file)
    } else {
        Err(io::Error::other("log file has an invalid mode"))
    }
}

/// The user who decides besides root what a path leads to: the owner of the innermost directory or link above it that is
/// not root's or that others may write to. `None` if only root decides.
fn other_owner(path: &Path) -> Option<(Uid, Gid)> {
    let loose = |path: &Path| {
        path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()).find_map(|above| {
            let entry = std::fs::symlink_metadata(above).ok()?;
            let shared =
                !entry.is_symlink() && entry.mode() & 0o002 != 0 && entry.mode() & libc::S_ISVTX == 0;
            match (entry.uid(), shared) {
                (0, false) => None,
                // Root's, but writable for everybody: no user's rights can be assumed.
                (0, true) => Some((Uid::from_raw(NOBODY), Gid::from_raw(NOBODY))),
                (uid, _) => Some((Uid::from_raw(uid), Gid::from_raw(entry.gid()))),
            }
        })
    };
    let real = std::fs::canonicalize(path.parent()?).ok()?;
    loose(&real.join("file")).or_else(|| loose(path))
}

/// The kernel's own number for a user without rights.
const NOBODY: u32 = 65_534;

/// The calling thread opens files with the rights of another user until this is dropped.
struct ActsAs {
    back: (Uid, Gid),
}

impl ActsAs {
    fn user((uid, gid): (Uid, Gid)) -> ActsAs {
        // The group first: without root's rights it could not be changed.
        let group = setfsgid(gid);
        ActsAs { back: (setfsuid(uid), group) }
    }
}

impl Drop for ActsAs {
    fn drop(&mut self) {
        setfsuid(self.back.0);
        setfsgid(self.back.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_follows_no_link_in_a_directory_of_another_user() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let (theirs, roots) = (directory.path().join("theirs"), directory.path().join("roots"));
        std::fs::create_dir(&theirs).unwrap();
        std::fs::create_dir(&roots).unwrap();
        std::os::unix::fs::symlink(&roots, theirs.join("logs")).unwrap();
        std::os::unix::fs::lchown(theirs.join("logs"), Some(54_321), Some(54_321)).unwrap();
        std::os::unix::fs::chown(&theirs, Some(54_321), Some(54_321)).unwrap();
        assert!(open(&theirs.join("logs/nrpe")).is_err());
        assert!(!roots.join("nrpe").exists());
        let own = open(&theirs.join("nrpe")).unwrap().metadata().unwrap();
        assert_eq!((own.uid(), own.gid()), (54_321, 54_321));
        assert_eq!(open(&roots.join("nrpe")).unwrap().metadata().unwrap().uid(), 0);
    }
}
