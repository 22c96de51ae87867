//! The events of one check, found on the way back through its runs.

use custos_store::{Position, Run, State};

use super::event::{Event, EventFold};
use crate::change::is_judged;
use crate::placed::Placed;

/// A way back through the judged runs of a check.
///
/// A run is compared with the one before it once that is known, and a recovery waits until it is known when its problem
/// began: neither depends on where the look begins.
pub(super) struct Walk<'a> {
    check: &'a str,
    hard: bool,
    /// The run that was met last, and its position if it is one of the agent's; `wanted` is whether its events are.
    later: Option<Later>,
    /// The newest first.
    events: Vec<Placed<Event>>,
    /// The recovery whose problem has not been seen to begin.
    recovery: Option<usize>,
}

struct Later {
    run: Run,
    position: Option<Position>,
    wanted: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(check: &'a str, hard: bool) -> Walk<'a> {
        Walk { check, hard, later: None, events: Vec::new(), recovery: None }
    }

    /// Events found so far.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The time of the run that was met last.
    pub(super) fn time_ms(&self) -> Option<i64> {
        Some(self.later.as_ref()?.run.time_ms)
    }

    /// `true` if all that was found is known whole.
    pub(super) fn is_settled(&self) -> bool {
        self.recovery.is_none() && self.later.as_ref().is_none_or(|later| !later.wanted)
    }

    /// Goes on to the next run back. `wanted` says whether its own events are; those beyond what was asked for only tell
    /// about later ones.
    pub(super) fn back_to(&mut self, run: Run, position: Option<Position>, wanted: bool) {
        if is_judged(run.reason) {
            self.settle(Some(&run));
            self.later = Some(Later { run, position, wanted });
        }
    }

    /// The events, the oldest first. Before the last run that was met there is none, or none that can be read.
    pub(super) fn finish(mut self) -> Vec<Placed<Event>> {
        self.settle(None);
        self.events.reverse();
        self.events
    }

    fn settle(&mut self, before: Option<&Run>) {
        let Some(Later { run, position, wanted }) = self.later.take() else { return };
        let was_problem = before.is_some_and(|before| before.state != State::Ok);
        if run.state != State::Ok
            && !was_problem
            && let Some(recovery) = self.recovery.take()
        {
            let event = &mut self.events[recovery].item;
            // A clock that was corrected in between does not tell.
            event.lasted_ms = Some(event.time_ms.saturating_sub(run.time_ms)).filter(|ms| *ms >= 0);
        }
        if !wanted {
            return;
        }
        let events: Vec<Event> = EventFold::after(self.check, before).add(&run).collect();
        for event in events.into_iter().rev().filter(|event| !self.hard || event.kind.is_hard()) {
            if event.kind.is_recovery() {
                self.recovery = Some(self.events.len());
            }
            self.events.push(Placed { position, time_ms: event.time_ms, item: event });
        }
    }
}
