//! Watching checks: whoever watches gets every run of a check, and may have it run more often meanwhile.
//!
//! Invariants: a clone's run is never beside one of its check, and begins only where it is expected to end before the check is
//! due, and must end by then; it takes no place of those for checks, but one of [`CLONE_RUNS_MAX`] of its own. It is stored, under a name of its own
//! ([`watched_name`]), and judged by nobody, so that attempts, alerts and slots are as if nobody had looked.

use std::sync::Arc;
use std::time::Duration;

use custos_query::watched_name;
use custos_store::{Provenance, Reason, Run};

use super::check_state::Activity;
use super::checks::CheckId;
use super::clones::Refusal;
use super::core::Agent;
use super::effect::Effect;
use super::executions::Execution;
use super::watch::{Watch, Watching};
use crate::clock::{Moment, micros};
use crate::execute::Job;
use crate::limits::{CLONE_RUNS_MAX, CLONES_CPU_PERCENT_MAX, CLONES_MAX, WATCHERS_MAX};
use crate::observe::Observation;
use crate::text::human::duration_ms;

impl Agent {
    /// How many checks have a clone, and how many watch.
    pub fn watched(&self) -> (usize, usize) {
        self.clones.counts()
    }

    /// Somebody wants to watch a check.
    pub(super) fn watch(&mut self, watch: &Watch, now: Moment, effects: &mut Vec<Effect>) {
        let result = match self.checks.id(&watch.check).filter(|id| !self.checks[*id].ended) {
            _ if self.stopping => Err("the agent is stopping".to_owned()),
            None => Err(format!("there is no check {}", watch.check)),
            Some(id) => self.let_watch(id, watch, now),
        };
        effects.push(Effect::Watching { id: watch.id, result });
    }

    fn let_watch(&mut self, id: CheckId, watch: &Watch, now: Moment) -> Result<Watching, String> {
        let watching = self.grant(id, watch.period);
        let check = &self.checks[id];
        let cost_us = check.last.as_ref().and_then(|last| last.cpu_us).unwrap_or(0);
        let period_us = watching.period.map(micros);
        match self.clones.watch(watch.id, id, period_us, (check.run_us, cost_us), now) {
            Ok(()) => Ok(watching),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// How often a check may be run for somebody who wants it so often.
    fn grant(&self, id: CheckId, wished: Option<Duration>) -> Watching {
        let check = &self.checks[id];
        let interval = check.regular.map(|regular| Duration::from_micros(regular.interval_us()));
        let mut watching = Watching { interval, period: None, note: String::new() };
        let Some(wished) = wished.filter(|wished| interval.is_none_or(|interval| *wished < interval)) else {
            return watching;
        };
        let name = &check.name;
        if interval.is_none() {
            watching.note = format!("{name} is not run by a schedule, so there is nothing to run more often");
            return watching;
        }
        if !check.definition.clone {
            watching.note = format!("{name} says `clone: false`, so it is not run more often");
            return watching;
        }
        let floor = Job::period_min(&check.definition);
        if wished < floor {
            watching.note = format!("{name} is run no more often than every {}", shown(floor));
        }
        let period = wished.max(floor);
        watching.period = Some(period).filter(|period| interval.is_none_or(|interval| *period < interval));
        watching
    }

    /// Somebody watches no longer.
    pub(super) fn unwatch(&mut self, watcher: u64, now: Moment) {
        self.clones.unwatch(watcher, now);
    }

    /// Starts the runs of clones that are due, where nothing else is in the way.
    pub(super) fn start_clones(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        while !self.stopping
            && let Some(id) = self.clones.take_due(now)
        {
            if let Some(job) = self.clone_job(id, now) {
                self.start_clone(id, job, now, effects);
            }
        }
    }

    /// The job of a clone, if there is time and room for it.
    fn clone_job(&self, id: CheckId, now: Moment) -> Option<Job> {
        let check = self.checks.get(id).filter(|check| check.is_defined() && !check.is_busy())?;
        let left_us = check.due_us.map_or(u64::MAX, |due_us| due_us.saturating_sub(now.mono_us));
        if left_us < self.clones.expected_us(id).saturating_mul(2).max(CLONE_ROOM_US) {
            return None;
        }
        if self.waiting.len() > 0 || self.clones.running() >= CLONE_RUNS_MAX {
            return None;
        }
        let mut definition = (*check.definition).clone();
        definition.timeout = definition.timeout.min(Duration::from_micros(left_us));
        Job::of_check(&definition, &self.config, &self.environment)
    }

    fn start_clone(&mut self, id: CheckId, job: Job, now: Moment, effects: &mut Vec<Effect>) {
        let definition = &self.checks[id].definition;
        let cut_short = job.timeout() < definition.timeout;
        self.clones.began(id);
        let execution = Execution { clone: Some(cut_short), ..Execution::of(id, definition, now) };
        let ticket = self.executions.add(execution);
        effects.push(Effect::Start { ticket, job, awaited: true });
    }

    /// Handles the end of a clone's run.
    pub(super) fn clone_ended(
        &mut self,
        execution: &Execution,
        observation: Observation,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Observation { mut run, wait_us, .. } = observation;
        let id = execution.check;
        run.time_ms = execution.started.after(Duration::from_micros(wait_us)).wall_ms;
        run.provenance = Provenance::Watched;
        let held = self.clones.ended(id, run.duration_us, run.cpu_us, now);
        let was_cut_short = execution.clone == Some(true) && run.reason == Reason::Timeout;
        if !was_cut_short && !execution.outdated && !self.stopping {
            let run = Arc::new(run);
            let check: Arc<str> = watched_name(&self.checks[id].name).into();
            effects.push(Effect::Keep { check, run: Arc::clone(&run) });
            self.show(id, &run, effects);
        }
        if let Some(slot_us) = held {
            self.checks[id].activity = Activity::Idle;
            if !self.stopping {
                self.enqueue(id, slot_us, now);
            }
        }
        self.checks.forget_if_over(id);
    }

    /// Shows a run of a check to whoever watches it.
    pub(super) fn show(&self, id: CheckId, run: &Arc<Run>, effects: &mut Vec<Effect>) {
        let watchers: Vec<u64> = self.clones.watchers_of(id).collect();
        if !watchers.is_empty() {
            let check = Arc::clone(&self.checks[id].name);
            effects.push(Effect::Show { watchers, check, run: Arc::clone(run) });
        }
    }

    /// After a reload: checks that are gone, or may no longer be run as often, are not watched any more.
    pub(super) fn review_watches(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        for id in self.clones.checks() {
            let check = self.checks.get(id).filter(|check| !check.ended);
            let why = match check {
                None => "the check was taken out of the configuration",
                Some(check) if !check.definition.clone && self.clones.period_us(id).is_some() => {
                    "the check says `clone: false` now"
                }
                Some(_) => continue,
            };
            self.end_watches(id, why, now, effects);
        }
    }

    /// Nobody watches a check any more, and each is told why.
    fn end_watches(&mut self, id: CheckId, why: &str, now: Moment, effects: &mut Vec<Effect>) {
        for watcher in self.clones.watchers_of(id).collect::<Vec<u64>>() {
            self.clones.unwatch(watcher, now);
            effects.push(Effect::WatchEnded { id: watcher, why: why.to_owned() });
        }
    }

    /// The agent stops: nobody watches any more. Returns the checks that waited for a clone's run.
    pub(super) fn end_all_watches(&mut self, now: Moment, effects: &mut Vec<Effect>) -> Vec<CheckId> {
        let held = self.clones.let_go();
        for id in self.clones.checks() {
            self.end_watches(id, "the agent is stopping", now, effects);
        }
        held
    }
}

/// The least time before a check is due in which its clone is still run (µs).
const CLONE_ROOM_US: u64 = 20_000;

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::Watchers => format!("{WATCHERS_MAX} watch already"),
        Refusal::Clones => {
            format!("{CLONES_MAX} checks are run more often already because somebody watches them")
        }
        Refusal::Share(possible_us) => {
            let bound = format!(
                "what is run for those who watch would take more than {CLONES_CPU_PERCENT_MAX} % of one processor"
            );
            match possible_us {
                Some(us) => {
                    let period = Duration::from_millis(us.div_ceil(1000));
                    format!("{bound}; every {} would do", shown(period))
                }
                None => bound,
            }
        }
    }
}

fn shown(time: Duration) -> String {
    duration_ms(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
