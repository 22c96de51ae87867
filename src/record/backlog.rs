//! Runs that wait to be stored, bounded in number and in bytes. When there are too many the oldest are dropped and
//! counted.

use std::collections::VecDeque;
use std::sync::Arc;

use custos_store::Run;

use crate::limits::{RECORD_BATCH_MAX_BYTES, RECORD_QUEUE_MAX_BYTES, RECORD_QUEUE_MAX_RUNS};

/// A run with the name of its check.
pub(super) type Named = (Arc<str>, Arc<Run>);

/// Runs in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    runs: VecDeque<Named>,
    bytes: usize,
    /// Runs and bytes of the batch that is being written, which count towards the bounds.
    writing: usize,
    writing_bytes: usize,
    dropped: u64,
}

impl Backlog {
    /// Adds a run; drops the oldest while there are too many.
    pub(super) fn push(&mut self, check: Arc<str>, run: Arc<Run>) {
        self.bytes += run.memory_bytes();
        self.runs.push_back((check, run));
        self.drop_oldest();
    }

    fn drop_oldest(&mut self) {
        while self.len() > RECORD_QUEUE_MAX_RUNS || self.bytes + self.writing_bytes > RECORD_QUEUE_MAX_BYTES {
            let Some((_, run)) = self.runs.pop_front() else { break };
            self.bytes -= run.memory_bytes();
            self.dropped += 1;
        }
    }

    /// Takes out the oldest runs to be written: at most `max` of them and no more bytes than are good for one write,
    /// but at least one if there is any. They count as waiting until [`Backlog::settle`].
    pub(super) fn take(&mut self, max: usize) -> Vec<Named> {
        let mut bytes = 0;
        let fits = |(_, run): &&Named| {
            let first = bytes == 0;
            bytes += run.memory_bytes();
            first || bytes <= RECORD_BATCH_MAX_BYTES
        };
        let count = self.runs.iter().take(max).take_while(fits).count();
        let batch: Vec<Named> = self.runs.drain(..count).collect();
        let batch_bytes: usize = batch.iter().map(|(_, run)| run.memory_bytes()).sum();
        self.bytes -= batch_bytes;
        (self.writing, self.writing_bytes) = (batch.len(), batch_bytes);
        batch
    }

    /// Ends the batch that was taken out: `unwritten` are its runs to be tried again, and `refused` how many of them can
    /// never be stored.
    pub(super) fn settle(&mut self, unwritten: Vec<Named>, refused: u64) {
        (self.writing, self.writing_bytes) = (0, 0);
        self.dropped += refused;
        for (check, run) in unwritten.into_iter().rev() {
            self.bytes += run.memory_bytes();
            self.runs.push_front((check, run));
        }
        self.drop_oldest();
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Runs that are not stored yet, those included that are being written.
    pub(super) fn len(&self) -> usize {
        self.runs.len() + self.writing
    }

    /// Runs that were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text_bytes: usize) -> Arc<Run> {
        Arc::new(Run { text: "x".repeat(text_bytes), ..Run::default() })
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_bytes() {
        let mut backlog = Backlog::default();
        for n in 0..5 {
            backlog.push(Arc::from(format!("c{n}")), run(RECORD_QUEUE_MAX_BYTES / 4));
        }
        assert_eq!((backlog.len(), backlog.dropped()), (3, 2));
        assert_eq!(&*backlog.take(9)[0].0, "c2");
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_but_never_empty() {
        let mut backlog = Backlog::default();
        backlog.push(Arc::from("large"), run(RECORD_BATCH_MAX_BYTES * 2));
        backlog.push(Arc::from("small"), run(10));
        backlog.push(Arc::from("small"), run(10));
        assert_eq!(backlog.take(9).len(), 1);
        backlog.settle(Vec::new(), 0);
        let two = backlog.take(9);
        assert_eq!(two.len(), 2);
        backlog.settle(two, 0);
        assert_eq!(backlog.take(1).len(), 1);
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

    #[test]
    fn what_could_not_be_written_comes_first_again_and_counts_meanwhile() {
        let mut backlog = Backlog::default();
        for n in 0..3 {
            backlog.push(Arc::from(format!("c{n}")), run(RECORD_QUEUE_MAX_BYTES / 4));
        }
        let batch = backlog.take(1);
        assert_eq!((&*batch[0].0, backlog.len()), ("c0", 3));
        // The batch takes its share of the bound, so the oldest of the others goes.
        backlog.push(Arc::from("c3"), run(RECORD_QUEUE_MAX_BYTES / 4));
        assert_eq!((backlog.len(), backlog.dropped()), (3, 1));
        backlog.settle(batch, 0);
        assert_eq!(&*backlog.take(1)[0].0, "c0");
        backlog.settle(Vec::new(), 1);
        assert_eq!((backlog.len(), backlog.dropped()), (2, 2));
        backlog.take(1);
        backlog.settle(Vec::new(), 0);
        backlog.take(1);
        backlog.settle(Vec::new(), 0);
        assert_eq!((backlog.len(), backlog.bytes), (0, 0));
    }
}
