//! Whose a path is: root must not be led elsewhere by the owner of a directory that the path goes through.
//!
//! Where another user than root owns such a directory, or everybody may write to it, that user can put a link in its
//! place at any moment. Then root's rights are not used for the path, so it leads nowhere that the user could not go.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, geteuid, setfsgid, setfsuid};

/// The kernel's own number for a user without rights.
const NOBODY: u32 = 65_534;

/// The user who decides besides root what a path leads to: the owner of the innermost directory or link above it that is
/// not root's or that others may write to. `None` if only root decides.
pub(crate) fn other_owner(path: &Path) -> Option<(Uid, Gid)> {
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
    // Directories that are not there yet will be made by whoever makes the path.
    let real = path.ancestors().skip(1).find_map(|above| std::fs::canonicalize(above).ok())?;
    loose(&real.join("file")).or_else(|| loose(path))
}

/// Does something with files at a path, in the name of the user who decides what that leads to where this process is
/// root.
pub(crate) fn in_name_of_owner<T>(path: &Path, act: impl FnOnce() -> T) -> T {
    let _acting = geteuid().is_root().then(|| other_owner(path)).flatten().map(ActsAs::user);
    act()
}

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
    fn the_innermost_directory_of_another_user_decides() {
        if !geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let theirs = directory.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(54_321), Some(54_322)).unwrap();
        let them = Some((Uid::from_raw(54_321), Gid::from_raw(54_322)));
        assert_eq!(other_owner(&theirs), None);
        assert_eq!(other_owner(&theirs.join("file")), them);
        assert_eq!(other_owner(&theirs.join("not/there/yet")), them);
        // Also where the link is root's own, and where it leads out of that directory again.
        std::os::unix::fs::symlink(&theirs, directory.path().join("link")).unwrap();
        assert_eq!(other_owner(&directory.path().join("link/file")), them);
        std::os::unix::fs::symlink(directory.path(), theirs.join("out")).unwrap();
        assert_eq!(other_owner(&theirs.join("out/file")), them);
    }
}
