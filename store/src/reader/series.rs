//! What a reader tells of checks and series.

use std::fmt;

use crate::damage::Damage;
use crate::run::Metric;
use crate::value::Value;

/// The name of a series within its check.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// The name that the plugin printed.
    pub label: String,
    /// Further labels as (name, value), sorted by name.
    pub labels: Vec<(String, String)>,
}

impl SeriesKey {
    /// A series without further labels.
    pub fn new(label: &str) -> SeriesKey {
        SeriesKey { label: label.to_owned(), labels: Vec::new() }
    }

    /// `true` if the metric belongs to this series.
    pub fn names(&self, metric: &Metric) -> bool {
        self.label == metric.label && self.labels == metric.labels
    }
}

impl fmt::Display for SeriesKey {
    /// `ifInOctets{ifName="eth0"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)?;
        let mut open = '{';
        for (name, value) in &self.labels {
            write!(f, "{open}{name}={value:?}")?;
            open = ',';
        }
        if open == ',' { f.write_str("}") } else { Ok(()) }
    }
}

/// One check of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInfo {
    /// Its name.
    pub name: String,
    /// Runs stored.
    pub runs: u64,
    /// Time of the earliest run, in ms since the epoch.
    pub first_ms: i64,
    /// Time of the latest run, in ms since the epoch.
    pub last_ms: i64,
}

/// One series of a check, as its newest run described it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesInfo {
    /// Its name.
    pub key: SeriesKey,
    /// Base unit.
    pub unit: String,
    /// Samples stored: runs that reported the metric, `U` included.
    pub samples: u64,
    /// Time of the earliest of these runs, in ms since the epoch.
    pub first_ms: i64,
    /// Time of the latest of these runs, in ms since the epoch.
    pub last_ms: i64,
}

/// A check with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSeries {
    /// The check.
    pub check: CheckInfo,
    /// Its series by name.
    pub series: Vec<SeriesInfo>,
}

/// All checks of a store with all their series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// By name.
    pub checks: Vec<CheckSeries>,
    /// What could not be read; series may be missing, and samples are not counted.
    pub damages: Vec<Damage>,
}

/// The whole store in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreInfo {
    /// Checks.
    pub checks: u64,
    /// Series of all checks.
    pub series: u64,
    /// Samples: one a metric a run.
    pub samples: u64,
    /// Runs.
    pub runs: u64,
    /// Bytes of all files of the store.
    pub bytes: u64,
    /// Time of the earliest run, in ms since the epoch.
    pub first_ms: Option<i64>,
    /// Time of the latest run, in ms since the epoch.
    pub last_ms: Option<i64>,
}

/// One column of a graph: what the samples of a stretch of time have in common. Samples without a value do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Start of the stretch in ms since the epoch; it ends where the next one starts.
    pub start_ms: i64,
    /// Samples with a value.
    pub count: u64,
    /// The least value; NaN is left out; +infinity if there is no other.
    pub min: f64,
    /// The greatest value; NaN is left out; -infinity if there is no other.
    pub max: f64,
    /// Sum of the values.
    pub sum: f64,
    /// The earliest value.
    pub first: Option<Sample>,
    /// The latest value.
    pub last: Option<Sample>,
    /// `true` if a run without a value came before the first value, and after the last value of the range before that.
    pub after_gap: bool,
}

/// A value and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// In ms since the epoch.
    pub time_ms: i64,
    /// The value.
    pub value: Value,
}

impl Bucket {
    /// A bucket without samples.
    pub fn empty(start_ms: i64) -> Bucket {
        Bucket {
            start_ms,
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            first: None,
            last: None,
            after_gap: false,
        }
    }

    /// Takes in the next sample.
    pub fn add(&mut self, sample: Sample) {
        let float = sample.value.to_f64();
        self.count += 1;
        self.min = self.min.min(float);
        self.max = self.max.max(float);
        self.sum += float;
        self.first = self.first.or(Some(sample));
        self.last = Some(sample);
    }
}
