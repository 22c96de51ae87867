//! What the metrics of a run are, apart from their numbers: written once, then referred to by number.

use crate::bytes::{Cursor, Short, put_str, put_varint};
use crate::run::{Metric, Run};
use crate::value::{Bounds, Value};

/// The name of a series: label and further labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SeriesDef {
    pub(crate) label: String,
    pub(crate) labels: Vec<(String, String)>,
}

/// What came with a metric's number and hardly ever changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SeriesMeta {
    pub(crate) unit: String,
    pub(crate) printed_unit: String,
    pub(crate) warn: Option<Bounds>,
    pub(crate) crit: Option<Bounds>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// The metrics of a run in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schema {
    pub(crate) metrics: Vec<(SeriesDef, SeriesMeta)>,
    /// Whether the run has instances.
    pub(crate) instances: bool,
}

const WARN: u8 = 1;
const CRIT: u8 = 2;
const MIN: u8 = 4;
const MAX: u8 = 8;
const WARN_INSIDE: u8 = 16;
const CRIT_INSIDE: u8 = 32;
const FLAGS_ALL: u8 = 63;

fn same_bits(a: Option<f64>, b: Option<f64>) -> bool {
    a.map(f64::to_bits) == b.map(f64::to_bits)
}

fn same_bounds(a: &Option<Bounds>, b: &Option<Bounds>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.start.to_bits() == b.start.to_bits()
                && a.end.to_bits() == b.end.to_bits()
                && a.inside == b.inside
        }
        _ => false,
    }
}

/// Writes the name of a series.
pub(crate) fn put_name(out: &mut Vec<u8>, label: &str, labels: &[(String, String)]) {
    put_str(out, label);
    put_varint(out, labels.len() as u64);
    for (name, value) in labels {
        put_str(out, name);
        put_str(out, value);
    }
}

impl SeriesDef {
    pub(crate) fn of(metric: &Metric) -> SeriesDef {
        SeriesDef { label: metric.label.clone(), labels: metric.labels.clone() }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_name(out, &self.label, &self.labels);
    }

    /// The bytes of a name, as [`SeriesDef::put`] writes them, without a look at what they are.
    pub(crate) fn get_bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Short> {
        let mut end = *cursor;
        let label_len = end.count(1)?;
        end.take(label_len)?;
        for _ in 0..2 * end.count(2)? {
            let len = end.count(1)?;
            end.take(len)?;
        }
        cursor.take(end.at() - cursor.at())
    }

    pub(crate) fn get(cursor: &mut Cursor<'_>) -> Result<SeriesDef, Short> {
        let label = cursor.str()?.to_owned();
        let labels = (0..cursor.count(2)?)
            .map(|_| Ok((cursor.str()?.to_owned(), cursor.str()?.to_owned())))
            .collect::<Result<_, Short>>()?;
        Ok(SeriesDef { label, labels })
    }
}

impl SeriesMeta {
    pub(crate) fn of(metric: &Metric) -> SeriesMeta {
        SeriesMeta {
            unit: metric.unit.clone(),
            printed_unit: metric.printed_unit.clone(),
            warn: metric.warn,
            crit: metric.crit,
            min: metric.min,
            max: metric.max,
        }
    }

    /// A metric with this content.
    pub(crate) fn metric(&self, series: &SeriesDef, value: Option<Value>) -> Metric {
        Metric {
            label: series.label.clone(),
            labels: series.labels.clone(),
            value,
            unit: self.unit.clone(),
            printed_unit: self.printed_unit.clone(),
            warn: self.warn,
            crit: self.crit,
            min: self.min,
            max: self.max,
        }
    }

    /// Compares bit by bit, so that a NaN equals itself.
    pub(crate) fn is_of(&self, metric: &Metric) -> bool {
        self.unit == metric.unit
            && self.printed_unit == metric.printed_unit
            && same_bounds(&self.warn, &metric.warn)
            && same_bounds(&self.crit, &metric.crit)
            && same_bits(self.min, metric.min)
            && same_bits(self.max, metric.max)
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_str(out, &self.unit);
        put_str(out, &self.printed_unit);
        let mut flags = 0;
        for (bounds, here, inside) in [(&self.warn, WARN, WARN_INSIDE), (&self.crit, CRIT, CRIT_INSIDE)] {
            if let Some(bounds) = bounds {
                flags |= here | if bounds.inside { inside } else { 0 };
            }
        }
        flags |= if self.min.is_some() { MIN } else { 0 } | if self.max.is_some() { MAX } else { 0 };
        out.push(flags);
        for bounds in [&self.warn, &self.crit].into_iter().flatten() {
            out.extend_from_slice(&bounds.start.to_le_bytes());
            out.extend_from_slice(&bounds.end.to_le_bytes());
        }
        for end in [self.min, self.max].into_iter().flatten() {
            out.extend_from_slice(&end.to_le_bytes());
        }
    }

    pub(crate) fn get(cursor: &mut Cursor<'_>) -> Result<SeriesMeta, Short> {
        let unit = cursor.str()?.to_owned();
        let printed_unit = cursor.str()?.to_owned();
        let flags = cursor.u8()?;
        if flags & !FLAGS_ALL != 0 {
            return Err(Short);
        }
        let mut bounds = |here: u8, inside: u8| -> Result<Option<Bounds>, Short> {
            if flags & here == 0 {
                return Ok(None);
            }
            Ok(Some(Bounds { start: cursor.f64()?, end: cursor.f64()?, inside: flags & inside != 0 }))
        };
        let warn = bounds(WARN, WARN_INSIDE)?;
        let crit = bounds(CRIT, CRIT_INSIDE)?;
        let min = if flags & MIN != 0 { Some(cursor.f64()?) } else { None };
        let max = if flags & MAX != 0 { Some(cursor.f64()?) } else { None };
        Ok(SeriesMeta { unit, printed_unit, warn, crit, min, max })
    }
}

impl Schema {
    pub(crate) fn of(run: &Run) -> Schema {
        let metrics = run.metrics.iter().map(|metric| (SeriesDef::of(metric), SeriesMeta::of(metric)));
        Schema { metrics: metrics.collect(), instances: !run.instances.is_empty() }
    }

    /// Whether the metrics of a run have these names in this order, whatever their units and limits, and it has instances
    /// if this one says so.
    pub(crate) fn fits(&self, run: &Run) -> bool {
        self.instances != run.instances.is_empty()
            && self.metrics.len() == run.metrics.len()
            && self
                .metrics
                .iter()
                .zip(&run.metrics)
                .all(|((series, _), metric)| series.label == metric.label && series.labels == metric.labels)
    }

    /// About as many bytes as [`Schema::put`] writes, and no fewer.
    pub(crate) fn bytes(&self) -> usize {
        let text = |text: &str| text.len() + 10;
        let one = |(series, meta): &(SeriesDef, SeriesMeta)| {
            let labels: usize = series.labels.iter().map(|(name, value)| text(name) + text(value)).sum();
            text(&series.label) + labels + text(&meta.unit) + text(&meta.printed_unit) + 64
        };
        self.metrics.iter().map(one).sum::<usize>() + 10
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.metrics.len() as u64);
        for (series, meta) in &self.metrics {
            series.put(out);
            meta.put(out);
        }
    }

    /// Reads what [`Schema::put`] wrote; whether the run has instances stands elsewhere.
    pub(crate) fn get(cursor: &mut Cursor<'_>, instances: bool) -> Result<Schema, Short> {
        let metrics = (0..cursor.count(5)?)
            .map(|_| Ok((SeriesDef::get(cursor)?, SeriesMeta::get(cursor)?)))
            .collect::<Result<_, Short>>()?;
        Ok(Schema { metrics, instances })
    }
}
