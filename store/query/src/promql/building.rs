//! The samples of series of one group while they are read. As long as each row has a value, series share their times.

use std::borrow::Cow;

use custos_promql::{ENDED, Samples, Shared, is_ended};
use custos_store::{Batch, Cell, Column, Result, Value};

/// The samples of series of one check while they are read, row by row.
pub(super) struct Building {
    /// The times of all rows so far that came in whole batches.
    times: Vec<i64>,
    series: Vec<One>,
    column: Column,
    floats: Vec<f64>,
    /// See [`View::bridges`](super::view::View).
    bridges: bool,
}

/// The samples of one series.
#[derive(Default)]
struct One {
    /// None as long as there is a value for each of the times of all.
    own_times: Option<Vec<i64>>,
    values: Vec<f64>,
    /// Integers that no float holds, by index.
    integers: Vec<(usize, i64)>,
}

impl Building {
    pub(super) fn new(series: usize, bridges: bool) -> Building {
        let series = (0..series).map(|_| One::default()).collect();
        Building { times: Vec::new(), series, column: Column::default(), floats: Vec::new(), bridges }
    }

    /// Takes in all rows of a batch, which are later than those before. What cannot be read goes to `damage`, and the samples
    /// of that series in the batch are left out.
    pub(super) fn add(&mut self, batch: &Batch<'_>, damage: impl Fn(&custos_store::Error)) {
        let times = match batch.times() {
            Ok(times) => times,
            Err(error) => return damage(&error),
        };
        for (index, one) in self.series.iter_mut().enumerate() {
            let len = one.values.len();
            let read = match batch.append_floats(index, &mut one.values) {
                Ok(true) => {
                    if let Some(own) = &mut one.own_times {
                        own.extend_from_slice(times);
                    }
                    continue;
                }
                Ok(false) => batch.read_column(index, &mut self.column),
                Err(error) => Err(error),
            };
            one.values.truncate(len);
            one.own_times.get_or_insert_with(|| self.times.clone());
            let added = read.and_then(|()| one.add(times, &self.column, &silent(batch, self.bridges)?));
            added.unwrap_or_else(|error| damage(&error));
        }
        if self.series.iter().any(|one| one.own_times.is_none()) {
            self.times.extend_from_slice(times);
        }
    }

    /// Takes in some rows of a batch, ascending, of which those that say nothing of a series stand for the one before.
    pub(super) fn add_some(
        &mut self,
        batch: &Batch<'_>,
        rows: &[usize],
        damage: impl Fn(&custos_store::Error),
    ) {
        let times = match rows.iter().map(|row| batch.time(*row)).collect::<Result<Vec<i64>>>() {
            Ok(times) => times,
            Err(error) => return damage(&error),
        };
        for (index, one) in self.series.iter_mut().enumerate() {
            self.floats.clear();
            let added = match batch.append_picked(index, rows, &mut self.floats) {
                Ok(true) => {
                    one.own_times.get_or_insert_with(|| self.times.clone()).extend_from_slice(&times);
                    one.values.extend_from_slice(&self.floats);
                    continue;
                }
                Ok(false) => batch.read_column(index, &mut self.column),
                Err(error) => Err(error),
            };
            one.own_times.get_or_insert_with(|| self.times.clone());
            let added =
                added.and_then(|()| one.add_rows(batch, rows, &self.column, &silent(batch, self.bridges)?));
            added.unwrap_or_else(|error| damage(&error));
        }
    }

    /// Takes in a value of a series, or that there is none.
    pub(super) fn push(&mut self, series: usize, time_ms: i64, value: Option<Value>) {
        let one = &mut self.series[series];
        one.own_times.get_or_insert_with(|| self.times.clone());
        one.push(time_ms, value);
    }

    pub(super) fn finish(self) -> Vec<Samples> {
        let times = Shared::from(self.times);
        let shared_differ = differ(&times);
        let finish = |mut one: One| {
            let all_differ = one.own_times.as_ref().map_or(shared_differ, |times| differ(times));
            let mut times = one.own_times.take().map_or_else(|| times.clone(), Shared::from);
            if !all_differ {
                let kept = last_of_each_time(&times);
                one.keep(&kept);
                times = kept.into_iter().map(|index| times[index]).collect();
            }
            let integers = one.integers_of_all().map(Shared::from);
            Samples { times, values: one.values.into(), integers }
        };
        self.series.into_iter().map(finish).collect()
    }
}

impl One {
    /// Takes in the rows of a batch, of which some have no value.
    fn add(&mut self, times: &[i64], column: &Column, silent: &[u32]) -> Result<()> {
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

    /// The same of some rows.
    fn add_rows(&mut self, batch: &Batch<'_>, rows: &[usize], column: &Column, silent: &[u32]) -> Result<()> {
        for row in rows {
            let speaks = |row: &usize| {
                column.cell(*row) != Cell::Absent || silent.binary_search(&(*row as u32)).is_err()
            };
            let Some(row) = (0..=*row).rev().find(speaks) else { continue };
            match column.cell(row) {
                Cell::Value(value) => self.push(batch.time(row)?, Some(value)),
                Cell::Unknown | Cell::Absent => self.push(batch.time(row)?, None),
            }
        }
        Ok(())
    }

    /// Takes in a value, or that there is none. Where the series has ended already, that says nothing new.
    fn push(&mut self, time_ms: i64, value: Option<Value>) {
        match value {
            None if self.values.last().is_none_or(|last| is_ended(*last)) => return,
            None => self.values.push(ENDED),
            Some(value) => {
                if let Value::Integer(integer) = value {
                    self.integers.push((self.values.len(), integer));
                }
                self.values.push(value.to_f64());
            }
        }
        if let Some(times) = &mut self.own_times {
            times.push(time_ms);
        }
    }

    /// Keeps the values at these indexes, which ascend.
    fn keep(&mut self, kept: &[usize]) {
        let is_kept = |(index, integer): &(usize, i64)| Some((kept.binary_search(index).ok()?, *integer));
        self.integers = self.integers.iter().filter_map(is_kept).collect();
        self.values = kept.iter().map(|index| self.values[*index]).collect();
    }

    /// All values as integers, if one is beyond what floats hold and all are whole.
    fn integers_of_all(&self) -> Option<Vec<i64>> {
        if self.integers.is_empty() {
            return None;
        }
        let mut all = Vec::with_capacity(self.values.len());
        for value in &self.values {
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

/// The rows of a batch that say nothing of a series that they do not have, ascending.
fn silent<'b>(batch: &'b Batch<'_>, bridges: bool) -> Result<Cow<'b, [u32]>> {
    let partial = batch.silent()?;
    if !bridges {
        return Ok(partial);
    }
    let unobserved = batch.unobserved()?;
    if partial.is_empty() || unobserved.is_empty() {
        return Ok(if unobserved.is_empty() { partial } else { unobserved });
    }
    let mut both = [&*partial, &*unobserved].concat();
    both.sort_unstable();
    Ok(Cow::Owned(both))
}

/// Whether times ascend and none is there twice. All of a few at once, which takes no jump for each of them.
fn differ(times: &[i64]) -> bool {
    let later = times.get(1..).unwrap_or_default();
    let ascend = |(one, next): (&[i64], &[i64])| {
        one.iter().zip(next).fold(true, |all, (one, next)| all & (one < next))
    };
    times.chunks(64).zip(later.chunks(64)).all(ascend)
}

/// Where the last of several runs in one millisecond is, which counts, and where the others are.
fn last_of_each_time(times: &[i64]) -> Vec<usize> {
    let is_last = |index: &usize| times.get(index + 1) != Some(&times[*index]);
    (0..times.len()).filter(is_last).collect()
}
