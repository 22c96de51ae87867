//! What judges: the rules of a file, and the checks of a configuration that have an expression in the place of a command.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::{Expr, Labels};
use custos_store::State;

use super::file::RuleKind;
use super::sequence::Sequence;
use super::template::Template;
use crate::hash::fnv1a;
use crate::period::Period;

/// The label by which an alert says how bad it is.
pub const SEVERITY: &str = "severity";

/// Rules that are judged one after the other at the same times, each over what those before it came to. A check of a
/// configuration is a group of one.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    /// Its name, unique in a configuration: a file and the name of a group in it, or the name of a check.
    pub name: Arc<str>,
    /// At which times it is judged.
    pub when: When,
    /// By how much earlier than those times its expressions look (ms).
    pub query_offset_ms: i64,
    /// Outside of it nothing is judged, if there is one. Groups of rule files have none.
    pub period: Option<Arc<Period>>,
    /// Its rules, in their order.
    pub rules: Vec<Arc<RuleCheck>>,
}

impl RuleGroup {
    /// Whether it is judged at a time, if it is to be (ms since the epoch): not outside of its period.
    pub fn is_open(&self, at_ms: i64) -> bool {
        self.period.as_ref().is_none_or(|period| period.is_open(at_ms))
    }
}

/// At which times rules are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the time of each run that has a sample of a series that is selected, and at the latest so long after it was judged
    /// last (ms), so that silence is noticed.
    Samples {
        /// At the latest so long after it was judged last (ms).
        at_the_latest_ms: i64,
    },
    /// At each time that is `phase_ms` past a multiple of `interval_ms` since the epoch, as Prometheus does.
    Grid {
        /// How far apart the times are (ms).
        interval_ms: i64,
        /// From 0, less than the interval (ms).
        phase_ms: i64,
    },
}

impl When {
    /// A grid whose phase follows from a name.
    pub fn grid(name: &str, interval_ms: i64) -> When {
        let interval_ms = interval_ms.max(1);
        let phase_ms = (fnv1a(name.bytes()) % interval_ms.unsigned_abs()) as i64;
        When::Grid { interval_ms, phase_ms }
    }
}

/// A rule, as the check that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleCheck {
    /// The name of its check.
    pub check: Arc<str>,
    /// What it judges by.
    pub judge: Judge,
    /// Labels that its results get, by name.
    pub labels: Vec<(String, Template)>,
    /// What becomes of the results.
    pub kind: RuleKind,
    /// Most alerts or series; 0 for any number.
    pub limit: usize,
    /// The state of its alerts.
    pub state: AlertState,
}

/// What a rule judges by.
#[derive(Clone, Debug)]
pub enum Judge {
    /// An expression.
    Query {
        /// As it is written.
        query: String,
        /// What that means.
        expr: Expr,
    },
    /// Steps that happen one after the other.
    Sequence(Arc<Sequence>),
}

impl Judge {
    /// The expressions that are evaluated at each time, in their order.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Judge::Query { expr, .. } => vec![expr],
            Judge::Sequence(sequence) => sequence.expressions().collect(),
        }
    }
}

/// The state that an alert that fires stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// The same for all.
    Always(State),
    /// By its label `severity`.
    BySeverity(Arc<Severities>),
}

/// What the values of the label `severity` stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Severities {
    /// The states of values.
    pub states: BTreeMap<String, State>,
    /// The state of all other values, and of an alert without the label.
    pub otherwise: State,
}

impl Default for Severities {
    /// The words that are used most, and for what nobody knows the worst.
    fn default() -> Severities {
        let states = [
            ("critical", State::Critical),
            ("page", State::Critical),
            ("error", State::Critical),
            ("warning", State::Warning),
            ("info", State::Ok),
            ("none", State::Ok),
        ];
        let states = states.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
        Severities { states, otherwise: State::Critical }
    }
}

impl PartialEq for Judge {
    fn eq(&self, other: &Judge) -> bool {
        match (self, other) {
            // The tree follows from the text.
            (Judge::Query { query, .. }, Judge::Query { query: other, .. }) => query == other,
            (Judge::Sequence(own), Judge::Sequence(other)) => own == other,
            (Judge::Query { .. } | Judge::Sequence(_), _) => false,
        }
    }
}

impl RuleCheck {
    /// The name of its alerts or of the series that it records.
    pub fn name(&self) -> &str {
        self.kind.name()
    }

    /// Whether alerts come of it, rather than series.
    pub fn alerts(&self) -> bool {
        matches!(self.kind, RuleKind::Alert(_))
    }

    /// Whether each element is an alert, one that stands for OK as well, as those of a rule do to which some severity gives that
    /// state. Not so where the whole check is OK whatever is returned: its elements are values that its thresholds may judge, and
    /// the check itself is what is told.
    pub fn elements_are_alerts(&self) -> bool {
        self.alerts() && !matches!(self.state, AlertState::Always(State::Ok))
    }
}

impl AlertState {
    /// The state of an alert with these labels.
    pub fn of(&self, labels: &Labels) -> State {
        match self {
            AlertState::Always(state) => *state,
            AlertState::BySeverity(severities) => {
                severities.states.get(labels.get(SEVERITY)).copied().unwrap_or(severities.otherwise)
            }
        }
    }
}
