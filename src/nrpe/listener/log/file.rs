//! Opening the log file safely: the path may lead through directories of other users.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::nrpe::listener::path_owner::in_name_of_owner;

/// Opens a log file, which must be a regular file with one link. A symbolic link as its last part is not followed.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // O_NONBLOCK, or opening a pipe without a reader would block the start.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let open = || OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path);
    let file = in_name_of_owner(path, open)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.nlink() == 1 {
        Ok(file)
    } else {
        Err(io::Error::other("log file has an invalid mode"))
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
