//! The JSON Schema of a configuration, by which editors complete keys, show what they are for and mark mistakes.
//!
//! Draft 7, since every editor's language server for YAML knows it, and nothing here needs a later one. It accepts all
//! that the reader accepts. What only the reader can know (whether a name is defined, whether a file is there, whether
//! two durations go together) it leaves to `custos config check`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::keys::top;
use crate::config::reference::words::{default, meaning, without_links};
use crate::document::scalar::{Kind, Scalar};
use crate::document::section::{Absent, Row, Rule, Section, Shape};

/// Units of a duration, each at most once and the longer ones first.
const DURATION: &str = "^(?=[0-9])([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
const SIZE: &str = r"^\+?[0-9]+\s*([KMG]i?)?B$";

/// The schema as JSON, with a newline at its end.
pub fn schema() -> String {
    let mut definitions = Definitions::default();
    let mut schema = definitions.value(&top::file());
    let named = std::mem::take(&mut definitions.found);
    if let Value::Object(root) = &mut schema {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".to_owned(), json!("Configuration of Custos"));
        root.insert("definitions".to_owned(), Value::Object(named));
    }
    format!("{schema:#}\n")
}

/// The sections that were met, each written once under its name.
#[derive(Default)]
struct Definitions {
    met: BTreeSet<&'static str>,
    found: Map<String, Value>,
}

impl Definitions {
    /// The schema of a value.
    fn value(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Boolean => json!({ "type": "boolean" }),
            Shape::Whole { least, most } => {
                bounded("integer", whole(*least, i64::MIN), whole(*most, i64::MAX))
            }
            Shape::Number { least, most } => bounded("number", real(*least, f64::MIN), real(*most, f64::MAX)),
            Shape::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
            Shape::Size { most } => {
                let bytes = bounded(
                    "integer",
                    Some(json!(1)),
                    i64::try_from(*most).ok().and_then(|most| whole(most, i64::MAX)),
                );
                json!({ "anyOf": [bytes, { "type": "string", "pattern": SIZE }] })
            }
            Shape::Words(words) => {
                json!({ "enum": words.iter().flat_map(|word| readings(word)).collect::<Vec<_>>() })
            }
            Shape::Text => json!({ "type": "string", "minLength": 1 }),
            Shape::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
            Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
            Shape::Nothing => json!({ "type": "null" }),
            Shape::List(items) => json!({ "type": "array", "items": self.value(items) }),
            Shape::Map { names, reserved, values } => {
                let names = match reserved {
                    [] => json!({ "pattern": names }),
                    _ => json!({ "pattern": names, "not": { "enum": reserved } }),
                };
                json!({ "type": "object", "propertyNames": names, "additionalProperties": self.value(values) })
            }
            Shape::Section(section) => self.reference(section),
            Shape::Open { section, names, values } => {
                let mut schema = self.section(section);
                schema["patternProperties"] = json!({ names: self.value(values) });
                schema
            }
            Shape::Anything => json!({}),
            Shape::Either(shapes) => {
                json!({ "anyOf": shapes.iter().map(|shape| self.value(shape)).collect::<Vec<_>>() })
            }
        }
    }

    fn reference(&mut self, section: &Section) -> Value {
        if self.met.insert(section.name) {
            let schema = self.section(section);
            self.found.insert(section.name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/definitions/{}", section.name) })
    }

    fn section(&mut self, section: &Section) -> Value {
        let mut properties = Map::new();
        for row in section.rows() {
            properties.insert(row.name().to_owned(), self.property(row));
        }
        let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        let required = section.rows().filter(|row| row.absent() == Absent::Required).map(Row::name);
        let required: Vec<&str> = required.collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if !section.rules.is_empty() {
            schema["allOf"] = section.rules.iter().map(rule).collect();
        }
        schema
    }

    fn property(&mut self, row: &dyn Row) -> Value {
        let mut schema = self.value(&row.shape());
        if schema.get("$ref").is_some() {
            // Beside a reference nothing else counts.
            schema = json!({ "allOf": [schema] });
        }
        schema["description"] = json!(description(row));
        match row.absent() {
            Absent::Value(value) => schema["default"] = reading(&value),
            Absent::Values(values) => schema["default"] = json!(values),
            Absent::Required | Absent::Words(_) => {}
        }
        schema
    }
}

/// What an editor shows of a key.
fn description(row: &dyn Row) -> String {
    without_links(&format!("{}. {}", meaning(row), default(row)))
}

fn rule(rule: &Rule) -> Value {
    let required =
        |keys: &[&dyn Row]| keys.iter().map(|key| json!({ "required": [key.name()] })).collect::<Vec<_>>();
    match rule {
        Rule::One(keys) => json!({ "oneOf": required(keys) }),
        Rule::Some(keys) => json!({ "anyOf": required(keys) }),
        Rule::With(key, other) => json!({ "dependencies": { key.name(): [other.name()] } }),
        Rule::WithOne(key, others) => {
            json!({ "if": { "required": [key.name()] }, "then": { "anyOf": required(others) } })
        }
        Rule::Where { key, values, needed, refused } => {
            let values: Vec<Value> = values.iter().flat_map(|value| readings(value)).collect();
            let refused: Map<String, Value> =
                refused.iter().map(|key| (key.name().to_owned(), json!(false))).collect();
            json!({
                "if": { "properties": { key.name(): { "enum": values } }, "required": [key.name()] },
                "then": { "required": [needed.name()], "properties": refused },
            })
        }
    }
}

/// What a word is where it stands without quotes.
fn reading(word: &str) -> Value {
    match Scalar::plain(word).kind {
        Kind::Bool(value) => json!(value),
        Kind::Integer(value) => json!(value),
        Kind::Float(value) => json!(value),
        Kind::Null | Kind::Text => json!(word),
    }
}

/// A word as it may be written: `2c`, and both `3` and `"3"`.
fn readings(word: &str) -> Vec<Value> {
    let plain = reading(word);
    let quoted = json!(word);
    if plain == quoted { vec![quoted] } else { vec![plain, quoted] }
}

fn bounded(kind: &str, least: Option<Value>, most: Option<Value>) -> Value {
    let mut schema = json!({ "type": kind });
    for (name, bound) in [("minimum", least), ("maximum", most)] {
        if let Some(bound) = bound {
            schema[name] = bound;
        }
    }
    schema
}

/// A bound, unless it is the end of all numbers.
fn whole(bound: i64, end: i64) -> Option<Value> {
    (bound != end).then(|| json!(bound))
}

fn real(bound: f64, end: f64) -> Option<Value> {
    (bound != end).then(|| json!(bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_names_of_their_own() {
        let mut definitions = Definitions::default();
        definitions.value(&top::file());
        let names: Vec<&str> = definitions.met.iter().copied().collect();
        // A second section of the same name would have been left out.
        assert_eq!(
            names,
            [
                "auth",
                "check",
                "condition",
                "defaults",
                "email",
                "flap_detection",
                "heartbeat",
                "http",
                "icinga",
                "inhibit",
                "limits",
                "notify",
                "nrdp",
                "nrpe",
                "nsca",
                "passive",
                "poll",
                "priv",
                "profile",
                "secret",
                "sequence",
                "sink",
                "snmp",
                "step",
                "table",
                "target",
                "threshold",
                "traps",
                "trap"
            ]
            .iter()
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_key_has_its_type_its_default_and_its_text() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let check = &schema["definitions"]["check"];
        assert_eq!(
            check["properties"]["max_check_attempts"],
            json!({
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "default": 3,
                "description": "runs in a row that confirm a problem, 1 to 1000; from then on its state is hard. Default: `3`.",
            })
        );
        assert_eq!(check["properties"]["priority"]["enum"], json!(["normal", "low"]));
        assert_eq!(check["properties"]["volatile"]["default"], json!(false));
        assert_eq!(check["additionalProperties"], json!(false));
        let profile = &schema["definitions"]["profile"];
        assert_eq!(profile["required"], json!(["version"]));
        assert_eq!(profile["properties"]["version"]["enum"], json!([1, "1", "2c", 3, "3", 2, "2"]));
        assert_eq!(schema["patternProperties"], json!({ "^x-": {} }));
    }
}
