//! A series of a check: a metric of its plugin, or a built-in one.

use std::fmt;

use custos_store::{Metric, Run, SeriesKey, Value};

use crate::built_in::BuiltIn;

/// A series within its check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Series {
    /// A metric that the plugin reports.
    Metric(SeriesKey),
    /// A value that every run has.
    BuiltIn(BuiltIn),
}

/// What a run says of a series.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'r> {
    /// The value, in the base unit.
    pub value: Value,
    /// The base unit.
    pub unit: &'r str,
    /// The metric that it came from, unless the series is built in.
    pub metric: Option<&'r Metric>,
}

impl Series {
    /// The value of a run, if it has one.
    pub fn of<'r>(&self, run: &'r Run) -> Option<Reported<'r>> {
        match self {
            Series::Metric(key) => {
                let metric = run.metrics.iter().find(|metric| key.names(metric))?;
                Some(Reported { value: metric.value?, unit: &metric.unit, metric: Some(metric) })
            }
            Series::BuiltIn(one) => Some(Reported { value: one.value(run)?, unit: one.unit(), metric: None }),
        }
    }
}

impl fmt::Display for Series {
    /// The name within the check: `load1`, `ifInOctets{ifName="eth0"}`, `check_state`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Series::Metric(key) => key.fmt(f),
            Series::BuiltIn(one) => f.write_str(one.name()),
        }
    }
}
