//! Runs that wait to be stored, bounded in number and in bytes. When there is no room the oldest go, and are counted.

use std::collections::VecDeque;
use std::sync::Arc;

use custos_store::Run;

use crate::limits::{RECORD_BATCH_MAX_BYTES, RECORD_QUEUE_MAX_BYTES, RECORD_QUEUE_MAX_RUNS};

/// Runs in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    runs: VecDeque<(Arc<str>, Box<Run>)>,
    bytes: usize,
    dropped: u64,
}

impl Backlog {
    /// Adds a run; drops the oldest while there are too many.
    pub(super) fn push(&mut self, check: Arc<str>, run: Box<Run>) {
        self.bytes += size_of(&run);
        self.runs.push_back((check, run));
        while self.runs.len() > RECORD_QUEUE_MAX_RUNS || self.bytes > RECORD_QUEUE_MAX_BYTES {
            let Some((_, run)) = self.runs.pop_front() else { break };
            self.bytes -= size_of(&run);
            self.dropped += 1;
        }
    }

    /// The oldest runs, at most `max` of them and no more bytes than are good for one write, but at least one.
    pub(super) fn head(&self, max: usize) -> Vec<(&str, &Run)> {
        let mut bytes = 0;
        let fits = |(_, run): &&(Arc<str>, Box<Run>)| {
            let first = bytes == 0;
            bytes += size_of(run);
            first || bytes <= RECORD_BATCH_MAX_BYTES
        };
        self.runs.iter().take(max).take_while(fits).map(|(check, run)| (&**check, &**run)).collect()
    }

    /// Takes away the oldest runs: they are stored.
    pub(super) fn remove(&mut self, count: usize) {
        for (_, run) in self.runs.drain(..count.min(self.runs.len())) {
            self.bytes -= size_of(&run);
        }
    }

    /// Takes away the oldest run: it can never be stored.
    pub(super) fn refuse_first(&mut self) {
        self.remove(1);
        self.dropped += 1;
    }

    /// Runs that wait.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// Runs that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Memory of a run, near enough for a bound.
fn size_of(run: &Run) -> usize {
    let texts = run.text.len() + run.long_text.len() + run.stderr.len() + run.origin.len();
    let metrics: usize = run.metrics.iter().map(|m| 200 + m.label.len()).sum();
    std::mem::size_of::<Run>() + texts + run.judgement.len() + metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text_bytes: usize) -> Box<Run> {
        Box::new(Run { text: "x".repeat(text_bytes), ..Run::default() })
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_bytes() {
        let mut backlog = Backlog::default();
        for n in 0..5 {
            backlog.push(Arc::from(format!("c{n}")), run(RECORD_QUEUE_MAX_BYTES / 4));
        }
        assert_eq!((backlog.len(), backlog.dropped()), (3, 2));
        assert_eq!(backlog.head(9)[0].0, "c2");
        backlog.remove(9);
        assert_eq!((backlog.len(), backlog.bytes), (0, 0));
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_but_never_empty() {
        let mut backlog = Backlog::default();
        backlog.push(Arc::from("large"), run(RECORD_BATCH_MAX_BYTES * 2));
        backlog.push(Arc::from("small"), run(10));
        backlog.push(Arc::from("small"), run(10));
        assert_eq!(backlog.head(9).len(), 1);
        backlog.remove(1);
        assert_eq!(backlog.head(9).len(), 2);
        assert_eq!(backlog.head(1).len(), 1);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_runs() {
        let mut backlog = Backlog::default();
        for _ in 0..RECORD_QUEUE_MAX_RUNS + 3 {
            backlog.push(Arc::from("c"), run(0));
        }
        assert!(backlog.dropped() >= 3);
        assert_eq!(backlog.len() as u64 + backlog.dropped(), RECORD_QUEUE_MAX_RUNS as u64 + 3);
    }
}
