//! How far a consumer is behind.

use custos_store::{Cursor, Position, Snapshot};

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
    /// About how many older runs are owed beside that.
    pub owed_runs: u64,
    /// The time of the run that was delivered last in order of arrival, in ms since the epoch.
    pub last_ms: Option<i64>,
}

impl Lag {
    pub(super) fn of(place: &Place, snapshot: &Snapshot) -> Lag {
        let end = snapshot.acknowledged();
        let owed = |owed: &super::owed::Owed| {
            let all = snapshot.runs_between(Position(owed.from), Position(owed.until));
            match (&owed.done, &owed.check) {
                (Some((check, _)), None) => {
                    // Checks that are done count as one each.
                    let checks = snapshot.checks();
                    let left = checks.iter().filter(|left| left.name.as_str() > &**check);
                    let (left, known) = left.fold((0, 0), |(runs, n), check| (runs + check.runs, n + 1));
                    if known == 0 { 0 } else { all.min(left) }
                }
                _ => all,
            }
        };
        Lag {
            position: place.position,
            end,
            runs: snapshot.runs_between(place.position, end),
            owed_runs: place.owed.iter().filter(|owed| !owed.finished).map(owed).sum(),
            last_ms: place.last_ms,
        }
    }

    /// Of the consumer of a cursor, whoever that is.
    pub fn of_cursor(cursor: Cursor, snapshot: &Snapshot) -> Lag {
        Lag::of(&Place::of(cursor), snapshot)
    }
}
