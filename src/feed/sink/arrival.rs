//! When runs arrived in the store, as far as that can be told from their times: by that a sink is behind, and not by the times of an old
//! history that was imported just now.
//!
//! Runs come in order of arrival, so one that is older than those before it was stored later than its time says. When, nobody has
//! noted: not before the one that came before it, and this process has found it there when it began at the latest.

/// See the head of this file.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    /// When this process began (ms since the epoch).
    began_ms: i64,
    /// The latest time of a run so far, which is no later than now.
    newest_ms: Option<i64>,
}

impl Arrivals {
    /// Of a feed that goes on behind a run of this time, if there is one.
    pub(super) fn new(began_ms: i64, last_ms: Option<i64>) -> Arrivals {
        Arrivals { began_ms, newest_ms: last_ms }
    }

    /// Takes the times of the runs of a piece, in order of arrival; returns when the first arrived, about.
    pub(super) fn take(&mut self, times_ms: impl IntoIterator<Item = i64>, now_ms: i64) -> Option<i64> {
        // A clock that was ahead says nothing any more once it is right.
        let before_ms = self.newest_ms.map(|newest_ms| newest_ms.min(now_ms));
        let mut times_ms = times_ms.into_iter();
        let first_ms = times_ms.next()?;
        let arrived_ms = match before_ms {
            Some(before_ms) if first_ms < before_ms => before_ms.max(self.began_ms.min(now_ms)),
            _ => first_ms,
        };
        let latest_ms = times_ms.fold(first_ms, i64::max);
        self.newest_ms = Some(before_ms.unwrap_or(i64::MIN).max(latest_ms).min(now_ms));
        Some(arrived_ms)
    }

    /// What was handed out is handed out again.
    pub(super) fn begin_again(&mut self) {
        self.newest_ms = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_arrives_when_it_was_unless_it_is_older_than_those_before_it() {
        let mut arrivals = Arrivals::new(1000, Some(900));
        assert_eq!(arrivals.take([950, 960], 1001), Some(950), "stored while nothing was delivered");
        assert_eq!(arrivals.take([10, 20, 30], 1002), Some(1000), "imported");
        assert_eq!(arrivals.take([40], 1003), Some(1000), "still imported");
        assert_eq!(arrivals.take([1003], 1005), Some(1003));
        assert_eq!(arrivals.take([50], 1006), Some(1003), "not before the one before");
        assert_eq!(arrivals.take([], 1007), None);
        arrivals.begin_again();
        assert_eq!(arrivals.take([10], 1008), Some(10), "the receiver has lost everything");
    }

    #[test]
    fn a_clock_that_was_ahead_hides_no_lag() {
        let mut arrivals = Arrivals::new(1000, Some(900));
        assert_eq!(arrivals.take([99_000], 99_000), Some(99_000));
        // It is right again.
        assert_eq!(arrivals.take([1100], 1100), Some(1100));
        assert_eq!(arrivals.take([1200], 1900), Some(1200));
    }

    #[test]
    fn a_new_sink_goes_by_the_times_of_runs() {
        assert_eq!(Arrivals::new(1000, None).take([10], 1000), Some(10));
    }
}
