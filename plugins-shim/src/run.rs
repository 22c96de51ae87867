//! One plugin that runs: how far its ending has come, and the report when it has ended.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::capture::Capture;
use crate::child::Started;
use crate::limits::{KILL_WAIT, OUTPUT_MAX_BYTES, OUTPUT_WAIT, WAIT_MAX};
use crate::mark::Stat;
use crate::spec::{Outcome, Report, Spec};
use crate::sys::Reaped;

/// How far the ending of a plugin has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It may run on.
    Running,
    /// It has been sent TERM.
    Terminated,
    /// It has been sent KILL.
    Killed,
}

/// What must be done to a run whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Send TERM to the group, and CONT so that a stopped one can act on it.
    Terminate,
    /// Send KILL to the group.
    Kill,
    /// Not even KILL helped, or what it left behind goes on holding its output: report without it.
    GiveUp,
}

/// What the agent says of a run beside its spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Comes back with the report.
    pub(crate) ticket: u64,
    /// When the agent wanted it started, in microseconds of the shim's clock.
    pub(crate) asked_us: u64,
    /// Somebody waits for its report.
    pub(crate) awaited: bool,
}

/// What a shell adds to the number of the signal that ended its command, to make an exit status.
const SHELL_SIGNALLED: u8 = 128;

/// A plugin that was started and is not yet reported.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) order: Order,
    pub(crate) pid: i32,
    /// Its process group.
    pub(crate) group: i32,
    started_us: u64,
    phase: Phase,
    /// The agent wanted it ended, so its result does not count.
    abandoned: bool,
    grace_us: u64,
    /// What it leaves behind is left alone.
    pub(crate) leave_background: bool,
    /// What they print is waited for.
    await_background: bool,
    /// It was started in the place of a shell, so a signal is told as a shell tells it.
    for_shell: bool,
    /// How it ended, once it has: its output is waited for.
    ended: Option<Reaped>,
    /// The time was up, and there was no output.
    output_missed: bool,
    /// It is a fork of a warm interpreter.
    pub(crate) is_warm: bool,
    timeout_us: u64,
    /// When [`Run::due`] is to be asked, in microseconds of the shim's clock.
    pub(crate) due_us: u64,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
}

impl Run {
    /// A run that has just been started.
    pub(crate) fn new(
        order: Order,
        spec: &Spec,
        started: Started,
        now_us: u64,
        stdout: Capture,
        stderr: Capture,
    ) -> Run {
        let due_us = now_us.saturating_add(spec.timeout.min(WAIT_MAX).as_micros() as u64);
        let grace_us = spec.grace.min(WAIT_MAX).as_micros() as u64;
        Run {
            order,
            pid: started.pid,
            group: started.group,
            started_us: now_us,
            phase: Phase::Running,
            abandoned: false,
            grace_us,
            leave_background: spec.leave_background,
            await_background: spec.await_background,
            for_shell: spec.shell_line.is_some() && !spec.argv.is_empty(),
            ended: None,
            output_missed: false,
            is_warm: false,
            timeout_us: due_us,
            due_us,
            stdout,
            stderr,
        }
    }

    /// The agent ends the run now, with this grace.
    pub(crate) fn abandon(&mut self, now_us: u64, grace_us: u64) {
        if self.ended.is_some() {
            // It has come to its end before.
            self.due_us = now_us;
            return;
        }
        self.abandoned = true;
        self.grace_us = self.grace_us.min(grace_us);
        if self.phase == Phase::Running || grace_us == 0 {
            self.due_us = now_us;
        }
    }

    /// Whether the output of this plugin, which has ended, is still to be waited for: others hold it, and may be about to
    /// write. That is so of a plugin whose processes are left alone, if it is wanted; what others leave behind is ended.
    pub(crate) fn awaits_output(&self) -> bool {
        let is_awaited = self.leave_background && self.await_background;
        is_awaited && self.phase == Phase::Running && self.stdout.pipe().is_some()
    }

    /// The plugin has ended, and its output is waited for.
    pub(crate) fn await_output(&mut self, ended: Reaped, now_us: u64) {
        self.ended = Some(ended);
        self.output_came(now_us);
    }

    /// The plugin has ended, and there may be more output than there was.
    pub(crate) fn output_came(&mut self, now_us: u64) {
        if !self.stdout.is_empty() {
            self.due_us = self.due_us.min(now_us.saturating_add(OUTPUT_WAIT.as_micros() as u64));
        }
    }

    /// How it ended, if its output is waited for.
    pub(crate) fn ended(&self) -> Option<Reaped> {
        self.ended
    }

    /// What must be done at `due_us`; sets the next one.
    pub(crate) fn due(&mut self, now_us: u64) -> Due {
        if self.ended.is_some() {
            self.output_missed = self.stdout.is_empty() && now_us >= self.timeout_us;
            return Due::GiveUp;
        }
        match self.phase {
            Phase::Running if self.grace_us > 0 => {
                self.phase = Phase::Terminated;
                self.due_us = now_us.saturating_add(self.grace_us);
                Due::Terminate
            }
            Phase::Running | Phase::Terminated => {
                self.phase = Phase::Killed;
                self.due_us = now_us.saturating_add(KILL_WAIT.as_micros() as u64);
                Due::Kill
            }
            Phase::Killed => Due::GiveUp,
        }
    }

    /// Sends a signal to the plugin and its process group. The plugin must not have been reaped.
    pub(crate) fn signal(&self, signal: Signal) {
        // One that does not lead its group can leave it, and with the last process the number would be free for others.
        // That of the group that it is in is its own if it leads that one.
        let group = Stat::of(self.pid).map(|stat| stat.group);
        let target = match group {
            _ if self.pid == self.group => -self.group,
            Some(group) if group == self.group || group == self.pid => -group,
            _ => self.pid,
        };
        let _ = kill(Pid::from_raw(target), signal);
    }

    /// Whether its time was up before it had ended.
    pub(crate) fn was_ended(&self) -> bool {
        self.phase != Phase::Running
    }

    /// The report of a plugin that has ended, or (none) was given up.
    pub(crate) fn report(self, reaped: Option<Reaped>, now_us: u64, left_behind: u32) -> Report {
        let outcome = match reaped {
            _ if self.abandoned => Outcome::NotFinished,
            None => Outcome::Stuck,
            Some(_) if self.was_ended() || self.output_missed => Outcome::TimedOut,
            Some(reaped) if libc::WIFEXITED(reaped.status) => {
                Outcome::Exited(libc::WEXITSTATUS(reaped.status) as u8)
            }
            Some(reaped) => {
                let signal = libc::WTERMSIG(reaped.status) as u8;
                if self.for_shell {
                    Outcome::Exited(SHELL_SIGNALLED + signal)
                } else {
                    Outcome::Signalled(signal)
                }
            }
        };
        let (stdout, stdout_bytes) = self.stdout.finish();
        let (stderr, stderr_bytes) = self.stderr.finish();
        Report {
            outcome,
            stdout,
            stdout_bytes,
            stderr,
            stderr_bytes,
            wait_us: self.started_us.saturating_sub(self.order.asked_us),
            wall_us: now_us.saturating_sub(self.started_us),
            cpu_us: reaped.map_or(0, |reaped| reaped.cpu_us),
            max_rss_bytes: reaped.map_or(0, |reaped| reaped.max_rss_bytes),
            left_behind,
            warm: self.is_warm,
        }
    }
}

/// The kept lengths of a spec, within what a frame can carry.
pub(crate) fn kept_bytes(spec: &Spec) -> (usize, usize) {
    (spec.stdout_max_bytes.min(OUTPUT_MAX_BYTES), spec.stderr_max_bytes.min(OUTPUT_MAX_BYTES))
}
