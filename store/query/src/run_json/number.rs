//! Numbers as they are written: exact, without a fraction where there is none, and in words where JSON has no number.

use std::borrow::Cow;

use custos_store::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that is written without a fraction where it has none, so that large counters stay exact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) Value);

impl Number {
    pub(super) fn of(float: f64) -> Number {
        Number(Value::from(float))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Value::Integer(value) => serializer.serialize_i64(value),
            // The range in which every float with no fraction is an i64.
            Value::Float(value) if value.trunc() == value && value.abs() < 9.2e18 => {
                serializer.serialize_i64(value as i64)
            }
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(value),
            Value::Float(value) if value.is_nan() => serializer.serialize_str("NaN"),
            Value::Float(value) => serializer.serialize_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Number, D::Error> {
        let bad = || serde::de::Error::custom("no number that can be kept");
        let value = match Written::deserialize(deserializer)? {
            Written::Number(number) => match number.as_i64() {
                Some(integer) => Value::from(integer),
                None => Value::from(number.as_f64().ok_or_else(bad)?),
            },
            Written::Word(word) => {
                let named = NOT_FINITE.iter().find(|(name, _)| *name == word);
                Value::from(named.ok_or_else(bad)?.1)
            }
        };
        Ok(Number(value))
    }
}

/// A number as it may be written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Number(serde_json::Number),
    Word(Cow<'a, str>),
}

/// JSON has no numbers for these.
const NOT_FINITE: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("+Inf", f64::INFINITY), ("-Inf", f64::NEG_INFINITY)];

/// Microseconds, written as milliseconds with a fraction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Milliseconds(pub(super) u64);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Number::of(self.0 as f64 / 1000.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Milliseconds, D::Error> {
        let milliseconds = f64::deserialize(deserializer)?;
        if milliseconds >= 0.0 {
            Ok(Milliseconds((milliseconds * 1000.0).round() as u64))
        } else {
            Err(serde::de::Error::custom("a negative duration"))
        }
    }
}
