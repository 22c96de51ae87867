//! Whether a file may be written where it is to be: nobody but root and the user of this process can put something else in its place.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::Uid;

use crate::limits::SINK_FILE_LINKS_MAX;

/// The path without symbolic links in the directories on the way. Each of these, and each link that is followed, belongs to root or
/// to the user of this process, and others may not rename anything in it: they may not write to it, or it is sticky as `/tmp` is.
/// Its last part is not looked at.
///
/// # Errors
/// A directory is not there, or is one in which another user may put something else in the place of the file.
pub(super) fn trusted(path: &Path) -> io::Result<PathBuf> {
    trusted_for(path, Uid::effective().as_raw())
}

fn trusted_for(path: &Path, own: u32) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("it is no name of a file"))?;
    let mut found = PathBuf::from("/");
    judge(&found, &fs::metadata(&found)?, own)?;
    let mut left: VecDeque<OsString> = path.parent().map(parts).unwrap_or_default().into();
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            // What was found has no links in it.
            found.pop();
            continue;
        }
        let next = found.join(&part);
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", next.display()));
        let about = fs::symlink_metadata(&next).map_err(at)?;
        if !about.is_symlink() {
            judge(&next, &about, own)?;
            found = next;
            continue;
        }
        links += 1;
        if links > SINK_FILE_LINKS_MAX {
            return Err(io::Error::other(format!(
                "more than {SINK_FILE_LINKS_MAX} symbolic links are on the way"
            )));
        }
        refuse_foreign(&next, &about, own)?;
        let target = fs::read_link(&next).map_err(at)?;
        if target.is_absolute() {
            found = PathBuf::from("/");
        }
        parts(&target).into_iter().rev().for_each(|part| left.push_front(part));
    }
    Ok(found.join(name))
}

/// The names in a path, and `..`.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        _ => None,
    });
    parts.map(OsStr::to_owned).collect()
}

/// Refuses a directory in which another user may put something else in the place of what is there.
fn judge(path: &Path, about: &Metadata, own: u32) -> io::Result<()> {
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o002;
    if !about.is_dir() {
        return Err(io::Error::other(format!("{} is no directory", path.display())));
    }
    refuse_foreign(path, about, own)?;
    if about.mode() & OTHERS_WRITE != 0 && about.mode() & STICKY == 0 {
        let mode = about.mode() & 0o7777;
        let why = format!("everybody may write to the directory {} (mode {mode:04o})", path.display());
        return Err(io::Error::other(why));
    }
    Ok(())
}

/// Refuses what belongs to another user than root and the own one.
pub(super) fn refuse_foreign(path: &Path, about: &Metadata, own: u32) -> io::Result<()> {
    if about.uid() == 0 || about.uid() == own {
        return Ok(());
    }
    let why = format!("{} belongs to the user {}, who may change it", path.display(), about.uid());
    Err(io::Error::other(why))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn stage() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        (directory, root)
    }

    #[test]
    fn links_and_parents_are_followed_to_where_the_file_is() {
        let (_directory, root) = stage();
        let own = fs::metadata(&root).unwrap().uid();
        fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a", root.join("near")).unwrap();
        symlink(root.join("near/b/.."), root.join("far")).unwrap();
        for (path, expected) in [
            ("a/b/x", "a/b/x"),
            ("near/b/x", "a/b/x"),
            ("far/x", "a/x"),
            ("far/b/../../near/x", "a/x"),
            ("a/./x", "a/x"),
        ] {
            assert_eq!(trusted_for(&root.join(path), own).unwrap(), root.join(expected), "{path}");
        }
        symlink("loop", root.join("loop")).unwrap();
        let error = trusted_for(&root.join("loop/x"), own).unwrap_err();
        assert!(error.to_string().contains("symbolic links"), "{error}");
        let error = trusted_for(&root.join("none/x"), own).unwrap_err();
        assert!(error.kind() == io::ErrorKind::NotFound && error.to_string().contains("none"), "{error}");
    }

    #[test]
    fn where_another_user_may_put_something_else_nothing_is_written() {
        let (_directory, root) = stage();
        let own = fs::metadata(&root).unwrap().uid();
        let open = root.join("open");
        fs::create_dir(&open).unwrap();
        for (mode, refused) in [(0o755, false), (0o775, false), (0o777, true), (0o1777, false)] {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(trusted_for(&open.join("x"), own).is_err(), refused, "{mode:o}");
        }
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        fs::create_dir(open.join("below")).unwrap();
        let error = trusted_for(&open.join("below/x"), own).unwrap_err();
        assert!(error.to_string().contains("everybody may write"), "{error}");
    }

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        if !Uid::effective().is_root() {
            return;
        }
        let (_directory, root) = stage();
        let theirs = root.join("theirs");
        fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(1), None).unwrap();
        symlink(&root, root.join("link")).unwrap();
        std::os::unix::fs::lchown(root.join("link"), Some(1), None).unwrap();
        for path in ["theirs/x", "link/x"] {
            let error = trusted_for(&root.join(path), 0).unwrap_err();
            assert!(error.to_string().contains("belongs to the user 1"), "{error}");
        }
        // The directory belongs to root.
        assert!(trusted_for(&root.join("x"), 2).is_ok());
    }
}
