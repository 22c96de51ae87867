//! The samples of series of one check.

use std::sync::Arc;

use custos_promql::{ENDED, Samples, is_ended};
use custos_store::{Batch, Cell, Column, SeriesKey, Value};

use super::view::{Found, View, What};
use crate::built_in::BuiltIn;

/// The samples of series of one check in these times (both included), one entry for each. What is damaged is reported and
/// left out.
pub(super) fn read(source: &View<'_>, found: &[Arc<Found>], from_ms: i64, to_ms: i64) -> Vec<Samples> {
    let mut building: Vec<Building> = found.iter().map(|_| Building::default()).collect();
    let Some(first) = found.first() else { return Vec::new() };
    let check = &*first.check;
    let range = from_ms..to_ms.saturating_add(1);
    let (mut keys, mut metrics, mut built_in) = (Vec::new(), Vec::new(), Vec::new());
    for (index, found) in found.iter().enumerate() {
        match &found.what {
            What::Metric(key) => {
                keys.push(key.clone());
                metrics.push(index);
            }
            What::BuiltIn(one) => built_in.push((index, *one)),
        }
    }
    if !keys.is_empty() {
        read_metrics(source, check, &keys, range.clone(), &metrics, &mut building);
    }
    if !built_in.is_empty() {
        read_built_in(source, check, range, &built_in, &mut building);
    }
    building.into_iter().map(Building::finish).collect()
}

fn read_metrics(
    source: &View<'_>,
    check: &str,
    keys: &[SeriesKey],
    range: std::ops::Range<i64>,
    targets: &[usize],
    building: &mut [Building],
) {
    let mut column = Column::default();
    for batch in source.snapshot().scan(check, keys, range) {
        let read = batch.and_then(|batch| {
            for (series, target) in targets.iter().enumerate() {
                batch.read_column(series, &mut column)?;
                building[*target].add(&batch, &column)?;
            }
            Ok(())
        });
        if let Err(error) = read {
            source.damage(&error);
        }
    }
}

fn read_built_in(
    source: &View<'_>,
    check: &str,
    range: std::ops::Range<i64>,
    targets: &[(usize, BuiltIn)],
    building: &mut [Building],
) {
    for run in source.snapshot().runs(check, range) {
        match run {
            Ok(run) => {
                for (target, one) in targets {
                    building[*target].push(run.time_ms, one.value(&run));
                }
            }
            Err(error) => source.damage(&error),
        }
    }
}

/// Samples while they are read.
#[derive(Default)]
struct Building {
    samples: Samples,
    /// Integers that no float holds, by index.
    integers: Vec<(usize, i64)>,
}

impl Building {
    /// Takes in the rows of a batch, which are later than all before.
    fn add(&mut self, batch: &Batch<'_>, column: &Column) -> custos_store::Result<()> {
        let times = batch.times()?;
        if let (None, Some(floats)) = (column.rows(), column.floats())
            && floats.len() == times.len()
        {
            self.samples.times.extend_from_slice(times);
            self.samples.values.extend_from_slice(floats);
            return Ok(());
        }
        let silent = batch.silent()?;
        for (row, time_ms) in times.iter().enumerate() {
            match column.cell(row) {
                Cell::Value(value) => self.push(*time_ms, Some(value)),
                Cell::Unknown => self.push(*time_ms, None),
                Cell::Absent if silent.binary_search(&(row as u32)).is_ok() => {}
                Cell::Absent => self.push(*time_ms, None),
            }
        }
        Ok(())
    }

    /// Takes in a value, or that there is none. Where the series has ended already, that says nothing new.
    fn push(&mut self, time_ms: i64, value: Option<Value>) {
        let Samples { times, values, .. } = &mut self.samples;
        match value {
            None if values.last().is_none_or(|last| is_ended(*last)) => return,
            None => values.push(ENDED),
            Some(value) => {
                if let Value::Integer(integer) = value {
                    self.integers.push((values.len(), integer));
                }
                values.push(value.to_f64());
            }
        }
        times.push(time_ms);
    }

    fn finish(mut self) -> Samples {
        self.samples.integers = self.integers_of_all();
        if self.samples.times.windows(2).any(|pair| pair[0] == pair[1]) {
            keep_last_of_each_time(&mut self.samples);
        }
        self.samples
    }

    /// All values as integers, if one is beyond what floats hold and all are whole.
    fn integers_of_all(&self) -> Option<Vec<i64>> {
        if self.integers.is_empty() {
            return None;
        }
        let mut all = Vec::with_capacity(self.samples.values.len());
        for value in &self.samples.values {
            let is_whole = value.fract() == 0.0 && value.abs() < i64::MAX as f64;
            if !is_whole && !is_ended(*value) {
                return None;
            }
            all.push(*value as i64);
        }
        for (index, integer) in &self.integers {
            all[*index] = *integer;
        }
        Some(all)
    }
}

/// Of several runs in one millisecond the last counts.
fn keep_last_of_each_time(samples: &mut Samples) {
    let len = samples.times.len();
    let is_last = |index: usize| index + 1 == len || samples.times[index + 1] != samples.times[index];
    let kept: Vec<usize> = (0..len).filter(|index| is_last(*index)).collect();
    samples.values = kept.iter().map(|index| samples.values[*index]).collect();
    if let Some(integers) = &mut samples.integers {
        *integers = kept.iter().map(|index| integers[*index]).collect();
    }
    samples.times = kept.into_iter().map(|index| samples.times[index]).collect();
}
