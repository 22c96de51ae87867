//! Labels and annotations: names with texts that may be templates.

use std::sync::Arc;

use custos_promql::METRIC_NAME;

use crate::document::diagnostic::Findings;
use crate::document::fields::refuse;
use crate::document::scalar::Kind;
use crate::document::yaml::{Content, Entry, Node};
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
