//! An answer as text: a table, JSON lines or CSV.

use std::io::Write;

use custos_promql::{AnswerValue, Labels, Point, format_number};
use custos_query::series_title;
use jiff::Zoned;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::cli::read::{Failure, json_line, local_time};
use crate::cli::style::{Style, printable};
use crate::text::width::width;

/// A value with the labels of its series, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    labels: JsonLabels<'a>,
    time_ms: i64,
    value: String,
}

struct JsonLabels<'a>(&'a Labels);

impl Serialize for JsonLabels<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.iter().len()))?;
        for label in self.0.iter() {
            map.serialize_entry(&*label.name, &*label.value)?;
        }
        map.end()
    }
}

/// Each value with its series, in the order of the answer.
fn each(
    value: &AnswerValue,
    mut line: impl FnMut(&Labels, i64, String) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let none = Labels::default();
    let text = |point: &Point| format_number(point.value);
    match value {
        AnswerValue::Scalar(point) => line(&none, point.time_ms, text(point)),
        AnswerValue::Text(time_ms, value) => line(&none, *time_ms, value.clone()),
        AnswerValue::Vector(values) => {
            values.iter().try_for_each(|(labels, point)| line(labels, point.time_ms, text(point)))
        }
        AnswerValue::Matrix(all) => all.iter().try_for_each(|series| {
            series.points.iter().try_for_each(|point| line(&series.labels, point.time_ms, text(point)))
        }),
    }
}

/// A JSON object a line.
pub(super) fn json(value: &AnswerValue, out: &mut dyn Write) -> Result<(), Failure> {
    each(value, |labels, time_ms, value| json_line(&Line { labels: JsonLabels(labels), time_ms, value }, out))
}

/// Series, time and value, with a header.
pub(super) fn csv(value: &AnswerValue, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "series,time_ms,value")?;
    each(value, |labels, time_ms, value| {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        Ok(writeln!(out, "{},{time_ms},{}", quoted(&labels.to_string()), quoted(&value))?)
    })
}

/// Columns for people: the series and its value; of a span also the time.
pub(super) fn table(
    value: &AnswerValue,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let zone = now.time_zone();
    match value {
        AnswerValue::Scalar(point) => writeln!(out, "{}", format_number(point.value))?,
        AnswerValue::Text(_, text) => writeln!(out, "{}", printable(text))?,
        AnswerValue::Vector(values) => {
            let names: Vec<String> = values.iter().map(|(labels, _)| series_title(labels)).collect();
            let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
            for (name, (_, point)) in names.iter().zip(values) {
                let blanks = " ".repeat(widest - width(name));
                writeln!(out, "{name}{blanks}  {}", format_number(point.value))?;
            }
        }
        AnswerValue::Matrix(all) => {
            for series in all {
                writeln!(out, "{}", style.dim(&series_title(&series.labels)))?;
                for point in &series.points {
                    writeln!(out, "  {}  {}", local_time(point.time_ms, zone), format_number(point.value))?;
                }
            }
        }
    }
    Ok(())
}
