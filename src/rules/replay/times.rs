//! At which times rules are judged.

use std::sync::Arc;

use custos_promql::{Result, Selected, Shared, Source};

use super::past::{Past, either};
use super::record::Record;
use super::silence::{Known, Silence};
use crate::period::Period;
use crate::rules::definition::{RuleGroup, When};

/// When the rules of a group are to be judged over what a source has (ms since the epoch), ascending, each once.
///
/// With [`When::Samples`] these are the times of the samples and ends of what the rules select, and those at which time alone had
/// them judged: as the rules' own record tells, and where they have none, so long after a time at which they were judged last as
/// silence may go unnoticed. With [`When::Grid`] they are those of the grid. A stretch in which nobody looked has none of its own,
/// and silence counts from its end on. Outside of the period of the group there are none.
///
/// # Errors
/// The series cannot be read, or there are more than [`JUDGEMENT_TIMES_MAX`](crate::limits::JUDGEMENT_TIMES_MAX) times.
pub fn judgement_times(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<Vec<i64>> {
    let mut stretches = JudgementStretches::of(group, source, past)?;
    let mut all = Vec::new();
    while let Some(stretch) = stretches.next(source)? {
        all.extend_from_slice(&stretch.times);
    }
    Ok(all)
}

/// When the rules of a group are to be judged in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgementStretch {
    /// The last millisecond of the stretch.
    pub end_ms: i64,
    /// When (ms since the epoch), ascending, each once.
    pub times: Shared<i64>,
    /// Of which times the record of the rules says when they were judged, see [`Recorded`](super::Recorded).
    pub recorded: Vec<(i64, i64)>,
}

/// When the rules of a group are to be judged, as [`judgement_times`] says, and when nobody looked at what they select: one stretch of
/// time after the other, so that what is read for a stretch can be worked on while it is at hand.
pub struct JudgementStretches {
    when: When,
    /// Outside of it nothing is judged.
    period: Option<Arc<Period>>,
    past: Past,
    selected: Selected,
    stretches: Box<dyn Iterator<Item = (i64, i64)> + Send>,
    /// Times of samples that were read beyond the end of the last stretch.
    ahead: Shared<i64>,
    /// Where the next stretch begins (ms since the epoch), if there is one.
    from_ms: Option<i64>,
    /// Up to when the times of samples were read (ms since the epoch), if any were.
    read_ms: Option<i64>,
    unobserved: Vec<(i64, i64)>,
    record: Option<Record>,
    silence: Silence,
}

impl JudgementStretches {
    /// Nothing has been asked for yet.
    ///
    /// # Errors
    /// The series cannot be read.
    pub fn of(group: &RuleGroup, source: &dyn Source, past: Past) -> Result<JudgementStretches> {
        let is_grid = matches!(group.when, When::Grid { .. });
        let expressions = group.rules.iter().flat_map(|rule| rule.judge.expressions());
        // What a group reads of which nothing is stored, as what its own rules record, does not say that somebody looked.
        let selected = Selected::of(expressions, source, (past.from_ms, past.to_ms), is_grid)?;
        let record = Record::of(group, source, past)?;
        let not_judged = record.as_ref().map_or(&[][..], Record::unobserved);
        Ok(JudgementStretches {
            when: group.when,
            period: group.period.clone(),
            past,
            stretches: Box::new(selected.stretches()),
            ahead: Shared::default(),
            from_ms: Some(past.from_ms),
            read_ms: None,
            unobserved: either(selected.unobserved().to_vec(), not_judged.to_vec()),
            selected,
            record,
            silence: Silence::new(past.judged_ms),
        })
    }

    /// When nobody looked at what the rules select, as far as stretches were asked for: the first millisecond, and the one after the
    /// last; ascending and apart.
    pub fn unobserved(&self) -> &[(i64, i64)] {
        &self.unobserved
    }

    /// Whether there may be a further stretch.
    pub fn has_next(&self) -> bool {
        self.from_ms.is_some_and(|from_ms| from_ms <= self.past.to_ms)
    }

    /// The next stretch; none after the last. Of a source that keeps what it reads, the samples of the stretch are then kept.
    ///
    /// # Errors
    /// See [`judgement_times`].
    pub fn next(&mut self, source: &dyn Source) -> Result<Option<JudgementStretch>> {
        let Some(from_ms) = self.from_ms else { return Ok(None) };
        let is_read = self.read_ms.is_some_and(|read_ms| read_ms >= from_ms);
        if !is_read && !self.read_more(source)? {
            return Ok(None);
        }
        let read_ms = self.read_ms.unwrap_or(from_ms);
        let end_ms = match (&mut self.record, self.when) {
            (Some(record), When::Samples { .. }) => record.end_from(source, read_ms)?,
            _ => read_ms,
        };
        while self.read_ms.is_some_and(|read_ms| read_ms < end_ms) && self.read_more(source)? {}
        self.from_ms = end_ms.checked_add(1);
        let count = self.ahead.partition_point(|time| *time <= end_ms);
        let sampled = self.open(self.ahead.part(0..count));
        self.ahead = self.ahead.part(count..self.ahead.len());
        match self.when {
            When::Samples { at_the_latest_ms } => {
                self.of_samples(sampled, end_ms, at_the_latest_ms).map(Some)
            }
            When::Grid { interval_ms, phase_ms } => {
                let grid = (interval_ms, phase_ms);
                let mut times = self.silence.on_grid(&self.unobserved, (from_ms, end_ms), grid)?;
                // What was judged just before nobody looked any more has its place all the same.
                let own = self.record.as_mut().map(|record| record.own_until(source, end_ms)).transpose()?;
                let is_on_grid = |time: &i64| (*time - phase_ms).rem_euclid(interval_ms.max(1)) == 0;
                times.extend(own.into_iter().flatten().filter(|time| *time >= from_ms).filter(is_on_grid));
                times.sort_unstable();
                times.dedup();
                Ok(Some(JudgementStretch { end_ms, times: self.open(times.into()), recorded: Vec::new() }))
            }
        }
    }

    /// Reads the times of samples of a further stretch; false if there is none.
    fn read_more(&mut self, source: &dyn Source) -> Result<bool> {
        let Some(stretch) = self.stretches.next() else { return Ok(false) };
        let found = self.selected.times(source, stretch)?;
        self.ahead = match self.ahead.is_empty() {
            true => found,
            false => [&*self.ahead, &*found].concat().into(),
        };
        self.read_ms = Some(stretch.1);
        Ok(true)
    }

    /// Those of some times at which the rules are judged, as they do not lie outside of their period.
    fn open(&self, times: Shared<i64>) -> Shared<i64> {
        match &self.period {
            Some(period) => times.iter().copied().filter(|time| period.is_open(*time)).collect(),
            None => times,
        }
    }

    fn of_samples(
        &mut self,
        sampled: Shared<i64>,
        end_ms: i64,
        at_the_latest_ms: i64,
    ) -> Result<JudgementStretch> {
        let (times, recorded) = match &mut self.record {
            Some(record) => {
                let judged =
                    record.judged(sampled.into_vec(), end_ms, at_the_latest_ms, self.period.as_deref());
                if !judged.silent.is_empty() {
                    self.unobserved = either(std::mem::take(&mut self.unobserved), judged.silent);
                }
                (judged.times.into(), judged.recorded)
            }
            None => (sampled, Vec::new()),
        };
        let known = Known { unobserved: &self.unobserved, recorded: &recorded, end_ms };
        let times = self.silence.noticed(times, &known, self.past, at_the_latest_ms)?;
        let times = self.open(times);
        Ok(JudgementStretch { end_ms, times, recorded })
    }
}
