//! Lines that VictoriaMetrics exports, a series or a part of one each: `{"metric":{…},"values":[…],"timestamps":[…]}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A series, or a part of one.
#[derive(Debug, Deserialize)]
pub struct VictoriaLine {
    /// Its labels; `__name__` is the name of its metric.
    pub metric: BTreeMap<String, String>,
    values: Vec<Value>,
    timestamps: Vec<i64>,
}

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VictoriaValue {
    /// A number.
    Float(f64),
    /// An integer that no float equals.
    Integer(i64),
    /// None, or what is no number.
    Unknown,
}

impl VictoriaLine {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no such line, or does not have as many values as times; the text says what is wrong.
    pub fn parse(line: &str) -> Result<VictoriaLine, String> {
        let found: VictoriaLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if found.values.len() != found.timestamps.len() {
            return Err(format!("it has {} values and {} times", found.values.len(), found.timestamps.len()));
        }
        match found.values.iter().find(|value| parsed(value).is_none()) {
            Some(other) => Err(format!("found the value {}, expected a number", other)),
            None => Ok(found),
        }
    }

    /// Its samples as (time in ms, value).
    pub fn samples(&self) -> impl Iterator<Item = (i64, VictoriaValue)> {
        let values = self.values.iter().map(|value| parsed(value).unwrap_or(VictoriaValue::Unknown));
        self.timestamps.iter().copied().zip(values)
    }
}

fn parsed(value: &Value) -> Option<VictoriaValue> {
    match value {
        Value::Null => Some(VictoriaValue::Unknown),
        Value::String(word) => match word.as_str() {
            "NaN" => Some(VictoriaValue::Unknown),
            "Infinity" => Some(VictoriaValue::Float(f64::INFINITY)),
            "-Infinity" => Some(VictoriaValue::Float(f64::NEG_INFINITY)),
            _ => None,
        },
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer as f64 as i128 != i128::from(integer) => {
                Some(VictoriaValue::Integer(integer))
            }
            _ => number.as_f64().map(VictoriaValue::Float),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_times_belong_together() {
        let line = r#"{"metric":{"__name__":"up","job":"x"},"values":[1,null,"Infinity",9007199254740993],"timestamps":[1,2,3,4]}"#;
        let found = VictoriaLine::parse(line).unwrap();
        assert_eq!(found.metric["job"], "x");
        let expected = [
            (1, VictoriaValue::Float(1.0)),
            (2, VictoriaValue::Unknown),
            (3, VictoriaValue::Float(f64::INFINITY)),
            (4, VictoriaValue::Integer(9_007_199_254_740_993)),
        ];
        assert_eq!(found.samples().collect::<Vec<_>>(), expected);
        for wrong in [
            "",
            "{}",
            r#"{"metric":{},"values":[1],"timestamps":[]}"#,
            r#"{"metric":{},"values":["one"],"timestamps":[1]}"#,
            r#"{"metric":{},"values":[true],"timestamps":[1]}"#,
        ] {
            assert!(VictoriaLine::parse(wrong).is_err(), "{wrong}");
        }
    }
}
