//! The end of a job: its run is judged and recorded, and whoever asked for it gets the answer.

use std::sync::Arc;
use std::time::Duration;

use custos_query::verdict_text;
use custos_store::{Provenance, Run};

use super::answer::{Answer, verdict_output};
use super::cached::LastAnswer;
use super::check_state::{Activity, CheckState};
use super::checks::CheckId;
use super::core::Agent;
use super::effect::{Asker, Effect};
use super::missed::Missed;
use crate::clock::Moment;
use crate::config::Serving;
use crate::evaluate::{Counting, PreviousState, Taken, is_judged, judge_run, stand};
use crate::limits::RUN_TIME_SHIFT_MAX_MS;
use crate::observe::{Observation, Printed};

impl Agent {
    /// Handles the end of a job: judges and records the run, answers whoever waits, and starts what is next.
    pub(super) fn ended(
        &mut self,
        ticket: u64,
        observation: Observation,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut execution) = self.executions.remove(ticket) else { return };
        if execution.clone.is_some() {
            return self.clone_ended(&execution, observation, now, effects);
        }
        let Observation { mut run, printed, wait_us, uptime } = observation;
        let id = execution.check;
        let name = Arc::clone(&self.checks[id].name);
        self.judging.ended(&self.config, &name, ticket);
        let is_own = execution.line.is_none() && !execution.outdated;
        let check = &mut self.checks[id];
        let askers: Vec<Asker> = match execution.line {
            Some(asker) => {
                check.lines -= 1;
                vec![asker]
            }
            None => {
                check.note_run(run.duration_us);
                std::mem::take(&mut check.askers)
            }
        };
        // Others may have had to be started first.
        let started = execution.started.after(Duration::from_micros(wait_us));
        run.time_ms = apart(started.wall_ms, self.checks[id].last_ms());
        run.lateness_us = execution.slot_us.map(|slot| started.mono_us.saturating_sub(slot));
        if let Some(late_us) = run.lateness_us {
            self.load.ran(late_us, now);
        }
        if execution.slot_us.is_none() {
            run.provenance = Provenance::Asked;
            run.origin = askers.first().map(|asker| asker.origin.clone()).unwrap_or_default();
        }
        let slot_us = execution.slot_us.unwrap_or(execution.started.mono_us) as i64;
        let taken = Taken { slot_us, started_us: started.mono_us as i64, uptime };
        let pending = execution.pending.as_mut().unwrap_or(&mut self.checks[id].pending);
        pending.set_normal(self.normal.get(&*name).cloned());
        judge_run(&execution.definition, pending, taken, &mut run);
        let run = self.record(id, run, now, effects);
        if is_own {
            remember(&mut self.checks[id], &printed, &run, now);
        }
        let printed = Arc::new(printed);
        for asker in askers {
            let answer = Answer::Ran { run: Arc::clone(&run), printed: Arc::clone(&printed) };
            effects.push(Effect::Answer { id: asker.id, result: Ok(answer) });
        }
        self.checks[id].activity = Activity::Idle;
        self.record_missed(id, now, effects);
        if !self.stopping {
            let slot_us = execution.slot_us.unwrap_or(now.mono_us);
            self.checks.change(id, |check| check.choose_schedule(slot_us, now));
            self.next_request(id, now);
        }
        self.checks.forget_if_over(id);
    }

    /// Judges and records a run that no job made, at a time of its own.
    pub(super) fn record_apart(
        &mut self,
        id: CheckId,
        run: Run,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) -> Arc<Run> {
        let time_ms = apart(run.time_ms, self.checks[id].last_ms());
        self.judge_and_record(id, Run { time_ms, ..run }, now, effects)
    }

    /// Judges a run that no job made, by its check's definition, and records it.
    pub(super) fn judge_and_record(
        &mut self,
        id: CheckId,
        mut run: Run,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) -> Arc<Run> {
        let check = &mut self.checks[id];
        check.pending.set_normal(self.normal.get(&*check.name).cloned());
        judge_run(&check.definition, &mut check.pending, Taken::at(now.mono_us as i64), &mut run);
        self.record(id, run, now, effects)
    }

    /// Records a run that has its verdict, and updates the state of the check.
    fn record(&mut self, id: CheckId, mut run: Run, now: Moment, effects: &mut Vec<Effect>) -> Arc<Run> {
        let check = &mut self.checks[id];
        let change = stand(Counting::from(&*check.definition), check.previous, &mut run);
        let first = check.previous.is_none();
        if is_judged(run.reason) {
            check.previous = Some(PreviousState { state: run.state, standing: run.standing });
        }
        if let Some(change) = change {
            effects.push(Effect::Changed {
                check: Arc::clone(&check.name),
                change,
                first,
                text: verdict_text(run.state, &run.judgement, &run.text),
            });
        }
        let run = Arc::new(run);
        check.last = Some(Arc::clone(&run));
        let name = Arc::clone(&check.name);
        effects.push(Effect::Record { check: Arc::clone(&name), run: Arc::clone(&run) });
        self.note_for_rules(&name, &run, now);
        self.show(id, &run, effects);
        run
    }

    /// Records the stretch of slots that a check has missed, if it has missed any.
    pub(super) fn record_missed(&mut self, id: CheckId, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(missed) = self.checks[id].missed.take() {
            let run = after(Missed::to_run(missed, now), self.checks[id].last_ms());
            self.judge_and_record(id, run, now, effects);
        }
    }

    /// Gives up jobs that still run when the agent stops: their runs are recorded as not finished.
    pub fn abandon(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let since_us = self.executions.iter().map(|(ticket, execution)| (ticket, execution.started.mono_us));
        for (ticket, started_us) in since_us.collect::<Vec<_>>() {
            let duration_us = now.mono_us.saturating_sub(started_us);
            self.ended(ticket, Observation::abandoned(duration_us), now, effects);
        }
    }
}

/// When a run of a check was, in ms since the epoch: later than the one before, where several come within one millisecond, as traps
/// do and command lines that are asked for at once. A series has one sample at one time, and receivers would refuse another.
/// Where the clock was set back by more than [`RUN_TIME_SHIFT_MAX_MS`], the run was when the clock says.
fn apart(time_ms: i64, last_ms: Option<i64>) -> i64 {
    match last_ms {
        Some(last_ms) if (0..RUN_TIME_SHIFT_MAX_MS).contains(&last_ms.saturating_sub(time_ms)) => {
            last_ms.saturating_add(1)
        }
        _ => time_ms,
    }
}

/// A stretch that begins after the run in whose millisecond it begins, as it would end what that run found.
fn after(stretch: Run, last_ms: Option<i64>) -> Run {
    if last_ms != Some(stretch.time_ms) {
        return stretch;
    }
    let duration_us = stretch.duration_us.saturating_sub(1000);
    Run { time_ms: stretch.time_ms.saturating_add(1), duration_us, ..stretch }
}

/// Keeps the run's output if the check answers requests from it (`serve: cached`).
fn remember(check: &mut CheckState, printed: &Printed, run: &Run, now: Moment) {
    if matches!(check.definition.serving, Serving::Cached { .. }) && is_judged(run.reason) {
        let output = verdict_output(printed, run);
        let interval = check.definition.check_interval;
        check.answer = Some(LastAnswer { output, state: run.state, ended_us: now.mono_us, interval });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_check_have_times_of_their_own() {
        assert_eq!(apart(1700, None), 1700);
        assert_eq!(apart(1701, Some(1700)), 1701);
        assert_eq!(apart(1700, Some(1700)), 1701);
        assert_eq!(apart(1700, Some(1705)), 1706, "a burst that has gone beyond its millisecond");
        assert_eq!(apart(1700, Some(1700 + RUN_TIME_SHIFT_MAX_MS)), 1700, "the clock was set back");
        assert_eq!(apart(i64::MAX, Some(i64::MAX)), i64::MAX);
        assert_eq!(apart(i64::MIN, Some(i64::MAX)), i64::MIN);
    }

    #[test]
    fn a_stretch_begins_after_the_run_of_its_first_millisecond() {
        let stretch = |time_ms| Run { time_ms, duration_us: 300_000, ..Run::default() };
        let of = |last_ms| {
            let run = after(stretch(1700), last_ms);
            (run.time_ms, run.duration_us)
        };
        assert_eq!(of(Some(1700)), (1701, 299_000));
        assert_eq!([of(None), of(Some(1699)), of(Some(1850))], [(1700, 300_000); 3]);
    }
}
