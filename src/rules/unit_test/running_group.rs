//! A group of rules with its state, evaluated over series in memory, as `promtool test rules` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use custos_promql::{ENDED, Labels, Memory, Options};
use custos_store::State;

use crate::rules::active::ActiveAlert;
use crate::rules::alert::Alerts;
use crate::rules::definition::{AlertState, RuleCheck};
use crate::rules::evaluate::series_of_alerts;
use crate::rules::file::{Group, Rule};
use crate::rules::running::{JudgedAt, RunningRule};
use crate::rules::template::{Context, External, Judgement, QueryFunction};

/// A group with what its rules have come to.
pub(in crate::rules) struct RunningGroup<'g> {
    group: &'g Group,
    /// For each rule how it stands, and the series that it wrote last.
    rules: Vec<(RunningRule, BTreeSet<Labels>)>,
}

/// What every evaluation can refer to.
pub(in crate::rules) struct Surroundings<'s> {
    /// What templates can say of this host.
    pub(in crate::rules) external: &'s External,
    /// Step of a subquery without one (ms).
    pub(in crate::rules) subquery_step_ms: i64,
}

impl Surroundings<'_> {
    /// How queries of the rules are answered.
    pub(in crate::rules) fn options(&self) -> Options<'static> {
        Options { subquery_step_ms: self.subquery_step_ms, ..Options::default() }
    }

    /// What templates can refer to at a time, over these series.
    fn context(&self, at: JudgedAt, series: &Arc<Memory>) -> Context {
        let (series, step_ms) = (Arc::clone(series), self.subquery_step_ms);
        let query: QueryFunction = Arc::new(move |text| {
            let options = Options { subquery_step_ms: step_ms, ..Options::default() };
            crate::rules::evaluate::text_vector(text, &*series, at.query_ms, &options)
        });
        Context { now_ms: at.at_ms, external: self.external.clone(), query, judgement: Judgement::default() }
    }
}

impl<'g> RunningGroup<'g> {
    /// A group that has not been evaluated yet.
    pub(in crate::rules) fn new(group: &'g Group) -> RunningGroup<'g> {
        // Nothing asks for the states of alerts.
        let state = AlertState::Always(State::Critical);
        let of = |rule: &Rule| RuleCheck::of_file(rule, rule.name().into(), group.limit, state.clone());
        let rules = group.rules.iter().map(|rule| (RunningRule::new(Arc::new(of(rule))), BTreeSet::new()));
        RunningGroup { group, rules: rules.collect() }
    }

    /// The rules with their alerts.
    pub(in crate::rules) fn rules(&self) -> impl Iterator<Item = (&'g Rule, &Alerts)> {
        self.group.rules.iter().zip(self.rules.iter().map(|(rule, _)| rule.alerts()))
    }

    fn at(&self, at_ms: i64) -> JudgedAt {
        JudgedAt { at_ms, query_ms: at_ms.saturating_sub(self.group.query_offset_ms.unwrap_or(0)) }
    }

    /// Evaluates all rules at a time (ms since the epoch), one after the other, each over what those before it wrote.
    ///
    /// # Errors
    /// For each rule that failed its index and the reason.
    pub(in crate::rules) fn evaluate(
        &mut self,
        series: &mut Arc<Memory>,
        at_ms: i64,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), Vec<(usize, String)>> {
        let (at, options) = (self.at(at_ms), surroundings.options());
        let mut failures = Vec::new();
        for (index, (rule, wrote)) in self.rules.iter_mut().enumerate() {
            let stepped = {
                let context = surroundings.context(at, series);
                rule.step(&**series, at, &options, &context)
            };
            match stepped {
                Ok(recorded) => {
                    let alerts = series_of_alerts(rule.rule(), rule.alerts().iter());
                    let results: BTreeMap<Labels, f64> = recorded.into_iter().chain(alerts).collect();
                    let memory = Arc::make_mut(series);
                    let gone = wrote.iter().filter(|labels| !results.contains_key(labels));
                    gone.for_each(|gone| memory.insert(gone, at.query_ms, ENDED));
                    results.iter().for_each(|(labels, value)| memory.insert(labels, at.query_ms, *value));
                    *wrote = results.into_keys().collect();
                }
                Err(not_judged) => failures.push((index, not_judged.why)),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// The alerts of this name that fire as of an evaluation.
    pub(in crate::rules) fn firing(
        &self,
        name: &str,
        series: &Arc<Memory>,
        at_ms: i64,
        surroundings: &Surroundings<'_>,
    ) -> Vec<ActiveAlert> {
        let context = surroundings.context(self.at(at_ms), series);
        let named = self.rules.iter().filter(|(rule, _)| rule.rule().name() == name);
        named.flat_map(|(rule, _)| rule.active(&context)).filter(ActiveAlert::fires).collect()
    }
}
