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
