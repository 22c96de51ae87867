//! When time alone has rules judged.

use custos_promql::{Error, ErrorKind, Result, Shared};

use super::past::{Past, stretch_at};
use crate::limits::JUDGEMENT_TIMES_MAX;

/// What passes from one stretch of time to the next.
pub(super) struct Silence {
    /// When rules were judged last (ms since the epoch), or a stretch ended in which nobody looked.
    judged_ms: Option<i64>,
    /// How many steps were gone so far, of which there may be only so many: the end of the time may lie far in the future.
    steps: usize,
}

/// What is known of a stretch of time.
pub(super) struct Known<'a> {
    /// When nobody looked: the first millisecond, and the one after the last; ascending and apart.
    pub(super) unobserved: &'a [(i64, i64)],
    /// Where the record of the rules says when they were judged (both ends included); ascending and apart.
    pub(super) recorded: &'a [(i64, i64)],
    /// The last millisecond of the stretch.
    pub(super) end_ms: i64,
}

impl Silence {
    /// Nothing has passed yet. When rules were judged last before, if they were (ms since the epoch).
    pub(super) fn new(judged_ms: Option<i64>) -> Silence {
        Silence { judged_ms, steps: 0 }
    }

    /// The times of samples in a stretch, and those at which silence is noticed. Of times before the past that is asked for there
    /// are none.
    pub(super) fn noticed(
        &mut self,
        times: Shared<i64>,
        known: &Known<'_>,
        past: Past,
        at_the_latest_ms: i64,
    ) -> Result<Shared<i64>> {
        if !self.is_silent(&times, known.end_ms, at_the_latest_ms) {
            self.judged_ms = times.last().copied().or(self.judged_ms);
            return Ok(times);
        }
        let mut all = Vec::with_capacity(times.len());
        let end = (known.end_ms.saturating_add(1), i64::MAX);
        for (time_ms, latest_ms) in times.iter().map(|time| (*time, *time)).chain([end]) {
            while let Some(due_ms) = self.due_ms(at_the_latest_ms).filter(|due_ms| *due_ms < time_ms) {
                self.one_more()?;
                if let Some(until_ms) = recorded_until(known.recorded, due_ms) {
                    // What is due at that time is among the times already if it was judged.
                    self.judged_ms = Some(until_ms);
                    continue;
                }
                let unobserved = stretch_at(known.unobserved, due_ms);
                if unobserved.is_none() && due_ms >= past.from_ms {
                    all.push(due_ms);
                }
                self.judged_ms = Some(unobserved.map_or(due_ms, |(_, end_ms)| end_ms.min(latest_ms)));
            }
            if time_ms <= known.end_ms {
                all.push(time_ms);
                self.judged_ms = Some(time_ms);
            }
        }
        Ok(all.into())
    }

    fn due_ms(&self, at_the_latest_ms: i64) -> Option<i64> {
        self.judged_ms.map(|judged_ms| judged_ms.saturating_add(at_the_latest_ms))
    }

    /// Whether so long passes anywhere without a sample that silence may be noticed.
    fn is_silent(&self, times: &[i64], end_ms: i64, at_the_latest_ms: i64) -> bool {
        let is_long = |from_ms: i64, to_ms: i64| from_ms.saturating_add(at_the_latest_ms) <= to_ms;
        let first_ms = times.first().copied().unwrap_or(end_ms);
        at_the_latest_ms > 0
            && (self.judged_ms.is_some_and(|judged_ms| is_long(judged_ms, first_ms))
                || has_long(times, at_the_latest_ms)
                || times.last().is_some_and(|last_ms| is_long(*last_ms, end_ms)))
    }

    /// The times of a grid in a stretch (both ends included), after what was judged before.
    pub(super) fn on_grid(
        &mut self,
        unobserved: &[(i64, i64)],
        (from_ms, to_ms): (i64, i64),
        (interval_ms, phase_ms): (i64, i64),
    ) -> Result<Vec<i64>> {
        let interval_ms = interval_ms.max(1);
        let from_ms = self.judged_ms.map_or(from_ms, |judged_ms| from_ms.max(judged_ms.saturating_add(1)));
        let passed = from_ms.saturating_sub(phase_ms);
        let first = passed.div_euclid(interval_ms) + i64::from(passed.rem_euclid(interval_ms) > 0);
        let mut all = Vec::new();
        let mut time_ms = first.saturating_mul(interval_ms).saturating_add(phase_ms);
        while time_ms <= to_ms {
            self.one_more()?;
            if stretch_at(unobserved, time_ms).is_none() {
                all.push(time_ms);
            }
            match time_ms.checked_add(interval_ms) {
                Some(next_ms) => time_ms = next_ms,
                None => break,
            }
        }
        Ok(all)
    }

    fn one_more(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps <= JUDGEMENT_TIMES_MAX {
            return Ok(());
        }
        let message =
            format!("rules are judged at more than {JUDGEMENT_TIMES_MAX} times: ask for a shorter time");
        Err(Error { kind: ErrorKind::Limit, span: None, message })
    }
}

/// Whether so long passes between two of these times, which ascend.
fn has_long(times: &[i64], at_the_latest_ms: i64) -> bool {
    // What passes between two of them fits into 64 bits without a sign. All of a few at once, which takes no jump for each of them.
    let is_long = |from_ms: i64, to_ms: i64| to_ms.wrapping_sub(from_ms) as u64 >= at_the_latest_ms as u64;
    let later = times.get(1..).unwrap_or_default();
    let mut few = times.chunks(64).zip(later.chunks(64));
    few.any(|(from, to)| {
        from.iter().zip(to).fold(false, |any, (from_ms, to_ms)| any | is_long(*from_ms, *to_ms))
    })
}

/// The end of the recorded stretch that a time lies in; none at its end, which is a time of the record.
pub(super) fn recorded_until(recorded: &[(i64, i64)], time_ms: i64) -> Option<i64> {
    stretch_at(recorded, time_ms).map(|(_, until_ms)| until_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(from_ms: i64, to_ms: i64, judged_ms: Option<i64>) -> Past {
        Past { from_ms, to_ms, judged_ms }
    }

    fn noticed(
        times: &[i64],
        unobserved: &[(i64, i64)],
        past: Past,
        at_the_latest_ms: i64,
    ) -> Result<Vec<i64>> {
        let known = Known { unobserved, recorded: &[], end_ms: past.to_ms };
        Silence::new(past.judged_ms)
            .noticed(times.to_vec().into(), &known, past, at_the_latest_ms)
            .map(Shared::into_vec)
    }

    fn on_grid(unobserved: &[(i64, i64)], past: Past, grid: (i64, i64)) -> Result<Vec<i64>> {
        Silence::new(past.judged_ms).on_grid(unobserved, (past.from_ms, past.to_ms), grid)
    }

    #[test]
    fn silence_is_noticed_but_not_where_nobody_looked() {
        assert_eq!(
            noticed(&[10, 20, 30, 100], &[(55, 83)], past(0, 125, None), 10).unwrap(),
            [10, 20, 30, 40, 50, 93, 100, 110, 120]
        );
        assert_eq!(noticed(&[20, 30], &[], past(15, 37, Some(12)), 6).unwrap(), [18, 20, 26, 30, 36]);
        assert_eq!(noticed(&[], &[], past(0, 30, None), 10).unwrap(), Vec::<i64>::new());
        assert_eq!(noticed(&[], &[], past(0, 30, Some(-5)), 10).unwrap(), [5, 15, 25]);
    }

    #[test]
    fn an_end_in_a_far_future_is_refused() {
        assert!(noticed(&[10, i64::MAX - 5], &[], past(0, i64::MAX, None), 10).is_err());
        assert!(on_grid(&[], past(0, i64::MAX, None), (10, 3)).is_err());
    }

    #[test]
    fn a_grid_has_its_phase_and_goes_on_after_what_was_judged() {
        let dark = [(20, 41)];
        assert_eq!(on_grid(&dark, past(0, 70, None), (10, 3)).unwrap(), [3, 13, 43, 53, 63]);
        assert_eq!(on_grid(&dark, past(0, 70, Some(53)), (10, 3)).unwrap(), [63]);
        assert_eq!(on_grid(&[], past(-25, 5, None), (10, 3)).unwrap(), [-17, -7, 3]);
    }
}
