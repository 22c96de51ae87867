//! The queue to one shim: frames to be written, and tickets whose report is outstanding.
//!
//! Invariant: each submitted ticket is either outstanding, or its report has been taken out: exactly once.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use custos_shim::{Message, Outcome, RUNS_MAX, Report, Spec, encode_message, encode_start};

use crate::clock::micros;
use crate::limits::SHIM_SUSPECTS_MAX;

/// The queue between the agent and its shim.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Frames that are not yet written.
    outbound: Vec<u8>,
    /// Outstanding tickets.
    held: HashMap<u64, Held>,
    /// When the shim last sent something.
    heard_us: u64,
    /// Reports of what never reached the shim.
    refused: Vec<(u64, Report)>,
    stopping: bool,
}

/// A plugin whose report is outstanding.
#[derive(Debug)]
struct Held {
    /// Its deadline on the monotonic clock, in microseconds.
    over_us: u64,
    /// Its program, without the arguments, which may hold secrets.
    program: OsString,
}

impl Queue {
    /// Queues a plugin, or the report of why it is not started.
    pub(super) fn submit(&mut self, ticket: u64, spec: &Spec, awaited: bool, now_us: u64) {
        if self.stopping {
            return self.refused.push((ticket, Report::without_run(Outcome::NotFinished)));
        }
        if self.held.len() >= RUNS_MAX {
            let message = format!("failed to start a plugin: {RUNS_MAX} are running already");
            return self.refused.push((ticket, not_started(nix::errno::Errno::EAGAIN, message)));
        }
        match encode_start(ticket, now_us, awaited, spec, &mut self.outbound) {
            Ok(()) => {
                let allowed_us = micros(spec.timeout).saturating_add(micros(spec.grace));
                self.held.insert(
                    ticket,
                    Held { over_us: now_us.saturating_add(allowed_us), program: program(spec) },
                );
            }
            Err(error) => {
                self.refused.push((ticket, not_started(nix::errno::Errno::E2BIG, error.to_string())))
            }
        }
    }

    /// Asks the shim to end with all that it runs, and takes nothing more.
    pub(super) fn stop(&mut self, grace: Duration) {
        if !self.stopping {
            self.stopping = true;
            // A message of this size always fits.
            let _ = encode_message(&Message::Stop { grace }, &mut self.outbound);
        }
    }

    /// Whether the agent is stopping.
    pub(super) fn stopping(&self) -> bool {
        self.stopping
    }

    /// Swaps the frames to be written into an empty buffer, and takes the reports of what was refused.
    pub(super) fn take(&mut self, outbound: &mut Vec<u8>) -> Vec<(u64, Report)> {
        std::mem::swap(outbound, &mut self.outbound);
        std::mem::take(&mut self.refused)
    }

    /// The shim reported this ticket. Returns whether its report was owed.
    pub(super) fn reported(&mut self, ticket: u64) -> bool {
        self.held.remove(&ticket).is_some()
    }

    /// How many tickets are outstanding.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Which plugins the shim has, for a message.
    pub(super) fn running(&self) -> String {
        let programs: BTreeSet<_> = self.held.values().map(|held| held.program.to_string_lossy()).collect();
        if programs.is_empty() {
            return "no plugin ran in it, so one left something behind, or another process of its user did it".to_owned();
        }
        let mut text = String::from("what ran in it: ");
        for (index, program) in programs.iter().take(SHIM_SUSPECTS_MAX).enumerate() {
            let _ = write!(text, "{}{program:?}", if index == 0 { "" } else { ", " });
        }
        if programs.len() > SHIM_SUSPECTS_MAX {
            let _ = write!(text, " and {} more", programs.len() - SHIM_SUSPECTS_MAX);
        }
        text
    }

    /// Notes that the shim sent something.
    pub(super) fn heard(&mut self, now_us: u64) {
        self.heard_us = now_us;
    }

    /// Whether the shim has sent nothing for so long although a plugin's deadline passed as long ago.
    pub(super) fn is_silent(&self, now_us: u64, silence_max_us: u64) -> bool {
        let long_ago = |then_us: u64| then_us.saturating_add(silence_max_us) < now_us;
        long_ago(self.heard_us) && self.held.values().any(|held| long_ago(held.over_us))
    }

    /// The shim has ended: drops the frames that it did not get, and makes the reports that are outstanding.
    pub(super) fn shim_ended(&mut self, outcome: &Outcome) -> Vec<(u64, Report)> {
        self.outbound.clear();
        let mut reports = std::mem::take(&mut self.refused);
        let held = std::mem::take(&mut self.held);
        reports.extend(held.into_keys().map(|ticket| (ticket, Report::without_run(outcome.clone()))));
        reports
    }
}

/// The program that a spec names; of a shell's line the first word.
fn program(spec: &Spec) -> OsString {
    let line = || spec.shell_line.as_deref().unwrap_or_default();
    spec.argv.first().cloned().unwrap_or_else(|| {
        let word = line().as_bytes().split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
        OsStr::from_bytes(word).to_owned()
    })
}

fn not_started(errno: nix::errno::Errno, message: String) -> Report {
    Report::without_run(Outcome::NotStarted { errno: errno as i32, message })
}
