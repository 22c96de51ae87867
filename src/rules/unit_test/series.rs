//! Series, values, labels and times as test files write them.

use custos_promql::notation::{self, Item};
use custos_promql::{Labels, notation::metric};
use jiff::Timestamp;

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::Kind;
use crate::document::yaml::{Content, Node};

/// A series with its values.
pub(super) fn series(name: &Node, values: &Node, findings: &mut Findings) -> Option<(Labels, Vec<Item>)> {
    let labels = labels(name, findings);
    let values_text = scalar(values, "values", findings)?;
    if values_text.contains("{{") {
        refuse(values, "numbers: native histograms are not stored", findings);
        return None;
    }
    match notation::items(values_text) {
        Ok(items) => Some((labels?, items)),
        Err(error) => {
            findings.error(&values.place, format!("the values cannot be read: {error}"));
            None
        }
    }
}

/// Labels with the name of the metric: `up{job="x"}`.
pub(super) fn labels(node: &Node, findings: &mut Findings) -> Option<Labels> {
    let text = scalar(node, "a series", findings)?;
    match metric(text.trim()) {
        Ok((labels, rest)) if rest.trim().is_empty() => Some(labels),
        Ok((_, rest)) => {
            findings.error(&node.place, format!("found `{}` behind the series", rest.trim()));
            None
        }
        Err(error) => {
            findings.error(&node.place, format!("the series cannot be read: {error}"));
            None
        }
    }
}

/// Names and texts as a mapping.
pub(super) fn texts(node: &Node, findings: &mut Findings) -> Labels {
    match &node.content {
        Content::Map(entries) => Labels::new(entries.iter().filter_map(|entry| match &entry.value.content {
            Content::Scalar(scalar) if scalar.kind == Kind::Null => Some((entry.key.as_str(), "")),
            _ => Some((entry.key.as_str(), scalar(&entry.value, "a text", findings)?)),
        })),
        Content::Scalar(scalar) if scalar.kind == Kind::Null => Labels::default(),
        _ => {
            refuse(node, "a mapping of names to texts", findings);
            Labels::default()
        }
    }
}

/// A value: a number, or `NaN`, `Inf`, `-Inf` in any case, also as YAML writes them.
pub(super) fn value(node: &Node, findings: &mut Findings) -> Option<f64> {
    let text = scalar(node, "a number", findings)?;
    let read = match text.trim_start_matches('.').to_ascii_lowercase().as_str() {
        "inf" | "+inf" | "+.inf" => Some(f64::INFINITY),
        "-inf" | "-.inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => text.parse().ok(),
    };
    if read.is_none() {
        refuse(node, "a number", findings);
    }
    read
}

/// A time: seconds since the epoch, or as RFC 3339 has it. In ms.
pub(super) fn time_ms(node: &Node, findings: &mut Findings) -> Option<i64> {
    let text = scalar(node, "a time", findings)?;
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e11);
    let read = match seconds {
        Some(seconds) => Some((seconds * 1e3).round() as i64),
        None => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
    };
    if read.is_none() {
        refuse(node, "a time such as `2026-11-27T03:12:00Z`, or seconds since the epoch", findings);
    }
    read
}

/// Whatever is written on one line.
pub(super) fn scalar<'n>(node: &'n Node, expected: &str, findings: &mut Findings) -> Option<&'n str> {
    crate::document::fields::written(node, expected, findings)
}
