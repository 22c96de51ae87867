//! The process at the other end of a connection, according to the kernel, and whether it may be the agent of a store.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Uid;

/// A process at the other end: as it was when it connected, or when it began to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id; 0 if it lives where this process sees none.
    pub pid: u32,
    /// Its effective user.
    pub uid: Uid,
    /// Its effective group.
    pub gid: u32,
}

impl Peer {
    /// The peer of a socket.
    pub(super) fn of(socket: &impl AsFd) -> Result<Peer, Errno> {
        let found = getsockopt(socket, sockopt::PeerCredentials)?;
        Ok(Peer {
            pid: u32::try_from(found.pid()).unwrap_or(0),
            uid: Uid::from_raw(found.uid()),
            gid: found.gid(),
        })
    }

    /// Whether it may ask the agent of a store of that owner.
    pub(super) fn may_ask(&self, owner: Uid) -> bool {
        self.uid.is_root() || self.uid == owner || self.uid == Uid::effective()
    }

    /// Whether it may be the agent of a store: a process of root or of the store's owner. Such a process could write
    /// anything into the store, so what it says of itself is worth as much as what is stored.
    pub(super) fn may_speak_for(&self, owner: Uid) -> Result<(), Stranger> {
        if self.uid.is_root() || self.uid == owner { Ok(()) } else { Err(Stranger::User(*self)) }
    }

    /// Whether it is the process that writes to a store. `writer` is the holder of the store's lock, 0 where the kernel
    /// does not name it.
    pub(super) fn writes(&self, writer: Option<u32>) -> Result<(), Stranger> {
        match writer {
            Some(pid) if pid == self.pid || pid == 0 => Ok(()),
            writer => Err(Stranger::Process(*self, writer)),
        }
    }

    /// Whether it is stopped, by SIGSTOP or a debugger; `None` if that cannot be known.
    pub(super) fn is_stopped(&self) -> Option<bool> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The name of the program stands in parentheses and may contain any of them itself.
        let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
        Some(matches!(state, 'T' | 't'))
    }
}

/// A process that answers for a store and may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// A process of a user that is neither root nor the owner of the store.
    User(Peer),
    /// A process that does not write to the store, and the one that does.
    Process(Peer, Option<u32>),
}

impl std::fmt::Display for Stranger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stranger::User(peer) => write!(
                f,
                "process {} of user {} answers in the agent's place, and is not believed",
                peer.pid, peer.uid
            ),
            Stranger::Process(peer, writer) => {
                write!(f, "process {} answers, but does not write to the store", peer.pid)?;
                match writer {
                    Some(pid) => write!(f, ", which process {pid} does"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uid: u32) -> Peer {
        Peer { pid: 7, uid: Uid::from_raw(uid), gid: 0 }
    }

    #[test]
    fn only_root_and_the_owner_who_writes_to_the_store_speak_for_it() {
        let owner = Uid::from_raw(102);
        for (uid, speaks) in [(102, true), (0, true), (65534, false)] {
            assert_eq!(peer(uid).may_speak_for(owner).is_ok(), speaks, "{uid}");
            assert_eq!(peer(uid).may_ask(owner), speaks || Uid::effective() == peer(uid).uid, "{uid}");
        }
        for (writer, writes) in [(Some(7), true), (Some(0), true), (Some(8), false), (None, false)] {
            assert_eq!(peer(102).writes(writer).is_ok(), writes, "{writer:?}");
        }
    }

    #[test]
    fn this_process_is_not_stopped() {
        let own = Peer { pid: std::process::id(), ..peer(0) };
        assert_eq!(own.is_stopped(), Some(false));
        assert_eq!(Peer { pid: u32::MAX, ..own }.is_stopped(), None);
    }
}
