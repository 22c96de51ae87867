//! At which times rules are judged.

use custos_promql::{Error, ErrorKind, MatchOperator, Matcher, Result, SampleTimes, Selected, Source};

use crate::limits::{JUDGEMENT_TIMES_MAX, RESTORE_LOST_MS, RULE_LATE_MAX};
use crate::rules::definition::{RuleGroup, When};

/// What is judged by the clock may be so late (ms).
const SILENCE_LATE_MS: i64 = RULE_LATE_MAX.as_millis() as i64;

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

/// When the rules of a group are to be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgementTimes {
    /// When (ms since the epoch), ascending, each once.
    pub times: Vec<i64>,
    /// Stretches in which nobody looked: the first millisecond, and the one after the last; ascending and apart.
    pub unobserved: Vec<(i64, i64)>,
    /// Stretches (both ends included) of which the record of the rules says when they were judged: at no other time in there did
    /// time alone have anything judged. Ascending and apart.
    pub recorded: Vec<(i64, i64)>,
}

impl JudgementTimes {
    /// Whether something that is due at a time (ms since the epoch) without a sample was judged then, if it was judged at all, only as
    /// one of the [`JudgementTimes::times`].
    pub fn is_recorded(&self, time_ms: i64) -> bool {
        recorded_until(&self.recorded, time_ms).is_some()
    }
}

/// When the rules of a group are to be judged over what a source has, and when nobody looked at what they select.
///
/// With [`When::Samples`] these are the times of the samples and ends of what the rules select, and those at which time alone had
/// them judged: as the rules' own record tells, and where they have none, so long after a time at which they were judged last as
/// silence may go unnoticed. With [`When::Grid`] they are those of the grid. A stretch in which nobody looked has none of its own,
/// and silence counts from its end on.
///
/// # Errors
/// The series cannot be read, or there are more than [`JUDGEMENT_TIMES_MAX`] times.
pub fn judgement_times(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<JudgementTimes> {
    let found = samples_of(group, source, past)?;
    let own = own_record(group, source, past)?;
    match group.when {
        When::Samples { at_the_latest_ms } => {
            let known = match own == SampleTimes::default() {
                true => {
                    JudgementTimes { times: found.times, unobserved: found.unobserved, recorded: Vec::new() }
                }
                false => by_record(&found, &own, at_the_latest_ms),
            };
            if !is_silent(&known.times, past, at_the_latest_ms) {
                return Ok(known);
            }
            let times = with_silence(&known, past, at_the_latest_ms)?;
            Ok(JudgementTimes { times, ..known })
        }
        When::Grid { interval_ms, phase_ms } => {
            let unobserved = either(found.unobserved, own.unobserved);
            let times = on_grid(&unobserved, past, interval_ms, phase_ms)?;
            Ok(JudgementTimes { times, unobserved, recorded: Vec::new() })
        }
    }
}

/// The times of samples with those of the record of a rule.
///
/// Between two judgements that are recorded the record tells all, unless samples lie there that it does not know: then the rule was
/// not in force. The last ones before the agent ended may have been lost, though.
fn by_record(found: &SampleTimes, own: &SampleTimes, at_the_latest_ms: i64) -> JudgementTimes {
    let is_own = |time: &i64| own.times.binary_search(time).is_ok();
    let mut recorded: Vec<(i64, i64)> = Vec::new();
    let mut silent = Vec::new();
    for pair in own.times.windows(2) {
        let (from_ms, to_ms) = (pair[0], pair[1]);
        let first = found.times.partition_point(|time| *time <= from_ms.saturating_add(RESTORE_LOST_MS));
        if found.times.get(first).is_some_and(|time| *time < to_ms) {
            continue;
        }
        let expected_ms = from_ms.saturating_add(at_the_latest_ms.max(1)).saturating_add(SILENCE_LATE_MS);
        if at_the_latest_ms > 0 && expected_ms < to_ms {
            silent.push((from_ms.saturating_add(at_the_latest_ms), to_ms));
        }
        match recorded.last_mut().filter(|last| last.1 == from_ms) {
            Some(last) => last.1 = to_ms,
            None => recorded.push((from_ms, to_ms)),
        }
    }
    let is_skipped = |time: i64| stretch_at(&own.unobserved, time).is_some();
    let sampled = found.times.iter().filter(|time| !is_skipped(**time) && !is_own(time));
    let mut times: Vec<i64> = sampled.chain(&own.times).copied().collect();
    times.sort_unstable();
    let unobserved = either(found.unobserved.clone(), either(silent, own.unobserved.clone()));
    JudgementTimes { times, unobserved, recorded }
}

/// The times of what all rules select, of which each series is read once.
fn samples_of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let expressions = group.rules.iter().flat_map(|rule| rule.judge.expressions());
    // What a group reads of which nothing is stored, as what its own rules record, does not say that somebody looked.
    let ignores_absent = matches!(group.when, When::Grid { .. });
    Selected::of(expressions, source, (past.from_ms, past.to_ms), ignores_absent)?.all_times(source)
}

/// When the rules themselves were judged, and when they were not, as their own runs tell: all are judged at the same times.
fn own_record(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<SampleTimes> {
    let Some(rule) = group.rules.first() else { return Ok(SampleTimes::default()) };
    let condition = |name, value| Matcher::new(name, MatchOperator::Equal, value);
    let state = [condition("__name__", "check_state"), condition("check", &rule.check)];
    // A condition without a regular expression has no mistake.
    let state: Vec<Matcher> = state.into_iter().filter_map(|condition| condition.ok()).collect();
    let offset_ms = group.query_offset_ms;
    let (from_ms, to_ms) = (past.from_ms.saturating_sub(offset_ms), past.to_ms.saturating_sub(offset_ms));
    let series = source.select(&state, from_ms, to_ms)?;
    let Some(one) = series.first() else { return Ok(SampleTimes::default()) };
    let later = |time_ms: i64| time_ms.saturating_add(offset_ms);
    let unobserved: Vec<(i64, i64)> = source
        .unobserved(one, from_ms, to_ms)?
        .into_iter()
        .map(|(from_ms, to_ms)| (later(from_ms), later(to_ms)))
        .collect();
    if matches!(group.when, When::Grid { .. }) {
        return Ok(SampleTimes { times: Vec::new(), unobserved });
    }
    let found = source.times(&[one], from_ms, to_ms)?;
    let mut times: Vec<i64> = found.iter().flat_map(|times| times.iter().copied().map(later)).collect();
    times.retain(|time| stretch_at(&unobserved, *time).is_none());
    times.dedup();
    Ok(SampleTimes { times, unobserved })
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

/// Whether so long passes anywhere without a sample that silence may be noticed.
fn is_silent(times: &[i64], past: Past, at_the_latest_ms: i64) -> bool {
    let is_long = |from_ms: i64, to_ms: i64| from_ms.saturating_add(at_the_latest_ms) <= to_ms;
    let first_ms = times.first().copied().unwrap_or(past.to_ms);
    at_the_latest_ms > 0
        && (past.judged_ms.is_some_and(|judged_ms| is_long(judged_ms, first_ms))
            || times.windows(2).any(|pair| is_long(pair[0], pair[1]))
            || times.last().is_some_and(|last_ms| is_long(*last_ms, past.to_ms)))
}

/// The times of samples, and those at which silence is noticed.
fn with_silence(found: &JudgementTimes, past: Past, at_the_latest_ms: i64) -> Result<Vec<i64>> {
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
            if let Some(until_ms) = recorded_until(&found.recorded, due_ms) {
                // What is due at that time is among the times already if it was judged.
                judged_ms = Some(until_ms);
                continue;
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

fn on_grid(unobserved: &[(i64, i64)], past: Past, interval_ms: i64, phase_ms: i64) -> Result<Vec<i64>> {
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

/// The end of the recorded stretch that a time lies in; none at its end, which is a time of the record.
pub(super) fn recorded_until(recorded: &[(i64, i64)], time_ms: i64) -> Option<i64> {
    stretch_at(recorded, time_ms).map(|(_, until_ms)| until_ms)
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
        let of = |times: &[i64], unobserved: &[(i64, i64)]| JudgementTimes {
            times: times.to_vec(),
            unobserved: unobserved.to_vec(),
            recorded: Vec::new(),
        };
        let found = of(&[10, 20, 30, 100], &[(55, 83)]);
        assert_eq!(
            with_silence(&found, past(0, 125, None), 10).unwrap(),
            [10, 20, 30, 40, 50, 93, 100, 110, 120]
        );
        let found = of(&[20, 30], &[]);
        assert_eq!(with_silence(&found, past(15, 37, Some(12)), 6).unwrap(), [18, 20, 26, 30, 36]);
        assert_eq!(
            with_silence(&JudgementTimes::default(), past(0, 30, None), 10).unwrap(),
            Vec::<i64>::new()
        );
        assert_eq!(with_silence(&JudgementTimes::default(), past(0, 30, Some(-5)), 10).unwrap(), [5, 15, 25]);
    }

    #[test]
    fn an_end_in_a_far_future_is_refused() {
        let found = JudgementTimes { times: vec![10, i64::MAX - 5], ..JudgementTimes::default() };
        assert!(with_silence(&found, past(0, i64::MAX, None), 10).is_err());
        assert!(on_grid(&[], past(0, i64::MAX, None), 10, 3).is_err());
    }

    #[test]
    fn stretches_of_two_kinds_become_one_row() {
        let both = either(vec![(1, 5), (20, 30)], vec![(4, 8), (8, 9), (22, 25), (40, 41)]);
        assert_eq!(both, [(1, 9), (20, 30), (40, 41)]);
    }

    #[test]
    fn a_grid_has_its_phase_and_goes_on_after_what_was_judged() {
        let dark = [(20, 41)];
        assert_eq!(on_grid(&dark, past(0, 70, None), 10, 3).unwrap(), [3, 13, 43, 53, 63]);
        assert_eq!(on_grid(&dark, past(0, 70, Some(53)), 10, 3).unwrap(), [63]);
        assert_eq!(on_grid(&[], past(-25, 5, None), 10, 3).unwrap(), [-17, -7, 3]);
    }

    #[test]
    fn the_record_says_what_time_alone_had_judged() {
        let minute = 60_000;
        let at = |minutes: &[i64]| minutes.iter().map(|of| of * minute).collect::<Vec<_>>();
        // Samples each minute; the rule was judged with them, at 12 by the clock, and from 15 on nobody was there until 40.
        let found = SampleTimes { times: at(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 40, 41]), unobserved: vec![] };
        let own = SampleTimes { times: at(&[5, 6, 7, 8, 12, 40, 41]), unobserved: vec![] };
        let known = by_record(&found, &own, 4 * minute);
        assert_eq!(known.times, at(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 40, 41]));
        assert_eq!(known.recorded, [(5 * minute, 41 * minute)]);
        assert_eq!(known.unobserved, [(16 * minute, 40 * minute)]);
        let times = with_silence(&known, past(0, 46 * minute, None), 4 * minute).unwrap();
        assert_eq!(times, at(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 40, 41, 45]));
        // Where samples came of which the record knows nothing, the rule was not in force.
        let own = SampleTimes { times: at(&[1, 8, 40]), unobserved: vec![(7 * minute, 7 * minute + 1)] };
        let known = by_record(&found, &own, 4 * minute);
        assert_eq!(known.recorded, [(8 * minute, 40 * minute)]);
        assert!(!known.times.contains(&(7 * minute)), "a time that was skipped");
    }
}
