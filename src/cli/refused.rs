//! A store that the system does not let this user read: what is refused, and which group may read it.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use custos_store::{Damage, Error};
use nix::unistd::{Gid, Group};

use super::failure::chain;

/// Permission of the group to read.
const GROUP_READS: u32 = 0o040;

/// Why a store cannot be opened, for the user.
pub(super) fn not_opened(store: &Path, error: &Error) -> String {
    match refused_path(error) {
        Some(path) => format!("cannot read {}: Permission denied{}", path.display(), advice(path)),
        None => format!("failed to open the store {}: {}", store.display(), chain(error)),
    }
}

/// An error of the store with its causes and what helps.
pub(super) fn with_advice(error: &Error) -> String {
    format!("{}{}", chain(error), refused_path(error).map(advice).unwrap_or_default())
}

fn refused_path(error: &Error) -> Option<&Path> {
    match error {
        Error::Io { path, source, .. } if source.kind() == ErrorKind::PermissionDenied => Some(path),
        _ => None,
    }
}

/// A file of a store that cannot be read wholly, continuing "failed to …".
pub(super) fn unreadable_file(damage: &Damage) -> String {
    format!("{damage}{}", if is_refused(&damage.file) { advice(&damage.file) } else { String::new() })
}

/// What is no regular file is not opened: a FIFO would wait for its other end.
fn is_refused(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// Which group may read a path that is refused, after a semicolon; empty if none may, or it cannot be found out.
fn advice(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return String::new() };
    if metadata.mode() & GROUP_READS == 0 {
        return String::new();
    }
    let group = Group::from_gid(Gid::from_raw(metadata.gid())).ok().flatten();
    match group {
        Some(group) => format!("; join the group {}", group.name),
        None => format!("; join the group {}", metadata.gid()),
    }
}
