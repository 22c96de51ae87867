//! Values of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::Labels;
use gotmpl::{TemplateError, Value};

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
