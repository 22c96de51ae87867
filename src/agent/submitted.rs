//! Results that are submitted: each becomes a run of its check, judged and recorded like that of a plugin; and those that did not come.
//!
//! A result holds for as long as the check's `freshness` says. When no other one has come by then, a run of the agent's own says so, once.

use std::time::Duration;

use custos_store::{Provenance, Run};

use super::answer::{Answer, verdict_output};
use super::check_state::CheckState;
use super::checks::CheckId;
use super::core::Agent;
use super::effect::{Asker, Effect, Submission};
use super::passive;
use super::requests::refuse;
use crate::clock::{Moment, micros};
use crate::config::Command;
use crate::limits::SUBMIT_START_GRACE;
use crate::observe::{Reading, observe_plugin};
use crate::text::human;

/// Where a run comes from that says that a result did not come.
const STALE: &str = "freshness";

impl Agent {
    /// Records a result, and answers with the verdict.
    pub(super) fn submitted(
        &mut self,
        submission: Submission,
        asker: Asker,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let Submission { check: name, end } = submission;
        let Some(id) = self.checks.id(&name).filter(|id| self.checks[*id].is_defined()) else {
            let why = format!(
                "no check {name} is defined; a reload makes known what was added to the configuration since"
            );
            return effects.push(refuse(&asker, why));
        };
        let check = &mut self.checks[id];
        if !matches!(check.definition.command, Command::Submitted(_)) {
            let why =
                format!("{name} takes no results: a check that does has `passive` in place of its command");
            return effects.push(refuse(&asker, why));
        }
        check.heard_us = Some(since_boot(now));
        let observed = observe_plugin(end, &Reading::from(&*check.definition));
        let run = Run {
            time_ms: now.wall_ms,
            origin: asker.origin.clone(),
            provenance: Provenance::Submitted,
            ..observed.run
        };
        let run = self.record_apart(id, run, now, effects);
        let output = verdict_output(&observed.printed, &run);
        effects.push(Effect::Answer { id: asker.id, result: Ok(Answer::Known { state: run.state, output }) });
    }

    /// Records of which checks a result did not come.
    pub(super) fn miss_results(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let defined = self.checks.iter().filter(|(_, check)| check.is_defined());
        for id in defined.map(|(id, _)| id).collect::<Vec<CheckId>>() {
            if let Some(run) = stale(&mut self.checks[id], now) {
                self.record_apart(id, run, now, effects);
            }
        }
    }
}

/// The run that says that the result of a check did not come, if that is so and was not said.
fn stale(check: &mut CheckState, now: Moment) -> Option<Run> {
    let Command::Submitted(submitted) = check.definition.command else { return None };
    let freshness = submitted.freshness?;
    // Of a check that is new one is expected from now on.
    let heard_us = *check.heard_us.get_or_insert(since_boot(now));
    let is_said = check.last.as_ref().is_some_and(|last| last.origin == STALE);
    let age_us = since_boot(now).saturating_sub(heard_us);
    if is_said || age_us <= span_us(freshness) {
        return None;
    }
    let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let text = format!(
        "no result for {}, where one is expected every {}",
        human::duration_ms(age_us / 1000),
        human::duration_ms(ms(freshness))
    );
    Some(passive::run(check, submitted.stale_state, now, text, STALE.to_owned(), Vec::new()))
}

/// When a result counts as heard of a check whose last run is of that time, as the agent starts: those that could not be submitted while
/// there was no agent have some time to come.
pub(super) fn heard_before(check: &CheckState, last_ms: i64, now: Moment) -> Option<i64> {
    let Command::Submitted(submitted) = check.definition.command else { return None };
    let age_us = now.wall_ms.saturating_sub(last_ms).max(0).saturating_mul(1000);
    let freshness_us = submitted.freshness.map_or(i64::MAX, span_us);
    let most_us = freshness_us.saturating_sub(span_us(SUBMIT_START_GRACE)).max(0);
    Some(since_boot(now).saturating_sub(age_us.min(most_us)))
}

fn since_boot(now: Moment) -> i64 {
    i64::try_from(now.mono_us).unwrap_or(i64::MAX)
}

fn span_us(span: Duration) -> i64 {
    i64::try_from(micros(span)).unwrap_or(i64::MAX)
}
