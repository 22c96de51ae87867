//! An event, and how runs become events.

use custos_store::{Run, State};
use serde::{Serialize, Serializer};

use crate::change::{ChangeKind, PreviousState, is_judged, stored_change};
use crate::verdict::verdict_text;

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

    /// Whether a problem went away.
    pub fn is_recovery(self) -> bool {
        matches!(self, EventKind::SoftRecovery | EventKind::HardRecovery)
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
    /// The state before; none if the check had not run before.
    #[serde(serialize_with = "name_or_pending")]
    pub from: Option<State>,
    /// The state after.
    #[serde(serialize_with = "name_of")]
    pub to: State,
    /// The attempt that the check was at.
    pub attempt: u32,
    /// The first line that the plugin printed.
    pub text: String,
    /// What the thresholds said, and what could not be read of the plugin's output, a line each.
    pub judgement: String,
    /// How long the problem lasted, in ms: of a recovery only, unless the clock was set back meanwhile.
    pub lasted_ms: Option<i64>,
}

impl Event {
    /// What happened in one line, which begins with what decided the state.
    pub fn said(&self) -> String {
        verdict_text(self.to, &self.judgement, &self.text)
    }

    /// The name of the state before.
    pub fn from_name(&self) -> &'static str {
        self.from.map_or(PENDING, State::name)
    }
}

/// What a check is before its first run.
pub const PENDING: &str = "PENDING";

fn name_or_pending<S: Serializer>(
    state: &Option<State>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(state.map_or(PENDING, State::name))
}

fn name_of<S: Serializer>(state: &State, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}

/// Turns the runs of a check, in order, into events.
#[derive(Clone, Debug)]
pub struct EventFold<'a> {
    check: &'a str,
    before: Option<PreviousState>,
    /// When the problem began that the check has.
    problem_since_ms: Option<i64>,
}

impl<'a> EventFold<'a> {
    /// Begins after the last judged run before those to come; none for a check without one. If it was a problem, that is
    /// taken to have begun with the state that it has then.
    pub fn after(check: &'a str, run: Option<&Run>) -> EventFold<'a> {
        let problem = run.filter(|run| run.state != State::Ok);
        let problem_since_ms = problem.map(|run| run.standing.since_ms);
        EventFold { check, before: run.map(stood), problem_since_ms }
    }

    /// Takes in the next run, and tells what it changed: the state of its check, or whether that flaps, or both.
    pub fn add(&mut self, run: &Run) -> impl Iterator<Item = Event> + use<> {
        let mut kinds = [None, None];
        let mut from = None;
        if is_judged(run.reason) {
            let before = self.before.replace(stood(run));
            from = before.map(|before| before.state);
            let change = stored_change(before, run.state, &run.standing);
            let flapped = before.is_some_and(|before| before.standing.flapping);
            let flapping = match (flapped, run.standing.flapping) {
                (false, true) => Some(EventKind::FlappingStarted),
                (true, false) => Some(EventKind::FlappingStopped),
                _ => None,
            };
            kinds = [change.map(|change| change.kind.into()), flapping];
        }
        let mut lasted_ms = None;
        if is_judged(run.reason) && run.state != State::Ok {
            self.problem_since_ms.get_or_insert(run.time_ms);
        } else if is_judged(run.reason) {
            lasted_ms = self.problem_since_ms.take().map(|since_ms| run.time_ms.saturating_sub(since_ms));
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
            judgement: run.judgement.clone(),
            // A clock that was corrected in between does not tell.
            lasted_ms: lasted_ms.filter(|ms| kind.is_recovery() && *ms >= 0),
        };
        kinds.map(|kind| kind.map(event)).into_iter().flatten()
    }
}

fn stood(run: &Run) -> PreviousState {
    PreviousState { state: run.state, standing: run.standing }
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
