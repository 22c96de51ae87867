//! `ExportMetricsServiceRequest`.

use std::collections::BTreeMap;

use super::attributes::Attributes;
use crate::protobuf::{put_bytes, put_double, put_fixed64, put_message, put_sfixed64, put_text, put_uint};

/// Field of the request, of `ResourceMetrics`, of `Resource`, of `ScopeMetrics` and of `InstrumentationScope`.
const RESOURCE_METRICS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_METRICS: u32 = 2;
const RESOURCE_ATTRIBUTES: u32 = 1;
const SCOPE: u32 = 1;
const METRICS: u32 = 2;
const SCOPE_NAME: u32 = 1;
const SCOPE_VERSION: u32 = 2;
/// Fields of `Metric`.
const NAME: u32 = 1;
const UNIT: u32 = 3;
const GAUGE: u32 = 5;
const SUM: u32 = 7;
/// Fields of `Gauge` and `Sum`.
const DATA_POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;
const IS_MONOTONIC: u32 = 3;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;
/// Fields of `NumberDataPoint`.
const TIME: u32 = 3;
const AS_DOUBLE: u32 = 4;
const AS_INT: u32 = 6;
const ATTRIBUTES: u32 = 7;
const FLAGS: u32 = 8;
/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u64 = 1;

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetricKind {
    /// It goes up and down.
    Gauge,
    /// It grows, or begins anew: a sum since a time that is not known.
    Counter,
}

/// The value of a data point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointValue {
    /// An integer, which stays one.
    Integer(i64),
    /// A float, bit by bit.
    Float(f64),
    /// There is none from this time on.
    NotRecorded,
}

/// A request that is being put together.
#[derive(Clone, Debug, Default)]
pub struct MetricsRequest {
    /// By kind, name and unit: the data points.
    metrics: BTreeMap<(MetricKind, String, String), Vec<u8>>,
    points: usize,
}

impl MetricsRequest {
    /// Adds a point of a metric, which is its name and unit, at a time in ms since the epoch. One that nanoseconds since the epoch do
    /// not reach is put at their end.
    pub fn point(
        &mut self,
        (kind, name, unit): (MetricKind, &str, &str),
        attributes: &Attributes,
        time_ms: i64,
        value: PointValue,
    ) {
        let points = self.metrics.entry((kind, name.to_owned(), unit.to_owned())).or_default();
        put_message(points, DATA_POINTS, |out| {
            put_fixed64(out, TIME, nanoseconds(time_ms));
            match value {
                PointValue::Integer(integer) => put_sfixed64(out, AS_INT, integer),
                PointValue::Float(float) => put_double(out, AS_DOUBLE, float),
                PointValue::NotRecorded => put_uint(out, FLAGS, NO_RECORDED_VALUE),
            }
            attributes.put(out, ATTRIBUTES);
        });
        self.points += 1;
    }

    /// How many points it has.
    pub fn points_count(&self) -> usize {
        self.points
    }

    /// The request, of a resource and of a scope with its name and version.
    pub fn bytes(&self, resource: &Attributes, scope: (&str, &str)) -> Vec<u8> {
        let mut out = Vec::new();
        put_message(&mut out, RESOURCE_METRICS, |out| {
            put_message(out, RESOURCE, |out| resource.put(out, RESOURCE_ATTRIBUTES));
            put_message(out, SCOPE_METRICS, |out| {
                put_scope(out, scope);
                for ((kind, name, unit), points) in &self.metrics {
                    put_message(out, METRICS, |out| put_metric(out, (*kind, name, unit), points));
                }
            });
        });
        out
    }
}

/// Writes the scope of metrics or log records.
pub(super) fn put_scope(out: &mut Vec<u8>, (name, version): (&str, &str)) {
    put_message(out, SCOPE, |out| {
        put_text(out, SCOPE_NAME, name);
        put_text(out, SCOPE_VERSION, version);
    });
}

fn put_metric(out: &mut Vec<u8>, (kind, name, unit): (MetricKind, &str, &str), points: &[u8]) {
    put_text(out, NAME, name);
    if !unit.is_empty() {
        put_text(out, UNIT, unit);
    }
    match kind {
        MetricKind::Gauge => put_bytes(out, GAUGE, points),
        MetricKind::Counter => put_message(out, SUM, |out| {
            out.extend_from_slice(points);
            put_uint(out, TEMPORALITY, CUMULATIVE);
            put_uint(out, IS_MONOTONIC, 1);
        }),
    }
}

/// A time as the messages have it.
pub(super) fn nanoseconds(time_ms: i64) -> u64 {
    u64::try_from(time_ms).unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::Reader;

    /// Each field of a message as its number and, of a message, text or bytes, its content.
    fn fields(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut reader = Reader::new(bytes);
        let mut all = Vec::new();
        while let Some(field) = reader.field().unwrap() {
            all.push((field.number, field.inside().map_or(Vec::new(), |inside| inside.rest().to_vec())));
        }
        all
    }

    #[test]
    fn points_of_one_metric_are_together_and_values_are_exact() {
        let (mut request, mut attributes) = (MetricsRequest::default(), Attributes::new());
        attributes.text("check", "load");
        let gauge = (MetricKind::Gauge, "load", "");
        request.point(gauge, &attributes, 5, PointValue::Integer(i64::MIN));
        request.point((MetricKind::Counter, "net", "By"), &attributes, 6, PointValue::Float(-0.5));
        request.point(gauge, &attributes, i64::MAX, PointValue::NotRecorded);
        assert_eq!(request.points_count(), 3);
        let bytes = request.bytes(&attributes, ("custos", "1"));
        let scopes = fields(&fields(&bytes)[0].1);
        assert_eq!(scopes.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [RESOURCE, SCOPE_METRICS]);
        let metrics = fields(&scopes[1].1);
        assert_eq!(metrics.len(), 3);
        let gauge = fields(&metrics[1].1);
        assert_eq!(gauge[0], (NAME, b"load".to_vec()));
        assert_eq!((gauge.len(), gauge[1].0), (2, GAUGE));
        let points = fields(&gauge[1].1);
        let mut first = Reader::new(&points[0].1);
        assert_eq!(first.field().unwrap().unwrap().fixed64(), Ok(5_000_000));
        let value = first.field().unwrap().unwrap();
        assert_eq!((value.number, value.fixed64()), (AS_INT, Ok(i64::MIN as u64)));
        let mut second = Reader::new(&points[1].1);
        assert_eq!(second.field().unwrap().unwrap().fixed64(), Ok(u64::MAX));
        let flags = second.field().unwrap().unwrap();
        assert_eq!((flags.number, flags.uint()), (FLAGS, Ok(1)));
        let sum = fields(&metrics[2].1);
        assert_eq!(sum[1], (UNIT, b"By".to_vec()));
        let numbers: Vec<u32> = fields(&sum[2].1).iter().map(|(number, _)| *number).collect();
        assert_eq!((sum[2].0, numbers), (SUM, vec![DATA_POINTS, TEMPORALITY, IS_MONOTONIC]));
    }
}
