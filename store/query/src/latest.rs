//! The runs by which it is known where a check stands now.

use custos_store::{ArrivedRev, Result, Run, Runs, Snapshot};

use crate::change::is_judged;

/// The runs of a check from the newest back, as far as they say where it stands now: the newest is the one that arrived
/// last, whatever its time says, as a clock that was ahead leaves runs in the future. What was imported counts only if
/// nothing else says how the check is, and then by its time.
pub fn latest_runs<'a>(store: &'a Snapshot, check: &str) -> LatestRuns<'a> {
    let of = Source::Own { runs: store.arrived_rev(check), judged: false };
    LatestRuns { store, check: check.to_owned(), of }
}

/// Iterates over runs; see [`latest_runs`]. What cannot be read is an error, and then it goes on.
pub struct LatestRuns<'a> {
    store: &'a Snapshot,
    check: String,
    of: Source<'a>,
}

enum Source<'a> {
    /// What the agent wrote, and whether any of it was judged.
    Own {
        runs: ArrivedRev<'a>,
        judged: bool,
    },
    Imported(Runs<'a>),
    End,
}

impl Iterator for LatestRuns<'_> {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Result<Run>> {
        loop {
            match &mut self.of {
                Source::Own { runs, judged } => match runs.next() {
                    Some(Ok(arrived)) if arrived.run.imported => {}
                    Some(Ok(arrived)) => {
                        *judged |= is_judged(arrived.run.reason);
                        return Some(Ok(arrived.run));
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None if *judged => self.of = Source::End,
                    None => self.of = Source::Imported(self.store.runs_rev(&self.check, i64::MIN..i64::MAX)),
                },
                Source::Imported(runs) => match runs.next()? {
                    Ok(run) if !run.imported => {}
                    run => return Some(run),
                },
                Source::End => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Importer, Options, Reader, Reason, Writer};

    use super::*;

    fn run(time_ms: i64) -> Run {
        Run { time_ms, ..Run::default() }
    }

    /// The times of what counts, after these runs were written and those were imported, in turn.
    fn latest(steps: &[(bool, &[Run])]) -> Vec<i64> {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        for (imported, runs) in steps {
            if *imported {
                let reader = Reader::open(directory.path()).unwrap();
                let mut importer = Importer::new(&reader, &mut writer);
                runs.iter().for_each(|run| importer.add("x", run.clone()).unwrap());
                importer.finish().unwrap();
                writer.compact().unwrap();
            } else {
                runs.iter().for_each(|run| writer.append(&[("x", run)]).map(drop).unwrap());
            }
        }
        let reader = Reader::open(directory.path()).unwrap();
        latest_runs(&reader, "x").map(|run| run.unwrap().time_ms).collect()
    }

    #[test]
    fn the_last_that_arrived_is_the_newest() {
        let ahead = [run(10), run(7_200_010), run(7_200_020), run(20), run(30)];
        assert_eq!(latest(&[(false, &ahead)]), [30, 20, 7_200_020, 7_200_010, 10]);
        // A clock that was behind, too.
        assert_eq!(latest(&[(false, &[run(1000), run(1), run(2), run(1010)])]), [1010, 2, 1, 1000]);
    }

    #[test]
    fn what_was_imported_counts_only_if_there_is_nothing_else() {
        let old = [run(5), run(3), run(4)];
        assert_eq!(latest(&[(true, &old)]), [5, 4, 3]);
        assert_eq!(latest(&[(false, &[run(2)]), (true, &[run(9), run(1)])]), [2]);
        assert_eq!(latest(&[(true, &[run(9)]), (false, &[run(2)])]), [2]);
        // Slots that were missed do not say how the check is.
        let missed = Run { reason: Reason::Missed, ..run(20) };
        assert_eq!(latest(&[(true, &old), (false, &[missed])]), [20, 5, 4, 3]);
    }
}
