//! Notifications to the service manager: ready, reloading, stopping, alive.
//!
//! The protocol is systemd's `sd_notify`: datagrams of `NAME=VALUE` lines to the socket in `NOTIFY_SOCKET`. Without that
//! variable none are sent. Invariants: sending never blocks, and a message that cannot be delivered is dropped; the
//! manager's own timeout acts then.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use nix::time::{ClockId, clock_gettime};

use crate::text::human::counted;

/// The service manager, if there is one that takes notifications.
#[derive(Debug, Default)]
pub(super) struct Notify {
    manager: Option<(UnixDatagram, SocketAddr)>,
    /// Whether the manager restarts a daemon that has not been heard of for a while.
    watchdog: bool,
}

impl Notify {
    /// The manager that the environment names.
    pub(super) fn from_environment() -> Notify {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Notify::default();
        };
        let own = |pid: &OsStr| pid.to_str().is_some_and(|pid| pid == std::process::id().to_string());
        // A watchdog set for another process, such as a wrapper, is not this one's to feed.
        let watchdog = std::env::var_os("WATCHDOG_USEC").is_some()
            && std::env::var_os("WATCHDOG_PID").is_none_or(|pid| own(&pid));
        Notify::to(&name, watchdog).unwrap_or_else(|error| {
            tracing::warn!("the service manager cannot be notified: {error}");
            Notify::default()
        })
    }

    fn to(name: &OsStr, watchdog: bool) -> io::Result<Notify> {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Notify { manager: Some((socket, address)), watchdog })
    }

    /// Checks are on schedule and the listener, if any, answers. Also the end of a reload.
    pub(super) fn ready(&self, checks: usize) {
        self.tell(&format!(
            "READY=1\nSTATUS={}\nMAINPID={}",
            counted(checks as u64, "check"),
            std::process::id()
        ));
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(std::time::Duration::from).unwrap_or_default();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    /// Nothing new is started any more.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=waiting for the plugins under way");
    }

    /// The event loop still turns. To be called more often than the manager's watchdog runs out.
    pub(super) fn alive(&self) {
        if self.watchdog {
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, message: &str) {
        if let Some((socket, address)) = &self.manager {
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut message = [0; 200];
        let len = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..len]).into_owned()
    }

    #[test]
    fn a_manager_is_told_by_path_and_by_abstract_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let abstract_name = format!("@custos-notify-{}", std::process::id());
        let bound = [
            (path.as_os_str(), UnixDatagram::bind(&path).unwrap()),
            (OsStr::new(&abstract_name), {
                let address = SocketAddr::from_abstract_name(&abstract_name[1..]).unwrap();
                UnixDatagram::bind_addr(&address).unwrap()
            }),
        ];
        for (name, manager) in bound {
            let notify = Notify::to(name, true).unwrap();
            notify.ready(7);
            assert!(heard(&manager).starts_with("READY=1\nSTATUS=7 checks\n"));
            notify.reloading();
            assert!(heard(&manager).starts_with("RELOADING=1\nMONOTONIC_USEC="));
            notify.alive();
            assert_eq!(heard(&manager), "WATCHDOG=1");
            notify.stopping();
            assert!(heard(&manager).starts_with("STOPPING=1\n"));
        }
    }

    #[test]
    fn without_a_watchdog_or_a_manager_nobody_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        Notify::to(path.as_os_str(), false).unwrap().alive();
        assert_eq!(manager.recv(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Notify::default().ready(1);
        drop(manager);
        // The manager is gone: nothing to do about it.
        Notify::to(path.as_os_str(), true).unwrap().alive();
    }
}
