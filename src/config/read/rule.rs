//! A check that is judged by an expression over the history.

use std::sync::Arc;
use std::time::Duration;

use custos_store::State;

use crate::config::keys::check as check_keys;
use crate::config::keys::rule as keys;
use crate::config::model::check::Check;
use crate::document::diagnostic::Findings;
use crate::document::fields::Fields;
use crate::document::key::Key;
use crate::document::key::Own;
use crate::document::yaml::Entry;
use crate::rules::sequence::sequence;
use crate::rules::{
    AlertRule, AlertState, Judge, RuleCheck, RuleGroup, RuleKind, SEVERITY, Severities, Template, Templates,
    Texts, When, query, texts,
};

/// Reads what judges the check that `entry` defines, by its keys.
pub(crate) fn read(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    severities: &Arc<Severities>,
    findings: &mut Findings,
) -> Option<RuleCheck> {
    let of_sequence = fields.get(&check_keys::SEQUENCE_OF);
    let read = of_sequence.map(|node| sequence(node, owner, findings));
    let steps: Option<Vec<Arc<str>>> = read
        .as_ref()
        .and_then(Option::as_ref)
        .map(|sequence| sequence.steps.iter().map(|step| Arc::clone(&step.name)).collect());
    let of_alert = match of_sequence {
        Some(_) => Templates::OfSequence { alert: &entry.key, steps: steps.as_deref() },
        None => Templates::OfRule(&entry.key),
    };
    let labels = texts_of(fields, &keys::LABELS, of_alert, Texts::Labels, findings);
    let annotations = texts_of(fields, &keys::ANNOTATIONS, of_alert, Texts::Annotations, findings);
    let state = fields.read(&keys::STATE, findings);
    let lasting = fields.value(&keys::FOR, findings);
    let kept = fields.value(&keys::KEEP_FIRING_FOR, findings);
    let limit = fields.value(&keys::LIMIT, findings);
    let judge = match read {
        Some(sequence) => Judge::Sequence(Arc::new(sequence?)),
        None => {
            let (query, expr) = query(fields.get(&check_keys::QUERY)?, owner, findings)?;
            Judge::Query { query, expr }
        }
    };
    let has_severity = labels.iter().any(|(name, _)| name == SEVERITY);
    let has_thresholds = fields.get(&check_keys::THRESHOLDS).is_some();
    Some(RuleCheck {
        check: Arc::from(entry.key.as_str()),
        judge,
        kind: RuleKind::Alert(AlertRule {
            name: entry.key.clone(),
            for_ms: millis(lasting?),
            keep_firing_ms: millis(kept?),
            annotations,
        }),
        labels,
        limit: limit? as usize,
        state: match state {
            Some(state) => AlertState::Always(state),
            None if has_severity => AlertState::BySeverity(Arc::clone(severities)),
            // Then the thresholds say what is wrong.
            None if has_thresholds => AlertState::Always(State::Ok),
            None => AlertState::Always(State::Critical),
        },
    })
}

/// Reports keys that mean nothing without a `query` or a `sequence`.
pub(crate) fn refuse_keys(fields: &Fields<'_>, owner: &str, findings: &mut Findings) {
    for row in keys::RULE.own() {
        if let Some(entry) = fields.entry(row) {
            findings.error(
                &entry.key_place,
                format!("{owner} has `{}`, which is for checks with a `query` or a `sequence`", row.name()),
            );
        }
    }
}

/// The group of one that a check with a query is.
pub(crate) fn group(rule: &Arc<RuleCheck>, on_samples: bool, check: &Check) -> RuleGroup {
    let interval_ms = millis(check.check_interval).max(1);
    RuleGroup {
        name: Arc::clone(&rule.check),
        when: if on_samples {
            When::Samples { at_the_latest_ms: interval_ms }
        } else {
            When::grid(&rule.check, interval_ms)
        },
        query_offset_ms: 0,
        period: check.check_period.clone(),
        rules: vec![Arc::clone(rule)],
    }
}

fn texts_of(
    fields: &Fields<'_>,
    key: &Key<Own>,
    of_alert: Templates<'_>,
    what: Texts,
    findings: &mut Findings,
) -> Vec<(String, Template)> {
    fields.get(key).map(|node| texts(node, what, Some(of_alert), findings)).unwrap_or_default()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
