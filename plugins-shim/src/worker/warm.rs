//! Runs that a fork of a warm interpreter does: asked for, and taken in once the fork is there. From then on such a run is as any other.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::{TAG_PARENTS, Worker, input, open_outputs};
use crate::child::{Started, environment, resource_limits};
use crate::clock::monotonic_us;
use crate::limits::{RUNS_MAX, WATCH_AFTER};
use crate::run::{Order, Run};
use crate::spec::{Outcome, Report, Spec};
use crate::sys;
use crate::warm::{Answer, Found, Pending, Script, end_unknown};

impl Worker {
    /// Has a warm interpreter run it, if there is one. Gives it back otherwise.
    pub(super) fn start_warm(&mut self, order: Order, spec: Box<Spec>) -> Result<(), Box<Spec>> {
        let script = Script::of(&spec).ok().filter(|script| spec.warm.has(script.language));
        let Some(script) = script else { return Err(spec) };
        let now_us = monotonic_us();
        let number = match self.warm.find(&spec, &script, now_us) {
            Found::Ready(number) if self.runs.len() + self.warm.pending_len() < RUNS_MAX => number,
            Found::Missing(kind) => {
                let open_files = self.descriptors.changed();
                if let Ok(number) = self.warm.start(kind, &mut self.starter, open_files, now_us) {
                    self.wait_for_parent(number, now_us);
                }
                return Err(spec);
            }
            Found::Ready(_) | Found::Nothing => return Err(spec),
        };
        let serial = self.runs.reserve();
        let mark = (!spec.leave_background).then(|| self.strays.mark(serial));
        let limits = resource_limits(&spec.limits, self.descriptors.changed());
        let Some(request) = request(serial, &spec, &script, mark.as_deref(), &limits) else {
            return Err(spec);
        };
        let (Ok(outputs), Ok(stdin)) = (open_outputs(&spec), input(&spec.stdin)) else { return Err(spec) };
        let [(stdout, stdout_end), (stderr, stderr_end)] = outputs;
        let stdin = stdin.as_ref().map_or_else(|| self.null.as_fd(), AsFd::as_fd);
        let descriptors = [stdin, stdout_end.as_fd(), stderr_end.as_fd()];
        self.warm.ask(number, serial, &request, descriptors, (order, spec, stdout, stderr), now_us)
    }

    fn wait_for_parent(&mut self, number: u64, now_us: u64) {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, TAG_PARENTS | number);
        let waits = self.warm.get(number).is_some_and(|parent| self.epoll.add(parent, event).is_ok());
        if !waits {
            self.give_up_parent(number, now_us);
        }
    }

    /// Takes what the parents that owe something have said: whoever of their forks has ended has said before that it was there.
    pub(super) fn take_owed(&mut self) {
        self.warm.owing().into_iter().for_each(|number| self.take_answers(number));
    }

    /// Takes what a parent and its forks have said.
    pub(super) fn take_answers(&mut self, number: u64) {
        while let Some(answer) = self.warm.receive(number, &mut self.buffer) {
            let now_us = monotonic_us();
            match answer {
                Answer::Ready(files) => {
                    if !self.warm.ready(number, files, now_us) {
                        return self.give_up_parent(number, now_us);
                    }
                }
                Answer::Started { serial, pid } if self.is_new_child(pid) => {
                    if let Some(pending) = self.warm.take(number, serial) {
                        self.warm_started(serial, pid, pending, now_us);
                    }
                }
                Answer::Cold { serial } => {
                    if let Some(pending) = self.warm.take(number, serial) {
                        self.start_pending_cold(pending);
                    }
                }
                // Nobody but a plugin's user can have it say something else.
                Answer::Started { .. } | Answer::Ended => {
                    return self.give_up_parent(number, now_us);
                }
            }
        }
    }

    /// Whether this is a child, perhaps one that was just waited for, that nothing is known of.
    fn is_new_child(&self, pid: i32) -> bool {
        let is_child = self.reaped.iter().any(|reaped| reaped.pid == pid) || sys::is_child(pid);
        is_child && self.runs.serial_of(pid).is_none() && !self.warm.is_parent(pid)
    }

    fn warm_started(&mut self, serial: u64, pid: i32, pending: Pending, now_us: u64) {
        let Pending { order, spec, stdout, stderr, asked_us, .. } = pending;
        let mut run = Run::new(order, &spec, Started { pid, group: pid }, asked_us, stdout, stderr);
        run.is_warm = true;
        if self.ending.is_some() {
            run.abandon(now_us, 0);
        }
        self.strays.started(pid);
        self.unwatched.push_back((now_us + WATCH_AFTER.as_micros() as u64, serial));
        self.runs.add(serial, run);
    }

    fn start_pending_cold(&mut self, pending: Pending) {
        let Pending { order, spec, .. } = pending;
        if self.ending.is_some() {
            return self.report(order, &Report::without_run(Outcome::NotFinished));
        }
        self.start_cold(order, &spec);
    }

    fn give_up_parent(&mut self, number: u64, now_us: u64) {
        for pending in self.warm.give_up(number, now_us) {
            self.start_pending_cold(pending);
        }
    }

    /// Does what is due of the parents.
    pub(super) fn handle_parents_due(&mut self, now_us: u64) {
        if self.warm.next_due_us().is_none_or(|due_us| due_us > now_us) {
            return;
        }
        let due = self.warm.due(now_us);
        if due.forks_are_late {
            end_unknown(|pid| self.runs.serial_of(pid).is_some() || self.warm.is_parent(pid));
        }
        due.over.into_iter().for_each(|number| self.give_up_parent(number, now_us));
    }
}

/// What a parent is told of a run; none if it cannot be.
fn request(
    serial: u64,
    spec: &Spec,
    script: &Script,
    mark: Option<&str>,
    limits: &[(libc::c_int, libc::rlimit)],
) -> Option<Vec<u8>> {
    let environment = environment(spec, mark).ok()?;
    let words: Vec<&[u8]> = script.interpreter.iter().chain(&spec.argv).map(|word| word.as_bytes()).collect();
    let numbers =
        |numbers: &[u64]| numbers.iter().map(|number| number.to_string().into_bytes()).collect::<Vec<_>>();
    let mut fields: Vec<Vec<u8>> = numbers(&[serial]);
    fields.push(script.name.clone());
    fields.push(spec.cwd.as_os_str().as_bytes().to_vec());
    fields.extend(numbers(&[script.interpreter.len() as u64, words.len() as u64, limits.len() as u64]));
    fields.extend(words.into_iter().map(<[u8]>::to_vec));
    for (resource, limit) in limits {
        fields.extend(numbers(&[u64::from(resource.unsigned_abs()), limit.rlim_cur, limit.rlim_max]));
    }
    fields.extend(environment.into_iter().map(std::ffi::CString::into_bytes));
    let is_plain = fields.iter().all(|field| !field.contains(&0));
    is_plain.then(|| fields.join(&0))
}
