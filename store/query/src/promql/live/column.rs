//! The newest samples of one series.

use custos_promql::{ENDED, Samples, Shared, Summary, is_ended};
use custos_store::Value;

/// Samples by time, ascending and different, with the marks of ends.
#[derive(Debug, Default)]
pub(super) struct Column {
    times: Vec<i64>,
    values: Vec<f64>,
    /// Integers that no float holds, by time.
    integers: Vec<(i64, i64)>,
}

impl Column {
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// The index of the first sample that is later.
    fn after(&self, time_ms: i64) -> usize {
        match self.times.last() {
            Some(last) if *last > time_ms => self.times.partition_point(|time| *time <= time_ms),
            _ => self.times.len(),
        }
    }

    /// Takes in what a run says: a value, or that there is none. Of several runs of one time the last one counts. `next_ms` is
    /// the time of the next run that speaks of the series, or would if it had it.
    pub(super) fn take(&mut self, time_ms: i64, value: Option<Value>, next_ms: Option<i64>) {
        let after = self.after(time_ms);
        let replaces = after > 0 && self.times[after - 1] == time_ms;
        let Some(value) = value else {
            let before = after.checked_sub(1);
            match before {
                Some(at) if is_ended(self.values[at]) => {}
                Some(at) if replaces => self.set(at, ENDED),
                Some(_) => self.insert(after, time_ms, ENDED),
                // What came before is in the store: see `Column::read_after`.
                None => {}
            }
            return;
        };
        let at = if replaces { after - 1 } else { after };
        match replaces {
            true => self.set(at, value.to_f64()),
            false => self.insert(at, time_ms, value.to_f64()),
        }
        if let Value::Integer(integer) = value {
            let at = self.integers.partition_point(|(time, _)| *time < time_ms);
            self.integers.insert(at, (time_ms, integer));
        }
        // A run that is there already and did not have the series ended nothing then.
        if let Some(next_ms) = next_ms
            && self.times.get(at + 1).is_none_or(|next| *next > next_ms)
        {
            self.insert(at + 1, next_ms, ENDED);
        }
    }

    fn insert(&mut self, at: usize, time_ms: i64, value: f64) {
        self.times.insert(at, time_ms);
        self.values.insert(at, value);
    }

    fn set(&mut self, at: usize, value: f64) {
        let time_ms = self.times[at];
        self.integers.retain(|(time, _)| *time != time_ms);
        self.values[at] = value;
    }

    /// Forgets what is earlier than that.
    pub(super) fn forget_before(&mut self, time_ms: i64) {
        let old = self.times.partition_point(|time| *time < time_ms);
        self.times.drain(..old);
        self.values.drain(..old);
        self.integers.retain(|(time, _)| *time >= time_ms);
    }

    /// Whether there is a sample, or the end of one, in these times (both included).
    pub(super) fn knows(&self, from_ms: i64, to_ms: i64) -> bool {
        self.after(to_ms).checked_sub(1).is_some_and(|at| self.times[at] >= from_ms)
    }

    /// Whether there is a sample, or the end of one, at this time.
    pub(super) fn is_at(&self, time_ms: i64) -> bool {
        self.times.binary_search(&time_ms).is_ok()
    }

    /// The samples in these times (both included), which follow those of the store. `first_run_ms` is the time of the first run
    /// here that speaks of all series: one that is not in it has ended by then.
    pub(super) fn read_after(
        &self,
        older: Samples,
        from_ms: i64,
        to_ms: i64,
        first_run_ms: Option<i64>,
    ) -> Samples {
        let (start, end) = self.within(from_ms, to_ms);
        let goes_on = older.values.last().is_some_and(|last| !is_ended(*last));
        let ends_first = first_run_ms.filter(|first_ms| {
            goes_on && *first_ms <= to_ms && self.times.get(start).is_none_or(|time| time > first_ms)
        });
        let mut times = older.times.into_vec();
        times.extend(ends_first);
        times.extend_from_slice(&self.times[start..end]);
        let mut values = older.values.into_vec();
        let mut integers = older.integers.map(Shared::into_vec);
        if integers.is_some() || self.has_integers(start, end) {
            let known = integers.take().or_else(|| whole(&values));
            let own = self.integers_in(start, end);
            integers = known.zip(own).map(|(mut known, own)| {
                known.extend(ends_first.map(|_| 0));
                known.extend(own);
                known
            });
        }
        values.extend(ends_first.map(|_| ENDED));
        values.extend_from_slice(&self.values[start..end]);
        Samples { times: times.into(), values: values.into(), integers: integers.map(Shared::from) }
    }

    /// The samples in these times (both included), if no earlier ones are wanted.
    pub(super) fn read(&self, from_ms: i64, to_ms: i64) -> Samples {
        let (start, end) = self.within(from_ms, to_ms);
        let integers = self.has_integers(start, end).then(|| self.integers_in(start, end)).flatten();
        Samples {
            times: self.times[start..end].to_vec().into(),
            values: self.values[start..end].to_vec().into(),
            integers: integers.map(Shared::from),
        }
    }

    /// The sample that is the newest at a time, if it is not before `from_ms`.
    pub(super) fn newest(&self, from_ms: i64, moment_ms: i64) -> Samples {
        match self.after(moment_ms).checked_sub(1) {
            Some(at) if self.times[at] >= from_ms => self.read(self.times[at], self.times[at]),
            _ => Samples::default(),
        }
    }

    /// What the samples after a time, up to another, have in common.
    pub(super) fn summary(&self, after_ms: i64, to_ms: i64) -> Summary {
        let (start, end) = self.within(after_ms.saturating_add(1), to_ms);
        let mut summary = Summary::NONE;
        for value in self.values[start..end].iter().copied().filter(|value| !is_ended(*value)) {
            if summary.count == 0 {
                summary.first = value;
            }
            summary.count += 1;
            summary.sum += value;
            summary.min = summary.min.min(value);
            summary.max = summary.max.max(value);
            summary.last = value;
        }
        summary
    }

    fn within(&self, from_ms: i64, to_ms: i64) -> (usize, usize) {
        let end = self.after(to_ms);
        let start = self.times[..end].partition_point(|time| *time < from_ms);
        (start, end)
    }

    fn has_integers(&self, start: usize, end: usize) -> bool {
        let (Some(first), Some(last)) = (self.times[..end].get(start), self.times[..end].last()) else {
            return false;
        };
        self.integers.iter().any(|(time, _)| first <= time && time <= last)
    }

    /// All values as integers, if all are whole.
    fn integers_in(&self, start: usize, end: usize) -> Option<Vec<i64>> {
        let mut all = whole(&self.values[start..end])?;
        for (time, integer) in &self.integers {
            if let Ok(at) = self.times[start..end].binary_search(time) {
                all[at] = *integer;
            }
        }
        Some(all)
    }
}

/// Values as integers, if all are whole, or the marks of ends.
fn whole(values: &[f64]) -> Option<Vec<i64>> {
    let is_whole = |value: &f64| value.fract() == 0.0 && value.abs() < i64::MAX as f64 || is_ended(*value);
    values.iter().all(is_whole).then(|| values.iter().map(|value| *value as i64).collect())
}
