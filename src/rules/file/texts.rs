//! Labels and annotations: names with texts that may be templates.

use std::sync::Arc;

use custos_promql::METRIC_NAME;
use custos_store::limits::{INSTANCE_LABELS_BYTES_MAX, INSTANCE_LABELS_MAX};

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::Kind;
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::{RULE_ANNOTATIONS_MAX, RULE_ANNOTATIONS_MAX_BYTES};
use crate::rules::template::Template;

/// What the names stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// Labels, of which one is reserved.
    Labels,
    /// Annotations.
    Annotations,
}

/// Whose templates they are: the name of the alert of a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Templates<'a> {
    /// With an expression.
    OfRule(&'a str),
    /// With a sequence, whose steps the templates can refer to.
    OfSequence {
        /// The name.
        alert: &'a str,
        /// The names of its steps, if they are known.
        steps: Option<&'a [Arc<str>]>,
    },
}

/// Names with their texts, in the order of the file. `alert` is the alert whose templates they are; without one
/// nothing is a template.
pub(crate) fn texts(
    node: &Node,
    what: Texts,
    alert: Option<Templates<'_>>,
    findings: &mut Findings,
) -> Vec<(String, Template)> {
    let entries = match &node.content {
        Content::Map(entries) => entries,
        Content::Scalar(scalar) if scalar.kind == Kind::Null => return Vec::new(),
        _ => {
            refuse(node, "a mapping of names to texts", findings);
            return Vec::new();
        }
    };
    bounded(node, what, entries, findings);
    let mut read = Vec::with_capacity(entries.len());
    for entry in entries {
        if what == Texts::Labels && entry.key == METRIC_NAME {
            findings.error(
                &entry.key_place,
                format!("the label `{METRIC_NAME}` is the name of the series: it cannot be set"),
            );
        } else if entry.key.is_empty() {
            findings.error(&entry.key_place, "found an empty name");
        }
        read.extend(text(entry, alert, findings).map(|template| (entry.key.clone(), template)));
    }
    read
}

/// Refuses more than an alert may have: its labels become those of an instance of its run.
fn bounded(node: &Node, what: Texts, entries: &[Entry], findings: &mut Findings) {
    let (name, count_max, bytes_max) = match what {
        Texts::Labels => ("labels", INSTANCE_LABELS_MAX, INSTANCE_LABELS_BYTES_MAX),
        Texts::Annotations => ("annotations", RULE_ANNOTATIONS_MAX, RULE_ANNOTATIONS_MAX_BYTES),
    };
    if entries.len() > count_max {
        let count = entries.len();
        findings.error(&node.place, format!("found {count} {name}, expected {count_max} at most"));
    }
    let bytes_of = |entry: &Entry| {
        let value = match &entry.value.content {
            Content::Scalar(scalar) => scalar.text.len(),
            _ => 0,
        };
        entry.key.len() + value
    };
    let mut bytes = 0;
    let mut summed = entries.iter().filter(|entry| {
        bytes += bytes_of(entry);
        bytes > bytes_max
    });
    if let Some(entry) = summed.next() {
        let message = format!(
            "with `{}` the {name} have more than {bytes_max} bytes, expected {bytes_max} at most in all names and texts",
            entry.key
        );
        findings.error(&entry.key_place, message);
    }
}

fn text(entry: &Entry, alert: Option<Templates<'_>>, findings: &mut Findings) -> Option<Template> {
    let source = match &entry.value.content {
        Content::Scalar(scalar) if scalar.kind == Kind::Null => "",
        Content::Scalar(scalar) => &scalar.text,
        _ => {
            refuse(&entry.value, "a text", findings);
            return None;
        }
    };
    let template = match alert {
        Some(Templates::OfRule(alert)) => Template::parse(alert, source),
        Some(Templates::OfSequence { alert, steps }) => Template::parse_of_sequence(alert, source, steps),
        None => Ok(Template::plain(source)),
    };
    template
        .map_err(|error| {
            findings.error(
                &entry.value.place,
                format!("the template of `{}` cannot be used: {error}", entry.key),
            );
        })
        .ok()
}
