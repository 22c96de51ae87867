//! A source whose samples are read once, however many rules ask for them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use custos_promql::{
    Labels, Matcher, NormalRange, Result, Samples, Shared, Source, SourceSeries, Summary, reach_ms,
};

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

/// The samples of a series in some times (ms since the epoch, both included). Of the parts of a series each goes on where the one
/// before ends, and has once more what rules that are judged in it look back to, so that they find it in one place.
#[derive(Clone)]
struct Part {
    from_ms: i64,
    to_ms: i64,
    samples: Samples,
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
        let mut guard = self.store();
        let store = &mut *guard;
        for parts in store.series.values_mut() {
            while parts.len() > 1 && parts[0].to_ms <= judged_ms {
                store.count -= parts.remove(0).samples.values.len();
            }
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From when on series are read that are asked for from a time on.
    fn begin_ms(&self, series: &[&SourceSeries], from_ms: i64) -> i64 {
        let store = self.store();
        let is_new = series.iter().all(|one| !store.series.contains_key(&one.labels));
        if is_new { from_ms.saturating_sub(self.reach_ms) } else { from_ms }
    }

    /// Those of all series, if they are kept.
    fn known(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Option<Vec<Samples>> {
        let mut joining = Joining::default();
        let mut all = Vec::with_capacity(series.len());
        for parts in self.parts(series, from_ms, to_ms)? {
            all.push(joining.of(&parts, from_ms, to_ms));
        }
        Some(all)
    }

    /// The parts that these times of each series are read from, if all are kept: mostly one.
    fn parts(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Option<Vec<Vec<Part>>> {
        let store = self.store();
        let of_one = |one: &&SourceSeries| {
            let parts = store.series.get(&one.labels)?;
            let last = parts.iter().position(|part| to_ms <= part.to_ms)?;
            let first = parts[..=last].iter().rposition(|part| part.from_ms <= from_ms)?;
            Some(parts[first..=last].to_vec())
        };
        series.iter().map(of_one).collect()
    }

    /// Keeps samples that were read, if there is room.
    fn keep(&self, series: &[&SourceSeries], (from_ms, to_ms): (i64, i64), samples: Vec<Samples>) {
        let begin_ms = from_ms.saturating_sub(self.reach_ms);
        let mut joining = Joining::default();
        let mut store = self.store();
        for (one, samples) in series.iter().zip(samples) {
            let mut part = Part { from_ms, to_ms, samples };
            if let Some(last) = store.series.get(&one.labels).and_then(|parts| parts.last()) {
                if last.to_ms.checked_add(1) != Some(from_ms) {
                    continue;
                }
                let from_ms = last.from_ms.max(begin_ms);
                let samples = joining.of(&[last.clone(), part], from_ms, to_ms);
                part = Part { from_ms, to_ms, samples };
            }
            let count = part.samples.values.len();
            if store.count.saturating_add(count) <= KEPT_SAMPLES_MAX {
                store.series.entry(one.labels.clone()).or_default().push(part);
                store.count += count;
            }
        }
    }
}

/// Takes samples out of parts of one series after the other. Series that share their times go on doing so.
#[derive(Default)]
struct Joining {
    /// Times of parts, and what was made of them.
    known: Option<(Vec<Shared<i64>>, Shared<i64>)>,
}

impl Joining {
    /// The samples of parts that follow each other in these times.
    fn of(&mut self, parts: &[Part], from_ms: i64, to_ms: i64) -> Samples {
        let pieces = pieces(parts, from_ms, to_ms);
        if let [only] = &pieces[..] {
            return only.clone();
        }
        let times: Vec<Shared<i64>> = pieces.iter().map(|piece| piece.times.clone()).collect();
        let is_same = |known: &Vec<Shared<i64>>| {
            known.len() == times.len() && known.iter().zip(&times).all(|(known, own)| known.is_same(own))
        };
        let all_times = match self.known.take().filter(|(known, _)| is_same(known)) {
            Some((_, all)) => all,
            None => joined(&times).into(),
        };
        self.known = Some((times, all_times.clone()));
        let integers = pieces.iter().any(|piece| piece.integers.is_some());
        Samples {
            times: all_times,
            values: joined(&pieces.iter().map(|piece| piece.values.clone()).collect::<Vec<_>>()).into(),
            integers: integers.then(|| pieces.iter().flat_map(integers_of).collect()),
        }
    }
}

/// What each part has of these times that the one before it has not.
fn pieces(parts: &[Part], from_ms: i64, to_ms: i64) -> Vec<Samples> {
    let mut from_ms = from_ms;
    let piece = |part: &Part| {
        let samples = &part.samples;
        let from = samples.times.partition_point(|time| *time < from_ms);
        let to = samples.times.partition_point(|time| *time <= to_ms).max(from);
        from_ms = from_ms.max(part.to_ms.saturating_add(1));
        Samples {
            times: samples.times.part(from..to),
            values: samples.values.part(from..to),
            integers: samples.integers.as_ref().map(|integers| integers.part(from..to)),
        }
    };
    parts.iter().map(piece).collect()
}

/// One list of several.
fn joined<T: Copy>(all: &[Shared<T>]) -> Vec<T> {
    all.iter().map(|one| &**one).collect::<Vec<&[T]>>().concat()
}

/// The values as integers.
fn integers_of(samples: &Samples) -> Vec<i64> {
    match &samples.integers {
        Some(integers) => integers.to_vec(),
        None => samples.values.iter().map(|value| *value as i64).collect(),
    }
}

/// The times from one on.
fn times_from(samples: &Samples, from_ms: i64) -> Shared<i64> {
    let first = samples.times.partition_point(|time| *time < from_ms);
    samples.times.part(first..samples.times.len())
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

    fn times(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Shared<i64>>> {
        if let Some(known) = self.known(series, from_ms, to_ms) {
            return Ok(known.into_iter().map(|samples| samples.times).collect());
        }
        let begin_ms = self.begin_ms(series, from_ms);
        let samples = self.source.read(series, begin_ms, to_ms)?;
        self.keep(series, (begin_ms, to_ms), samples.clone());
        // What is kept is given, so that the same times are known to be the same.
        let known = self.known(series, from_ms, to_ms).unwrap_or(samples);
        Ok(known.iter().map(|of| times_from(of, from_ms)).collect())
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        self.source.normal(series, moments)
    }

    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        self.source.unobserved(series, from_ms, to_ms)
    }
}
