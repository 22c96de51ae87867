//! Where series come from.

use crate::error::Result;
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::shared::Shared;

/// In place of a value: the series ends here. No arithmetic makes this NaN, and sources make values that are not a number
/// [`f64::NAN`].
pub const ENDED: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether this marks the end of a series, or a step without a value.
pub fn is_ended(value: f64) -> bool {
    value.to_bits() == ENDED.to_bits()
}

/// What a query reads.
pub trait Source: Sync {
    /// The series that fulfil all conditions and may have samples in these times (ms since the epoch, both included).
    ///
    /// # Errors
    /// What keeps them from being read.
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>>;

    /// The samples of series of one group in these times (ms since the epoch, both included), one entry for each series.
    ///
    /// # Errors
    /// What keeps them from being read.
    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>>;

    /// The same, if of all samples only those are wanted that are the newest at one of these moments (ms since the epoch,
    /// ascending), and not before `from_ms`. Others may be left out.
    ///
    /// # Errors
    /// What keeps them from being read.
    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        self.read(series, from_ms, moments.last().copied().unwrap_or(from_ms))
    }

    /// What the samples of series of one group have in common in stretches of time, if the source knows that better than by
    /// reading them. Stretch `n` is after `bounds[n]`, up to `bounds[n + 1]` (ms since the epoch, ascending). One list of
    /// summaries for each series.
    ///
    /// # Errors
    /// What keeps them from being read.
    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        let _ = (series, bounds);
        Ok(None)
    }

    /// When series of one group have samples or end in these times (ms since the epoch, both included), one entry for each
    /// series.
    ///
    /// # Errors
    /// What keeps them from being read.
    fn times(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Shared<i64>>> {
        Ok(self.read(series, from_ms, to_ms)?.into_iter().map(|samples| samples.times).collect())
    }

    /// Where a series normally is at each of these moments (ms since the epoch, ascending), by its history; none where too little is
    /// known, or where the source knows nothing of the kind.
    ///
    /// # Errors
    /// What keeps its history from being read.
    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        let _ = series;
        Ok(vec![None; moments.len()])
    }

    /// Stretches that reach into these times (ms since the epoch, both included) in which nobody looked at a series and those of
    /// its group: the first millisecond, and the one after the last; ascending and apart. A series may end at the beginning of
    /// one, which then tells nothing of it.
    ///
    /// # Errors
    /// What keeps them from being read.
    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        let _ = (series, from_ms, to_ms);
        Ok(Vec::new())
    }
}

/// Where a series normally is at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalRange {
    /// Lower it is seldom, ...
    pub low: f64,
    /// ... as often lower as higher than this, ...
    pub middle: f64,
    /// ... and higher than this seldom.
    pub high: f64,
}

/// What samples have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many there are.
    pub count: u64,
    /// Their sum, which is not finite if one of them is not or if it overflowed on the way.
    pub sum: f64,
    /// The least; NaN is left out; +infinity if there is no other.
    pub min: f64,
    /// The greatest; NaN is left out; -infinity if there is no other.
    pub max: f64,
    /// The earliest; 0 if there is none.
    pub first: f64,
    /// The latest; 0 if there is none.
    pub last: f64,
}

impl Summary {
    /// Of no samples.
    pub const NONE: Summary =
        Summary { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, first: 0.0, last: 0.0 };
}

/// A series of a source. By default nothing is known of it.
#[derive(Clone, Debug, Default)]
pub struct SourceSeries {
    /// Its labels, the name of the metric among them.
    pub labels: Labels,
    /// By which the source knows it.
    pub id: u64,
    /// Series of a group are best read together.
    pub group: u64,
    /// How long its newest value counts, if that is longer than the query's look-back (ms). A query that gives its own
    /// look-back gets exactly that.
    pub lookback_ms: Option<i64>,
    /// How far apart its samples are on average (ms); 0 if that is not known.
    pub distance_ms: i64,
    /// How many samples it has at most; 0 if that is not known.
    pub samples_max: u64,
    /// Whether it only grows, if the source knows.
    pub is_counter: Option<bool>,
}

/// Samples of a series, by time, ascending and different.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// When (ms since the epoch). Series of a group may share them.
    pub times: Shared<i64>,
    /// What; [`ENDED`] where the series ends.
    pub values: Shared<f64>,
    /// The same as integers, if all are and one at least is beyond what floats hold exactly.
    pub integers: Option<Shared<i64>>,
}

impl Samples {
    /// Without the marks of ends.
    pub(crate) fn without_ends(mut self) -> Samples {
        // All of a few at once, which takes no jump for each of them.
        let has_end = |few: &[f64]| few.iter().fold(false, |any, value| any | is_ended(*value));
        if !self.values.chunks(64).any(has_end) {
            return self;
        }
        let kept: Vec<usize> =
            (0..self.values.len()).filter(|index| !is_ended(self.values[*index])).collect();
        self.times = kept.iter().map(|index| self.times[*index]).collect();
        if let Some(integers) = &mut self.integers {
            *integers = kept.iter().map(|index| integers[*index]).collect();
        }
        self.values = kept.iter().map(|index| self.values[*index]).collect();
        self
    }
}
