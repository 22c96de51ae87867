//! How far a consumer has got: all before a position, but for the stretches that it is still owed.

use custos_store::{Cursor, Delivered, Identity, Position};
use serde::{Deserialize, Serialize};

use super::anchors;
use super::owed::{Owed, Why};
use super::piece::Step;

/// See the head of this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) store: Identity,
    /// All before it is delivered, but for what is owed.
    pub(super) position: Position,
    /// The run that was delivered last of those in order of arrival, and its time.
    pub(super) last: Option<Delivered>,
    pub(super) last_ms: Option<i64>,
    /// The latest time of those that came last in a step: runs of an old history that came since are older.
    pub(super) newest_ms: Option<i64>,
    pub(super) amendments: u64,
    pub(super) owed: Vec<Owed>,
    pub(super) anchors: Vec<Delivered>,
}

/// What a cursor has beside what every cursor has.
#[derive(Serialize, Deserialize)]
struct State {
    #[serde(default)]
    last_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest_ms: Option<i64>,
    #[serde(default)]
    owed: Vec<Owed>,
    /// Number and fingerprint.
    #[serde(default)]
    anchors: Vec<(u64, u64)>,
}

impl Place {
    pub(super) fn at(store: Identity, position: Position, amendments: u64) -> Place {
        Place {
            store,
            position,
            last: None,
            last_ms: None,
            newest_ms: None,
            amendments,
            owed: Vec::new(),
            anchors: Vec::new(),
        }
    }

    /// What a cursor says. A state that cannot be read is that of a consumer which keeps none.
    pub(super) fn of(cursor: Cursor) -> Place {
        let state = serde_json::from_slice(&cursor.state);
        let none = State { last_ms: None, newest_ms: None, owed: Vec::new(), anchors: Vec::new() };
        let State { last_ms, newest_ms, owed, anchors } = state.unwrap_or(none);
        let delivered = |(number, fingerprint)| Delivered { number, fingerprint };
        let mut place = Place {
            store: cursor.store,
            position: cursor.position,
            last: cursor.last,
            last_ms,
            newest_ms: newest_ms.max(last_ms),
            amendments: cursor.amendments,
            owed,
            anchors: anchors.into_iter().map(delivered).collect(),
        };
        place.pass_owed();
        place
    }

    pub(super) fn cursor(&self) -> Cursor {
        let state = State {
            last_ms: self.last_ms,
            newest_ms: self.newest_ms.filter(|_| self.newest_ms != self.last_ms),
            owed: self.owed.clone(),
            anchors: self.anchors.iter().map(|anchor| (anchor.number, anchor.fingerprint)).collect(),
        };
        Cursor {
            store: self.store,
            position: self.position,
            last: self.last,
            amendments: self.amendments,
            state: serde_json::to_vec(&state).unwrap_or_default(),
        }
    }

    /// Takes in what the consumer has.
    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::Live { to, last, last_ms } => {
                if *to > self.position {
                    self.position = *to;
                }
                if let Some(last) = last {
                    self.last = Some(*last);
                    self.last_ms = *last_ms;
                    self.newest_ms = self.newest_ms.max(*last_ms);
                }
                self.pass_owed();
            }
            Step::Owed { id, finished: true, .. } => {
                self.owed.iter_mut().filter(|owed| owed.id == *id).for_each(|owed| owed.finished = true);
                self.pass_owed();
            }
            Step::Owed { id, done, finished: false } => {
                let owed = self.owed.iter_mut().find(|owed| owed.id == *id);
                if let (Some(owed), Some(_)) = (owed, done) {
                    owed.done.clone_from(done);
                }
            }
        }
    }

    /// What is owed as backlog is not delivered in order of arrival, too. What is finished is forgotten once it is passed.
    pub(super) fn pass_owed(&mut self) {
        while let Some(until) = self.behind_at(self.position) {
            self.position = Position(until);
        }
        let position = self.position.0;
        self.owed.retain(|owed| !owed.finished || (owed.why == Why::Behind && owed.from > position));
    }

    /// Where the backlog ends that has this position.
    fn behind_at(&self, position: Position) -> Option<u64> {
        let around =
            |owed: &&Owed| owed.why == Why::Behind && owed.from <= position.0 && position.0 < owed.until;
        self.owed.iter().find(around).map(|owed| owed.until)
    }

    /// Where the next backlog after the position begins, if one does before this one.
    pub(super) fn next_behind(&self, end: Position) -> Position {
        let behind = self.owed.iter().filter(|owed| owed.why == Why::Behind && owed.from > self.position.0);
        behind.map(|owed| Position(owed.from)).fold(end, Position::min)
    }

    /// What is to be delivered next of what is owed.
    pub(super) fn first_owed(&self) -> Option<&Owed> {
        self.owed.iter().find(|owed| !owed.finished)
    }

    /// Remembers the run that was delivered last.
    pub(super) fn anchor(&mut self) {
        if let Some(last) = self.last
            && self.anchors.last() != Some(&last)
        {
            anchors::add(&mut self.anchors, last);
        }
    }
}
