//! Acting as the owner of a store: whatever root does to the files of a store, it does as the user that owns the
//! store's directory, so that the owner can read all of it and root can do no more than the owner could.
//!
//! Linux keeps the user that file accesses are checked for by thread (`setfsuid(2)`). So the guard lasts for one
//! operation on one thread, and the rest of the process stays what it is.

use std::io;
use std::marker::PhantomData;

use nix::unistd::{Gid, Uid, getegid, geteuid, setfsgid, setfsuid};

/// The user and group that a store's directory belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Owner {
    /// `true` if this process may write to a store of this owner: it is the owner, or root.
    pub(super) fn may_write(self) -> bool {
        let user = geteuid();
        user.is_root() || user.as_raw() == self.uid
    }

    /// From here until the guard is dropped, this thread accesses files as the owner, if it is root's. Any other user
    /// accesses them as itself.
    pub(super) fn act(self) -> io::Result<Acting> {
        if !geteuid().is_root() || self.uid == 0 {
            return Ok(Acting { root: false, thread: PhantomData });
        }
        let acting = Acting { root: true, thread: PhantomData };
        setfsgid(Gid::from_raw(self.gid));
        setfsuid(Uid::from_raw(self.uid));
        // Neither call reports a failure. Each returns what was in force before, and -1 changes nothing.
        let uid = setfsuid(Uid::from_raw(u32::MAX));
        let gid = setfsgid(Gid::from_raw(u32::MAX));
        if (uid.as_raw(), gid.as_raw()) == (self.uid, self.gid) {
            return Ok(acting);
        }
        let why = format!("this process may not act as the owner of the store, user {}", self.uid);
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
}

/// While it lives, the thread accesses files as the owner of the store. It stays on its thread.
pub(super) struct Acting {
    root: bool,
    thread: PhantomData<*const ()>,
}

impl Drop for Acting {
    fn drop(&mut self) {
        if self.root {
            setfsuid(geteuid());
            setfsgid(getegid());
        }
    }
}
