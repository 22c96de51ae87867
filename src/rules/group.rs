//! A group of rules with its state, evaluated over series in memory, as `promtool test rules` does it.

use std::collections::BTreeSet;
use std::sync::Arc;

use custos_promql::{ENDED, Labels, Memory, Options};

use super::alert::{Alerts, Timing};
use super::evaluate::{elements, recorded, series_of, vector};
use super::file::{Group, Rule, RuleKind};
use super::template::{Context, Judgement, QueryFunction};

/// A group with what its rules have come to.
pub(super) struct RunningGroup<'g> {
    group: &'g Group,
    /// For each rule its alerts, and the series that it wrote last.
    rules: Vec<(Alerts, BTreeSet<Labels>)>,
}

/// What every evaluation can refer to.
pub(super) struct Surroundings<'s> {
    /// Labels of this host.
    pub(super) external_labels: &'s Labels,
    /// Where its page is.
    pub(super) external_url: &'s str,
    /// Step of a subquery without one (ms).
    pub(super) subquery_step_ms: i64,
}

impl Surroundings<'_> {
    /// How queries of the rules are answered.
    pub(super) fn options(&self) -> Options<'static> {
        Options { subquery_step_ms: self.subquery_step_ms, ..Options::default() }
    }

    /// What templates can refer to at a time, over these series.
    fn context(&self, at_ms: i64, query_ms: i64, series: &Arc<Memory>) -> Context {
        let (series, step_ms) = (Arc::clone(series), self.subquery_step_ms);
        let query: QueryFunction = Arc::new(move |text| {
            let options = Options { subquery_step_ms: step_ms, ..Options::default() };
            super::evaluate::text_vector(text, &*series, query_ms, &options)
        });
        Context {
            now_ms: at_ms,
            external_labels: self.external_labels.clone(),
            external_url: self.external_url.to_owned(),
            query,
            judgement: Judgement::default(),
        }
    }
}

impl<'g> RunningGroup<'g> {
    /// A group that has not been evaluated yet.
    pub(super) fn new(group: &'g Group) -> RunningGroup<'g> {
        RunningGroup { group, rules: vec![Default::default(); group.rules.len()] }
    }

    /// The rules with their alerts.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&'g Rule, &Alerts)> {
        self.group.rules.iter().zip(self.rules.iter().map(|(alerts, _)| alerts))
    }

    /// Evaluates all rules at a time (ms since the epoch), one after the other, each over what those before it wrote.
    ///
    /// # Errors
    /// For each rule that failed its index and the reason.
    pub(super) fn evaluate(
        &mut self,
        series: &mut Arc<Memory>,
        at_ms: i64,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), Vec<(usize, String)>> {
        let query_ms = at_ms.saturating_sub(self.group.query_offset_ms.unwrap_or(0));
        let mut failures = Vec::new();
        for (index, (rule, (alerts, wrote))) in self.group.rules.iter().zip(&mut self.rules).enumerate() {
            let limit = self.group.limit;
            let returned = vector(&rule.query, &rule.expr, &**series, query_ms, &surroundings.options());
            let results = returned.and_then(|returned| {
                let context = surroundings.context(at_ms, query_ms, series);
                results(rule, returned, limit, alerts, &context)
            });
            match results {
                Ok(results) => {
                    let memory = Arc::make_mut(series);
                    let now: BTreeSet<Labels> = results.iter().map(|(labels, _)| labels.clone()).collect();
                    for (labels, value) in &results {
                        memory.insert(labels, query_ms, *value);
                    }
                    wrote.difference(&now).for_each(|gone| memory.insert(gone, query_ms, ENDED));
                    *wrote = now;
                }
                Err(reason) => failures.push((index, reason)),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// The annotations of an alert of a rule, as of an evaluation.
    pub(super) fn annotations(
        &self,
        rule: &Rule,
        alert: &super::alert::Alert,
        series: &Arc<Memory>,
        at_ms: i64,
        surroundings: &Surroundings<'_>,
    ) -> Labels {
        let RuleKind::Alert(of) = &rule.kind else { return Labels::default() };
        let query_ms = at_ms.saturating_sub(self.group.query_offset_ms.unwrap_or(0));
        let context = surroundings.context(at_ms, query_ms, series);
        let element = &alert.element;
        Labels::new(
            of.annotations
                .iter()
                .map(|(name, text)| (name.as_str(), text.expand(&element.labels, element.value, &context))),
        )
    }
}

/// The series that a rule writes, after what its expression returned.
fn results(
    rule: &Rule,
    returned: Vec<(Labels, f64)>,
    limit: usize,
    alerts: &mut Alerts,
    context: &Context,
) -> Result<Vec<(Labels, f64)>, String> {
    match &rule.kind {
        RuleKind::Record(_) => recorded(rule.name(), &rule.labels, returned, limit),
        RuleKind::Alert(alert) => {
            let timing = Timing { for_ms: alert.for_ms, keep_firing_ms: alert.keep_firing_ms, limit };
            let taken =
                alerts.take(context.now_ms, elements(rule.name(), &rule.labels, returned, context)?, timing);
            taken.map_err(|failure| failure.to_string())?;
            Ok(alerts.iter().flat_map(series_of).collect())
        }
    }
}
