//! What changed for longer in a stretch of time: of every series, the times at which it was unlike all of the week before.

use std::ops::Range;

use custos_memory::limits::CHANGE_HISTORY_DAYS;
use custos_memory::{Buckets, Change, changes};
use custos_store::Snapshot;

use crate::bucketed::{Bucketed, fill_buckets};
use crate::check_series::{CheckSeries, of_all, step_ms};
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::{CHANGE_BUCKET_MS, CHANGE_SPAN_DAYS_MAX};
use crate::similar::SimilarSeries;

const DAY_MS: i64 = 86_400_000;

/// What is asked.
#[derive(Clone, Debug)]
pub struct ChangesRequest<'a> {
    /// The series, those of one check behind each other.
    pub among: &'a [SimilarSeries],
    /// The time in which changes count (ms since the epoch, end excluded).
    pub span: Range<i64>,
}

/// A change of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesChange {
    /// Index of the series among those that were looked at.
    pub series: usize,
    /// What changed.
    pub change: Change,
    /// From when to when it is away (ms since the epoch).
    pub span: Range<i64>,
}

impl ChangesRequest<'_> {
    /// All changes, the earliest first.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Vec<SeriesChange>> {
        let length_ms = self.span.end.saturating_sub(self.span.start).max(1);
        let days = usize::try_from(length_ms / DAY_MS).unwrap_or(usize::MAX);
        if days > CHANGE_SPAN_DAYS_MAX {
            return Err(Error::TooLarge { what: "days", asked: days, limit: CHANGE_SPAN_DAYS_MAX });
        }
        let look = |job: &CheckSeries<'_>, on_damage: &mut dyn FnMut(custos_store::Error)| {
            self.of_check(store, job, length_ms, on_damage)
        };
        let mut found = of_all(self.among, context, look)?;
        found.sort_by_key(|one| (one.span.start, one.series));
        Ok(found)
    }

    fn of_check(
        &self,
        store: &Snapshot,
        job: &CheckSeries<'_>,
        length_ms: i64,
        on_damage: &mut dyn FnMut(custos_store::Error),
    ) -> Vec<SeriesChange> {
        let step_ms = match step_ms(store, job.check, self.span.end) {
            Ok(step_ms) => step_ms,
            Err(error) => {
                on_damage(error);
                return Vec::new();
            }
        };
        // A day is a whole number of buckets.
        let widths = (1..=24).map(|times| times * CHANGE_BUCKET_MS).filter(|width| DAY_MS % width == 0);
        let Some(width_ms) = widths.into_iter().find(|width| *width >= step_ms) else { return Vec::new() };
        // They begin at round times.
        let end_ms =
            self.span.end.saturating_sub(1).div_euclid(width_ms).saturating_add(1).saturating_mul(width_ms);
        let looked_at = length_ms / width_ms + 1;
        let len = looked_at + CHANGE_HISTORY_DAYS as i64 * (DAY_MS / width_ms);
        let start_ms = end_ms.saturating_sub(len * width_ms);
        let series: Vec<Bucketed> = job.series.iter().map(|(_, series)| series.clone()).collect();
        let mut buckets = vec![Buckets::new(start_ms, width_ms, len as usize); series.len()];
        fill_buckets(store, job.check, &series, self.span.end, &mut buckets, on_damage);
        let found = job.series.iter().zip(&buckets).flat_map(|((index, _), buckets)| {
            let values: Vec<Option<f64>> = (0..buckets.len()).map(|at| buckets.mean(at)).collect();
            let first = values.iter().position(Option::is_some).unwrap_or(values.len());
            let from = (len - looked_at) as usize;
            let found = changes(&values[first..], from.saturating_sub(first), (DAY_MS / width_ms) as usize);
            let time_ms = move |at: usize| start_ms.saturating_add((first + at) as i64 * width_ms);
            found.into_iter().map(move |change| SeriesChange {
                series: *index,
                span: time_ms(change.start)..time_ms(change.end),
                change,
            })
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Options, Reader, Run, SeriesKey, Value, Writer};

    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn a_change_is_found_where_it_is_in_time() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        let start_ms = 1_795_348_800_000;
        let onset_ms = start_ms + 9 * DAY_MS + 7 * 3_600_000;
        for slot in 0..10 * 24 * 12 {
            let time_ms = start_ms + slot * 5 * MINUTE + 1234;
            let noise = (slot * 7919 % 1009) as f64 / 1009.0;
            let level = if time_ms >= onset_ms { 9.0 } else { 0.0 };
            let metrics = vec![
                Metric::new("steady", Value::from(noise)),
                Metric::new("steps", Value::from(noise + level)),
            ];
            writer.append(&[("load", &Run { time_ms, metrics, ..Run::default() })]).unwrap();
        }
        writer.close().unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        let of = |name| SimilarSeries {
            check: "load".to_owned(),
            series: Bucketed::new(SeriesKey::new(name), ""),
        };
        let among = [of("steady"), of("steps")];
        let ask = |span: Range<i64>| {
            let mut damage = |error: &custos_store::Error| panic!("{error}");
            ChangesRequest { among: &among, span }.read(&reader, &mut ReadContext::new(&mut damage))
        };
        let end_ms = start_ms + 10 * DAY_MS;
        let found = ask(end_ms - 3 * DAY_MS..end_ms).unwrap();
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!(one.series, 1);
        assert!(
            (one.span.start - onset_ms).abs() <= 5 * MINUTE && one.span.end > end_ms - 10 * MINUTE,
            "{one:?}"
        );
        // It is not told before it began, and nothing is where no history is.
        assert_eq!(ask(onset_ms - DAY_MS..onset_ms - MINUTE).unwrap(), []);
        assert_eq!(ask(start_ms..start_ms + DAY_MS).unwrap(), []);
        assert!(matches!(ask(i64::MIN..i64::MAX), Err(Error::TooLarge { .. })));
    }
}
