//! A source whose samples are read once, however many rules ask for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use custos_promql::{Labels, Matcher, Result, Samples, Source, SourceSeries, Summary, reach_ms};

use crate::limits::KEPT_SAMPLES_MAX;
use crate::rules::definition::RuleGroup;

/// A source that keeps what was read of it when its times were asked for, up to a bound, until it is told to forget it.
pub struct Kept<'a> {
    source: &'a dyn Source,
    /// How far before the times that are asked for it reads (ms).
    reach_ms: i64,
    samples: Mutex<Store>,
}

#[derive(Default)]
struct Store {
    series: HashMap<Labels, Vec<Part>>,
    count: usize,
}

/// The samples of a series in some times (ms since the epoch, both included). The parts of a series follow each other without a
/// gap.
#[derive(Clone)]
struct Part {
    from_ms: i64,
    to_ms: i64,
    samples: Arc<Samples>,
}

impl<'a> Kept<'a> {
    /// Nothing is kept yet. What is kept begins as much before the times that are asked for as the rules of this group look back.
    pub fn new(source: &'a dyn Source, group: &RuleGroup) -> Kept<'a> {
        let expressions = group.rules.iter().flat_map(|rule| rule.judge.expressions());
        let reaches = expressions.filter_map(|expr| reach_ms(expr, None));
        let reach_ms = reaches.max().unwrap_or(0).saturating_add(group.query_offset_ms.max(0));
        Kept { source, reach_ms, samples: Mutex::default() }
    }

    /// Forgets what is not read again by rules that are judged after a time (ms since the epoch).
    pub fn forget_until(&self, judged_ms: i64) {
        let needed_ms = judged_ms.saturating_sub(self.reach_ms);
        let mut guard = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let store = &mut *guard;
        for parts in store.series.values_mut() {
            while parts.len() > 1 && parts[0].to_ms < needed_ms {
                store.count -= parts.remove(0).samples.values.len();
            }
        }
    }

    /// From when on series are read that are asked for from a time on.
    fn begin_ms(&self, series: &[&SourceSeries], from_ms: i64) -> i64 {
        let store = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = series.iter().all(|one| !store.series.contains_key(&one.labels));
        if is_new { from_ms.saturating_sub(self.reach_ms) } else { from_ms }
    }

    /// Those of all series, if they are kept.
    fn known(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Option<Vec<Samples>> {
        let mut shared: Option<(*const Vec<i64>, Samples)> = None;
        let mut all = Vec::with_capacity(series.len());
        for reach in self.parts(series, from_ms, to_ms)? {
            // Series of a group may share their times, and go on doing so.
            let single = match &reach[..] {
                [only] => Some(Arc::as_ptr(&only.samples.times)),
                _ => None,
            };
            let known = shared.as_ref().filter(|(of, _)| Some(*of) == single).map(|(_, samples)| samples);
            let found = cut(&reach, from_ms, to_ms, known.map(|samples| &samples.times));
            if let (Some(of), None) = (single, known) {
                shared = Some((of, Samples { times: Arc::clone(&found.times), ..Samples::default() }));
            }
            all.push(found);
        }
        Some(all)
    }

    /// The parts that reach into these times of each series, if all are kept.
    fn parts(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Option<Vec<Vec<Part>>> {
        let store = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = |one: &&SourceSeries| {
            let parts = store.series.get(&one.labels)?;
            if from_ms < parts.first()?.from_ms || to_ms > parts.last()?.to_ms {
                return None;
            }
            Some(
                parts.iter().filter(|part| part.from_ms <= to_ms && part.to_ms >= from_ms).cloned().collect(),
            )
        };
        series.iter().map(of_one).collect()
    }

    /// Keeps samples that were read, if there is room.
    fn keep(&self, series: &[&SourceSeries], (from_ms, to_ms): (i64, i64), samples: Vec<Samples>) {
        let mut store = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        for (one, samples) in series.iter().zip(samples) {
            let count = samples.values.len();
            if store.count.saturating_add(count) > KEPT_SAMPLES_MAX {
                continue;
            }
            let parts = store.series.entry(one.labels.clone()).or_default();
            if parts.last().is_none_or(|last| last.to_ms.checked_add(1) == Some(from_ms)) {
                parts.push(Part { from_ms, to_ms, samples: Arc::new(samples) });
                store.count += count;
            }
        }
    }
}

/// The samples of parts that follow each other in these times. `times` are those of the only part, if they are known.
fn cut(parts: &[Part], from_ms: i64, to_ms: i64, times: Option<&Arc<Vec<i64>>>) -> Samples {
    let mut all = Samples::default();
    let (mut own_times, mut integers) = (Vec::new(), Vec::new());
    let has_integers = parts.iter().any(|part| part.samples.integers.is_some());
    for Part { samples, .. } in parts {
        let from = samples.times.partition_point(|time| *time < from_ms);
        let to = samples.times.partition_point(|time| *time <= to_ms);
        if times.is_none() {
            own_times.extend_from_slice(&samples.times[from..to]);
        }
        all.values.extend_from_slice(&samples.values[from..to]);
        match &samples.integers {
            Some(of) => integers.extend_from_slice(&of[from..to]),
            None if has_integers => {
                integers.extend(samples.values[from..to].iter().map(|value| *value as i64))
            }
            None => {}
        }
    }
    all.times = times.map_or_else(|| Arc::new(own_times), Arc::clone);
    all.integers = has_integers.then_some(integers);
    all
}

/// The times from one on.
fn times_from(samples: &Samples, from_ms: i64) -> Arc<Vec<i64>> {
    let first = samples.times.partition_point(|time| *time < from_ms);
    match first {
        0 => Arc::clone(&samples.times),
        _ => Arc::new(samples.times[first..].to_vec()),
    }
}

impl Source for Kept<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        self.source.select(matchers, from_ms, to_ms)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        match self.known(series, from_ms, to_ms) {
            Some(samples) => Ok(samples),
            None => self.source.read(series, from_ms, to_ms),
        }
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        let known = moments.last().and_then(|to_ms| self.known(series, from_ms, *to_ms));
        known.map_or_else(|| self.source.read_newest(series, from_ms, moments), Ok)
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        self.source.summarize(series, bounds)
    }

    fn times(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Arc<Vec<i64>>>> {
        if let Some(known) = self.known(series, from_ms, to_ms) {
            return Ok(known.into_iter().map(|samples| samples.times).collect());
        }
        let begin_ms = self.begin_ms(series, from_ms);
        let samples = self.source.read(series, begin_ms, to_ms)?;
        let found = samples.iter().map(|of| times_from(of, from_ms)).collect();
        self.keep(series, (begin_ms, to_ms), samples);
        Ok(found)
    }

    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        self.source.unobserved(series, from_ms, to_ms)
    }
}
