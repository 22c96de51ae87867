//! What a user who may not read the store can do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User};

/// Permission of a group to list a directory and to enter it.
const GROUP_READS: u32 = 0o050;

/// What follows the message about a store that could not be read: who may read it, if that is what was wrong.
pub(super) fn advice(store: &Path, error: &custos_store::Error) -> String {
    match error {
        custos_store::Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            fs::metadata(store).map(|directory| readers(&directory)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn readers(directory: &fs::Metadata) -> String {
    let user = User::from_uid(Uid::from_raw(directory.uid())).ok().flatten();
    let owner = user.map_or_else(|| format!("user {}", directory.uid()), |user| user.name);
    let named = Group::from_gid(Gid::from_raw(directory.gid())).ok().flatten();
    let group = named.map_or_else(|| directory.gid().to_string(), |group| group.name);
    words(&owner, (directory.mode() & GROUP_READS == GROUP_READS).then_some(&group))
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
    fn only_a_lack_of_permission_has_the_advice() {
        let store = tempfile::tempdir().unwrap();
        let error = |kind| custos_store::Error::Io {
            action: "open",
            path: store.path().to_owned(),
            source: io::Error::from(kind),
        };
        assert_eq!(advice(store.path(), &error(io::ErrorKind::NotFound)), "");
        let denied = error(io::ErrorKind::PermissionDenied);
        assert!(advice(store.path(), &denied).ends_with("may read it"));
        assert_eq!(advice(&store.path().join("none"), &denied), "");
    }
}
