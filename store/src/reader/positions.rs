//! How far a snapshot goes: to the last run that it shows, to the last that was acknowledged, to the last that is durable;
//! and whether a cursor can go on in it.

use std::ops::Range;

use super::snapshot::{Part, Snapshot};
use crate::amendment::Amendments;
use crate::cursor::{Continuity, Cursor, FoundRun, StoreAt, fingerprint};
use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::position::Position;
use crate::segment::Extent;

impl Snapshot {
    /// Which store this is; none if nothing has been written to it yet, or its identity is damaged.
    pub fn identity(&self) -> Option<Identity> {
        self.view().identity
    }

    /// The position after the last run. The runs that come later are numbered from here on.
    pub fn end(&self) -> Position {
        let end = self.parts().last().map_or(0, |part| match part {
            Part::Log(image) => image.next_seq(),
            Part::Segment(segment) => segment.end(),
        });
        Position(end)
    }

    /// A position before which all runs are acknowledged: their writer has said that they are stored. Of the others, at
    /// most those of the batch appended last, it may yet turn out that their writing failed; they are not shown any more then.
    ///
    /// It is what [`crate::Writer::acknowledged`] was before this snapshot was taken, but for a moment in which the writer's mark
    /// cannot be read: then it is behind by at most one batch.
    pub fn acknowledged(&self) -> Position {
        let marked = self.view().marked.map_or(Position::START, |marked| marked.acknowledged.min(self.end()));
        let acknowledged = self.parts().last().map_or(0, |part| match part {
            // A writer goes on in a log only after what it wrote before.
            Part::Log(image) => image.last_frame(),
            Part::Segment(segment) => segment.end(),
        });
        self.synced().max(marked).max(Position(acknowledged))
    }

    /// A position before which all runs are durable: a power cut takes none of them.
    ///
    /// It is what [`crate::Writer::synced`] was before this snapshot was taken. After a writer that did not end properly, runs
    /// that it had not synced are beyond it until another one opens the store, which makes them durable first.
    pub fn synced(&self) -> Position {
        // All that is not in a log is durable.
        let sealed = self.unsealed();
        let marked = self.view().marked.map_or(Position::START, |marked| marked.synced.min(self.end()));
        sealed.max(marked)
    }

    /// The runs from this position on are not sealed yet, but in logs: reading them in order of arrival costs least.
    pub fn unsealed(&self) -> Position {
        let first_log = self.parts().iter().find(|part| matches!(part, Part::Log(_)));
        first_log.map_or(self.end(), |part| Position(part.start()))
    }

    /// About how many runs there are between two positions, and never more than the store has. Where one of them is within a sealed
    /// file, it is reckoned that the runs of a check are evenly spread.
    pub fn runs_between(&self, from: Position, until: Position) -> u64 {
        let of_part = |part: &Part| match part {
            Part::Log(image) => image.count_between(from.0, until.0),
            Part::Segment(segment) => {
                segment.checks().map(|(_, extent)| share_of(extent, from, until, i64::MIN..i64::MAX)).sum()
            }
        };
        let overlapping = self.parts().iter().filter(|part| part.start() < until.0);
        overlapping.map(of_part).sum()
    }

    /// The same of the checks that are wanted, and of times in a range (ms since the epoch).
    pub fn runs_of_between(
        &self,
        is_wanted: impl Fn(&str) -> bool,
        from: Position,
        until: Position,
        times: Range<i64>,
    ) -> u64 {
        let of_part = |part: &Part| match part {
            Part::Log(image) => {
                let rows = image.arrivals(from.0).take_while(|row| row.seq < until.0);
                rows.filter(|row| times.contains(&row.time_ms) && is_wanted(image.check(row))).count() as u64
            }
            Part::Segment(segment) => {
                let wanted = segment.checks().filter(|(check, _)| is_wanted(check));
                wanted.map(|(_, extent)| share_of(extent, from, until, times.clone())).sum()
            }
        };
        let overlapping = self.parts().iter().filter(|part| part.start() < until.0);
        overlapping.map(of_part).sum()
    }

    /// What became of runs behind the back of consumers that had passed them: lost to damage, restored by a repair.
    pub fn amendments(&self) -> &Amendments {
        &self.view().amendments
    }

    /// Whether the consumer of a cursor can go on in this store.
    ///
    /// # Errors
    /// [`Error::Io`]. Damage is an answer.
    pub fn continuity(&self, cursor: &Cursor) -> Result<Continuity> {
        let last = match cursor.last {
            Some(last) => self.run_numbered(last.number)?,
            None => FoundRun::Nothing,
        };
        Ok(cursor.judge(&StoreAt { identity: self.identity(), end: self.end(), last }))
    }

    /// What is there under a number.
    fn run_numbered(&self, number: u64) -> Result<FoundRun> {
        let mut unreadable = false;
        for arrived in self.since(Position(number)) {
            match arrived {
                Ok(arrived) if arrived.position == Position(number.saturating_add(1)) => {
                    return Ok(FoundRun::Run(fingerprint(number, &arrived.check, &arrived.run)));
                }
                Ok(_) => break,
                Err(Error::Damaged { .. }) => unreadable = true,
                Err(error) => return Err(error),
            }
        }
        let hidden = |damage: &crate::Damage| damage.start.0 <= number && number < damage.end.0;
        let unreadable = unreadable || self.damages().iter().any(hidden);
        Ok(if unreadable { FoundRun::Unreadable } else { FoundRun::Nothing })
    }
}

/// How many of the runs of a check in a file are between two positions and within these times, if they are evenly spread over both.
fn share_of(extent: &Extent, from: Position, until: Position, times: Range<i64>) -> u64 {
    let numbers = part_of(
        (i128::from(extent.seq_min), i128::from(extent.seq_max) + 1),
        (i128::from(from.0), i128::from(until.0)),
        extent.rows,
    );
    let of_times = part_of(
        (i128::from(extent.first_ms), i128::from(extent.last_ms) + 1),
        (i128::from(times.start), i128::from(times.end)),
        extent.rows,
    );
    numbers.min(of_times)
}

/// So many of `rows`, evenly spread over a range, as are in another one; at least one where they overlap.
fn part_of(all: (i128, i128), wanted: (i128, i128), rows: u64) -> u64 {
    let overlap = all.1.min(wanted.1) - all.0.max(wanted.0);
    if overlap <= 0 {
        return 0;
    }
    let part = i128::from(rows) * overlap / (all.1 - all.0).max(1);
    u64::try_from(part).unwrap_or(rows).clamp(1.min(rows), rows)
}
