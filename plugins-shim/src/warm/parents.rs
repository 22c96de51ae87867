//! The warm interpreters of a worker, and the runs that were asked of them and are not started yet.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gettid};

use super::parent::{Answer, Kind, Parent};
use super::script::Script;
use crate::capture::Capture;
use crate::child::{StartError, Starter};
use crate::limits::{WARM_ANSWER_MAX, WARM_IDLE_MAX, WARM_PARENTS_MAX, WARM_REFUSED, WARM_REQUEST_MAX_BYTES};
use crate::run::Order;
use crate::spec::Spec;

/// A run that was asked for.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) order: Order,
    pub(crate) spec: Box<Spec>,
    pub(crate) stdout: Capture,
    pub(crate) stderr: Capture,
    /// When it was asked for, which is when its time begins.
    pub(crate) asked_us: u64,
    parent: u64,
    /// When something is done about it, and whether something was done already.
    due_us: u64,
    is_late: bool,
}

/// What is there for a run.
#[derive(Debug)]
pub(crate) enum Found {
    /// This parent.
    Ready(u64),
    /// None, but one may be started.
    Missing(NewKind),
    /// None for now.
    Nothing,
}

/// What kind of parent is missing.
#[derive(Debug)]
pub(crate) struct NewKind(Kind);

/// The parents, by a number that is never used twice.
#[derive(Debug, Default)]
pub(crate) struct Parents {
    by_number: BTreeMap<u64, Parent>,
    latest: u64,
    /// By serial number.
    pending: BTreeMap<u64, Pending>,
    /// Kinds that could not be started, each until when it is not tried again.
    refused: Vec<(Kind, u64)>,
}

impl Parents {
    /// The parent for a run of this script.
    pub(crate) fn find(&mut self, spec: &Spec, script: &Script, now_us: u64) -> Found {
        let kind = Kind::of(spec, script);
        let found = self.by_number.iter_mut().find(|(_, parent)| parent.kind == kind);
        if let Some((number, parent)) = found {
            let number = *number;
            if !parent.is_ready() {
                return Found::Nothing;
            }
            if !parent.is_worn(now_us) {
                return Found::Ready(number);
            }
            if self.pending.values().any(|pending| pending.parent == number) {
                return Found::Nothing;
            }
            self.remove(number);
        }
        self.refused.retain(|(_, until_us)| *until_us > now_us);
        let is_refused = self.refused.iter().any(|(refused, _)| *refused == kind);
        if is_refused || self.by_number.len() >= WARM_PARENTS_MAX {
            return Found::Nothing;
        }
        Found::Missing(NewKind(kind))
    }

    /// Starts a parent. Returns its number.
    pub(crate) fn start(
        &mut self,
        kind: NewKind,
        starter: &mut Starter,
        open_files: Option<libc::rlimit>,
        now_us: u64,
    ) -> Result<u64, StartError> {
        let NewKind(kind) = kind;
        match Parent::start(kind.clone(), starter, open_files, now_us) {
            Ok(parent) => {
                self.latest += 1;
                self.by_number.insert(self.latest, parent);
                Ok(self.latest)
            }
            Err(error) => {
                self.refuse(kind, now_us);
                Err(error)
            }
        }
    }

    fn refuse(&mut self, kind: Kind, now_us: u64) {
        if self.refused.len() < WARM_PARENTS_MAX {
            self.refused.push((kind, now_us + WARM_REFUSED.as_micros() as u64));
        }
    }

    /// The socket of a parent, to wait on.
    pub(crate) fn get(&self, number: u64) -> Option<&(impl std::os::fd::AsFd + use<>)> {
        self.by_number.get(&number)
    }

    /// Asks a parent for a run, with its descriptors 0 to 2. Gives the run back if it takes none.
    pub(crate) fn ask(
        &mut self,
        number: u64,
        serial: u64,
        request: &[u8],
        descriptors: [BorrowedFd<'_>; 3],
        run: (Order, Box<Spec>, Capture, Capture),
        now_us: u64,
    ) -> Result<(), Box<Spec>> {
        let (order, spec, stdout, stderr) = run;
        let asked = self.by_number.get_mut(&number).filter(|_| request.len() <= WARM_REQUEST_MAX_BYTES);
        let Some(parent) = asked else { return Err(spec) };
        if parent.ask(request, descriptors).is_err() {
            return Err(spec);
        }
        parent.used_us = now_us;
        let due_us = now_us + WARM_ANSWER_MAX.as_micros() as u64;
        let pending =
            Pending { order, spec, stdout, stderr, asked_us: now_us, parent: number, due_us, is_late: false };
        self.pending.insert(serial, pending);
        Ok(())
    }

    /// What has come from a parent, if something has.
    pub(crate) fn receive(&mut self, number: u64, buffer: &mut [u8]) -> Option<Answer> {
        self.by_number.get(&number)?.receive(buffer)
    }

    /// A parent says that it is ready. False if it is not to be used.
    pub(crate) fn ready(&mut self, number: u64, files: Vec<std::path::PathBuf>, now_us: u64) -> bool {
        self.by_number.get_mut(&number).is_some_and(|parent| parent.ready(files, now_us))
    }

    /// Takes out a run that was asked of this parent.
    pub(crate) fn take(&mut self, number: u64, serial: u64) -> Option<Pending> {
        self.pending.get(&serial).filter(|pending| pending.parent == number)?;
        self.pending.remove(&serial)
    }

    /// Ends a parent that nothing more will come from: the runs that it owes. One that never was of use is not started anew for a while.
    pub(crate) fn give_up(&mut self, number: u64, now_us: u64) -> Vec<Pending> {
        if let Some(parent) = self.remove(number)
            && !parent.is_ready()
        {
            self.refuse(parent.kind, now_us);
        }
        let owed: Vec<u64> =
            self.pending.iter().filter(|(_, run)| run.parent == number).map(|(serial, _)| *serial).collect();
        owed.into_iter().filter_map(|serial| self.pending.remove(&serial)).collect()
    }

    fn remove(&mut self, number: u64) -> Option<Parent> {
        let parent = self.by_number.remove(&number)?;
        parent.end();
        Some(parent)
    }

    /// A child of this process was waited for.
    pub(crate) fn reaped(&mut self, pid: i32) {
        if let Some(parent) = self.by_number.values_mut().find(|parent| parent.pid == pid) {
            parent.pid = 0;
        }
    }

    /// Whether this is the process of a parent.
    pub(crate) fn is_parent(&self, pid: i32) -> bool {
        self.by_number.values().any(|parent| parent.pid == pid)
    }

    /// The parents that owe something.
    pub(crate) fn owing(&self) -> Vec<u64> {
        let mut owing: Vec<u64> = self.pending.values().map(|pending| pending.parent).collect();
        owing.sort_unstable();
        owing.dedup();
        owing
    }

    /// Runs that were asked for and are not started.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// Ends the parents that owe nothing.
    pub(crate) fn end_idle(&mut self) {
        let owing = self.owing();
        let idle: Vec<u64> =
            self.by_number.keys().copied().filter(|number| !owing.contains(number)).collect();
        idle.into_iter().for_each(|number| drop(self.remove(number)));
    }

    /// When [`Parents::due`] is to be asked next.
    pub(crate) fn next_due_us(&self) -> Option<u64> {
        let pending = self.pending.values().map(|pending| pending.due_us);
        let parents = self
            .by_number
            .values()
            .map(|parent| parent.start_due_us().unwrap_or(parent.used_us + WARM_IDLE_MAX.as_micros() as u64));
        pending.chain(parents).min()
    }

    /// Does what is due: ends parents that were not used for long, kills those that do not answer. Returns those whose forks are to be ended as
    /// well, and those that are given up.
    pub(crate) fn due(&mut self, now_us: u64) -> Due {
        let mut due = Due::default();
        for pending in self.pending.values_mut().filter(|pending| pending.due_us <= now_us) {
            pending.due_us = now_us + WARM_ANSWER_MAX.as_micros() as u64;
            due.forks_are_late |= std::mem::replace(&mut pending.is_late, true);
            if let Some(parent) = self.by_number.get(&pending.parent) {
                parent.end();
            }
        }
        let owing = self.owing();
        for (number, parent) in &self.by_number {
            let late = parent.start_due_us().is_some_and(|until_us| until_us <= now_us);
            let idle = parent.used_us + WARM_IDLE_MAX.as_micros() as u64 <= now_us;
            if late || (idle && parent.is_ready() && !owing.contains(number)) {
                due.over.push(*number);
            }
        }
        due
    }
}

/// What else is to be done.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Parents that are to be given up.
    pub(crate) over: Vec<u64>,
    /// Some fork says nothing although its parent is dead.
    pub(crate) forks_are_late: bool,
}

/// Kills the children of this thread that `is_known` does not know: forks that hang before they have said what they are.
pub(crate) fn end_unknown(is_known: impl Fn(i32) -> bool) {
    let list = std::fs::read_to_string(format!("/proc/self/task/{}/children", gettid())).unwrap_or_default();
    // None is reaped meanwhile: that is this thread's to do.
    for pid in list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).filter(|pid| !is_known(*pid))
    {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
