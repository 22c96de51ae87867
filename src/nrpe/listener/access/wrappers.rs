//! TCP wrappers: `/etc/hosts.allow` and `/etc/hosts.deny`, read again when they change.

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io};

use custos_compat::nrpe::{PeerName, WrapperFile, WrapperRules};

use super::names::Names;
use crate::limits::NRPE_CONFIG_MAX_BYTES;
use crate::lock::locked;
use crate::whole_file;

/// The name by which the files know this daemon.
const DAEMON: &str = "nrpe";

/// The two files, each with its rules as last read.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct Wrappers {
    allow: Cached,
    deny: Cached,
}

#[derive(Debug)]
struct Cached {
    path: PathBuf,
    file: WrapperFile,
    read: Mutex<(Option<Stamp>, Arc<WrapperRules>)>,
}

/// What shows that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Wrappers {
    /// The files of the system.
    pub(in crate::nrpe::listener) fn system() -> Wrappers {
        Wrappers::new("/etc/hosts.allow".into(), "/etc/hosts.deny".into())
    }

    pub(in crate::nrpe::listener) fn new(allow: PathBuf, deny: PathBuf) -> Wrappers {
        Wrappers {
            allow: Cached { path: allow, file: WrapperFile::Allow, read: Mutex::default() },
            deny: Cached { path: deny, file: WrapperFile::Deny, read: Mutex::default() },
        }
    }

    /// Whether the peer may connect.
    pub(in crate::nrpe::listener) async fn allows(&self, names: &Names, peer: IpAddr) -> bool {
        let (allow, deny) = (self.allow.rules(), self.deny.rules());
        if allow.is_empty() && deny.is_empty() {
            return true;
        }
        let name = match allow.need_name() || deny.need_name() {
            true => peer_name(names, peer).await,
            false => PeerName::Unknown,
        };
        allow
            .judge(peer, &name, WrapperFile::Allow)
            .or_else(|| deny.judge(peer, &name, WrapperFile::Deny))
            .unwrap_or(true)
    }

    /// The files that have rules for this daemon.
    pub(in crate::nrpe::listener) fn in_force(&self) -> Vec<&Path> {
        let files = [&self.allow, &self.deny];
        files.into_iter().filter(|file| !file.rules().is_empty()).map(|file| file.path.as_path()).collect()
    }
}

/// The peer's name, which is trusted only if it has the peer's address.
async fn peer_name(names: &Names, peer: IpAddr) -> PeerName {
    match names.name_of(peer).await {
        None => PeerName::Unknown,
        Some(name) if names.addresses(&name).await.contains(&peer) => PeerName::Known(name),
        Some(_) => PeerName::Mismatch,
    }
}

impl Cached {
    fn rules(&self) -> Arc<WrapperRules> {
        let mut read = locked(&self.read);
        let stamp = stamp(&self.path);
        if stamp != read.0 || stamp.is_none() {
            let read_file = |path: &Path| whole_file::bytes(path, NRPE_CONFIG_MAX_BYTES);
            let rules = match read_file(&self.path) {
                Ok(content) => {
                    WrapperRules::parse(&content, DAEMON, self.file, &mut |path| read_file(path).ok())
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => WrapperRules::default(),
                // A file that is there but cannot be read might forbid anything; libwrap refuses everybody, too.
                Err(_) => WrapperRules::parse(b"ALL: ALL: deny", DAEMON, self.file, &mut |_| None),
            };
            *read = (stamp, Arc::new(rules));
        }
        Arc::clone(&read.1)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    Some(Stamp { inode: metadata.ino(), len: metadata.len(), modified })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn allow_comes_before_deny_and_changes_count_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let (allow, deny) = (directory.path().join("allow"), directory.path().join("deny"));
        let wrappers = Wrappers::new(allow.clone(), deny.clone());
        let names = Names::new();
        let peer = "192.0.2.1".parse().unwrap();
        assert!(wrappers.allows(&names, peer).await);
        fs::write(&deny, "nrpe: ALL\n").unwrap();
        assert!(!wrappers.allows(&names, peer).await);
        assert_eq!(wrappers.in_force(), [deny.as_path()]);
        fs::write(&allow, "nrpe: 192.0.2.1\n").unwrap();
        assert!(wrappers.allows(&names, peer).await);
        assert!(!wrappers.allows(&names, "192.0.2.2".parse().unwrap()).await);
        fs::write(&deny, "sshd: ALL\n").unwrap();
        assert!(wrappers.allows(&names, "192.0.2.2".parse().unwrap()).await);
    }
}
