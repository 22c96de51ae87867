//! How the runs of a check ended, without the rest of them: times and states are a small part of what is stored.

use std::ops::Range;

use super::excerpts::{Excerpt, Excerpts};
use super::snapshot::Snapshot;
use super::sweep::Stretch;
use crate::chunk::{Bad, ChunkBytes, EndedAlike, Header};
use crate::error::Result;
use crate::run::{Reason, Run};
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

/// State and reason of each run.
struct OfStates;

impl Excerpt for OfStates {
    type Picked = (State, Reason);
    type Row = RunState;

    fn of_chunk(
        &self,
        bytes: &ChunkBytes<'_>,
        header: &Header,
    ) -> std::result::Result<Vec<Self::Picked>, Bad> {
        bytes.states(header)
    }

    fn of_run(&self, run: &Run) -> Self::Picked {
        (run.state, run.reason)
    }

    fn row(&self, time_ms: i64, (state, reason): Self::Picked) -> RunState {
        RunState { time_ms, state, reason }
    }
}

/// Iterates over batches of states; see [`Snapshot::states`].
pub struct States<'a>(Excerpts<'a, OfStates>);

/// Runs that follow one another and ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateStretch {
    /// When the first started, in ms since the epoch.
    pub first_ms: i64,
    /// When the last started.
    pub last_ms: i64,
    /// How many there are; at least 1.
    pub runs: u64,
    /// How far apart neighbours are, at least and at most, in ms. Means nothing where there is one run.
    pub apart_ms: (i64, i64),
    /// What they were judged to be.
    pub state: State,
    /// Why.
    pub reason: Reason,
}

impl From<RunState> for StateStretch {
    fn from(RunState { time_ms, state, reason }: RunState) -> StateStretch {
        StateStretch { first_ms: time_ms, last_ms: time_ms, runs: 1, apart_ms: (0, 0), state, reason }
    }
}

impl From<EndedAlike> for StateStretch {
    fn from(
        EndedAlike { ends_ms: (first_ms, last_ms), runs, apart_ms, state, reason }: EndedAlike,
    ) -> StateStretch {
        StateStretch { first_ms, last_ms, runs, apart_ms, state, reason }
    }
}

/// Iterates over batches of stretches; see [`Snapshot::state_stretches`].
pub struct StateStretches<'a>(Excerpts<'a, OfStates>);

impl<'a> StateStretches<'a> {
    fn batch(&self, stretch: Stretch<'a>) -> Result<Vec<StateStretch>> {
        if let Stretch::Chunk(segment, chunk) = &stretch
            && self.0.span.contains(&chunk.first_ms)
            && self.0.span.contains(&chunk.last_ms)
        {
            let bytes = segment.chunk(chunk)?;
            let known = bytes.header_of_bytes().and_then(|header| bytes.ended_alike(&header));
            if let Some(known) = known.map_err(segment.bad(chunk))? {
                return Ok(known.into_iter().map(StateStretch::from).collect());
            }
        }
        Ok(self.0.batch(stretch)?.into_iter().map(StateStretch::from).collect())
    }
}

impl Iterator for StateStretches<'_> {
    type Item = Result<Vec<StateStretch>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = self.0.sweep.next()?.and_then(|stretch| self.batch(stretch));
            match batch {
                Ok(batch) if batch.is_empty() => {}
                batch => return Some(batch),
            }
        }
    }
}

impl Snapshot {
    /// The same as [`states`](Snapshot::states), where it can be told without a look at each run in stretches of runs that ended alike:
    /// mostly a few for each chunk. No two batches have runs of the same time.
    pub fn state_stretches(&self, check: &str, range: Range<i64>) -> StateStretches<'_> {
        StateStretches(Excerpts::new(self, check, &range, OfStates))
    }

    /// How the runs of a check in a range of time ended (ms since the epoch; the end is excluded, but for `i64::MAX`),
    /// by time, then arrival, in batches. A damaged chunk is one error, and then it goes on.
    pub fn states(&self, check: &str, range: Range<i64>) -> States<'_> {
        States(Excerpts::new(self, check, &range, OfStates))
    }
}

impl Iterator for States<'_> {
    type Item = Result<Vec<RunState>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Reader, Writer};

    #[test]
    fn stretches_have_the_states_of_all_runs() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { log_bytes: 64 << 10, ..Options::default() };
        let mut writer = Writer::open(directory.path(), options).unwrap();
        let time = |n: i64| n * 10_000 + n * 7 % 13 + if n > 30_000 { 70_000 } else { 0 };
        for n in 0..50_000 {
            let state = if n % 20_000 < 9 { State::Critical } else { State::Ok };
            let reason = if n == 41_000 { Reason::Missed } else { Reason::Exited };
            writer.append(&[("x", &Run { time_ms: time(n), state, reason, ..Run::default() })]).unwrap();
        }
        writer.compact().unwrap();
        let store = Reader::open(directory.path()).unwrap();
        for range in [i64::MIN..i64::MAX, time(7)..time(48_000), time(39_999)..time(40_010)] {
            let runs: Vec<RunState> =
                store.states("x", range.clone()).flat_map(|batch| batch.unwrap()).collect();
            let stretches: Vec<StateStretch> =
                store.state_stretches("x", range).flat_map(|batch| batch.unwrap()).collect();
            assert!(stretches.len() < runs.len() / 2 || runs.len() < 20);
            let mut rest = &runs[..];
            for stretch in stretches {
                let (of, after) = rest.split_at(stretch.runs as usize);
                rest = after;
                assert_eq!((of[0].time_ms, of[of.len() - 1].time_ms), (stretch.first_ms, stretch.last_ms));
                assert!(of.iter().all(|run| (run.state, run.reason) == (stretch.state, stretch.reason)));
                let (least_ms, greatest_ms) = stretch.apart_ms;
                let apart = |pair: &[RunState]| pair[1].time_ms - pair[0].time_ms;
                assert!(of.windows(2).all(|pair| (least_ms..=greatest_ms).contains(&apart(pair))));
            }
            assert!(rest.is_empty());
        }
    }
}
