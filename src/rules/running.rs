//! A rule with its alerts, judged at one time after the other.

use std::sync::Arc;

use custos_promql::{Labels, Options, Source};

use super::active::ActiveAlert;
use super::alert::{Alert, Alerts, Failure, Stage, Timing};
use super::definition::{Judge, RuleCheck};
use super::evaluate::{elements, matched_elements, recorded, vector};
use super::file::{AlertRule, RuleKind};
use super::judged::JudgedRule;
use super::not_judged::NotJudged;
use super::outcome::Outcome;
use super::sequence::{Sequence, SequenceState};
use super::template::Context;
use super::words::words;
use crate::limits::RULE_RESULTS_MAX;

/// A rule with its alerts.
#[derive(Clone, Debug)]
pub struct RunningRule {
    rule: Arc<RuleCheck>,
    alerts: Alerts,
    /// What its sequence has come to, if it judges by one.
    sequence: SequenceState,
}

/// As of when a rule is judged (ms since the epoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedAt {
    /// When its alerts begin and end.
    pub at_ms: i64,
    /// As of when its expression looks, and its series have their values: earlier by the group's `query_offset`.
    pub query_ms: i64,
}

impl RunningRule {
    /// A rule that was not judged yet.
    pub fn new(rule: Arc<RuleCheck>) -> RunningRule {
        RunningRule { rule, alerts: Alerts::default(), sequence: SequenceState::default() }
    }

    /// The rule.
    pub fn rule(&self) -> &Arc<RuleCheck> {
        &self.rule
    }

    /// Its alerts as of the last time.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Takes over the alerts of another definition of the rule, and what is under way of its sequence if that is the same.
    pub fn take_over(&mut self, before: &RunningRule) {
        self.alerts = before.alerts.clone();
        if let (Judge::Sequence(own), Judge::Sequence(other)) = (&self.rule.judge, &before.rule.judge)
            && own == other
        {
            self.sequence = before.sequence.clone();
        }
    }

    /// Goes on with these alerts, and with what was under way of its sequence.
    pub fn restore(&mut self, alerts: Alerts, sequence: SequenceState) {
        (self.alerts, self.sequence) = (alerts, sequence);
    }

    /// Judges the rule, and returns the series that it records; an alerting rule records none.
    ///
    /// # Errors
    /// Why it could not be judged.
    pub fn step(
        &mut self,
        source: &dyn Source,
        at: JudgedAt,
        options: &Options<'_>,
        context: &Context,
    ) -> Result<Vec<(Labels, f64)>, NotJudged> {
        let keeping = |why: String| NotJudged { why, keeps_alerts: true };
        let rule = Arc::clone(&self.rule);
        let limit = results_max(&rule);
        let (name, own) = (rule.kind.name(), &rule.labels[..]);
        let elements = match &rule.judge {
            Judge::Query { query, expr } => {
                let returned = vector(query, expr, source, at.query_ms, options).map_err(keeping)?;
                if let RuleKind::Record(_) = rule.kind {
                    return recorded(name, own, returned, limit).map_err(keeping);
                }
                elements(name, own, returned, context).map_err(keeping)?
            }
            Judge::Sequence(sequence) => {
                let returned = of_steps(sequence, source, at.query_ms, options).map_err(keeping)?;
                let has_templates = own.iter().any(|(_, text)| !text.is_fixed());
                let before = has_templates.then(|| self.sequence.clone());
                let matched = self.sequence.take(sequence, at.at_ms, &returned);
                let matched = matched.map_err(|failure| keeping(failure.to_string()))?;
                matched_elements(name, own, matched, context).map_err(|why| {
                    if let Some(before) = before {
                        self.sequence = before;
                    }
                    keeping(why)
                })?
            }
        };
        let RuleKind::Alert(alert) = &rule.kind else { return Ok(Vec::new()) };
        let taken = self.alerts.take(at.at_ms, elements, timing(alert, limit));
        taken.map(|_| Vec::new()).map_err(|failure| NotJudged {
            why: failure.to_string(),
            keeps_alerts: !matches!(failure, Failure::Limit { .. }),
        })
    }

    /// Begins at a time at which nothing of a sequence is under way and no alert is there: what its queries return then began
    /// before. A rule with an expression begins as it is.
    ///
    /// # Errors
    /// Why its queries could not be answered.
    pub fn settle(&mut self, source: &dyn Source, at: JudgedAt, options: &Options<'_>) -> Result<(), String> {
        if let Judge::Sequence(sequence) = &self.rule.judge {
            let returned = of_steps(sequence, source, at.query_ms, options)?;
            self.sequence = SequenceState::settled(at.at_ms, &returned);
        }
        Ok(())
    }

    /// The next time at which the rule is to be judged although no sample comes (ms since the epoch).
    pub fn next_deadline_ms(&self) -> Option<i64> {
        match &self.rule.judge {
            Judge::Query { .. } => None,
            Judge::Sequence(sequence) => self.sequence.next_deadline_ms(sequence),
        }
    }

    /// How much of a sequence is under way. While any is, the rule has not settled.
    pub fn under_way(&self) -> usize {
        match &self.rule.judge {
            Judge::Query { .. } => 0,
            Judge::Sequence(sequence) => self.sequence.under_way(sequence),
        }
    }

    /// Judges the rule and says what it came to.
    pub fn judge(
        &mut self,
        source: &dyn Source,
        at: JudgedAt,
        options: &Options<'_>,
        context: &Context,
    ) -> JudgedRule {
        let stepped = self.step(source, at, options, context);
        let alerts = self.active(context);
        let under_way = self.under_way();
        let outcome =
            Outcome { rule: &self.rule, at_ms: at.query_ms, alerts: &alerts, under_way, stepped: &stepped };
        let run = outcome.run();
        // Alerts are as they were judged also where there was no time left for their annotations.
        let failure = stepped.err().map(|not_judged| not_judged.why).or_else(|| context.judgement.stopped());
        JudgedRule { check: Arc::clone(&self.rule.check), run, alerts, failure }
    }

    /// What the run of the rule says of one of its alerts.
    pub fn words(&self, alert: &ActiveAlert) -> String {
        words(&self.rule, alert)
    }

    /// The alerts with all that is told of them.
    pub fn active(&self, context: &Context) -> Vec<ActiveAlert> {
        let RuleKind::Alert(kind) = &self.rule.kind else { return Vec::new() };
        self.alerts.iter().map(|alert| active_alert(&self.rule, kind, alert, context)).collect()
    }
}

/// An alert of a rule with all that is told of it.
fn active_alert(rule: &RuleCheck, kind: &AlertRule, alert: &Alert, context: &Context) -> ActiveAlert {
    let element = &alert.element;
    let expanded = |(name, text): &(String, super::template::Template)| {
        let text = text.expand_after(element.happened.steps(), &element.labels, element.value, context);
        (name.clone(), text)
    };
    ActiveAlert {
        labels: element.identity.clone(),
        annotations: Labels::new(kind.annotations.iter().map(expanded)),
        value: element.value,
        state: rule.state.of(&element.identity),
        stage: alert.stage,
        active_since_ms: alert.active_since_ms,
        firing_since_ms: alert.firing_since_ms,
        kept_since_ms: alert.kept_since_ms,
    }
}

/// What the run of a rule says of one of its alerts: its summary, or what it is of and its value against the limit. Empty for a rule
/// that records.
pub fn alert_words(rule: &RuleCheck, alert: &Alert, context: &Context) -> String {
    match &rule.kind {
        RuleKind::Alert(kind) => words(rule, &active_alert(rule, kind, alert, context)),
        RuleKind::Record(_) => String::new(),
    }
}

/// What the queries of a sequence return, in the order of its expressions.
fn of_steps(
    sequence: &Sequence,
    source: &dyn Source,
    at_ms: i64,
    options: &Options<'_>,
) -> Result<Vec<Vec<(Labels, f64)>>, String> {
    let conditions = sequence.conditions.iter();
    conditions.map(|condition| vector(&condition.query, &condition.expr, source, at_ms, options)).collect()
}

/// Most alerts or series that a rule may come to.
pub(super) fn results_max(rule: &RuleCheck) -> usize {
    if rule.limit == 0 { RULE_RESULTS_MAX } else { rule.limit.min(RULE_RESULTS_MAX) }
}

/// When alerts of a rule fire and end, of which there may be so many.
pub(super) fn timing(alert: &AlertRule, limit: usize) -> Timing {
    Timing { for_ms: alert.for_ms, keep_firing_ms: alert.keep_firing_ms, limit }
}

impl ActiveAlert {
    /// Whether it fires.
    pub fn fires(&self) -> bool {
        self.stage == Stage::Firing
    }
}
