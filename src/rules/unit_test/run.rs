//! The run of a test: rules evaluated over its series, and what they came to compared with what was expected.

use std::sync::Arc;

use custos_promql::Memory;

use super::compare;
use super::model::{AlertTest, TestFile, TestGroup};
use super::running_group::{RunningGroup, Surroundings};
use crate::document::Place;
use crate::limits::RULE_TEST_EVALUATIONS_MAX;
use crate::rules::evaluate::text_vector;
use crate::text::human::counted;

/// What came out otherwise than expected.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFailure {
    /// Where the expectation stands, or the rule that failed.
    pub place: Place,
    /// The name of the test.
    pub test: String,
    /// What it was.
    pub message: String,
}

impl std::fmt::Display for TestFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: test `{}`: {}", self.place, self.test, self.message)
    }
}

/// Runs all tests of a file.
pub fn run(file: &TestFile) -> Vec<TestFailure> {
    file.tests.iter().flat_map(|test| Run::new(file, test).whole()).collect()
}

struct Run<'f> {
    file: &'f TestFile,
    test: &'f TestGroup,
    groups: Vec<RunningGroup<'f>>,
    /// What the rules see: what has come to pass, and what they wrote.
    series: Arc<Memory>,
    failures: Vec<TestFailure>,
}

impl<'f> Run<'f> {
    fn new(file: &'f TestFile, test: &'f TestGroup) -> Run<'f> {
        let mut groups: Vec<_> = file.rules.iter().flat_map(|rules| &rules.groups).collect();
        let rank = |name: &str| file.group_order.iter().position(|known| known == name).unwrap_or(0);
        groups.sort_by_key(|group| rank(&group.name));
        Run {
            file,
            test,
            groups: groups.into_iter().map(RunningGroup::new).collect(),
            series: Arc::default(),
            failures: Vec::new(),
        }
    }

    fn whole(mut self) -> Vec<TestFailure> {
        let step_ms = self.file.evaluation_interval_ms;
        let rounds = self.test.last_ms() / step_ms;
        if rounds >= RULE_TEST_EVALUATIONS_MAX {
            let most = counted(RULE_TEST_EVALUATIONS_MAX as u64, "evaluation");
            self.fail(&self.test.place.clone(), format!("its rules would be evaluated more than {most}"));
            return self.failures;
        }
        let mut alerts: Vec<&AlertTest> = self.test.alerts.iter().collect();
        alerts.sort_by_key(|test| test.at_ms);
        let mut alerts = alerts.into_iter().peekable();
        let mut shown_ms = i64::MIN;
        for round in 0..=rounds {
            let since_ms = round * step_ms;
            let at_ms = self.test.start_ms.saturating_add(since_ms);
            self.reveal(shown_ms, at_ms);
            shown_ms = at_ms;
            if !self.evaluate(at_ms) {
                return self.failures;
            }
            while let Some(test) = alerts.next_if(|test| test.at_ms < since_ms.saturating_add(step_ms)) {
                self.compare_alerts(test, at_ms);
            }
        }
        self.reveal(shown_ms, i64::MAX);
        self.compare_expressions();
        self.failures
    }

    /// Lets the rules see what the series have after one time and up to another.
    fn reveal(&mut self, after_ms: i64, until_ms: i64) {
        let memory = Arc::make_mut(&mut self.series);
        let (start_ms, step_ms) = (self.test.start_ms, self.test.interval_ms);
        for (labels, items) in &self.test.series {
            let index_of = |time_ms: i64| match time_ms.checked_sub(start_ms) {
                Some(since_ms) if since_ms >= 0 => since_ms / step_ms + 1,
                Some(_) => 0,
                None if time_ms < start_ms => 0,
                None => i64::MAX,
            };
            let bounds = [after_ms, until_ms].map(|ms| usize::try_from(index_of(ms)).unwrap_or(usize::MAX));
            let [from, to] = bounds.map(|index| index.min(items.len()));
            let from_ms = start_ms.saturating_add((from as i64).saturating_mul(step_ms));
            memory.extend(labels, from_ms, step_ms, &items[from..to.max(from)]);
        }
    }

    /// Evaluates all groups; false if a rule failed.
    fn evaluate(&mut self, at_ms: i64) -> bool {
        let surroundings = surroundings(self.file, self.test);
        let mut failed = Vec::new();
        for group in &mut self.groups {
            if let Err(reasons) = group.evaluate(&mut self.series, at_ms, &surroundings) {
                let rules: Vec<_> = group.rules().map(|(rule, _)| rule).collect();
                failed.extend(reasons.into_iter().map(|(index, reason)| (rules[index], reason)));
            }
        }
        let is_well = failed.is_empty();
        for (rule, reason) in failed {
            let since = since(at_ms - self.test.start_ms);
            self.fail(&rule.place, format!("the rule `{}` failed at {since}: {reason}", rule.name()));
        }
        is_well
    }

    fn compare_alerts(&mut self, test: &AlertTest, at_ms: i64) {
        let surroundings = surroundings(self.file, self.test);
        let mut got = Vec::new();
        for group in &self.groups {
            let firing = group.firing(&test.alert, &self.series, at_ms, &surroundings);
            got.extend(firing.into_iter().map(|alert| (alert.labels, alert.annotations)));
        }
        if let Some(difference) = compare::alerts(test.expected.clone(), got) {
            let message = format!("alerts `{}` at {}\n{difference}", test.alert, since(test.at_ms));
            self.fail(&test.place, message);
        }
    }

    fn compare_expressions(&mut self) {
        let options = surroundings(self.file, self.test).options();
        for test in &self.test.expressions {
            let at_ms = self.test.start_ms.saturating_add(test.at_ms);
            let difference = match text_vector(&test.query, &*self.series, at_ms, &options) {
                Ok(got) => compare::elements(test.expected.clone(), got, self.file.fuzzy_compare),
                Err(error) => Some(format!("  {error}")),
            };
            if let Some(difference) = difference {
                let message = format!("`{}` at {}\n{difference}", test.query, since(test.at_ms));
                self.fail(&test.place, message);
            }
        }
    }

    fn fail(&mut self, place: &Place, message: String) {
        self.failures.push(TestFailure { place: place.clone(), test: self.test.name.clone(), message });
    }
}

fn surroundings<'t>(file: &TestFile, test: &'t TestGroup) -> Surroundings<'t> {
    Surroundings { external: &test.external, subquery_step_ms: file.evaluation_interval_ms }
}

/// A time from the beginning of a test on.
fn since(ms: i64) -> String {
    crate::text::human::duration_ms(ms)
}
