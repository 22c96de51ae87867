//! A shim that was started: its guard, whether it is stopped or traced, and its end.

use custos_shim::{Error, Launch, WATCHED};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::net::UnixStream;
use tokio::process::Child;

use crate::limits::SHIM_STOP_MAX;

/// A shim that was started.
pub(super) struct Shim {
    pub(super) guard: Guard,
    pub(super) socket: UnixStream,
}

impl Shim {
    pub(super) fn start(launch: &Launch) -> Result<Shim, Error> {
        let attempt = |attempt| move |source| Error::System { attempt, source };
        let (mut command, socket) = launch.command()?;
        command.env(WATCHED, "1");
        let guard = tokio::process::Command::from(command).spawn().map_err(attempt("start the shim"))?;
        let guard = Guard { child: guard };
        socket.set_nonblocking(true).map_err(attempt("talk to the shim"))?;
        let socket = UnixStream::from_std(socket).map_err(attempt("talk to the shim"))?;
        Ok(Shim { guard, socket })
    }
}

/// What the kernel says of the processes of a shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// They go on.
    Running,
    /// A signal has stopped one of them.
    Stopped,
    /// Another process traces one of them.
    Traced,
}

/// The shim's guard, the parent of its worker. Both are ended when this is dropped.
pub(super) struct Guard {
    child: Child,
}

impl Guard {
    /// Its process id, unless it has been waited for.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end, which comes with that of the last process below it; kills it when that takes too long.
    pub(super) async fn ended(mut self) {
        if tokio::time::timeout(SHIM_STOP_MAX, self.child.wait()).await.is_err() {
            self.end();
            let _ = self.child.start_kill();
            let _ = self.child.wait().await;
        }
    }

    /// Whether one of the two processes is stopped or traced. The guard stops itself when it finds the worker stopped.
    pub(super) fn condition(&self) -> Condition {
        let Some(guard) = self.pid().map(|pid| pid as i32) else { return Condition::Running };
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
        let reported = waitid(Id::Pid(Pid::from_raw(guard)), flags);
        let states = || std::iter::once(guard).chain(workers(guard)).filter_map(state);
        if states().any(|state| state == 't') {
            Condition::Traced
        } else if matches!(reported, Ok(WaitStatus::Stopped(..))) || states().any(|state| state == 'T') {
            Condition::Stopped
        } else {
            Condition::Running
        }
    }

    /// Has both go on.
    pub(super) fn proceed(&self) {
        let Some(guard) = self.pid().map(|pid| pid as i32) else { return };
        let _ = kill(Pid::from_raw(guard), Signal::SIGCONT);
        for worker in workers(guard) {
            let _ = kill(Pid::from_raw(worker), Signal::SIGCONT);
        }
    }

    /// Kills the worker, whatever it is doing; the guard then ends what that leaves, and itself.
    pub(super) fn end(&self) {
        let Some(guard) = self.pid().map(|pid| pid as i32) else { return };
        for worker in workers(guard) {
            let _ = kill(Pid::from_raw(worker), Signal::SIGKILL);
        }
        // The guard takes it as the order to kill the worker, should /proc not have named it.
        let _ = kill(Pid::from_raw(guard), Signal::SIGTERM);
        let _ = kill(Pid::from_raw(guard), Signal::SIGCONT);
        if state(guard) == Some('t') {
            // It takes no order.
            let _ = kill(Pid::from_raw(guard), Signal::SIGKILL);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

/// The children of a guard that is not reaped: while there is a worker, that alone.
fn workers(guard: i32) -> Vec<i32> {
    let children =
        std::fs::read_to_string(format!("/proc/{guard}/task/{guard}/children")).unwrap_or_default();
    children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The letter of `/proc/PID/stat`: `T` for stopped, `t` for traced.
fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
}
