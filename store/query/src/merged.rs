//! The runs of several checks as one list in the order of time, one by one, so that a long list needs no more memory than
//! a short one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use custos_store::{Result, Run, Runs, Snapshot};

use crate::newest::Listed;

/// Every run of these checks within a span (ms since the epoch, end excluded), the latest last. What cannot be read is an
/// error where it would have been.
pub fn merged_runs<'a>(store: &'a Snapshot, checks: &'a [String], span: Range<i64>) -> MergedRuns<'a> {
    let mut lists: Vec<Runs<'a>> = checks.iter().map(|check| store.runs(check, span.clone())).collect();
    let next: Vec<Option<Result<Run>>> = lists.iter_mut().map(Iterator::next).collect();
    let order = (0..lists.len()).filter_map(|list| Some(Reverse((time_ms(next[list].as_ref()?), list))));
    let order = order.collect();
    MergedRuns { checks, lists, next, order }
}

/// Iterates over runs; see [`merged_runs`].
pub struct MergedRuns<'a> {
    checks: &'a [String],
    lists: Vec<Runs<'a>>,
    /// The next run of each list.
    next: Vec<Option<Result<Run>>>,
    /// The time of it and the list, the earliest first.
    order: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Iterator for MergedRuns<'_> {
    type Item = Result<Listed>;

    fn next(&mut self) -> Option<Result<Listed>> {
        let Reverse((_, list)) = self.order.pop()?;
        let run = self.next[list].take()?;
        self.next[list] = self.lists[list].next();
        if let Some(next) = &self.next[list] {
            self.order.push(Reverse((time_ms(next), list)));
        }
        Some(run.map(|run| Listed { check: self.checks[list].clone(), run }))
    }
}

/// What cannot be read comes at once.
fn time_ms(run: &Result<Run>) -> i64 {
    run.as_ref().map_or(i64::MIN, |run| run.time_ms)
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Reader, Writer};

    use super::*;

    #[test]
    fn runs_of_several_checks_come_by_their_time() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        for (check, time_ms) in [("x", 30), ("y", 10), ("x", 20), ("y", 30), ("z", 25), ("x", 40)] {
            writer.append(&[(check, &Run { time_ms, ..Run::default() })]).unwrap();
        }
        let reader = Reader::open(directory.path()).unwrap();
        let found = |checks: &[&str], span: Range<i64>| {
            let checks: Vec<String> = checks.iter().map(|check| (*check).to_owned()).collect();
            let runs = merged_runs(&reader, &checks, span);
            runs.map(|run| run.map(|one| format!("{}{}", one.check, one.run.time_ms)).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(found(&["x", "y"], 0..100), ["y10", "x20", "x30", "y30", "x40"]);
        assert_eq!(found(&["x", "y", "z"], 25..40), ["z25", "x30", "y30"]);
        assert!(found(&[], 0..100).is_empty());
    }
}
