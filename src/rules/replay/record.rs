//! What the record of rules says of when they were judged: their own runs, one stretch of time after the other.

use custos_promql::{MatchOperator, Matcher, Result, Source, SourceSeries};

use super::past::{Past, join, stretch_at};
use crate::limits::{RECORD_READ_MAX, RESTORE_LOST_MS, RULE_LATE_MAX};
use crate::period::Period;
use crate::rules::definition::RuleGroup;

/// What is judged by the clock may be so late (ms).
const SILENCE_LATE_MS: i64 = RULE_LATE_MAX.as_millis() as i64;

/// The record of the rules of a group: all are judged at the same times.
pub(super) struct Record {
    series: SourceSeries,
    offset_ms: i64,
    /// Stretches in which they were not judged: the first millisecond, and the one after the last; ascending and apart.
    unobserved: Vec<(i64, i64)>,
    /// From when on it has not been read (ms since the epoch).
    unread_ms: Option<i64>,
    to_ms: i64,
    /// Times that were read and are still to be given, ascending, each once.
    ahead: Vec<i64>,
    /// The last one that was given.
    last: Option<i64>,
}

/// What a record says of a stretch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// When the rules were judged, and when there were samples (ms since the epoch), ascending, each once.
    pub(super) times: Vec<i64>,
    /// Between these (both included) they were judged at no other time by the clock.
    pub(super) recorded: Vec<(i64, i64)>,
    /// In these nobody was there who could have judged.
    pub(super) silent: Vec<(i64, i64)>,
}

impl Record {
    /// None if they have no record.
    pub(super) fn of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<Option<Record>> {
        let Some(rule) = group.rules.first() else { return Ok(None) };
        let condition = |name, value| Matcher::new(name, MatchOperator::Equal, value);
        let state = [condition("__name__", "check_state"), condition("check", &rule.check)];
        // A condition without a regular expression has no mistake.
        let state: Vec<Matcher> = state.into_iter().filter_map(|condition| condition.ok()).collect();
        let offset_ms = group.query_offset_ms;
        let (from_ms, to_ms) = (past.from_ms.saturating_sub(offset_ms), past.to_ms.saturating_sub(offset_ms));
        let series = source.select(&state, from_ms, to_ms)?;
        let Some(series) = series.into_iter().next() else { return Ok(None) };
        let later = |time_ms: i64| time_ms.saturating_add(offset_ms);
        let unobserved = source.unobserved(&series, from_ms, to_ms)?;
        let unobserved = unobserved.into_iter().map(|(from_ms, to_ms)| (later(from_ms), later(to_ms)));
        Ok(Some(Record {
            unobserved: unobserved.collect(),
            series,
            offset_ms,
            unread_ms: Some(from_ms),
            to_ms,
            ahead: Vec::new(),
            last: None,
        }))
    }

    /// Stretches in which they were not judged: the first millisecond, and the one after the last; ascending and apart.
    pub(super) fn unobserved(&self) -> &[(i64, i64)] {
        &self.unobserved
    }

    /// Where a stretch may end, at the earliest at a time (ms since the epoch): not between two judgements, as what lies there has
    /// to be seen whole.
    pub(super) fn end_from(&mut self, source: &dyn Source, time_ms: i64) -> Result<i64> {
        while self.ahead.last().is_none_or(|last| *last < time_ms) && self.read_more(source)? {}
        let before = self.last.or_else(|| self.ahead.first().copied());
        let next = self.ahead.get(self.ahead.partition_point(|own| *own < time_ms));
        Ok(match (before, next) {
            (Some(before), Some(next)) if before < time_ms => *next,
            _ => time_ms,
        })
    }

    /// When they were judged, up to an end, of which it was not asked before.
    pub(super) fn own_until(&mut self, source: &dyn Source, end_ms: i64) -> Result<Vec<i64>> {
        while self.ahead.last().is_none_or(|last| *last <= end_ms) && self.read_more(source)? {}
        let count = self.ahead.partition_point(|own| *own <= end_ms);
        Ok(self.ahead.drain(..count).collect())
    }

    /// Reads on; false if there is nothing more.
    fn read_more(&mut self, source: &dyn Source) -> Result<bool> {
        let Some(from_ms) = self.unread_ms.filter(|from_ms| *from_ms <= self.to_ms) else { return Ok(false) };
        let length_ms = match self.series.distance_ms {
            ..1 => i64::MAX,
            distance_ms => distance_ms.saturating_mul(RECORD_READ_MAX),
        };
        let to_ms = from_ms.saturating_add(length_ms - 1).min(self.to_ms);
        for times in source.times(&[&self.series], from_ms, to_ms)? {
            let own = times.iter().map(|time| time.saturating_add(self.offset_ms));
            self.ahead.extend(own.filter(|time| stretch_at(&self.unobserved, *time).is_none()));
        }
        self.unread_ms = to_ms.checked_add(1);
        Ok(true)
    }

    /// What it says up to an end, of which it was asked before; `sampled` are the times of samples up to there at which the period is
    /// open.
    pub(super) fn judged(
        &mut self,
        sampled: Vec<i64>,
        end_ms: i64,
        at_the_latest_ms: i64,
        period: Option<&Period>,
    ) -> Judged {
        let count = self.ahead.partition_point(|own| *own <= end_ms);
        let own: Vec<i64> = self.last.into_iter().chain(self.ahead.drain(..count)).collect();
        let judged = by_record(&sampled, &own, at_the_latest_ms, period);
        let first = usize::from(self.last.is_some());
        self.last = own.last().copied();
        let is_new =
            |time: &i64| own.binary_search(time).is_err() && stretch_at(&self.unobserved, *time).is_none();
        let mut times: Vec<i64> = sampled.into_iter().filter(is_new).collect();
        times.extend_from_slice(&own[first..]);
        times.sort_unstable();
        Judged { times, ..judged }
    }
}

/// What the times of judgements say of what lies between them.
///
/// Between two judgements that are recorded the record tells all, unless samples lie there that it does not know: then the rule was
/// not in force. The last ones before the agent ended may have been lost, though.
fn by_record(sampled: &[i64], own: &[i64], at_the_latest_ms: i64, period: Option<&Period>) -> Judged {
    let mut judged = Judged::default();
    for pair in own.windows(2) {
        let (from_ms, to_ms) = (pair[0], pair[1]);
        let first = sampled.partition_point(|time| *time <= from_ms.saturating_add(RESTORE_LOST_MS));
        if sampled.get(first).is_some_and(|time| *time < to_ms) {
            continue;
        }
        let due_ms = due_in(period, from_ms, to_ms, at_the_latest_ms.max(1));
        if at_the_latest_ms > 0 && due_ms.saturating_add(SILENCE_LATE_MS) < to_ms {
            judged.silent.push((due_ms, to_ms));
        }
        join(&mut judged.recorded, [(from_ms, to_ms)]);
    }
    judged
}

/// When silence is to be noticed after a judgement: what is due outside of a period is due again so much later (ms). Looks until an end.
fn due_in(period: Option<&Period>, judged_ms: i64, to_ms: i64, at_the_latest_ms: i64) -> i64 {
    let mut due_ms = judged_ms.saturating_add(at_the_latest_ms);
    while due_ms < to_ms
        && let Some(standing) = period.map(|period| period.at(due_ms))
        && !standing.open
    {
        // It is closed more than a year if it is not known until when.
        let opens_ms = standing.until_ms.unwrap_or(i64::MAX);
        let times = opens_ms.saturating_sub(due_ms).div_euclid(at_the_latest_ms);
        due_ms = due_ms.saturating_add(times.max(1).saturating_mul(at_the_latest_ms));
    }
    due_ms
}

#[cfg(test)]
mod tests {
    use custos_promql::Memory;
    use proptest::prelude::*;

    use super::super::past::either;
    use super::super::silence::{Known, Silence};
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn minutes(of: &[i64]) -> Vec<i64> {
        of.iter().map(|of| of * MINUTE_MS).collect()
    }

    /// A record that has been read.
    fn record(own: &[i64], unobserved: &[(i64, i64)]) -> Record {
        Record {
            series: SourceSeries::default(),
            offset_ms: 0,
            unobserved: unobserved.to_vec(),
            unread_ms: None,
            to_ms: i64::MAX,
            ahead: own.to_vec(),
            last: None,
        }
    }

    /// What is judged up to each of these ends, and which stretches are then known to be recorded and unobserved.
    type Whole = (Vec<i64>, Vec<(i64, i64)>, Vec<(i64, i64)>);

    fn judged(sampled: &[i64], mut record: Record, past: Past, at_the_latest_ms: i64, ends: &[i64]) -> Whole {
        let mut unobserved = record.unobserved.clone();
        let (mut times, mut recorded, mut from_ms) = (Vec::new(), Vec::new(), past.from_ms);
        let mut silence = Silence::new(past.judged_ms);
        for end_ms in ends {
            let end_ms = record.end_from(&Memory::default(), *end_ms).unwrap();
            if end_ms < from_ms {
                continue;
            }
            let own = sampled.iter().copied().filter(|time| (from_ms..=end_ms).contains(time)).collect();
            let judged = record.judged(own, end_ms, at_the_latest_ms, None);
            unobserved = either(unobserved, judged.silent);
            let known = Known { unobserved: &unobserved, recorded: &judged.recorded, end_ms };
            times.extend(&silence.noticed(judged.times.into(), &known, past, at_the_latest_ms).unwrap());
            join(&mut recorded, judged.recorded);
            from_ms = end_ms + 1;
        }
        (times, recorded, unobserved)
    }

    #[test]
    fn the_record_says_what_time_alone_had_judged() {
        // Samples each minute; the rule was judged with them, at 12 by the clock, and from 15 on nobody was there until 40.
        let sampled = minutes(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 40, 41]);
        let past = Past { from_ms: 0, to_ms: 46 * MINUTE_MS, judged_ms: None };
        let own = minutes(&[5, 6, 7, 8, 12, 40, 41]);
        let (times, recorded, unobserved) =
            judged(&sampled, record(&own, &[]), past, 4 * MINUTE_MS, &[past.to_ms]);
        assert_eq!(times, minutes(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 40, 41, 45]));
        assert_eq!(recorded, [(5 * MINUTE_MS, 41 * MINUTE_MS)]);
        assert_eq!(unobserved, [(16 * MINUTE_MS, 40 * MINUTE_MS)]);
        // Where samples came of which the record knows nothing, the rule was not in force.
        let skipped = [(7 * MINUTE_MS, 7 * MINUTE_MS + 1)];
        let own = record(&minutes(&[1, 8, 40]), &skipped);
        let (times, recorded, _) = judged(&sampled, own, past, 4 * MINUTE_MS, &[past.to_ms]);
        assert_eq!(recorded, [(8 * MINUTE_MS, 40 * MINUTE_MS)]);
        assert!(!times.contains(&(7 * MINUTE_MS)), "a time that was skipped");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn stretches_of_time_have_the_times_that_all_of_it_has(
            gaps in prop::collection::vec(1_i64..60, 0..30),
            own in prop::collection::vec((1_i64..120, any::<bool>()), 0..20),
            dark in prop::collection::vec((1_i64..80, 1_i64..80), 0..4),
            cuts in prop::collection::vec(0_i64..900, 0..5),
            judged_s in prop::option::of(-30_i64..0),
            at_the_latest_s in 0_i64..40,
        ) {
            let sum = |at: &mut i64, gap: i64| { *at += gap; Some(*at) };
            let dark: Vec<i64> = dark.into_iter().flat_map(|(gap, length)| [gap, length]).scan(0, sum).collect();
            let dark: Vec<(i64, i64)> = dark.chunks(2).map(|pair| (pair[0] * 1000, pair[1] * 1000)).collect();
            let is_seen = |time: &i64| stretch_at(&dark, *time).is_none() && *time <= 1_000_000;
            let sampled: Vec<i64> = gaps.into_iter().scan(0, sum).map(|s| s * 1000).filter(is_seen).collect();
            // Some judgements are those of samples, others of the clock.
            let nearest = |time: i64| sampled[..sampled.partition_point(|known| *known <= time)].last().copied();
            let own = own.into_iter().scan(0, |at, (gap, of_sample)| { *at += gap; Some((*at * 1000, of_sample)) });
            let mut own: Vec<i64> =
                own.map(|(time, of_sample)| nearest(time).filter(|_| of_sample).unwrap_or(time)).filter(is_seen).collect();
            own.sort_unstable();
            own.dedup();
            let past = Past { from_ms: 0, to_ms: 1_000_000, judged_ms: judged_s.map(|s| s * 1000) };
            let mut ends: Vec<i64> = cuts.into_iter().map(|s| s * 1000).chain([past.to_ms]).collect();
            ends.sort_unstable();
            ends.dedup();
            let in_parts = judged(&sampled, record(&own, &dark), past, at_the_latest_s * 1000, &ends);
            let whole = judged(&sampled, record(&own, &dark), past, at_the_latest_s * 1000, &[past.to_ms]);
            prop_assert_eq!(in_parts, whole);
        }
    }
}
