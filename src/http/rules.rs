//! The rules in force, as the server is told of them: enough to show them, and to expand what their annotations say.

use serde::{Deserialize, Serialize};

use crate::rules::{Judge, RuleCheck, RuleGroup, RuleKind, When};

/// A group of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownGroup {
    /// Its name within its file.
    pub name: String,
    /// The file that it stands in; empty for a check of the configuration.
    pub file: String,
    /// How often it is judged, at the latest (ms).
    pub interval_ms: i64,
    /// Its rules, in their order.
    pub rules: Vec<ShownRule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRule {
    /// The name of its check.
    pub check: String,
    /// The name of its alerts or series.
    pub name: String,
    /// The expression, or the steps of a sequence.
    pub query: String,
    /// The labels that its results get, as they are written.
    pub labels: Vec<(String, String)>,
    /// What it has if it alerts; none if it records.
    pub alerting: Option<Alerting>,
    /// Most alerts or series; 0 for any number.
    pub limit: usize,
}

/// What an alerting rule has besides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerting {
    /// How long a result has to be there before its alert fires (ms).
    pub for_ms: i64,
    /// How long an alert goes on after its result is gone (ms).
    pub keep_firing_ms: i64,
    /// Texts about an alert, as they are written.
    pub annotations: Vec<(String, String)>,
    /// Whether its alert is the check itself, as the verdict on it stands: what the expression returns are values, none of them an
    /// alert.
    pub of_check: bool,
}

impl ShownGroup {
    /// A group as it is shown.
    pub fn of(group: &RuleGroup) -> ShownGroup {
        // A group of a file is called after both; the group that a check is, after the check.
        let (file, name) = group.name.split_once(';').unwrap_or(("", &group.name));
        let interval_ms = match group.when {
            When::Samples { at_the_latest_ms } => at_the_latest_ms,
            When::Grid { interval_ms, .. } => interval_ms,
        };
        let rules = group.rules.iter().map(|rule| ShownRule::of(rule)).collect();
        ShownGroup { name: name.to_owned(), file: file.to_owned(), interval_ms, rules }
    }
}

impl ShownRule {
    fn of(rule: &RuleCheck) -> ShownRule {
        let texts = |all: &[(String, crate::rules::Template)]| {
            all.iter().map(|(name, text)| (name.clone(), text.source().to_owned())).collect()
        };
        let query = match &rule.judge {
            Judge::Query { query, .. } => query.clone(),
            Judge::Sequence(sequence) => sequence.to_string(),
        };
        let (name, alerting) = match &rule.kind {
            RuleKind::Record(record) => (&record.name, None),
            RuleKind::Alert(alert) => {
                let annotations = texts(&alert.annotations);
                let (for_ms, keep_firing_ms) = (alert.for_ms, alert.keep_firing_ms);
                let of_check = !rule.elements_are_alerts();
                (&alert.name, Some(Alerting { for_ms, keep_firing_ms, annotations, of_check }))
            }
        };
        ShownRule {
            check: rule.check.to_string(),
            name: name.clone(),
            query,
            labels: texts(&rule.labels),
            alerting,
            limit: rule.limit,
        }
    }
}
