//! A program that runs until it is ended: the agent, or a peer that it is tried with.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use super::output::text;
use super::process::send;
use super::wait::wait_for;

/// A running program. Dropped, it is killed; if the test fails, its log is printed.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program that appends what it logs on stderr to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Daemon {
        let stderr = File::options().create(true).append(true).open(log).unwrap();
        Daemon::start_with(command.stderr(stderr), log)
    }

    /// Starts a program whose stderr is set. It logs to that file, or to no file that exists.
    pub(crate) fn start_with(command: &mut Command, log: &Path) -> Daemon {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Daemon::of(child, log)
    }

    /// A program that was started elsewhere.
    pub(crate) fn of(child: Child, log: &Path) -> Daemon {
        Daemon { child, log: log.to_owned() }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// `true` until it has ended.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it with no chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it with SIGTERM.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("a program to end", || self.child.try_wait().unwrap())
    }

    /// Waits until it has ended; the exit status, or the signal as a negative number.
    pub(crate) fn ended(&mut self) -> i32 {
        let status = self.wait();
        status.code().unwrap_or_else(|| -status.signal().unwrap())
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        text(&fs::read(&self.log).unwrap_or_default())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() && self.log.exists() {
            eprintln!("{}:\n{}", self.log.display(), self.log());
        }
        // It may have ended already, as most tests want it to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
