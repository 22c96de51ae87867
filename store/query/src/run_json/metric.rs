//! A metric within the JSON of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use custos_store::{Bounds, Metric};
use serde::{Deserialize, Serialize};

use super::number::Number;

/// A metric as it stands in a line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MetricLine<'a> {
    label: Cow<'a, str>,
    value: Option<Number>,
    #[serde(default)]
    unit: Cow<'a, str>,
    warn: Option<RangeLine>,
    crit: Option<RangeLine>,
    min: Option<Number>,
    max: Option<Number>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    printed_unit: Cow<'a, str>,
}

/// An infinite end is null.
#[derive(Debug, Serialize, Deserialize)]
struct RangeLine {
    start: Option<Number>,
    end: Option<Number>,
    #[serde(default)]
    inside: bool,
}

fn bounds(line: RangeLine) -> Bounds {
    let end = |number: Option<Number>, infinite| number.map_or(infinite, |number| number.0.to_f64());
    Bounds {
        start: end(line.start, f64::NEG_INFINITY),
        end: end(line.end, f64::INFINITY),
        inside: line.inside,
    }
}

impl RangeLine {
    fn new(bounds: Bounds) -> RangeLine {
        let finite = |value: f64| value.is_finite().then(|| Number::of(value));
        RangeLine { start: finite(bounds.start), end: finite(bounds.end), inside: bounds.inside }
    }
}

impl<'a> MetricLine<'a> {
    pub(super) fn new(metric: &'a Metric) -> MetricLine<'a> {
        let labels = metric.labels.iter().map(|(name, value)| (name.into(), value.into()));
        MetricLine {
            label: (&metric.label).into(),
            value: metric.value.map(Number),
            unit: (&metric.unit).into(),
            warn: metric.warn.map(RangeLine::new),
            crit: metric.crit.map(RangeLine::new),
            min: metric.min.map(Number::of),
            max: metric.max.map(Number::of),
            labels: labels.collect(),
            printed_unit: (&metric.printed_unit).into(),
        }
    }

    pub(super) fn into_metric(self) -> Metric {
        let labels = self.labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        Metric {
            label: self.label.into(),
            labels: labels.collect(),
            value: self.value.map(|number| number.0),
            unit: self.unit.into(),
            printed_unit: self.printed_unit.into(),
            warn: self.warn.map(bounds),
            crit: self.crit.map(bounds),
            min: self.min.map(|number| number.0.to_f64()),
            max: self.max.map(|number| number.0.to_f64()),
        }
    }
}
