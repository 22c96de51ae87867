//! What test files say.

use custos_promql::Labels;
use custos_promql::notation::Item;

use crate::document::Place;
use crate::rules::file::RuleFile;
use crate::rules::template::External;

/// A file of tests.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// The rule files that it tests.
    pub rules: Vec<RuleFile>,
    /// How often the rules are evaluated (ms).
    pub evaluation_interval_ms: i64,
    /// Groups in the order in which they are evaluated; those that are not named come first.
    pub group_order: Vec<String>,
    /// Whether values may differ in their last bit.
    pub fuzzy_compare: bool,
    /// The tests.
    pub tests: Vec<TestGroup>,
}

/// A test: series, and what comes of them.
#[derive(Clone, Debug)]
pub struct TestGroup {
    /// Where it stands.
    pub place: Place,
    /// Its name, for messages.
    pub name: String,
    /// Time between two values of a series (ms).
    pub interval_ms: i64,
    /// The time of the first value (ms since the epoch).
    pub start_ms: i64,
    /// The series.
    pub series: Vec<(Labels, Vec<Item>)>,
    /// Which alerts fire when.
    pub alerts: Vec<AlertTest>,
    /// What expressions come to.
    pub expressions: Vec<ExprTest>,
    /// What templates can say of the host.
    pub external: External,
}

/// Which alerts of one name fire at a time.
#[derive(Clone, Debug)]
pub struct AlertTest {
    /// Where it stands.
    pub place: Place,
    /// The time, from the first value on (ms).
    pub at_ms: i64,
    /// The name of the alerts.
    pub alert: String,
    /// Labels and annotations of those that fire.
    pub expected: Vec<(Labels, Labels)>,
}

/// What an expression comes to at a time.
#[derive(Clone, Debug)]
pub struct ExprTest {
    /// Where it stands.
    pub place: Place,
    /// The time, from the first value on (ms).
    pub at_ms: i64,
    /// The expression.
    pub query: String,
    /// The elements.
    pub expected: Vec<(Labels, f64)>,
}

impl TestGroup {
    /// The last time that is looked at, from the first value on (ms).
    pub fn last_ms(&self) -> i64 {
        let alerts = self.alerts.iter().map(|test| test.at_ms);
        alerts.chain(self.expressions.iter().map(|test| test.at_ms)).max().unwrap_or(0)
    }
}
