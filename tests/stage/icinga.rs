//! A real Icinga in the directory of a test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::daemon::Daemon;
use super::directory::Stage;

/// An Icinga with a configuration of its own.
pub(crate) struct Icinga(Daemon);

impl Icinga {
    /// Makes the directories that it writes to, before it starts.
    pub(crate) fn directories(stage: &Stage, further: &[&str]) {
        for part in ["lib", "log", "run", "cache", "spool"].iter().chain(further) {
            fs::create_dir(stage.path(part)).unwrap();
            // Icinga drops its privileges.
            fs::set_permissions(stage.path(part), fs::Permissions::from_mode(0o777)).unwrap();
        }
    }

    /// Starts it with `icinga2.conf`.
    pub(crate) fn start(stage: &Stage) -> Icinga {
        let mut command = Command::new("/usr/sbin/icinga2");
        command.arg("daemon").arg("-c").arg(stage.path("icinga2.conf"));
        for (constant, part) in [
            ("DataDir", "lib"),
            ("LogDir", "log"),
            ("InitRunDir", "run"),
            ("CacheDir", "cache"),
            ("SpoolDir", "spool"),
        ] {
            command.arg(format!("-D{constant}={}", stage.shown(part)));
        }
        // It logs on stdout.
        let log = fs::File::create(stage.path("icinga2.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        Icinga(Daemon::of(command.spawn().unwrap(), &stage.path("icinga2.log")))
    }
}

impl Drop for Icinga {
    fn drop(&mut self) {
        // It is several processes, and takes its time if it is asked.
        let _ = killpg(Pid::from_raw(self.0.pid()), Signal::SIGKILL);
    }
}
