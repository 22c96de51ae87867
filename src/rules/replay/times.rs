//! At which times rules are judged.

use custos_promql::{Error, ErrorKind, MatchOperator, Matcher, Result, SampleTimes, Source, sample_times};

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
    let mut found = samples_of(group, source, past)?;
    if matches!(group.when, When::Grid { .. }) {
        found.unobserved = either(found.unobserved, missed(group, source, past)?);
    }
    found.times = match group.when {
        When::Samples { at_the_latest_ms } => with_silence(&found, past, at_the_latest_ms)?,
        When::Grid { interval_ms, phase_ms } => on_grid(&found, past, interval_ms, phase_ms)?,
    };
    Ok(found)
}

/// The times of what all rules select.
fn samples_of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let is_grid = matches!(group.when, When::Grid { .. });
    let mut all: Option<SampleTimes> = None;
    for expr in group.rules.iter().flat_map(|rule| rule.judge.expressions()) {
        let found = sample_times(expr, source, past.from_ms, past.to_ms)?;
        // What a group reads of which nothing is stored, as what its own rules record, does not say that somebody looked.
        if is_grid && found == SampleTimes::default() {
            continue;
        }
        all = Some(match all {
            None => found,
            Some(all) => all.and(found),
        });
    }
    Ok(all.unwrap_or_default())
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

/// The times of samples, and those at which silence is noticed.
fn with_silence(found: &SampleTimes, past: Past, at_the_latest_ms: i64) -> Result<Vec<i64>> {
    if at_the_latest_ms < 1 {
        return Ok(found.times.clone());
    }
    let mut all = Vec::with_capacity(found.times.len());
    let mut judged_ms = past.judged_ms;
    let mut steps = 0;
    for time_ms in found.times.iter().copied().chain([past.to_ms.saturating_add(1)]) {
        while let Some(due_ms) = judged_ms.map(|judged_ms: i64| judged_ms.saturating_add(at_the_latest_ms)) {
            if due_ms >= time_ms {
                break;
            }
            one_more(&mut steps)?;
            let unobserved = stretch_at(&found.unobserved, due_ms);
            if unobserved.is_none() && due_ms >= past.from_ms {
                all.push(due_ms);
            }
            judged_ms = Some(unobserved.map_or(due_ms, |(_, end_ms)| end_ms.min(time_ms)));
        }
        if time_ms <= past.to_ms {
            all.push(time_ms);
            judged_ms = Some(time_ms);
        }
    }
    Ok(all)
}

/// Counts a step of which there may be only so many, as the end of the time may lie far in the future.
fn one_more(steps: &mut usize) -> Result<()> {
    *steps += 1;
    if *steps <= JUDGEMENT_TIMES_MAX {
        return Ok(());
    }
    let message =
        format!("rules are judged at more than {JUDGEMENT_TIMES_MAX} times: ask for a shorter time");
    Err(Error { kind: ErrorKind::Limit, span: None, message })
}

fn on_grid(found: &SampleTimes, past: Past, interval_ms: i64, phase_ms: i64) -> Result<Vec<i64>> {
    let interval_ms = interval_ms.max(1);
    let from_ms =
        past.judged_ms.map_or(past.from_ms, |judged_ms| past.from_ms.max(judged_ms.saturating_add(1)));
    let passed = from_ms.saturating_sub(phase_ms);
    let first = passed.div_euclid(interval_ms) + i64::from(passed.rem_euclid(interval_ms) > 0);
    let mut all = Vec::new();
    let mut time_ms = first.saturating_mul(interval_ms).saturating_add(phase_ms);
    let mut steps = 0;
    while time_ms <= past.to_ms {
        one_more(&mut steps)?;
        if stretch_at(&found.unobserved, time_ms).is_none() {
            all.push(time_ms);
        }
        match time_ms.checked_add(interval_ms) {
            Some(next_ms) => time_ms = next_ms,
            None => break,
        }
    }
    Ok(all)
}

/// The stretch that a time lies in.
fn stretch_at(stretches: &[(i64, i64)], time_ms: i64) -> Option<(i64, i64)> {
    let after = stretches.partition_point(|(from_ms, _)| *from_ms <= time_ms);
    stretches[..after].last().copied().filter(|(_, end_ms)| time_ms < *end_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(from_ms: i64, to_ms: i64, judged_ms: Option<i64>) -> Past {
        Past { from_ms, to_ms, judged_ms }
    }

    #[test]
    fn silence_is_noticed_but_not_where_nobody_looked() {
        let found = SampleTimes { times: vec![10, 20, 30, 100], unobserved: vec![(55, 83)] };
        assert_eq!(
            with_silence(&found, past(0, 125, None), 10).unwrap(),
            [10, 20, 30, 40, 50, 93, 100, 110, 120]
        );
        let found = SampleTimes { times: vec![20, 30], unobserved: vec![] };
        assert_eq!(with_silence(&found, past(15, 37, Some(12)), 6).unwrap(), [18, 20, 26, 30, 36]);
        assert_eq!(with_silence(&SampleTimes::default(), past(0, 30, None), 10).unwrap(), Vec::<i64>::new());
        assert_eq!(with_silence(&SampleTimes::default(), past(0, 30, Some(-5)), 10).unwrap(), [5, 15, 25]);
    }

    #[test]
    fn an_end_in_a_far_future_is_refused() {
        let found = SampleTimes { times: vec![10, i64::MAX - 5], unobserved: vec![] };
        assert!(with_silence(&found, past(0, i64::MAX, None), 10).is_err());
        assert!(on_grid(&found, past(0, i64::MAX, None), 10, 3).is_err());
    }

    #[test]
    fn stretches_of_two_kinds_become_one_row() {
        let both = either(vec![(1, 5), (20, 30)], vec![(4, 8), (8, 9), (22, 25), (40, 41)]);
        assert_eq!(both, [(1, 9), (20, 30), (40, 41)]);
    }

    #[test]
    fn a_grid_has_its_phase_and_goes_on_after_what_was_judged() {
        let found = SampleTimes { times: vec![], unobserved: vec![(20, 41)] };
        assert_eq!(on_grid(&found, past(0, 70, None), 10, 3).unwrap(), [3, 13, 43, 53, 63]);
        assert_eq!(on_grid(&found, past(0, 70, Some(53)), 10, 3).unwrap(), [63]);
        assert_eq!(on_grid(&SampleTimes::default(), past(-25, 5, None), 10, 3).unwrap(), [-17, -7, 3]);
    }
}
