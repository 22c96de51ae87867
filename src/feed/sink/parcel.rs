//! What one request carries: all or a part of a piece of the feed.

use std::ops::Range;
use std::sync::Arc;

use custos_query::{RunSample, RunSeries};
use custos_store::{Identity, Run, Value};

/// The samples of one series in a piece, by time, each time once.
#[derive(Clone, Debug, PartialEq)]
pub struct OfSeries {
    /// The series.
    pub series: Arc<RunSeries>,
    /// Its number: the same for the same series as long as a sink runs in one lane, so that what is made of its labels can be kept.
    pub number: u32,
    /// When (ms since the epoch), ascending.
    pub times_ms: Vec<i64>,
    /// What; none where the series ends.
    pub values: Vec<Option<Value>>,
}

/// A run as the feed has it.
#[derive(Clone, Debug)]
pub struct NumberedRun {
    /// Its number in the store: those of one store ascend.
    pub number: u64,
    /// Its check.
    pub check: Arc<str>,
    /// The run.
    pub run: Run,
}

/// Where runs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The store.
    pub store: Identity,
    /// They are the next ones in order of arrival; otherwise they were passed before, and come now.
    pub live: bool,
}

/// What a piece of the feed is, as a receiver takes it.
#[derive(Clone, Debug)]
pub enum Load {
    /// Samples by series.
    Samples(Arc<[OfSeries]>),
    /// Whole runs, in the order of the feed.
    Runs(Arc<[NumberedRun]>, Origin),
}

/// All or a part of a load.
#[derive(Clone, Debug)]
pub struct Parcel {
    load: Load,
    /// Which series, or which runs.
    items: Range<usize>,
    /// The times of the samples (ms since the epoch); of runs none is left out by it.
    times_ms: Range<i64>,
}

impl Load {
    /// The load of samples, which `series` names by their numbers.
    pub fn of_samples(samples: &[RunSample], series: &[Arc<RunSeries>]) -> Load {
        let mut of_series: Vec<OfSeries> = Vec::new();
        let mut places = vec![u32::MAX; series.len()];
        for sample in samples {
            let place = &mut places[sample.series as usize];
            if *place == u32::MAX {
                *place = of_series.len() as u32;
                let series = Arc::clone(&series[sample.series as usize]);
                of_series.push(OfSeries {
                    series,
                    number: sample.series,
                    times_ms: Vec::new(),
                    values: Vec::new(),
                });
            }
            let one = &mut of_series[*place as usize];
            one.times_ms.push(sample.time_ms);
            one.values.push(sample.value);
        }
        of_series.iter_mut().for_each(OfSeries::put_in_order);
        Load::Samples(of_series.into())
    }

    /// All of it.
    pub fn whole(&self) -> Parcel {
        let items = match self {
            Load::Samples(series) => 0..series.len(),
            Load::Runs(runs, _) => 0..runs.len(),
        };
        Parcel { load: self.clone(), items, times_ms: i64::MIN..i64::MAX }
    }
}

impl OfSeries {
    /// Sorts by time, where the clock was set back. Of several of one time the first is kept.
    fn put_in_order(&mut self) {
        if self.times_ms.is_sorted_by(|one, other| one < other) {
            return;
        }
        let mut all: Vec<(i64, Option<Value>)> =
            self.times_ms.iter().copied().zip(self.values.iter().copied()).collect();
        all.sort_by_key(|(time_ms, _)| *time_ms);
        all.dedup_by_key(|(time_ms, _)| *time_ms);
        (self.times_ms, self.values) = all.into_iter().unzip();
    }

    /// The indices of the samples of some times.
    fn within(&self, times_ms: &Range<i64>) -> Range<usize> {
        let start = self.times_ms.partition_point(|time_ms| *time_ms < times_ms.start);
        start..start + self.times_ms[start..].partition_point(|time_ms| *time_ms < times_ms.end)
    }
}

/// A series of a parcel, with those of its samples that the parcel has.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The series, with all its samples of the load.
    pub of: &'a OfSeries,
    /// When (ms since the epoch), ascending; at least one.
    pub times_ms: &'a [i64],
    /// What; none where the series ends.
    pub values: &'a [Option<Value>],
}

impl Parcel {
    /// The series with their samples; of a load of runs none.
    pub fn series(&self) -> impl Iterator<Item = Part<'_>> {
        let all = match &self.load {
            Load::Samples(series) => &series[self.items.clone()],
            Load::Runs(..) => &[],
        };
        all.iter().filter_map(|of| {
            let within = of.within(&self.times_ms);
            let (times_ms, values) = (&of.times_ms[within.clone()], &of.values[within]);
            (!times_ms.is_empty()).then_some(Part { of, times_ms, values })
        })
    }

    /// The runs; of a load of samples none.
    pub fn runs(&self) -> &[NumberedRun] {
        match &self.load {
            Load::Samples(_) => &[],
            Load::Runs(runs, _) => &runs[self.items.clone()],
        }
    }

    /// Where its runs come from; of a load of samples none.
    pub fn origin(&self) -> Option<Origin> {
        match &self.load {
            Load::Samples(_) => None,
            Load::Runs(_, origin) => Some(*origin),
        }
    }

    /// How many samples or runs it has.
    pub fn len(&self) -> usize {
        match &self.load {
            Load::Samples(_) => self.series().map(|part| part.times_ms.len()).sum(),
            Load::Runs(..) => self.items.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match &self.load {
            Load::Samples(_) => self.series().next().is_none(),
            Load::Runs(..) => self.items.is_empty(),
        }
    }

    /// Whether all that it has is where series end.
    pub fn is_ends(&self) -> bool {
        let mut values = self.series().flat_map(|part| part.values).peekable();
        values.peek().is_some() && values.all(Option::is_none)
    }

    /// The earliest and the latest time in it (ms since the epoch).
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        let span = |one: (i64, i64), other: (i64, i64)| (one.0.min(other.0), one.1.max(other.1));
        let of_series =
            self.series().filter_map(|part| Some((*part.times_ms.first()?, *part.times_ms.last()?)));
        let of_runs = self.runs().iter().map(|one| (one.run.time_ms, one.run.time_ms));
        of_series.chain(of_runs).reduce(span)
    }

    /// What of its samples is earlier than that, and what is not. Runs are all taken for earlier.
    pub fn split_at(&self, time_ms: i64) -> (Parcel, Parcel) {
        let (mut before, mut after) = (self.clone(), self.clone());
        match self.load {
            Load::Samples(_) => {
                before.times_ms.end = before.times_ms.end.min(time_ms);
                after.times_ms.start = after.times_ms.start.max(time_ms);
            }
            Load::Runs(..) => after.items.start = after.items.end,
        }
        (before, after)
    }

    /// Two halves, neither of them empty: by time where it has several, else by series; of one sample or run none.
    pub fn halves(&self) -> Option<(Parcel, Parcel)> {
        if let Load::Samples(_) = self.load {
            let (first, last) = self.span_ms()?;
            if first < last {
                // The middle of the samples, not of the time, so that one far off does not cost a request for each halving of that.
                let mut times: Vec<i64> =
                    self.series().flat_map(|part| part.times_ms.iter().copied()).collect();
                let middle = times.len() / 2;
                let (_, median, _) = times.select_nth_unstable(middle);
                return Some(self.split_at(if *median > first { *median } else { first + 1 }));
            }
        }
        let middle = self.items.start + self.items.len() / 2;
        if self.items.len() < 2 {
            return None;
        }
        let (mut one, mut other) = (self.clone(), self.clone());
        one.items.end = middle;
        other.items.start = middle;
        match (one.is_empty(), other.is_empty()) {
            (true, _) => other.halves(),
            (_, true) => one.halves(),
            _ => Some((one, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use custos_promql::Labels;

    use super::*;

    fn load(samples: &[(u32, i64)]) -> Load {
        let series = |number: u32| {
            Arc::new(RunSeries {
                labels: Labels::new([("__name__", format!("s{number}"))]),
                unit: String::new(),
                check: Arc::from("x"),
                metric: None,
            })
        };
        let series: Vec<Arc<RunSeries>> = (0..4).map(series).collect();
        let sample = |(series, time_ms): &(u32, i64)| RunSample {
            series: *series,
            time_ms: *time_ms,
            value: Some(Value::Integer(*time_ms)),
        };
        Load::of_samples(&samples.iter().map(sample).collect::<Vec<_>>(), &series)
    }

    fn shown(parcel: &Parcel) -> Vec<(u32, Vec<i64>)> {
        parcel.series().map(|part| (part.of.number, part.times_ms.to_vec())).collect()
    }

    #[test]
    fn samples_are_put_in_order_by_series() {
        let whole = load(&[(3, 5), (1, 5), (3, 2), (3, 5), (1, 6)]).whole();
        assert_eq!(shown(&whole), [(3, vec![2, 5]), (1, vec![5, 6])]);
        assert_eq!((whole.len(), whole.span_ms()), (4, Some((2, 6))));
        let (before, after) = whole.split_at(5);
        assert_eq!(
            (shown(&before), shown(&after)),
            (vec![(3, vec![2])], vec![(3, vec![5]), (1, vec![5, 6])])
        );
    }

    #[test]
    fn halving_comes_down_to_each_sample_once() {
        let whole = load(&[(0, 1), (1, 1), (2, 1), (0, 2), (1, 9_000_000), (2, 3), (3, 3)]).whole();
        let (mut parts, mut single) = (vec![whole], Vec::new());
        while let Some(part) = parts.pop() {
            match part.halves() {
                Some((one, other)) => {
                    assert!(!one.is_empty() && !other.is_empty() && one.len() + other.len() == part.len());
                    parts.extend([one, other]);
                }
                None => single.extend(shown(&part)),
            }
        }
        single.sort();
        let times: Vec<(u32, i64)> = single.iter().map(|(series, times)| (*series, times[0])).collect();
        assert_eq!(times, [(0, 1), (0, 2), (1, 1), (1, 9_000_000), (2, 1), (2, 3), (3, 3)]);
        assert!(single.iter().all(|(_, times)| times.len() == 1));
    }

    #[test]
    fn runs_are_halved_by_their_order() {
        let run = |number| NumberedRun { number, check: Arc::from("x"), run: Run::default() };
        let origin = Origin { store: Identity([7; 16]), live: true };
        let whole = Load::Runs((0..3).map(run).collect(), origin).whole();
        let (one, other) = whole.halves().unwrap();
        assert_eq!((one.len(), other.len(), whole.len()), (1, 2, 3));
        assert_eq!(other.runs()[0].number, 1);
        assert_eq!((whole.origin(), load(&[(0, 1)]).whole().origin()), (Some(origin), None));
        assert!(one.halves().is_none() && whole.split_at(0).1.is_empty());
    }
}
