//! The newest runs of all checks, which may not be written yet.
//!
//! Invariants: none is older than [`LIVE_UNWRITTEN_MS`] before the newest, by which time it is in the store; they are at most
//! [`LIVE_RUNS_MAX`], and but for the last one take no more than [`LIVE_RUNS_MAX_BYTES`].

use std::collections::VecDeque;
use std::sync::Arc;

use custos_store::Run;

use crate::limits::{LIVE_INSTANCE_BYTES, LIVE_RUNS_MAX, LIVE_RUNS_MAX_BYTES, LIVE_UNWRITTEN_MS};

/// A run with the name of its check.
pub(super) type Named = (Arc<str>, Arc<Run>);

/// The newest runs, by arrival.
#[derive(Default)]
pub(super) struct Newest {
    runs: VecDeque<Named>,
    bytes: usize,
}

impl Newest {
    /// Adds a run, and forgets those that are not needed any more.
    pub(super) fn push(&mut self, check: &Arc<str>, run: &Arc<Run>) {
        self.bytes += bytes_of(run);
        self.runs.push_back((Arc::clone(check), Arc::clone(run)));
        while let Some((_, oldest)) = self.runs.front().filter(|_| self.runs.len() > 1) {
            let is_written = oldest.time_ms.saturating_add(LIVE_UNWRITTEN_MS) < run.time_ms;
            if !is_written && self.runs.len() <= LIVE_RUNS_MAX && self.bytes <= LIVE_RUNS_MAX_BYTES {
                return;
            }
            self.bytes -= bytes_of(oldest);
            self.runs.pop_front();
        }
    }

    /// All of them, by arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Named> {
        self.runs.iter()
    }
}

fn bytes_of(run: &Run) -> usize {
    run.memory_bytes() + run.instances.len() * LIVE_INSTANCE_BYTES
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Value};

    use super::*;

    fn times(newest: &Newest) -> Vec<i64> {
        newest.iter().map(|(_, run)| run.time_ms).collect()
    }

    #[test]
    fn runs_that_are_written_by_now_are_forgotten() {
        let mut newest = Newest::default();
        for time_ms in [0, 1000, LIVE_UNWRITTEN_MS, LIVE_UNWRITTEN_MS + 500] {
            newest.push(&Arc::from("a"), &Arc::new(Run { time_ms, ..Run::default() }));
        }
        assert_eq!(times(&newest), [1000, LIVE_UNWRITTEN_MS, LIVE_UNWRITTEN_MS + 500]);
    }

    #[test]
    fn large_runs_are_bounded_by_their_size() {
        let mut newest = Newest::default();
        let metric = |number: i64| Metric::new(format!("m{number}"), Value::from(number));
        for time_ms in 0..100 {
            let metrics = (0..10_000).map(metric).collect();
            newest.push(&Arc::from("a"), &Arc::new(Run { time_ms, metrics, ..Run::default() }));
        }
        assert!((1..10).contains(&times(&newest).len()), "{:?}", times(&newest));
        assert!(newest.bytes <= LIVE_RUNS_MAX_BYTES);
        let text = "x".repeat(2 * LIVE_RUNS_MAX_BYTES);
        newest.push(&Arc::from("a"), &Arc::new(Run { time_ms: 100, text, ..Run::default() }));
        assert_eq!(times(&newest), [100]);
    }
}
