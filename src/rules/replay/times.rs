//! At which times rules are judged.

use custos_promql::{Error, ErrorKind, MatchOperator, Matcher, Result, SampleTimes, Selected, Source};

use crate::limits::JUDGEMENT_TIMES_MAX;
use crate::rules::definition::{RuleGroup, When};

/// Past times of which it is asked when rules were to be judged (ms since the epoch, both included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The first.
    pub from_ms: i64,
    /// The last.
    pub to_ms: i64,
    /// When they were judged last before that, if they were.
    pub judged_ms: Option<i64>,
}

/// When the rules of a group are to be judged over what a source has, and when nobody looked at what they select.
///
/// With [`When::Samples`] these are the times of the samples and ends of what the rules select, and so long after a time at
/// which they were judged last as silence may go unnoticed; with [`When::Grid`] those of the grid. A stretch in which nobody
/// looked has none of its own, and silence counts from its end on.
///
/// # Errors
/// The series cannot be read, or there are more than [`JUDGEMENT_TIMES_MAX`] times.
pub fn judgement_times(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let mut of_group = JudgementTimes::of(group, source, past)?;
    let mut times = Vec::new();
    while let Some((_, mut of_stretch)) = of_group.next(source)? {
        times.append(&mut of_stretch);
    }
    Ok(SampleTimes { times, unobserved: of_group.unobserved })
}

/// The same, one stretch of time after the other, so that what is read for a stretch can be worked on while it is at hand.
pub struct JudgementTimes {
    when: When,
    past: Past,
    selected: Selected,
    stretches: Box<dyn Iterator<Item = (i64, i64)>>,
    unobserved: Vec<(i64, i64)>,
    silence: Silence,
}

impl JudgementTimes {
    /// Nothing has been asked for yet.
    ///
    /// # Errors
    /// The series cannot be read.
    pub fn of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<JudgementTimes> {
        let is_grid = matches!(group.when, When::Grid { .. });
        let expressions = group.rules.iter().flat_map(|rule| rule.judge.expressions());
        // What a group reads of which nothing is stored, as what its own rules record, does not say that somebody looked.
        let selected = Selected::of(expressions, source, (past.from_ms, past.to_ms), is_grid)?;
        let mut unobserved = selected.unobserved().to_vec();
        if is_grid {
            unobserved = either(unobserved, missed(group, source, past)?);
        }
        let stretches: Box<dyn Iterator<Item = (i64, i64)>> = Box::new(selected.stretches());
        let silence = Silence { judged_ms: past.judged_ms, steps: 0 };
        Ok(JudgementTimes { when: group.when, past, selected, stretches, unobserved, silence })
    }

    /// When nobody looked at what the rules select: the first millisecond, and the one after the last; ascending and apart.
    pub fn unobserved(&self) -> &[(i64, i64)] {
        &self.unobserved
    }

    /// Where the next stretch begins, and the times in it; none after the last. Of a source that keeps what it reads, the samples
    /// of the stretch are then kept.
    ///
    /// # Errors
    /// See [`judgement_times`].
    pub fn next(&mut self, source: &dyn Source) -> Result<Option<(i64, Vec<i64>)>> {
        let Some(stretch) = self.stretches.next() else { return Ok(None) };
        let found = self.selected.times(source, stretch)?;
        let times = match self.when {
            When::Samples { at_the_latest_ms } => {
                self.silence.noticed(found, &self.unobserved, (self.past, stretch.1), at_the_latest_ms)?
            }
            When::Grid { interval_ms, phase_ms } => {
                self.silence.on_grid(&self.unobserved, stretch, interval_ms, phase_ms)?
            }
        };
        Ok(Some((stretch.0, times)))
    }
}

/// Stretches in which the rules themselves were not judged, as their own runs tell: all are judged at the same times.
fn missed(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<Vec<(i64, i64)>> {
    let Some(rule) = group.rules.first() else { return Ok(Vec::new()) };
    let condition = |name, value| Matcher::new(name, MatchOperator::Equal, value);
    let state = [condition("__name__", "check_state"), condition("check", &rule.check)];
    // A condition without a regular expression has no mistake.
    let state: Vec<Matcher> = state.into_iter().filter_map(|condition| condition.ok()).collect();
    let offset_ms = group.query_offset_ms;
    let (from_ms, to_ms) = (past.from_ms.saturating_sub(offset_ms), past.to_ms.saturating_sub(offset_ms));
    let series = source.select(&state, from_ms, to_ms)?;
    let Some(one) = series.first() else { return Ok(Vec::new()) };
    let mut missed = source.unobserved(one, from_ms, to_ms)?;
    for (from_ms, to_ms) in &mut missed {
        (*from_ms, *to_ms) = (from_ms.saturating_add(offset_ms), to_ms.saturating_add(offset_ms));
    }
    Ok(missed)
}

/// The stretches that lie in either of two, ascending and apart.
fn either(one: Vec<(i64, i64)>, other: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut both: Vec<(i64, i64)> = one.into_iter().chain(other).collect();
    both.sort_unstable();
    both.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1;
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
    both
}

/// What passes from one stretch of time to the next.
struct Silence {
    /// When rules were judged last (ms since the epoch), or a stretch ended in which nobody looked.
    judged_ms: Option<i64>,
    /// How many steps were gone so far, of which there may be only so many: the end of the time may lie far in the future.
    steps: usize,
}

impl Silence {
    /// The times of samples up to an end, and those at which silence is noticed. Of times before the past that is asked for there
    /// are none.
    fn noticed(
        &mut self,
        times: Vec<i64>,
        unobserved: &[(i64, i64)],
        (past, to_ms): (Past, i64),
        at_the_latest_ms: i64,
    ) -> Result<Vec<i64>> {
        let end_ms = to_ms.saturating_add(1);
        if at_the_latest_ms < 1 || !self.is_silent(&times, end_ms, at_the_latest_ms) {
            self.judged_ms = times.last().copied().or(self.judged_ms);
            return Ok(times);
        }
        let mut all = Vec::with_capacity(times.len());
        for time_ms in times.into_iter().chain([end_ms]) {
            while let Some(due_ms) =
                self.judged_ms.map(|judged_ms| judged_ms.saturating_add(at_the_latest_ms))
                && due_ms < time_ms
            {
                self.one_more()?;
                let unobserved = stretch_at(unobserved, due_ms);
                if unobserved.is_none() && due_ms >= past.from_ms {
                    all.push(due_ms);
                }
                self.judged_ms = Some(unobserved.map_or(due_ms, |(_, end_ms)| end_ms));
            }
            if time_ms <= to_ms {
                all.push(time_ms);
                self.judged_ms = Some(time_ms);
            }
        }
        Ok(all)
    }

    /// Whether so long a time passes anywhere without a sample.
    fn is_silent(&self, times: &[i64], end_ms: i64, at_the_latest_ms: i64) -> bool {
        let is_long = |from_ms: i64, to_ms: i64| from_ms.saturating_add(at_the_latest_ms) < to_ms;
        let first_ms = times.first().copied().unwrap_or(end_ms);
        self.judged_ms.is_some_and(|judged_ms| is_long(judged_ms, first_ms))
            || times.windows(2).any(|pair| is_long(pair[0], pair[1]))
            || times.last().is_some_and(|last_ms| is_long(*last_ms, end_ms))
    }

    /// The times of a grid in a stretch, after what was judged before.
    fn on_grid(
        &mut self,
        unobserved: &[(i64, i64)],
        (from_ms, to_ms): (i64, i64),
        interval_ms: i64,
        phase_ms: i64,
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

/// The stretch that a time lies in.
fn stretch_at(stretches: &[(i64, i64)], time_ms: i64) -> Option<(i64, i64)> {
    let after = stretches.partition_point(|(from_ms, _)| *from_ms <= time_ms);
    stretches[..after].last().copied().filter(|(_, end_ms)| time_ms < *end_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn past(from_ms: i64, to_ms: i64, judged_ms: Option<i64>) -> Past {
        Past { from_ms, to_ms, judged_ms }
    }

    fn silence(judged_ms: Option<i64>) -> Silence {
        Silence { judged_ms, steps: 0 }
    }

    fn noticed(
        times: &[i64],
        unobserved: &[(i64, i64)],
        past: Past,
        at_the_latest_ms: i64,
    ) -> Result<Vec<i64>> {
        silence(past.judged_ms).noticed(times.to_vec(), unobserved, (past, past.to_ms), at_the_latest_ms)
    }

    fn on_grid(
        unobserved: &[(i64, i64)],
        past: Past,
        (interval_ms, phase_ms): (i64, i64),
    ) -> Result<Vec<i64>> {
        silence(past.judged_ms).on_grid(unobserved, (past.from_ms, past.to_ms), interval_ms, phase_ms)
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
    fn stretches_of_two_kinds_become_one_row() {
        let both = either(vec![(1, 5), (20, 30)], vec![(4, 8), (8, 9), (22, 25), (40, 41)]);
        assert_eq!(both, [(1, 9), (20, 30), (40, 41)]);
    }

    #[test]
    fn a_grid_has_its_phase_and_goes_on_after_what_was_judged() {
        assert_eq!(on_grid(&[(20, 41)], past(0, 70, None), (10, 3)).unwrap(), [3, 13, 43, 53, 63]);
        assert_eq!(on_grid(&[(20, 41)], past(0, 70, Some(53)), (10, 3)).unwrap(), [63]);
        assert_eq!(on_grid(&[], past(-25, 5, None), (10, 3)).unwrap(), [-17, -7, 3]);
    }

    proptest! {
        #[test]
        fn stretches_of_time_have_the_times_that_all_of_it_has(
            gaps in prop::collection::vec(1_i64..60, 0..30),
            dark in prop::collection::vec((1_i64..80, 1_i64..80), 0..4),
            cuts in prop::collection::vec(0_i64..900, 0..5),
            judged_ms in prop::option::of(-30_i64..0),
            at_the_latest_ms in 0_i64..40,
        ) {
            let sum = |at: &mut i64, gap: i64| { *at += gap; Some(*at) };
            let dark: Vec<i64> = dark.into_iter().flat_map(|(gap, length)| [gap, length]).scan(0, sum).collect();
            let dark: Vec<(i64, i64)> = dark.chunks(2).map(|pair| (pair[0], pair[1])).collect();
            let times: Vec<i64> = gaps.into_iter().scan(0, sum).filter(|time| stretch_at(&dark, *time).is_none() && *time <= 1000).collect();
            let past = past(0, 1000, judged_ms);
            let mut ends: Vec<i64> = cuts.into_iter().chain([past.to_ms]).collect();
            ends.sort_unstable();
            ends.dedup();
            let (mut by_samples, mut on_grid) = (silence(judged_ms), silence(judged_ms));
            let (mut cut, mut of_grid, mut from_ms) = (Vec::new(), Vec::new(), past.from_ms);
            for end_ms in ends {
                let own: Vec<i64> = times.iter().copied().filter(|time| (from_ms..=end_ms).contains(time)).collect();
                cut.extend(by_samples.noticed(own, &dark, (past, end_ms), at_the_latest_ms).unwrap());
                of_grid.extend(on_grid.on_grid(&dark, (from_ms, end_ms), 7, 3).unwrap());
                from_ms = end_ms + 1;
            }
            prop_assert_eq!(cut, noticed(&times, &dark, past, at_the_latest_ms).unwrap());
            prop_assert_eq!(of_grid, super::tests::on_grid(&dark, past, (7, 3)).unwrap());
        }
    }
}
