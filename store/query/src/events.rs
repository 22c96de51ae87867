//! Events: every change of state, of every check.
//!
//! Nothing is stored for this: each run keeps where its check stood after it, so the changes follow from the runs, and
//! an event has the same identity whenever it is looked up.

use std::ops::Range;

use custos_store::{Reader, Run, State};
use serde::{Serialize, Serializer};

use crate::change::{ChangeKind, PreviousState, is_judged, stored_change};
use crate::checks::{all_known, check_names};
use crate::context::ReadContext;
use crate::error::Result;
use crate::limits::EVENTS_MAX;

/// What happened to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A problem began or changed its severity, and is not confirmed yet.
    Soft,
    /// A problem was confirmed, or a confirmed one changed its severity.
    Hard,
    /// A problem went away before it was confirmed.
    SoftRecovery,
    /// A confirmed problem went away.
    HardRecovery,
    /// The state changes too often.
    FlappingStarted,
    /// The state no longer does.
    FlappingStopped,
}

impl EventKind {
    /// The name in JSON, such as `soft_recovery`.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Soft => "soft",
            EventKind::Hard => "hard",
            EventKind::SoftRecovery => "soft_recovery",
            EventKind::HardRecovery => "hard_recovery",
            EventKind::FlappingStarted => "flapping_started",
            EventKind::FlappingStopped => "flapping_stopped",
        }
    }

    /// Whether it is a confirmed problem or the recovery from one.
    pub fn is_hard(self) -> bool {
        matches!(self, EventKind::Hard | EventKind::HardRecovery)
    }
}

impl From<ChangeKind> for EventKind {
    fn from(kind: ChangeKind) -> EventKind {
        match kind {
            ChangeKind::Soft => EventKind::Soft,
            ChangeKind::Hard => EventKind::Hard,
            ChangeKind::SoftRecovery => EventKind::SoftRecovery,
            ChangeKind::HardRecovery => EventKind::HardRecovery,
        }
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One event. The order of the fields is that of the keys of its JSON; new ones come last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The same for the same event, whenever it is looked up.
    pub id: String,
    /// The check.
    pub check: String,
    /// When the run started that brought it, in ms since the epoch.
    pub time_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// The state before.
    #[serde(serialize_with = "name_of")]
    pub from: State,
    /// The state after.
    #[serde(serialize_with = "name_of")]
    pub to: State,
    /// The attempt that the check was at.
    pub attempt: u32,
    /// The first line that the plugin printed.
    pub text: String,
}

fn name_of<S: Serializer>(state: &State, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}

/// Turns the runs of a check, in order, into events.
#[derive(Clone, Debug)]
pub struct EventFold<'a> {
    check: &'a str,
    before: Option<PreviousState>,
}

impl<'a> EventFold<'a> {
    /// Begins after the last judged run before those to come; none for a check without one.
    pub fn after(check: &'a str, run: Option<&Run>) -> EventFold<'a> {
        EventFold { check, before: run.map(stood) }
    }

    /// Takes in the next run, and tells what it changed: the state of its check, or whether that flaps, or both.
    pub fn add(&mut self, run: &Run) -> impl Iterator<Item = Event> + use<> {
        let mut kinds = [None, None];
        let mut from = State::Ok;
        if is_judged(run.reason) {
            let before = self.before.replace(stood(run));
            from = before.map_or(State::Ok, |before| before.state);
            let change = stored_change(before, run.state, &run.standing);
            let flapped = before.is_some_and(|before| before.standing.flapping);
            let flapping = match (flapped, run.standing.flapping) {
                (false, true) => Some(EventKind::FlappingStarted),
                (true, false) => Some(EventKind::FlappingStopped),
                _ => None,
            };
            kinds = [change.map(|change| change.kind.into()), flapping];
        }
        let event = |kind: EventKind| Event {
            id: format!("{}@{}/{}", self.check, run.time_ms, kind.name()),
            check: self.check.to_owned(),
            time_ms: run.time_ms,
            kind,
            from,
            to: run.state,
            attempt: run.standing.attempt,
            text: run.text.clone(),
        };
        kinds.map(|kind| kind.map(event)).into_iter().flatten()
    }
}

fn stood(run: &Run) -> PreviousState {
    PreviousState { state: run.state, standing: run.standing }
}

/// Which events are wanted.
#[derive(Clone, Debug)]
pub struct EventRequest<'a> {
    /// Of these checks; of all if there are none.
    pub checks: &'a [String],
    /// Within this span, in ms since the epoch, end excluded.
    pub span: Range<i64>,
    /// Only confirmed problems and their recoveries.
    pub hard: bool,
    /// The newest of those; at most [`EVENTS_MAX`].
    pub limit: usize,
}

impl EventRequest<'_> {
    /// Reads the events, the newest last.
    ///
    /// # Errors
    /// [`crate::Error::UnknownCheck`], [`crate::Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Reader, context: &mut ReadContext<'_>) -> Result<Vec<Event>> {
        let known = check_names(store);
        all_known(self.checks, &known)?;
        let mut events = Vec::new();
        for check in known.iter().filter(|check| self.checks.is_empty() || self.checks.contains(check)) {
            self.collect(store, check, &mut events, context)?;
            self.keep_newest(&mut events);
        }
        Ok(events)
    }

    /// Keeps the newest events, in the order of time; with equal times the order of finding stays.
    fn keep_newest(&self, events: &mut Vec<Event>) {
        events.sort_by_key(|event| event.time_ms);
        events.drain(..events.len().saturating_sub(self.limit.min(EVENTS_MAX)));
    }

    fn collect(
        &self,
        store: &Reader,
        check: &str,
        events: &mut Vec<Event>,
        context: &mut ReadContext<'_>,
    ) -> Result<()> {
        let earlier = store.runs_rev(check, i64::MIN..self.span.start).flatten();
        let earlier = earlier.into_iter().find(|run| is_judged(run.reason));
        let mut fold = EventFold::after(check, earlier.as_ref());
        for run in store.runs(check, self.span.clone()) {
            context.count_run()?;
            match run {
                Ok(run) => events.extend(fold.add(&run).filter(|event| !self.hard || event.kind.is_hard())),
                Err(error) => context.damage(&error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flapping_is_an_event_of_its_own() {
        let mut run = Run::default();
        run.standing.flapping = true;
        run.standing.hard = true;
        let kinds = |fold: &mut EventFold<'_>, run: &Run| {
            fold.add(run).map(|event| event.kind.name()).collect::<Vec<_>>()
        };
        let mut fold = EventFold::after("x", None);
        assert_eq!(kinds(&mut fold, &run), ["flapping_started"]);
        assert!(kinds(&mut fold, &run).is_empty());
        run.standing.flapping = false;
        run.state = State::Critical;
        assert_eq!(kinds(&mut fold, &run), ["hard", "flapping_stopped"]);
    }
}
