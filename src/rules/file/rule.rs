//! One rule of a group.

use custos_promql::Expr;

use super::keys::{ALERT, ANNOTATIONS, EXPR, FOR, KEEP_FIRING_FOR, LABELS, RECORD, RULE};
use super::length::length_ms;
use super::model::{AlertRule, RecordRule, Rule, RuleKind};
use super::query::query;
use super::reserved::writer_of;
use super::texts::{Templates, Texts, texts};
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, refuse, text};
use crate::document::key::Key;
use crate::document::key::Own;
use crate::document::section::Row;
use crate::document::yaml::Node;
use crate::rules::template::Template;

/// Reads a rule; `group_labels` are those of its group, which its own come before.
pub(super) fn rule(node: &Node, group_labels: Option<&Node>, findings: &mut Findings) -> Option<Rule> {
    let fields = Fields::of(node, "a rule", &RULE, findings)?;
    let name = named(&fields, node, findings)?;
    let owner = format!("the rule `{}`", name.of);
    let expression = expression(&fields, node, &owner, findings);
    let alert = name.is_alert.then_some(Templates::OfRule(name.of));
    let mut labels = own_texts(&fields, &LABELS, Texts::Labels, alert, findings);
    for (label, template) in
        group_labels.map(|node| texts(node, Texts::Labels, alert, findings)).unwrap_or_default()
    {
        if labels.iter().all(|(own, _)| *own != label) {
            labels.push((label, template));
        }
    }
    let kind = if name.is_alert {
        RuleKind::Alert(AlertRule {
            name: name.of.to_owned(),
            for_ms: length_of(&fields, &FOR, findings),
            keep_firing_ms: length_of(&fields, &KEEP_FIRING_FOR, findings),
            annotations: own_texts(&fields, &ANNOTATIONS, Texts::Annotations, alert, findings),
        })
    } else {
        for key in [&FOR, &KEEP_FIRING_FOR, &ANNOTATIONS] {
            if let Some(entry) = fields.entry(key) {
                findings.error(
                    &entry.key_place,
                    format!("{owner} records a series, which has no `{}`", key.name()),
                );
            }
        }
        RuleKind::Record(RecordRule { name: name.of.to_owned() })
    };
    let (query, expr) = expression?;
    Some(Rule { place: node.place.clone(), query, expr, labels, kind })
}

struct Named<'n> {
    of: &'n str,
    is_alert: bool,
}

fn named<'n>(fields: &Fields<'n>, node: &Node, findings: &mut Findings) -> Option<Named<'n>> {
    match (fields.get(&RECORD), fields.get(&ALERT)) {
        (Some(record), None) => {
            let of = text(record, "the name of a series", findings)?;
            if of.contains(['{', '}']) {
                refuse(record, "the name of a series, without labels", findings);
                return None;
            }
            if let Some(whose) = writer_of(of) {
                findings.error(
                    &record.place,
                    format!("found `{of}`, which is a series {whose} that the agent writes itself; expected another name"),
                );
                return None;
            }
            Some(Named { of, is_alert: false })
        }
        (None, Some(alert)) => {
            Some(Named { of: text(alert, "the name of an alert", findings)?, is_alert: true })
        }
        (Some(_), Some(alert)) => {
            findings.error(&alert.place, "found `record` and `alert` in one rule, expected one of them");
            None
        }
        (None, None) => {
            if !fields.lacks(&RECORD) || !fields.lacks(&ALERT) {
                return None;
            }
            findings.error(&node.place, "the rule has neither `record` nor `alert`, expected one of them");
            None
        }
    }
}

fn expression(
    fields: &Fields<'_>,
    node: &Node,
    owner: &str,
    findings: &mut Findings,
) -> Option<(String, Expr)> {
    let value = fields.need(&EXPR, &node.place, owner, "an expression", findings)?;
    query(value, owner, findings)
}

fn length_of(fields: &Fields<'_>, key: &Key<Own>, findings: &mut Findings) -> i64 {
    fields.get(key).and_then(|node| length_ms(node, findings)).unwrap_or(0)
}

fn own_texts(
    fields: &Fields<'_>,
    key: &Key<Own>,
    what: Texts,
    alert: Option<Templates<'_>>,
    findings: &mut Findings,
) -> Vec<(String, Template)> {
    fields.get(key).map(|node| texts(node, what, alert, findings)).unwrap_or_default()
}
