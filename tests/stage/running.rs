//! A program that runs beside a test.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// A program that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Running {
        Running(command.spawn().unwrap())
    }

    /// Stops every process of a user, over and over, for a minute at most.
    pub(crate) fn stopper(uid: u32) -> Running {
        let program = "my $end = time + 60; kill 'STOP', -1 while time < $end";
        Running::start(Command::new("/usr/bin/perl").args(["-e", program]).uid(uid).gid(uid))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
