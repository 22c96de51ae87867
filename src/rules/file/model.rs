//! What rule files say.

use std::path::PathBuf;

use custos_promql::Expr;

use crate::document::Place;
use crate::rules::template::Template;

/// A rule file that was read.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// The path by which it was found.
    pub path: PathBuf,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other, at the same times.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name, unique in its file.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// How often its rules are evaluated (ms), if it says so.
    pub interval_ms: Option<i64>,
    /// Most alerts or series of each of its rules; 0 for any number.
    pub limit: usize,
    /// By how much earlier than the time of the evaluation its expressions look (ms), if it says so.
    pub query_offset_ms: Option<i64>,
    /// Its rules, in their order.
    pub rules: Vec<Rule>,
}

/// How often a group is evaluated that does not say so (ms), as in Prometheus.
const INTERVAL_MS: i64 = 60_000;

impl Group {
    /// How often its rules are evaluated (ms), at least 1.
    pub fn every_ms(&self) -> i64 {
        self.interval_ms.unwrap_or(INTERVAL_MS).max(1)
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub place: Place,
    /// The expression as it is written.
    pub query: String,
    /// The expression.
    pub expr: Expr,
    /// Labels that its results get, those of its group among them, by name.
    pub labels: Vec<(String, Template)>,
    /// What becomes of the results.
    pub kind: RuleKind,
}

/// What becomes of the results of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// They become series.
    Record(RecordRule),
    /// They become alerts.
    Alert(AlertRule),
}

/// A rule whose results become series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRule {
    /// The name of the series.
    pub name: String,
}

/// A rule whose results become alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    /// The name of the alerts.
    pub name: String,
    /// How long a result has to be there before its alert fires (ms).
    pub for_ms: i64,
    /// How long an alert goes on after its result is gone (ms).
    pub keep_firing_ms: i64,
    /// Texts about an alert, by name.
    pub annotations: Vec<(String, Template)>,
}

impl Rule {
    /// The name of its series or alerts.
    pub fn name(&self) -> &str {
        self.kind.name()
    }
}

impl RuleKind {
    /// The name of the series or alerts.
    pub fn name(&self) -> &str {
        match self {
            RuleKind::Record(record) => &record.name,
            RuleKind::Alert(alert) => &alert.name,
        }
    }
}
