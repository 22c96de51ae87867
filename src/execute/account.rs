//! A user as the kernel sees one when it decides what may be opened: a number and some groups.

use std::ffi::CString;
use std::fs::{Metadata, metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use custos_shim::Credentials;
use nix::unistd::{Gid, Uid, User, getgrouplist, getgroups};

/// Reading, in the permission bits of one class.
pub(super) const READ: u32 = 0o4;
/// Writing.
pub const WRITE: u32 = 0o2;
/// Executing a file, or passing through a directory.
pub const EXECUTE: u32 = 0o1;

/// A user with its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    groups: Vec<u32>,
}

impl Account {
    /// The user that this process runs as.
    pub fn of_this_process() -> Account {
        let mut groups: Vec<u32> = getgroups().unwrap_or_default().into_iter().map(Gid::as_raw).collect();
        groups.push(Gid::effective().as_raw());
        Account { uid: Uid::effective().as_raw(), groups }
    }

    /// The user of this name with all of its groups, if there is one.
    pub fn named(name: &str) -> Option<Account> {
        let user = User::from_name(name).ok().flatten()?;
        let name = CString::new(user.name).ok()?;
        let groups = getgrouplist(&name, user.gid).unwrap_or_else(|_| vec![user.gid]);
        Some(Account { uid: user.uid.as_raw(), groups: groups.into_iter().map(Gid::as_raw).collect() })
    }

    /// Whether it is the superuser.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether the permission bits let this user do it. Access control lists and security modules may say otherwise.
    pub fn may(&self, bits: u32, metadata: &Metadata) -> bool {
        let mode = metadata.mode();
        if self.uid == 0 {
            // The superuser passes through every directory, but executes only what somebody may execute.
            return bits & EXECUTE == 0 || metadata.is_dir() || mode & 0o111 != 0;
        }
        let class = if self.uid == metadata.uid() {
            mode >> 6
        } else if self.groups.contains(&metadata.gid()) {
            mode >> 3
        } else {
            mode
        };
        class & bits == bits
    }
}

impl Account {
    /// Whether the permission bits of a file and of the directories above it, also where a link leads, let this user read
    /// it. A file that cannot be looked at counts as readable.
    pub fn may_read(&self, path: &Path) -> bool {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        [path, &real].into_iter().all(|path| {
            let is_denied = |path: &Path, bits| metadata(path).is_ok_and(|found| !self.may(bits, &found));
            !is_denied(path, READ) && !path.ancestors().skip(1).any(|above| is_denied(above, EXECUTE))
        })
    }
}

impl From<&Credentials> for Account {
    fn from(credentials: &Credentials) -> Account {
        let mut groups = credentials.groups.clone();
        groups.push(credentials.gid);
        Account { uid: credentials.uid, groups }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_read_through_the_directories_above_it_and_above_what_a_link_leads_to() {
        let root = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let (keys, key, link) =
            (root.path().join("keys"), root.path().join("keys/key"), root.path().join("link"));
        mode(root.path(), 0o755);
        std::fs::create_dir(&keys).unwrap();
        mode(&keys, 0o755);
        File::create(&key).unwrap();
        mode(&key, 0o644);
        std::os::unix::fs::symlink(&key, &link).unwrap();
        let metadata = std::fs::metadata(&key).unwrap();
        let stranger = Account { uid: metadata.uid() + 1, groups: vec![metadata.gid() + 1] };
        assert!(stranger.may_read(&key) && stranger.may_read(&link));
        mode(&key, 0o640);
        assert!(!stranger.may_read(&key) && !stranger.may_read(&link));
        let member = Account { uid: metadata.uid() + 1, groups: vec![metadata.gid()] };
        assert!(member.may_read(&key));
        mode(&key, 0o644);
        mode(&keys, 0o700);
        assert!(!stranger.may_read(&key) && !stranger.may_read(&link));
        assert!(stranger.may_read(&root.path().join("none")));
    }

    #[test]
    fn the_class_decides_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = |mode| {
            file.as_file().set_permissions(Permissions::from_mode(mode)).unwrap();
            File::open(file.path())
                .map_or_else(|_| file.as_file().metadata(), |file| file.metadata())
                .unwrap()
        };
        let owner = metadata(0o600).uid();
        let group = metadata(0o600).gid();
        let stranger = Account { uid: owner + 1, groups: vec![group + 1] };
        let member = Account { uid: owner + 1, groups: vec![group] };
        assert!(stranger.may(EXECUTE, &metadata(0o001)));
        assert!(!stranger.may(READ | WRITE, &metadata(0o004)));
        // A member of the group is held to the group's bits, although others may do more.
        assert!(!member.may(EXECUTE, &metadata(0o001)));
        assert!(member.may(READ | EXECUTE, &metadata(0o050)));
        let root = Account { uid: 0, groups: vec![0] };
        assert!(root.may(READ | WRITE, &metadata(0o000)));
        assert!(!root.may(EXECUTE, &metadata(0o600)));
        assert!(root.may(EXECUTE, &metadata(0o601)));
    }
}
