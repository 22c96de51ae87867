//! A group of rules in force, judged one after the other.

use std::sync::Arc;

use custos_promql::{ErrorKind, Expr, Options};
use custos_query::{LiveSource, Selections};

use super::queue::Queue;
use super::settings::Settings;
use super::stop::judgement;
use crate::clock;
use crate::limits::JUDGE_RULE_MAX;
use crate::rules::{
    Context, JudgedAt, JudgedRule, Judgement, QueryFunction, RuleCheck, RuleGroup, RunningRule, text_vector,
};

/// A group of rules in force.
pub(super) struct Group {
    pub(super) definition: Arc<RuleGroup>,
    pub(super) rules: Vec<Rule>,
    /// Whether the state of its rules is what the store says it was.
    pub(super) is_restored: bool,
    /// Whether what it selects is in memory.
    pub(super) is_prepared: bool,
}

/// A rule in force.
pub(super) struct Rule {
    pub(super) running: RunningRule,
    selections: Selections,
}

/// What a group is judged with.
pub(super) struct Surroundings<'a> {
    pub(super) live: &'a Arc<LiveSource>,
    pub(super) settings: &'a Settings,
    /// Says when the agent ends.
    pub(super) queue: &'a Arc<Queue>,
}

impl Surroundings<'_> {
    /// What templates of a rule can refer to.
    fn context(&self, at: JudgedAt, judgement: Judgement) -> Context {
        let (live, step_ms) = (Arc::clone(self.live), self.settings.subquery_step_ms);
        let until = judgement.clone();
        let query: QueryFunction = Arc::new(move |text| {
            let interrupt = || until.stopped().map(|_| ErrorKind::Timeout);
            let options = Options { subquery_step_ms: step_ms, interrupt: &interrupt, ..Options::default() };
            text_vector(text, &*live, at.query_ms, &options)
        });
        Context { now_ms: at.at_ms, external: self.settings.external.clone(), query, judgement }
    }
}

impl Group {
    /// A group of which nothing was judged yet.
    pub(super) fn new(definition: &Arc<RuleGroup>) -> Group {
        let rule = |rule: &Arc<RuleCheck>| Rule {
            running: RunningRule::new(Arc::clone(rule)),
            selections: Selections::default(),
        };
        Group {
            definition: Arc::clone(definition),
            rules: definition.rules.iter().map(rule).collect(),
            is_restored: false,
            is_prepared: false,
        }
    }

    /// Goes on with the alerts of rules that mean the same and were in force before.
    pub(super) fn take_over(&mut self, before: &Group) {
        self.is_restored = before.is_restored;
        for rule in &mut self.rules {
            let same = before.rules.iter().find(|other| is_same(other.running.rule(), rule.running.rule()));
            if let Some(same) = same {
                rule.running.take_over(&same.running);
            }
        }
    }

    /// Forgets what selectors found, in a memory that is no longer.
    pub(super) fn forget_selections(&mut self) {
        self.is_prepared = false;
        self.rules.iter_mut().for_each(|rule| rule.selections = Selections::default());
    }

    /// As of when the group is judged.
    pub(super) fn at(&self, at_ms: i64) -> JudgedAt {
        JudgedAt { at_ms, query_ms: at_ms.saturating_sub(self.definition.query_offset_ms) }
    }

    /// Has the newest samples of all that the rules select in memory, those included that the rules themselves come to.
    pub(super) fn prepare(&self, at_ms: i64, live: &LiveSource) {
        live.as_of(at_ms);
        for rule in &self.rules {
            for selector in rule.running.rule().judge.expressions().into_iter().flat_map(Expr::selectors) {
                live.prepare(&selector.matchers, &rule.selections, at_ms);
            }
        }
    }

    /// Judges all rules, one after the other, each over what those before it came to.
    pub(super) fn judge(&mut self, at_ms: i64, surroundings: &Surroundings<'_>) -> Vec<JudgedRule> {
        let (at, live) = (self.at(at_ms), surroundings.live);
        live.as_of(at_ms);
        self.rules.iter_mut().map(|rule| rule.judge(at, surroundings)).collect()
    }

    /// The next time after this one at which something of a rule is due (ms since the epoch).
    pub(super) fn deadline_ms(&self, at_ms: i64) -> Option<i64> {
        let of_rules = self.rules.iter().filter_map(|rule| rule.running.next_deadline_ms());
        of_rules.filter(|deadline_ms| *deadline_ms > at_ms).min()
    }

    /// Whether a series that a rule selects has a sample, or its end, at one of these times (ms since the epoch).
    pub(super) fn has_samples(&self, times: &[i64], live: &LiveSource) -> bool {
        self.rules.iter().any(|rule| {
            let mut selectors = rule.running.rule().judge.expressions().into_iter().flat_map(Expr::selectors);
            selectors.any(|selector| live.has_samples(&selector.matchers, &rule.selections, times))
        })
    }
}

impl Rule {
    fn judge(&mut self, at: JudgedAt, surroundings: &Surroundings<'_>) -> JudgedRule {
        let begun_us = clock::mono_us();
        // What the rules before it came to may answer its queries otherwise, so it shares no answers with them.
        let judgement = judgement(JUDGE_RULE_MAX, surroundings.queue);
        let context = surroundings.context(at, judgement.clone());
        let interrupt = || judgement.stopped().map(|_| ErrorKind::Timeout);
        let options = Options {
            subquery_step_ms: surroundings.settings.subquery_step_ms,
            interrupt: &interrupt,
            ..Options::default()
        };
        let source = surroundings.live.for_expression(&self.selections);
        let mut judged = self.running.judge(&source, at, &options, &context);
        judged.run.duration_us = clock::mono_us().saturating_sub(begun_us);
        surroundings.live.judged(&judged.check, &judged.run);
        judged
    }
}

/// Whether what was an alert of one rule is one of the other.
fn is_same(one: &RuleCheck, other: &RuleCheck) -> bool {
    let texts = |rule: &RuleCheck| -> Vec<(String, String)> {
        rule.labels.iter().map(|(name, text)| (name.clone(), text.source().to_owned())).collect()
    };
    one.check == other.check && one.judge == other.judge && texts(one) == texts(other)
}
