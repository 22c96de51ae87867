//! The newest runs of one check or of several, in the order in which they are listed, see `placed.rs`.

use std::ops::Range;

use custos_store::{Position, Run, Snapshot};

use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::LISTED_RUNS_MAX;
use crate::placed::{Placed, Places};

/// What to do with a run on the way back through a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// It is wanted.
    Take,
    /// It is not.
    Pass,
    /// Neither it nor any older run of its check is.
    Stop,
}

/// Which runs are wanted.
pub struct NewestRuns<'a> {
    /// Of these checks.
    pub checks: &'a [String],
    /// Within this span, in ms since the epoch, end excluded.
    pub span: Range<i64>,
    /// So many of the newest; at most [`LISTED_RUNS_MAX`].
    pub limit: usize,
    /// Which of them count.
    pub pick: &'a dyn Fn(&Run) -> Pick,
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The check.
    pub check: String,
    /// The run.
    pub run: Run,
}

/// What the agent wrote of a check.
struct Own {
    /// The newest first.
    found: Vec<Placed<Listed>>,
    /// Whether runs may have been imported that belong to the list.
    imported: bool,
}

impl NewestRuns<'_> {
    /// Reads the runs, the newest last.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Vec<Listed>> {
        if self.limit > LISTED_RUNS_MAX {
            return Err(Error::TooLarge { what: "runs", asked: self.limit, limit: LISTED_RUNS_MAX });
        }
        let mut places = Places::new(self.limit);
        if self.limit == 0 {
            return Ok(places.into_newest());
        }
        let mut with_imported = Vec::new();
        for check in self.checks {
            let own = self.own(store, check, context)?;
            with_imported.extend(own.imported.then_some(check));
            places.add(own.found.into_iter().rev());
        }
        let oldest_ms = places.oldest_ms();
        for check in with_imported {
            places.add(self.imported(store, check, oldest_ms, context)?.into_iter().rev());
        }
        Ok(places.into_newest())
    }

    /// What the agent wrote, the newest first.
    fn own(&self, store: &Snapshot, check: &str, context: &mut ReadContext<'_>) -> Result<Own> {
        let (mut found, mut imported) = (Vec::new(), false);
        for arrived in store.arrived_rev(check).within(self.span.clone()) {
            context.count_run()?;
            match arrived {
                Ok(arrived) if arrived.run.imported => imported = true,
                Ok(arrived) => {
                    if !self.take(check, Some(arrived.position), arrived.run, &mut found) {
                        // Those that were imported may be further back in the order of arrival.
                        imported = found.len() >= self.limit;
                        break;
                    }
                }
                Err(error) => context.damage(&error),
            }
        }
        Ok(Own { found, imported })
    }

    /// What was imported, the latest first.
    fn imported(
        &self,
        store: &Snapshot,
        check: &str,
        oldest_ms: Option<i64>,
        context: &mut ReadContext<'_>,
    ) -> Result<Vec<Placed<Listed>>> {
        let start_ms = oldest_ms.map_or(self.span.start, |oldest_ms| oldest_ms.max(self.span.start));
        let mut found = Vec::new();
        // What is damaged was reported on the way through the runs of the agent.
        for run in store.runs_rev(check, start_ms..self.span.end).flatten() {
            context.count_run()?;
            if run.imported && !self.take(check, None, run, &mut found) {
                break;
            }
        }
        Ok(found)
    }

    /// Takes the run if it is wanted; `false` if no further one is.
    fn take(
        &self,
        check: &str,
        position: Option<Position>,
        run: Run,
        found: &mut Vec<Placed<Listed>>,
    ) -> bool {
        match (self.pick)(&run) {
            Pick::Take => {
                let time_ms = run.time_ms;
                found.push(Placed { position, time_ms, item: Listed { check: check.to_owned(), run } });
                found.len() < self.limit
            }
            Pick::Pass => true,
            Pick::Stop => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Importer, Options, Reader, Writer};

    use super::*;

    const HOUR: i64 = 3_600_000;

    /// Two checks, one of which ran while the clock was two hours ahead, and another into which older runs were imported.
    fn store() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let run = |time_ms: i64| Run { time_ms, ..Run::default() };
        for (check, time_ms) in
            [("x", 10), ("x", 2 * HOUR + 20), ("y", 2 * HOUR + 25), ("x", 30), ("y", 35), ("x", 40)]
        {
            writer.append(&[(check, &run(time_ms))]).unwrap();
        }
        let reader = Reader::open(directory.path()).unwrap();
        let mut importer = Importer::new(&reader, &mut writer);
        for time_ms in [32, 5, 50] {
            importer.add("y", run(time_ms)).unwrap();
        }
        importer.finish().unwrap();
        writer.close().unwrap();
        directory
    }

    fn listed(
        checks: &[&str],
        span: Range<i64>,
        limit: usize,
        pick: &dyn Fn(&Run) -> Pick,
    ) -> Vec<(String, i64)> {
        let directory = store();
        let reader = Reader::open(directory.path()).unwrap();
        let checks: Vec<String> = checks.iter().map(|check| (*check).to_owned()).collect();
        let request = NewestRuns { checks: &checks, span, limit, pick };
        let mut ignored = |_: &custos_store::Error| {};
        let runs = request.read(&reader, &mut ReadContext::new(&mut ignored)).unwrap();
        runs.into_iter().map(|listed| (listed.check, listed.run.time_ms)).collect()
    }

    fn times(checks: &[&str], span: Range<i64>, limit: usize) -> Vec<i64> {
        listed(checks, span, limit, &|_| Pick::Take).into_iter().map(|(_, time_ms)| time_ms).collect()
    }

    #[test]
    fn the_newest_are_those_that_arrived_last() {
        let all = i64::MIN..i64::MAX;
        assert_eq!(times(&["x"], all.clone(), 9), [10, 2 * HOUR + 20, 30, 40]);
        assert_eq!(times(&["x"], all.clone(), 2), [30, 40]);
        assert_eq!(times(&["x"], 0..HOUR, 2), [30, 40]);
        assert_eq!(times(&["x"], HOUR..i64::MAX, 9), [2 * HOUR + 20]);
        assert_eq!(times(&["x"], all, 0), [0_i64; 0]);
    }

    #[test]
    fn what_was_imported_is_listed_by_its_time() {
        let all = i64::MIN..i64::MAX;
        assert_eq!(times(&["y"], all.clone(), 9), [5, 32, 50, 2 * HOUR + 25, 35]);
        assert_eq!(times(&["y"], 0..HOUR, 9), [5, 32, 35, 50]);
        assert_eq!(times(&["y"], 0..HOUR, 2), [35, 50]);
        assert_eq!(times(&["y"], 0..HOUR, 1), [50]);
    }

    #[test]
    fn several_checks_are_one_list() {
        let names = |limit| listed(&["x", "y"], 0..HOUR, limit, &|_| Pick::Take);
        let expected = [("y", 5), ("x", 10), ("x", 30), ("y", 32), ("y", 35), ("x", 40), ("y", 50)];
        let expected: Vec<(String, i64)> =
            expected.into_iter().map(|(check, time_ms)| (check.to_owned(), time_ms)).collect();
        assert_eq!(names(9), expected);
        assert_eq!(names(3), expected[4..]);
    }

    #[test]
    fn runs_can_be_left_out_and_a_check_be_left() {
        let pick = |run: &Run| match run.time_ms {
            40 => Pick::Pass,
            30 => Pick::Take,
            _ => Pick::Stop,
        };
        assert_eq!(listed(&["x"], i64::MIN..i64::MAX, 9, &pick), [("x".to_owned(), 30)]);
    }

    #[test]
    fn a_list_is_bounded() {
        let directory = store();
        let reader = Reader::open(directory.path()).unwrap();
        let pick = |_: &Run| Pick::Take;
        let request = NewestRuns { checks: &[], span: 0..1, limit: LISTED_RUNS_MAX + 1, pick: &pick };
        let mut ignored = |_: &custos_store::Error| {};
        let refused = request.read(&reader, &mut ReadContext::new(&mut ignored)).unwrap_err();
        assert!(matches!(refused, Error::TooLarge { what: "runs", .. }));
    }
}
