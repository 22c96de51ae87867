//! What was around a stretch of history, and how it ended.

use std::ops::Range;

use custos_query::{Event, EventRequest, ReadContext, Result};
use custos_store::{Reason, Snapshot, State};

use crate::backtest::{Incident, Incidents};
use crate::limits::{SIMILAR_EVENTS_MAX, SIMILAR_NAMED_MAX, SIMILAR_RUNS_BACK_MAX};
use crate::text::human::duration_ms;

/// A stretch counts as over after so many times its own length, ...
const FOLLOWED_LENGTHS: i64 = 3;
/// ... but not earlier than this.
const FOLLOWED_MS_MIN: i64 = 6 * 3_600_000;

/// What was around a stretch.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct After {
    /// The state of the check when it began; none if it had not run yet.
    #[serde(serialize_with = "name_of")]
    pub state: Option<State>,
    /// What became of the check from then on, the first first.
    pub turns: Vec<Turn>,
    /// When the check was OK again, if it was not and is: after the stretch began (ms).
    pub ended_after_ms: Option<i64>,
    /// Confirmed problems of other checks at about that time, the first first.
    pub others: Vec<Turn>,
    /// Incidents that people marked about that time.
    pub incidents: Vec<Incident>,
}

/// A check turned to a state.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Turn {
    /// The check.
    pub check: String,
    /// The state.
    #[serde(serialize_with = "state_name")]
    pub state: State,
    /// After the stretch began (ms); before it, if negative.
    pub after_ms: i64,
    /// What was said.
    pub said: String,
}

impl After {
    /// The state of the check, and what became of it, in words: `OK, WARNING after 20m, OK again after 2h`.
    pub fn said(&self) -> String {
        let state = self.state.map_or("not run before", State::name);
        let turns = self.turns.iter().take(SIMILAR_NAMED_MAX);
        let turns = turns.map(|turn| format!(", {} after {}", turn.state.name(), duration_ms(turn.after_ms)));
        let turns: String = turns.collect();
        match self.ended_after_ms {
            Some(ended_ms) => format!("{state}{turns}, OK again after {}", duration_ms(ended_ms)),
            None if turns.is_empty() => format!("{state}, and nothing came of it"),
            None => format!("{state}{turns}"),
        }
    }
}

fn name_of<S: serde::Serializer>(
    state: &Option<State>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match state {
        Some(state) => serializer.serialize_str(state.name()),
        None => serializer.serialize_none(),
    }
}

fn state_name<S: serde::Serializer>(state: &State, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}

/// Where it is looked up.
pub struct Surroundings<'a> {
    /// The store.
    pub reader: &'a Snapshot,
    /// What people marked.
    pub incidents: &'a Incidents,
    /// Nothing of later counts (ms since the epoch).
    pub until_ms: i64,
}

impl Surroundings<'_> {
    /// What was around a stretch of a check.
    ///
    /// # Errors
    /// Whoever asked waits no longer.
    pub fn after(&self, check: &str, span: &Range<i64>, context: &mut ReadContext<'_>) -> Result<After> {
        let length_ms = span.end.saturating_sub(span.start);
        let followed_ms = length_ms.saturating_mul(FOLLOWED_LENGTHS).max(FOLLOWED_MS_MIN);
        let end_ms = span.start.saturating_add(followed_ms).min(self.until_ms);
        let own = self.events(&[check.to_owned()], span.start..end_ms, false, context)?;
        let near = span.start.saturating_sub(length_ms / 2)..span.end.saturating_add(length_ms / 2);
        let all = self.events(&[], near.start..near.end.min(self.until_ms), true, context)?;
        let turn = |event: &Event| Turn {
            check: event.check.clone(),
            state: event.to,
            after_ms: event.time_ms.saturating_sub(span.start),
            said: event.said(),
        };
        let mut after = After { state: self.state_before(check, span.start, context), ..After::default() };
        for event in &own {
            // What is only confirmed, or flaps, turned before.
            if event.from == Some(event.to) {
                continue;
            }
            if event.to == State::Ok {
                after.ended_after_ms = Some(event.time_ms.saturating_sub(span.start));
                break;
            }
            after.turns.push(turn(event));
        }
        let is_other = |event: &&Event| event.check != check && event.to != State::Ok;
        after.others = all.iter().filter(is_other).map(turn).collect();
        let meets = |incident: &&Incident| incident.since_ms < near.end && incident.until_ms > near.start;
        after.incidents = self.incidents.all.iter().filter(meets).cloned().collect();
        Ok(after)
    }

    fn events(
        &self,
        checks: &[String],
        span: Range<i64>,
        hard: bool,
        context: &mut ReadContext<'_>,
    ) -> Result<Vec<Event>> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        EventRequest { checks, span, hard, limit: SIMILAR_EVENTS_MAX }.read(self.reader, context)
    }

    /// The state by the last run before a time that had a result.
    fn state_before(&self, check: &str, time_ms: i64, context: &mut ReadContext<'_>) -> Option<State> {
        let runs = self.reader.runs_rev(check, i64::MIN..time_ms).take(SIMILAR_RUNS_BACK_MAX);
        for run in runs {
            match run {
                Ok(run) if matches!(run.reason, Reason::Missed | Reason::Skipped) => {}
                Ok(run) => return Some(run.state),
                Err(error) => context.damage(&error),
            }
        }
        None
    }
}
