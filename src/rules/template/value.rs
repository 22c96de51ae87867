//! Values of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::Labels;
use gotmpl::{TemplateError, Value};

use crate::rules::sequence::HappenedStep;

/// Labels: a map of texts.
pub(super) fn labels(labels: &Labels) -> Value {
    let map = labels.iter().map(|label| (Arc::clone(&label.name), Value::String(Arc::clone(&label.value))));
    Value::Map(Arc::new(map.collect()))
}

/// An element of the answer to a query.
pub(super) fn sample(of: &Labels, value: f64) -> Value {
    let fields = [("Labels".into(), labels(of)), ("Value".into(), Value::Float(value))];
    Value::Map(Arc::new(BTreeMap::from(fields)))
}

/// The steps of a sequence that have happened, by their names.
pub(super) fn steps(steps: &[HappenedStep]) -> Value {
    let step = |step: &HappenedStep| {
        let mut fields = BTreeMap::from([
            ("time".into(), Value::Float(step.at_ms as f64 / 1e3)),
            ("labels".into(), labels(&step.labels)),
        ]);
        fields.extend(step.value.map(|value| ("value".into(), Value::Float(value))));
        (Arc::clone(&step.name), Value::Map(Arc::new(fields)))
    };
    Value::Map(Arc::new(steps.iter().map(step).collect()))
}

/// How much a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Bytes of it as a text, or more.
    pub(super) bytes: usize,
    /// How many times values are in each other.
    pub(super) depth: usize,
}

/// How much a value is; none if it is more than that, which is not looked at in full.
pub(super) fn weight(value: &Value, max_bytes: usize) -> Option<Weight> {
    let mut weight = Weight::default();
    add(value, &mut weight, 0, max_bytes).then_some(weight)
}

/// False once it is too much.
fn add(value: &Value, weight: &mut Weight, depth: usize, max_bytes: usize) -> bool {
    /// A number as a text.
    const NUMBER_BYTES: usize = 8;
    weight.depth = weight.depth.max(depth);
    weight.bytes = weight.bytes.saturating_add(match value {
        Value::String(text) => text.len(),
        Value::List(_) | Value::Map(_) => 1,
        _ => NUMBER_BYTES,
    });
    if weight.bytes > max_bytes {
        return false;
    }
    match value {
        Value::List(values) => values.iter().all(|value| add(value, weight, depth + 1, max_bytes)),
        Value::Map(map) => map.iter().all(|(name, value)| {
            weight.bytes = weight.bytes.saturating_add(name.len());
            add(value, weight, depth + 1, max_bytes)
        }),
        _ => true,
    }
}

/// A text, empty where there is none.
pub(super) fn text(value: &Value) -> Result<&str, TemplateError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong("string", other)),
    }
}

/// A number, as Prometheus takes one from a number or a text.
pub(super) fn number(value: &Value) -> Result<f64, TemplateError> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Uint(number) => Ok(*number as f64),
        Value::String(text) => parse_number(text).ok_or_else(|| {
            TemplateError::Exec(format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
        }),
        other => Err(TemplateError::Exec(format!("can't convert {} to float", other.type_name()))),
    }
}

/// A number as Go writes one: `Inf` and `nan` of any case, no blanks.
fn parse_number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    plain.parse().ok()
}

/// The error of a value of another type.
pub(super) fn wrong(expected: &'static str, got: &Value) -> TemplateError {
    TemplateError::TypeMismatch { expected, got: got.type_name() }
}
