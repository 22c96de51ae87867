//! Where a check stands, now or at a time of the past, by its stored runs.

use custos_store::{Run, Snapshot};

use crate::change::is_judged;
use crate::latest::latest_runs;
use crate::limits::STAND_RUNS_MAX;

/// Where a check stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stand {
    /// The last run whose result is known; none if there is none among the last [`STAND_RUNS_MAX`].
    pub judged: Option<Run>,
    /// The last run of all, or note of there having been none.
    pub last: Option<Run>,
}

impl Stand {
    /// Where a check stands now, see [`latest_runs`].
    ///
    /// # Errors
    /// Those of reading the newest runs.
    pub fn now(store: &Snapshot, check: &str) -> custos_store::Result<Stand> {
        Stand::of(latest_runs(store, check))
    }

    /// Where a check stood at a time (ms since the epoch), by the times of its runs.
    ///
    /// # Errors
    /// Those of reading the runs before it.
    pub fn at(store: &Snapshot, check: &str, time_ms: i64) -> custos_store::Result<Stand> {
        Stand::of(store.runs_rev(check, i64::MIN..time_ms.saturating_add(1)))
    }

    /// By runs from the newest back.
    fn of(runs: impl Iterator<Item = custos_store::Result<Run>>) -> custos_store::Result<Stand> {
        let mut stand = Stand::default();
        for run in runs.take(STAND_RUNS_MAX) {
            let run = run?;
            if is_judged(run.reason) {
                if stand.last.is_none() {
                    stand.last = Some(run.clone());
                }
                stand.judged = Some(run);
                break;
            }
            stand.last.get_or_insert(run);
        }
        Ok(stand)
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Reader, Reason, Writer};

    use super::*;

    #[test]
    fn what_a_run_said_stands_until_the_next_that_says_something() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let run = |time_ms, reason| Run { time_ms, reason, ..Run::default() };
        for run in [
            run(10, Reason::Exited),
            run(20, Reason::Missed),
            run(30, Reason::Timeout),
            run(40, Reason::Skipped),
        ] {
            writer.append(&[("x", &run)]).unwrap();
        }
        let store = Reader::open(directory.path()).unwrap();
        let times = |stand: Stand| (stand.judged.map(|run| run.time_ms), stand.last.map(|run| run.time_ms));
        assert_eq!(times(Stand::now(&store, "x").unwrap()), (Some(30), Some(40)));
        for (at, judged, last) in
            [(9, None, None), (10, Some(10), Some(10)), (25, Some(10), Some(20)), (30, Some(30), Some(30))]
        {
            assert_eq!(times(Stand::at(&store, "x", at).unwrap()), (judged, last), "{at}");
        }
        assert_eq!(Stand::at(&store, "x", i64::MAX).unwrap(), Stand::now(&store, "x").unwrap());
        assert_eq!(Stand::now(&store, "y").unwrap(), Stand::default());
    }
}
