//! What a user who may not read the store can do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use custos_store::Damage;
use nix::unistd::{Gid, Group, Uid, User};

use crate::text::system_error::without_number;

/// Permission of a group to list a directory and to enter it.
const GROUP_READS_DIRECTORY: u32 = 0o050;
/// Permission of a group to read a file.
const GROUP_READS_FILE: u32 = 0o040;

/// What follows the message about a store that could not be read: who may read it, if that is what was wrong.
pub(super) fn advice(store: &Path, error: &custos_store::Error) -> String {
    match error {
        custos_store::Error::Io { path, source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            readers_of(path).or_else(|| readers_of(store)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// A file of a store that cannot be read, wholly or in parts, and who may read it; continues "failed to …".
pub(super) fn unreadable_file(damage: &Damage) -> String {
    let readers = if is_denied(&damage.file) { readers_of(&damage.file) } else { None };
    format!("{}{}", without_number(&damage.to_string()), readers.unwrap_or_default())
}

/// Whether this user may not read a file. What is no regular file is not opened: a FIFO would wait for its other end.
fn is_denied(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && fs::File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn readers_of(path: &Path) -> Option<String> {
    fs::metadata(path).ok().map(|metadata| readers(&metadata))
}

/// How to give a command of `custos` as the owner of the store: what follows the message that only the owner may.
pub(super) fn by_owner(store: &Path, command: &str) -> String {
    let Ok(metadata) = fs::metadata(store) else { return String::new() };
    let user = match metadata.uid() {
        0 => String::new(),
        uid => format!(" -u {}", name_of(uid).unwrap_or_else(|| format!("'#{uid}'"))),
    };
    format!(": sudo{user} custos {command}")
}

fn name_of(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name)
}

fn readers(metadata: &fs::Metadata) -> String {
    let owner = name_of(metadata.uid()).unwrap_or_else(|| format!("user {}", metadata.uid()));
    let named = Group::from_gid(Gid::from_raw(metadata.gid())).ok().flatten();
    let group = named.map_or_else(|| metadata.gid().to_string(), |group| group.name);
    let needed = if metadata.is_dir() { GROUP_READS_DIRECTORY } else { GROUP_READS_FILE };
    words(&owner, (metadata.mode() & needed == needed).then_some(&group))
}

/// `group` is the one that may read the store, if one may.
fn words(owner: &str, group: Option<&str>) -> String {
    match group {
        // Whoever is in the group of root may do much else.
        Some(group) if group != "root" => format!(
            "; root, {owner} and the group {group} may read it: `usermod -aG {group} USER` adds a user, from the next \
             login on"
        ),
        _ if owner == "root" => "; only root may read it".to_owned(),
        _ => format!("; only root and {owner} may read it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_that_may_read_is_named() {
        assert_eq!(
            words("nagios", Some("nagios")),
            "; root, nagios and the group nagios may read it: `usermod -aG nagios USER` adds a user, from the next login on"
        );
        assert_eq!(words("nagios", None), "; only root and nagios may read it");
        assert_eq!(words("root", Some("root")), "; only root may read it");
    }

    #[test]
    fn the_owner_of_the_store_is_named_to_sudo() {
        let store = tempfile::tempdir().unwrap();
        let uid = fs::metadata(store.path()).unwrap().uid();
        let command = by_owner(store.path(), "check load");
        match uid {
            0 => assert_eq!(command, ": sudo custos check load"),
            _ => assert!(
                command.starts_with(": sudo -u ") && command.ends_with(" custos check load"),
                "{command}"
            ),
        }
        assert_eq!(by_owner(&store.path().join("none"), "check load"), "");
    }

    #[test]
    fn only_a_lack_of_permission_has_the_advice() {
        let store = tempfile::tempdir().unwrap();
        let none = store.path().join("none");
        let error = |path: &Path, kind| custos_store::Error::Io {
            action: "open",
            path: path.to_owned(),
            source: io::Error::from(kind),
        };
        assert_eq!(advice(store.path(), &error(store.path(), io::ErrorKind::NotFound)), "");
        let denied = |path: &Path| error(path, io::ErrorKind::PermissionDenied);
        assert!(advice(store.path(), &denied(store.path())).ends_with("may read it"));
        assert!(advice(store.path(), &denied(&none)).ends_with("may read it"));
        assert_eq!(advice(&none, &denied(&none)), "");
    }
}
