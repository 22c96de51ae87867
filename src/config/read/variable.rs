//! Objects of SNMP in a configuration: names or numbers that become object identifiers, and what their values must be.

use custos_compat::snmp::Oid;
use custos_store::SERIES_NAME;
use globset::GlobBuilder;

use crate::config::model::snmp::{Condition, Variable, Wanted};
use crate::document::diagnostic::Findings;
use crate::document::fields::{refuse, written};
use crate::document::place::Place;
use crate::document::scalar::{Kind, Scalar};
use crate::document::yaml::{Content, Entry, Node};
use crate::mib::{NameError, Names, Syntax};

const EXPECTED: &str = "an object such as `ifDescr` or `1.3.6.1.2.1.2.2.1.2`";

/// Reads an object by name or numbers; what was written is its label.
pub(crate) fn read(node: &Node, names: &Names, findings: &mut Findings) -> Option<Variable> {
    let text = written(node, EXPECTED, findings)?;
    named(text, &node.place, names, findings)
}

/// Reads objects of a list, or the one that stands in its place. At least one.
pub(crate) fn read_list(node: &Node, names: &Names, findings: &mut Findings) -> Vec<Variable> {
    let items = crate::document::fields::one_or_more(node);
    if items.is_empty() {
        refuse(node, EXPECTED, findings);
    }
    let list: Vec<Variable> = items.iter().filter_map(|item| read(item, names, findings)).collect();
    for (at, variable) in list.iter().enumerate() {
        if list[..at].iter().any(|other| other.label == variable.label) {
            findings.error(&node.place, format!("`{}` is given twice", variable.label));
        }
    }
    list
}

/// Reads a list of objects, or a mapping of labels to objects.
pub(crate) fn read_labelled(node: &Node, names: &Names, findings: &mut Findings) -> Vec<Variable> {
    let Content::Map(entries) = &node.content else { return read_list(node, names, findings) };
    let labelled = |entry: &Entry| {
        if entry.key.is_empty() {
            findings.error(&entry.key_place, "found an empty label, expected a name for the metric");
            return None;
        }
        if entry.key == SERIES_NAME {
            let message = format!(
                "the label `{SERIES_NAME}` is the name of a series that a rule records: it cannot be set"
            );
            findings.error(&entry.key_place, message);
            return None;
        }
        let variable = read(&entry.value, names, findings)?;
        Some(Variable { label: entry.key.clone(), ..variable })
    };
    entries.iter().filter_map(labelled).collect()
}

/// The object that a text names.
pub(crate) fn named(text: &str, place: &Place, names: &Names, findings: &mut Findings) -> Option<Variable> {
    match names.resolve(text) {
        Ok(oid) => Some(Variable { label: text.to_owned(), oid }),
        Err(error) => {
            let mut message = error.to_string();
            if let NameError::Unknown(name) = &error {
                message += &match findings.nearest(name, names.objects().map(|object| &*object.name)) {
                    Some(meant) => format!("; did you mean `{meant}`?"),
                    None => "; numbers always do, and `mibs` of `snmp` adds names".to_owned(),
                };
            }
            findings.error(place, message);
            None
        }
    }
}

/// Reads a mapping of objects to the values that they must have: a value, or a list of which one suffices. Words of
/// enumerations stand for their numbers; other texts are globs.
pub(crate) fn conditions(node: &Node, names: &Names, findings: &mut Findings) -> Vec<Condition> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of objects to the values that they must have", findings);
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for entry in entries {
        let variable = named(&entry.key, &entry.key_place, names, findings);
        let items = crate::document::fields::one_or_more(&entry.value);
        if items.is_empty() {
            refuse(&entry.value, "a value or a list of them", findings);
        }
        let any_of = items.iter().filter_map(|item| wanted(item, variable.as_ref(), names, findings));
        let any_of: Vec<Wanted> = any_of.collect();
        if let Some(variable) = variable {
            conditions.push(Condition { variable, any_of });
        }
    }
    conditions
}

fn wanted(
    node: &Node,
    variable: Option<&Variable>,
    names: &Names,
    findings: &mut Findings,
) -> Option<Wanted> {
    match &node.content {
        Content::Scalar(Scalar { kind: Kind::Integer(number), .. }) => Some(Wanted::Number(*number)),
        Content::Scalar(Scalar { kind: Kind::Text, text }) => {
            let object = variable.and_then(|variable| names.object(&variable.oid)).map(|(object, _)| object);
            if let Some(object) = object.filter(|object| !object.words.is_empty()) {
                let number = object.number(text);
                if number.is_none() {
                    let words: Vec<&str> = object.words.iter().map(|(_, word)| &**word).take(12).collect();
                    let more = if object.words.len() > words.len() { ", …" } else { "" };
                    refuse(node, &format!("a number, or one of {}{more}", words.join(", ")), findings);
                }
                return number.map(Wanted::Number);
            }
            match GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build() {
                Ok(glob) => Some(Wanted::Text(glob.compile_matcher())),
                Err(error) => {
                    findings.error(&node.place, format!("the glob `{text}` is not valid: {}", error.kind()));
                    None
                }
            }
        }
        _ => {
            refuse(node, "a number, a word or a glob", findings);
            None
        }
    }
}

/// Warns of an object that has no values by itself.
pub(crate) fn warn_without_value(variable: &Variable, place: &Place, names: &Names, findings: &mut Findings) {
    if let Some((object, rest)) = names.object(&variable.oid)
        && rest.is_empty()
        && matches!(object.syntax, Syntax::Table | Syntax::Row | Syntax::Trap)
    {
        findings.warning(place, format!("`{}` is a table, a row or a trap, which has no value", object.name));
    }
}

/// Whether a text is an instance of a scalar or column: `sysUpTime.0` rather than `sysUpTime`.
pub(crate) fn needs_instance(oid: &Oid, names: &Names) -> bool {
    names.object(oid).is_some_and(|(object, rest)| rest.is_empty() && object.syntax.has_value())
}
