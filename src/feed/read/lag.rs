//! How far a consumer is behind.

use custos_store::{Cursor, Position, Snapshot};

use super::owed::Owed;
use super::place::Place;

/// How far a consumer is behind, as far as it has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// All runs before this position are delivered, but for those that are owed.
    pub position: Position,
    /// The position after the last run that there is.
    pub end: Position,
    /// About how many runs are between these.
    pub runs: u64,
    /// About how many older runs are owed beside that, never more than there are.
    pub owed_runs: u64,
    /// The time of the run that was delivered last in order of arrival, in ms since the epoch.
    pub last_ms: Option<i64>,
    /// About the latest time of a run that was delivered in order of arrival (ms since the epoch).
    pub newest_ms: Option<i64>,
}

impl Lag {
    pub(super) fn of(place: &Place, snapshot: &Snapshot) -> Lag {
        let end = snapshot.acknowledged();
        let open = || place.owed.iter().filter(|owed| !owed.finished);
        let (of_checks, of_all): (Vec<&Owed>, Vec<&Owed>) = open().partition(|owed| owed.check.is_some());
        let owed = sum_apart(of_all, snapshot)
            + of_checks.into_iter().map(|owed| of_check(owed, snapshot)).sum::<u64>();
        let older = snapshot.runs_between(Position::START, place.position);
        Lag {
            position: place.position,
            end,
            runs: snapshot.runs_between(place.position, end),
            owed_runs: owed.min(older),
            last_ms: place.last_ms,
            newest_ms: place.newest_ms,
        }
    }

    /// Of the consumer of a cursor, whoever that is.
    pub fn of_cursor(cursor: Cursor, snapshot: &Snapshot) -> Lag {
        Lag::of(&Place::of(cursor), snapshot)
    }
}

/// The runs of stretches of all checks; one that several of them have counts once.
fn sum_apart(mut all: Vec<&Owed>, snapshot: &Snapshot) -> u64 {
    all.sort_by_key(|owed| owed.from);
    let (mut runs, mut counted_until) = (0, 0);
    for owed in all {
        let from = owed.from.max(counted_until);
        if from < owed.until {
            runs += left_of(owed, from, snapshot);
            counted_until = owed.until;
        }
    }
    runs
}

/// The runs of a stretch from a number on that are still to be delivered.
fn left_of(owed: &Owed, from: u64, snapshot: &Snapshot) -> u64 {
    let (from, until) = (Position(from), Position(owed.until));
    let Some((check, next)) = &owed.done else { return snapshot.runs_between(from, until) };
    let times = times_of(owed);
    let is_later = |name: &str| name > &**check;
    snapshot.runs_of_between(is_later, from, until, times.clone())
        + snapshot.runs_of_between(|name| name == &**check, from.max(Position(*next)), until, times)
}

/// The runs of a stretch of one check.
fn of_check(owed: &Owed, snapshot: &Snapshot) -> u64 {
    let check = owed.check.as_deref().unwrap_or_default();
    let next = owed.done.as_ref().map_or(0, |(_, next)| *next);
    let (from, until) = (Position(owed.from.max(next)), Position(owed.until));
    snapshot.runs_of_between(|name| name == check, from, until, times_of(owed))
}

fn times_of(owed: &Owed) -> std::ops::Range<i64> {
    owed.times.map_or(i64::MIN..i64::MAX, |(start, end)| start..end)
}
