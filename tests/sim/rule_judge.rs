//! A judge of rules for scenes: at once, over series in memory.

use std::collections::HashMap;
use std::sync::Arc;

use custos::config::Config;
use custos::rules::{
    Because, Context, JudgeOrder, JudgedAt, JudgedGroup, JudgedRule, Judgement, QueryFunction, RuleGroup,
    RunningRule,
};
use custos_promql::{ENDED, Labels, Memory, Options};
use custos_store::Run;

#[derive(Default)]
pub struct RuleJudge {
    series: Memory,
    groups: HashMap<Arc<str>, (Arc<RuleGroup>, Vec<RunningRule>)>,
    /// The series of the last run of each check.
    carried: HashMap<String, Vec<Labels>>,
    /// The times of all samples.
    sampled_ms: Vec<i64>,
    /// Every order, and how many samples were there then.
    pub orders: Vec<JudgeOrder>,
}

impl RuleJudge {
    pub fn of(config: &Config) -> RuleJudge {
        let group = |group: &Arc<RuleGroup>| {
            let rules = group.rules.iter().map(|rule| RunningRule::new(Arc::clone(rule)));
            (Arc::clone(&group.name), (Arc::clone(group), rules.collect()))
        };
        RuleJudge { groups: config.groups.iter().map(group).collect(), ..RuleJudge::default() }
    }

    pub fn record(&mut self, check: &str, run: &Run) {
        let labels = |metric: &custos_store::Metric| {
            let own = metric.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            match metric.labels.iter().any(|(name, _)| name == "__name__") {
                true => Labels::new(own),
                false => Labels::new(
                    [("__name__", check), ("check", check), ("metric", &metric.label)].into_iter().chain(own),
                ),
            }
        };
        let mut carried = Vec::new();
        for metric in &run.metrics {
            if let Some(value) = metric.value {
                self.series.insert(&labels(metric), run.time_ms, value.to_f64());
                carried.push(labels(metric));
            }
        }
        let gone = self.carried.insert(check.to_owned(), carried.clone()).unwrap_or_default();
        for gone in gone.iter().filter(|gone| !run.partial && !carried.contains(gone)) {
            self.series.insert(gone, run.time_ms, ENDED);
        }
        self.sampled_ms.push(run.time_ms);
    }

    pub fn judge(&mut self, order: JudgeOrder) -> JudgedGroup {
        self.orders.push(order.clone());
        if let Because::Samples(times) = &order.because {
            assert!(times.iter().all(|time| self.sampled_ms.contains(time)), "{order:?}");
        }
        let series = Arc::new(self.series.clone());
        let (_, rules) = self.groups.get_mut(&order.group).expect("an order is for a group that is defined");
        let query: QueryFunction = Arc::new(|_| Err("no scene has a query in a template".to_owned()));
        let context = Context {
            now_ms: order.at_ms,
            external_labels: Labels::default(),
            external_url: String::new(),
            query,
            judgement: Judgement::default(),
        };
        let at = JudgedAt { at_ms: order.at_ms, query_ms: order.at_ms };
        let judged: Vec<JudgedRule> =
            rules.iter_mut().map(|rule| rule.judge(&*series, at, &Options::default(), &context)).collect();
        let deadlines = rules.iter().filter_map(RunningRule::next_deadline_ms);
        let deadline_ms = deadlines.filter(|deadline_ms| *deadline_ms > order.at_ms).min();
        JudgedGroup { order, rules: judged, deadline_ms }
    }
}
