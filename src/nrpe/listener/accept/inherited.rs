//! Listening sockets that the service manager hands over (systemd's socket activation).
//!
//! They are the descriptors from 3 on, `LISTEN_FDS` of them, if `LISTEN_PID` is this process. Each serves the address
//! that it is bound to, also after a reload. An address without such a socket is opened as usual.
//!
//! File-level promise: [`adopt`] runs once, before the process has opened any descriptor itself, and the environment
//! names these descriptors for exactly this process.
#![expect(unsafe_code, reason = "adopts descriptors by number")]

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::OnceLock;

use crate::limits::INHERITED_DESCRIPTORS_MAX;

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

static SOCKETS: OnceLock<Vec<(SocketAddr, TcpListener)>> = OnceLock::new();

/// Takes over the sockets that the environment names. Call it first of all; later calls change nothing.
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

/// How many descriptors were handed to this process.
fn handed_over(pid: Option<&str>, count: Option<&str>, own_pid: u32) -> RawFd {
    match (pid.and_then(|pid| pid.parse::<u32>().ok()), count.and_then(|count| count.parse::<RawFd>().ok())) {
        (Some(pid), Some(count)) if pid == own_pid => count.clamp(0, INHERITED_DESCRIPTORS_MAX),
        _ => 0,
    }
}

fn adopt_one(descriptor: RawFd) -> Option<(SocketAddr, TcpListener)> {
    // So that plugins do not inherit it.
    // SAFETY: takes no pointers; fails if there is no such descriptor.
    if unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return None;
    }
    // SAFETY: it is open, and by the file-level promise nothing else in the process owns it.
    let socket = unsafe { TcpListener::from_raw_fd(descriptor) };
    // `Listener` waits for a connection and for its own end at once, so the socket must not block.
    match socket.local_addr().and_then(|address| socket.set_nonblocking(true).map(|()| address)) {
        Ok(address) => Some((address, socket)),
        Err(error) => {
            tracing::warn!(
                "descriptor {} is not a listening socket and is closed: {error}",
                socket.as_raw_fd()
            );
            None
        }
    }
}

/// A further handle on the socket that was handed over for this address.
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
