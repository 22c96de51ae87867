//! At which times rules are judged.

use custos_promql::{Result, SampleTimes, Source, sample_times};

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
/// The series cannot be read.
pub fn judgement_times(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let mut found = samples_of(group, source, past)?;
    found.times = match group.when {
        When::Samples { at_the_latest_ms } => with_silence(&found, past, at_the_latest_ms),
        When::Grid { interval_ms, phase_ms } => on_grid(&found, past, interval_ms, phase_ms),
    };
    Ok(found)
}

/// The times of what all rules select.
fn samples_of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let mut all: Option<SampleTimes> = None;
    for expr in group.rules.iter().flat_map(|rule| rule.judge.expressions()) {
        let found = sample_times(expr, source, past.from_ms, past.to_ms)?;
        all = Some(match all {
            None => found,
            Some(all) => all.and(found),
        });
    }
    Ok(all.unwrap_or_default())
}

/// The times of samples, and those at which silence is noticed.
fn with_silence(found: &SampleTimes, past: Past, at_the_latest_ms: i64) -> Vec<i64> {
    if at_the_latest_ms < 1 {
        return found.times.clone();
    }
    let mut all = Vec::with_capacity(found.times.len());
    let mut judged_ms = past.judged_ms;
    for time_ms in found.times.iter().copied().chain([past.to_ms.saturating_add(1)]) {
        while let Some(due_ms) = judged_ms.map(|judged_ms: i64| judged_ms.saturating_add(at_the_latest_ms)) {
            if due_ms >= time_ms {
                break;
            }
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
    all
}

fn on_grid(found: &SampleTimes, past: Past, interval_ms: i64, phase_ms: i64) -> Vec<i64> {
    let interval_ms = interval_ms.max(1);
    let from_ms =
        past.judged_ms.map_or(past.from_ms, |judged_ms| past.from_ms.max(judged_ms.saturating_add(1)));
    let passed = from_ms.saturating_sub(phase_ms);
    let first = passed.div_euclid(interval_ms) + i64::from(passed.rem_euclid(interval_ms) > 0);
    let mut all = Vec::new();
    let mut time_ms = first.saturating_mul(interval_ms).saturating_add(phase_ms);
    while time_ms <= past.to_ms {
        if stretch_at(&found.unobserved, time_ms).is_none() {
            all.push(time_ms);
        }
        match time_ms.checked_add(interval_ms) {
            Some(next_ms) => time_ms = next_ms,
            None => break,
        }
    }
    all
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
        assert_eq!(with_silence(&found, past(0, 125, None), 10), [10, 20, 30, 40, 50, 93, 100, 110, 120]);
        let found = SampleTimes { times: vec![20, 30], unobserved: vec![] };
        assert_eq!(with_silence(&found, past(15, 37, Some(12)), 6), [18, 20, 26, 30, 36]);
        assert_eq!(with_silence(&SampleTimes::default(), past(0, 30, None), 10), Vec::<i64>::new());
        assert_eq!(with_silence(&SampleTimes::default(), past(0, 30, Some(-5)), 10), [5, 15, 25]);
    }

    #[test]
    fn a_grid_has_its_phase_and_goes_on_after_what_was_judged() {
        let found = SampleTimes { times: vec![], unobserved: vec![(20, 41)] };
        assert_eq!(on_grid(&found, past(0, 70, None), 10, 3), [3, 13, 43, 53, 63]);
        assert_eq!(on_grid(&found, past(0, 70, Some(53)), 10, 3), [63]);
        assert_eq!(on_grid(&SampleTimes::default(), past(-25, 5, None), 10, 3), [-17, -7, 3]);
    }
}
