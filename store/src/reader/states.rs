//! How the runs of a check ended, without the rest of them: times and states are a small part of what is stored.

use std::ops::{Range, RangeInclusive};

use super::runs::{rows_in, span};
use super::snapshot::Snapshot;
use super::sweep::{Piece, Rows, Stretch, Sweep};
use crate::error::Result;
use crate::run::Reason;
use crate::state::State;

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
    sweep: Sweep<'a>,
    span: RangeInclusive<i64>,
}

impl Snapshot {
    /// How the runs of a check in a range of time ended (ms since the epoch; the end is excluded, but for `i64::MAX`),
    /// by time, then arrival, in batches. A damaged chunk is one error, and then it goes on.
    pub fn states(&self, check: &str, range: Range<i64>) -> States<'_> {
        let span = span(&range);
        States { snapshot: self, sweep: self.sweep(check, &span), span }
    }
}

impl<'a> States<'a> {
    fn batch(&self, stretch: Stretch<'a>) -> Result<Vec<RunState>> {
        let parts = match stretch {
            Stretch::Rows(parts) => parts,
            Stretch::Chunk(segment, chunk) => {
                let bytes = segment.chunk(chunk)?;
                let read = || {
                    let header = bytes.header()?;
                    Ok((bytes.all_times(&header)?, bytes.states(&header)?))
                };
                let (times, states) = read().map_err(segment.bad(chunk))?;
                let state = |row: usize| run_state(times[row], states[row]);
                return Ok(rows_in(&times, &self.span).map(state).collect());
            }
        };
        let (mut numbered, several) = (Vec::new(), parts.len() > 1);
        for rows in parts {
            self.read(&rows, several, &mut numbered)?;
        }
        numbered.sort_by_key(|(seq, state)| (state.time_ms, *seq));
        Ok(numbered.into_iter().map(|(_, state)| state).collect())
    }

    /// Adds rows of one piece with their numbers, which matter only among several.
    fn read(&self, rows: &Rows<'a>, several: bool, numbered: &mut Vec<(u64, RunState)>) -> Result<()> {
        match rows.piece {
            Piece::Lost(_) => {}
            Piece::Log(image) => {
                for row in &rows.refs {
                    let plain = image.view(self.snapshot.disk(), row)?.plain;
                    numbered.push((row.seq, run_state(row.time_ms, (plain.state, plain.reason))));
                }
            }
            Piece::Chunk(segment, chunk) => {
                let bytes = segment.chunk(chunk)?;
                let read = || {
                    let header = bytes.header()?;
                    let seqs = if several { bytes.seqs(&header)? } else { vec![0; header.rows] };
                    Ok((bytes.states(&header)?, seqs))
                };
                let (states, seqs) = read().map_err(segment.bad(chunk))?;
                let found = rows.range.clone().zip(&rows.times);
                numbered
                    .extend(found.map(|(row, time_ms)| (seqs[row] as u64, run_state(*time_ms, states[row]))));
            }
        }
        Ok(())
    }
}

fn run_state(time_ms: i64, (state, reason): (State, Reason)) -> RunState {
    RunState { time_ms, state, reason }
}

impl Iterator for States<'_> {
    type Item = Result<Vec<RunState>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = match self.sweep.next()? {
                Ok(stretch) => self.batch(stretch),
                Err(error) => Err(error),
            };
            match batch {
                Ok(batch) if batch.is_empty() => {}
                batch => return Some(batch),
            }
        }
    }
}
