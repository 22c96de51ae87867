//! Sockets that the service manager listens on already and hands over: systemd's socket activation.
//!
//! They are the descriptors from 3 on, `LISTEN_FDS` of them, if `LISTEN_PID` is this process. Each is handed out
//! for the address that it is bound to, also again after a reload; an address that none is bound to is opened as usual.
//!
//! File-level promise: [`adopt`] runs once, before the process has opened any descriptor of that number by itself;
//! the environment names them for exactly this process.
#![allow(unsafe_code)]

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::OnceLock;

use crate::limits::INHERITED_DESCRIPTORS_MAX;

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

static SOCKETS: OnceLock<Vec<(SocketAddr, TcpListener)>> = OnceLock::new();

/// Takes over the sockets that the environment names. To be called first of all; later calls change nothing.
pub fn adopt() {
    SOCKETS.get_or_init(|| {
        let count = handed_over(
            std::env::var("LISTEN_PID").ok().as_deref(),
            std::env::var("LISTEN_FDS").ok().as_deref(),
            std::process::id(),
        );
        (FIRST..FIRST + count).filter_map(adopt_one).collect()
    });
}

/// How many descriptors are this process' own.
fn handed_over(pid: Option<&str>, count: Option<&str>, own_pid: u32) -> RawFd {
    match (pid.and_then(|pid| pid.parse::<u32>().ok()), count.and_then(|count| count.parse::<RawFd>().ok())) {
        (Some(pid), Some(count)) if pid == own_pid => count.clamp(0, INHERITED_DESCRIPTORS_MAX),
        _ => 0,
    }
}

fn adopt_one(descriptor: RawFd) -> Option<(SocketAddr, TcpListener)> {
    // SAFETY: takes no pointers; fails if there is no such descriptor. Plugins must not inherit it.
    if unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return None;
    }
    // SAFETY: it is open, and by the file-level promise nobody else's.
    let socket = unsafe { TcpListener::from_raw_fd(descriptor) };
    // Who waits for a connection on it waits for the end as well, so it must not block.
    match socket.local_addr().and_then(|address| socket.set_nonblocking(true).map(|()| address)) {
        Ok(address) => Some((address, socket)),
        Err(error) => {
            tracing::warn!("descriptor {} is no listener and is closed: {error}", socket.as_raw_fd());
            None
        }
    }
}

/// Another handle on the socket for this address, if one was handed over.
pub(super) fn socket(address: SocketAddr) -> Option<TcpListener> {
    let (_, socket) = SOCKETS.get()?.iter().find(|(bound, _)| *bound == address)?;
    socket.try_clone().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_descriptors_for_this_process_are_taken() {
        assert_eq!(handed_over(Some("7"), Some("2"), 7), 2);
        assert_eq!(handed_over(Some("7"), Some("2"), 8), 0);
        assert_eq!(handed_over(None, Some("2"), 8), 0);
        assert_eq!(handed_over(Some("7"), None, 7), 0);
        assert_eq!(handed_over(Some("7"), Some("-1"), 7), 0);
        assert_eq!(handed_over(Some("7"), Some("1000000"), 7), INHERITED_DESCRIPTORS_MAX);
        assert_eq!(handed_over(Some("x"), Some("y"), 7), 0);
    }
}
