//! A judge of rules for scenes: at once, over what was recorded.

use std::collections::HashMap;
use std::sync::Arc;

use custos::config::Config;
use custos::rules::{
    Because, Context, JudgeOrder, JudgedAt, JudgedGroup, JudgedRule, RuleGroup, RunningRule,
};
use custos_promql::{Expr, Options, Selector};
use custos_query::{LiveSource, Selections};
use custos_store::Run;

pub struct RuleJudge {
    /// All that was recorded, as long as it may be asked about: there is no store.
    series: LiveSource,
    groups: HashMap<Arc<str>, Group>,
    /// The times of all samples.
    sampled_ms: Vec<i64>,
    /// Every order.
    pub orders: Vec<JudgeOrder>,
}

struct Group {
    query_offset_ms: i64,
    rules: Vec<Rule>,
}

struct Rule {
    running: RunningRule,
    selections: Selections,
}

impl Rule {
    /// Whether a series that it selects has a sample, or its end, at one of these times.
    fn has_samples(&self, times: &[i64], series: &LiveSource) -> bool {
        let expressions = self.running.rule().judge.expressions();
        let mut selectors = expressions.into_iter().flat_map(selectors);
        selectors.any(|selector| series.has_samples(&selector.matchers, &self.selections, times))
    }
}

/// All selectors of an expression.
fn selectors(expr: &Expr) -> Vec<&Selector> {
    match expr {
        Expr::Selector(selector) => vec![selector],
        Expr::Range(range) => vec![&range.selector],
        _ => expr.children().into_iter().flat_map(selectors).collect(),
    }
}

impl RuleJudge {
    pub fn of(config: &Config) -> RuleJudge {
        let group = |group: &Arc<RuleGroup>| {
            let rule = |rule| Rule {
                running: RunningRule::new(Arc::clone(rule)),
                selections: Selections::default(),
            };
            let rules = group.rules.iter().map(rule).collect();
            (Arc::clone(&group.name), Group { query_offset_ms: group.query_offset_ms, rules })
        };
        RuleJudge {
            series: LiveSource::new(Box::new(|| None)),
            groups: config.groups.iter().map(group).collect(),
            sampled_ms: Vec::new(),
            orders: Vec::new(),
        }
    }

    pub fn record(&mut self, check: &Arc<str>, run: &Arc<Run>) {
        self.series.record(check, run);
        self.sampled_ms.push(run.time_ms);
    }

    pub fn judge(&mut self, order: JudgeOrder) -> JudgedGroup {
        self.orders.push(order.clone());
        if let Because::Samples(times) = &order.because {
            assert!(times.iter().all(|time| self.sampled_ms.contains(time)), "{order:?}");
        }
        let group = self.groups.get_mut(&order.group).expect("an order is for a group that is defined");
        let Group { query_offset_ms, rules } = group;
        if let Because::Samples(times) = &order.because
            && !rules.iter().any(|rule| rule.has_samples(times, &self.series))
        {
            return JudgedGroup { order, rules: Vec::new(), deadline_ms: None };
        }
        let context = Context::plain(order.at_ms);
        let at = JudgedAt { at_ms: order.at_ms, query_ms: order.at_ms - *query_offset_ms };
        self.series.as_of(order.at_ms);
        let mut judged: Vec<JudgedRule> = Vec::new();
        for rule in rules.iter_mut() {
            let source = self.series.for_expression(&rule.selections);
            let one = rule.running.judge(&source, at, &Options::default(), &context);
            self.series.judged(&one.check, &one.run);
            judged.push(one);
        }
        let deadlines = rules.iter().filter_map(|rule| rule.running.next_deadline_ms());
        let deadline_ms = deadlines.filter(|deadline_ms| *deadline_ms > order.at_ms).min();
        JudgedGroup { order, rules: judged, deadline_ms }
    }
}
