//! Series of a check, sorted into buckets of time: what all that compares long spans reads.
//!
//! Samples are placed by the slot of their run, see [`Slots`]: how late each was is not decoded. Counters count by their change per
//! second.

use custos_memory::Buckets;
use custos_store::{Batch, Column, Error, SeriesKey, SlotStretch, Slots, Snapshot};

use crate::rate::Rate;

/// A series that is sorted into buckets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucketed {
    /// Its name.
    pub key: SeriesKey,
    /// Whether its change per second counts in the place of its values.
    pub is_counter: bool,
}

impl Bucketed {
    /// A series of this unit.
    pub fn new(key: SeriesKey, unit: &str) -> Bucketed {
        Bucketed { key, is_counter: Rate::is_of_counter(unit) }
    }
}

/// Sorts series of a check into buckets, each into its own, for the time that these cover but nothing at or after `until_ms`.
/// Returns how many samples there were. What cannot be read goes to `on_damage` and is left out.
pub(crate) fn fill_buckets(
    store: &Snapshot,
    check: &str,
    series: &[Bucketed],
    until_ms: i64,
    buckets: &mut [Buckets],
    on_damage: &mut dyn FnMut(Error),
) -> u64 {
    let Some(first) = buckets.first() else { return 0 };
    let width = i64::try_from(first.len()).unwrap_or(i64::MAX).saturating_mul(first.width_ms());
    let span = first.start_ms()..first.start_ms().saturating_add(width).min(until_ms);
    if span.is_empty() {
        return 0;
    }
    let keys: Vec<SeriesKey> = series.iter().map(|one| one.key.clone()).collect();
    let mut filling = Filling {
        before: vec![None; series.len()],
        column: Column::default(),
        floats: Vec::new(),
        changes: Vec::new(),
        samples: 0,
    };
    for batch in store.scan(check, &keys, span) {
        let added = batch.and_then(|batch| filling.add(&batch, series, buckets));
        added.unwrap_or_else(&mut *on_damage);
    }
    filling.samples
}

/// Series on their way into buckets.
struct Filling {
    /// Of each series, time and value of the sample before.
    before: Vec<Option<(i64, f64)>>,
    column: Column,
    floats: Vec<f64>,
    changes: Vec<f64>,
    samples: u64,
}

impl Filling {
    fn add(&mut self, batch: &Batch<'_>, series: &[Bucketed], buckets: &mut [Buckets]) -> Result<(), Error> {
        let stretches = match batch.slots()? {
            Slots::Grid(stretches) => stretches,
            Slots::Times(times) => {
                times.iter().map(|time| SlotStretch { first_ms: *time, step_ms: 1, rows: 1 }).collect()
            }
        };
        for (index, (one, buckets)) in series.iter().zip(buckets).enumerate() {
            self.add_series(batch, index, one.is_counter, &stretches, buckets)?;
        }
        Ok(())
    }

    fn add_series(
        &mut self,
        batch: &Batch<'_>,
        index: usize,
        is_counter: bool,
        stretches: &[SlotStretch],
        buckets: &mut Buckets,
    ) -> Result<(), Error> {
        // A chunk of one value is not decoded.
        if let Some(all) = batch.statistics(index)
            && !is_counter
            && (all.count == 0 || (all.count == batch.len() as u64 && all.min == all.max))
        {
            self.samples += all.count;
            for stretch in stretches.iter().filter(|_| all.count > 0) {
                buckets.add_constant(stretch.first_ms, stretch.step_ms, stretch.rows, all.min);
            }
            return Ok(());
        }
        self.floats.clear();
        if batch.append_floats(index, &mut self.floats)? {
            let floats = std::mem::take(&mut self.floats);
            let mut at = 0;
            for stretch in stretches {
                let values = &floats[at..at + stretch.rows];
                self.add_values(index, is_counter, stretch.first_ms, stretch.step_ms, values, buckets);
                at += stretch.rows;
            }
            self.floats = floats;
            return Ok(());
        }
        let mut column = std::mem::take(&mut self.column);
        let read = batch.read_column(index, &mut column);
        if read.is_ok() {
            self.add_column(index, is_counter, stretches, &column, buckets);
        }
        self.column = column;
        read
    }

    /// Adds samples that not every row has, or that are no plain floats.
    fn add_column(
        &mut self,
        index: usize,
        is_counter: bool,
        stretches: &[SlotStretch],
        column: &Column,
        buckets: &mut Buckets,
    ) {
        let own: Vec<f64>;
        let values = match column.floats() {
            Some(floats) => floats,
            None => {
                let value = |(_, value): (usize, Option<custos_store::Value>)| {
                    value.map_or(f64::NAN, custos_store::Value::to_f64)
                };
                own = column.iter().map(value).collect();
                &own
            }
        };
        let row = |sample: usize| column.rows().map_or(sample, |rows| rows[sample] as usize);
        let (mut sample, mut first_row) = (0, 0);
        for stretch in stretches {
            let end_row = first_row + stretch.rows;
            while sample < values.len() && row(sample) < end_row {
                // Samples of rows that follow each other.
                let (start, at) = (sample, row(sample));
                while sample < values.len() && row(sample) == at + (sample - start) && row(sample) < end_row {
                    sample += 1;
                }
                let offset = ((at - first_row) as i64).wrapping_mul(stretch.step_ms);
                let first_ms = stretch.first_ms.wrapping_add(offset);
                let values = &values[start..sample];
                self.add_values(index, is_counter, first_ms, stretch.step_ms, values, buckets);
            }
            first_row = end_row;
        }
    }

    /// Adds samples of slots that follow each other.
    fn add_values(
        &mut self,
        index: usize,
        is_counter: bool,
        first_ms: i64,
        step_ms: i64,
        values: &[f64],
        buckets: &mut Buckets,
    ) {
        self.samples += values.len() as u64;
        if !is_counter {
            return buckets.add_grid(first_ms, step_ms, values);
        }
        let Some(last) = values.last() else { return };
        self.changes.clear();
        let change = |before: f64, value: f64| if value < before { value } else { value - before };
        let first =
            self.before[index].filter(|(time, _)| *time < first_ms).map_or(f64::NAN, |(time, before)| {
                change(before, values[0]) * 1000.0 / first_ms.saturating_sub(time) as f64
            });
        self.changes.push(first);
        let per_second = 1000.0 / step_ms.max(1) as f64;
        self.changes.extend(values.windows(2).map(|pair| change(pair[0], pair[1]) * per_second));
        let last_ms = first_ms.wrapping_add((values.len() as i64 - 1).wrapping_mul(step_ms));
        self.before[index] = Some((last_ms, *last)).filter(|(_, last)| last.is_finite());
        buckets.add_grid(first_ms, step_ms, &self.changes);
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Options, Reader, Reason, Run, Value, Writer};

    use super::*;

    fn filled(is_counter: bool, seal: bool, value: impl Fn(i64) -> Option<f64>) -> (Buckets, u64) {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(directory.path(), Options::default()).unwrap();
        for slot in 0..600_i64 {
            let mut run = Run { time_ms: 1_000_000 + slot * 1000 + slot % 7, ..Run::default() };
            match value(slot) {
                Some(value) => run.metrics = vec![Metric::new("x", Value::from(value))],
                None => run.reason = Reason::Missed,
            }
            writer.append(&[("check", &run)]).unwrap();
        }
        if seal {
            writer.compact().unwrap();
        }
        writer.close().unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        let mut buckets = [Buckets::new(1_000_000, 10_000, 60)];
        let series = [Bucketed { key: SeriesKey::new("x"), is_counter }];
        let samples =
            fill_buckets(&reader, "check", &series, 1_500_000, &mut buckets, &mut |error| panic!("{error}"));
        let [buckets] = buckets;
        (buckets, samples)
    }

    #[test]
    fn samples_are_sorted_in_whether_sealed_or_not() {
        for seal in [false, true] {
            let (plain, samples) = filled(false, seal, |slot| Some(slot as f64));
            assert_eq!(samples, 500);
            assert_eq!((plain.mean(0), plain.range(3)), (Some(4.5), Some((30.0, 39.0))));
            assert_eq!((plain.range(49), plain.mean(50)), (Some((490.0, 499.0)), None));
            // A metric that some runs lack, with a value that is none.
            let gaps = |slot: i64| match slot {
                30..40 => None,
                45 => Some(f64::NAN),
                _ => Some(slot as f64),
            };
            let (gaps, _) = filled(false, seal, gaps);
            assert_eq!((gaps.mean(2), gaps.mean(3), gaps.mean(5)), (Some(24.5), None, Some(54.5)));
            assert_eq!(gaps.samples(), 500 - 10 - 1);
            let (constant, samples) = filled(false, seal, |_| Some(3.0));
            assert_eq!((constant.range(7), samples), (Some((3.0, 3.0)), 500));
        }
    }

    #[test]
    fn counters_count_by_their_change() {
        for seal in [false, true] {
            let (rates, _) =
                filled(true, seal, |slot| Some(if slot < 305 { slot * 5 } else { slot - 305 } as f64));
            let mean = |bucket: usize| rates.mean(bucket).unwrap();
            assert!(
                (mean(10) - 5.0).abs() < 0.1 && (mean(40) - 1.0).abs() < 0.1,
                "{} {}",
                mean(10),
                mean(40)
            );
            assert!(rates.range(30).unwrap().0 >= 0.0);
        }
    }
}
