//! Ports for the servers of the tests.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the kernel gives to connections, of which some tests have thousands (32768 and up).
const FIRST: u32 = 10_240;
const COUNT: u32 = 22_000;

/// A port that is free for TCP and UDP on every address, and that no other test of this process is given.
pub(crate) fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(101).wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = (FIRST + number % COUNT) as u16;
        // One address after the other: the wildcard of IPv6 may stand for both.
        let taken = ["0.0.0.0", "::"].into_iter().any(|wildcard| {
            let in_use = |error: std::io::Error| error.kind() == ErrorKind::AddrInUse;
            TcpListener::bind((wildcard, port)).is_err_and(in_use)
                || UdpSocket::bind((wildcard, port)).is_err_and(in_use)
        });
        if !taken {
            return port;
        }
    }
}
