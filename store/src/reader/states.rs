//! How the runs of a check ended, without the rest of them: times and states are a small part of what is stored.

use std::ops::{Range, RangeInclusive};

use super::runs::{rows_in, span};
use super::samples::{Group, Piece};
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::run::{Reason, State};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunState {
    /// When it started, in ms since the epoch.
    pub time_ms: i64,
    /// What it was judged to be.
    pub state: State,
    /// Why.
    pub reason: Reason,
}

/// Iterates over batches of states; see [`Snapshot::states`].
pub struct States<'a> {
    snapshot: &'a Snapshot,
    groups: std::vec::IntoIter<Group<'a>>,
    check: String,
    span: RangeInclusive<i64>,
}

impl Snapshot {
    /// How the runs of a check in a range of time ended (ms since the epoch; the end is excluded, but for `i64::MAX`),
    /// by time, then arrival, in batches. A damaged chunk is one error, and then it goes on.
    pub fn states(&self, check: &str, range: Range<i64>) -> States<'_> {
        let span = span(&range);
        let groups = self.groups(check, &span).into_iter();
        States { snapshot: self, groups, check: check.to_owned(), span }
    }

    fn group_states(
        &self,
        group: &Group<'_>,
        check: &str,
        span: &RangeInclusive<i64>,
    ) -> Result<Vec<RunState>> {
        // A chunk is in order, and numbers matter only where pieces overlap.
        let ordered = matches!(group.pieces[..], [Piece::Chunk(..)]);
        let mut numbered: Vec<(u64, RunState)> = Vec::new();
        for piece in &group.pieces {
            match piece {
                Piece::Log(image) => {
                    for row in image.rows(check).within(span) {
                        let plain = image.view(self.disk(), row)?.plain;
                        let (state, reason) = (plain.state, plain.reason);
                        numbered.push((row.seq, RunState { time_ms: row.time_ms, state, reason }));
                    }
                }
                Piece::Lost(segment) => {
                    segment.chunks(check)?;
                }
                Piece::Chunk(segment, chunk) => {
                    let bytes = segment.chunk(chunk)?;
                    let read = || {
                        let header = bytes.header()?;
                        let (times, states) = (bytes.all_times(&header)?, bytes.states(&header)?);
                        let seqs = if ordered { vec![0; header.rows] } else { bytes.seqs(&header)? };
                        Ok((times, states, seqs))
                    };
                    let (times, states, seqs) = read().map_err(segment.bad(chunk))?;
                    numbered.extend(rows_in(&times, span).map(|row| {
                        let (state, reason) = states[row];
                        (seqs[row] as u64, RunState { time_ms: times[row], state, reason })
                    }));
                }
            }
        }
        if !ordered {
            numbered.sort_by_key(|(seq, state)| (state.time_ms, *seq));
        }
        Ok(numbered.into_iter().map(|(_, state)| state).collect())
    }
}

impl Iterator for States<'_> {
    type Item = Result<Vec<RunState>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let group = self.groups.next()?;
            match self.snapshot.group_states(&group, &self.check, &self.span) {
                Ok(batch) if batch.is_empty() => {}
                batch => return Some(batch),
            }
        }
    }
}
