//! Rules over what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::{Labels, Options};
use custos_query::StoreSource;
use custos_store::Snapshot;

use super::interval::{AlertInterval, Backtest, Span};
use super::stretches::{each_stretch, options, span_of};
use crate::rules::{
    Alert, Change, Context, External, Judged, Judgement, QueryFunction, Replay, RuleCheck, RuleGroup,
    RuleKind, Surroundings, alert_words, text_vector,
};

/// A rule over what is stored.
#[derive(Clone, Debug)]
pub struct RuleBacktest {
    /// The rule, which is one that alerts.
    pub rule: Arc<RuleCheck>,
    /// What it would have said.
    pub backtest: Backtest,
}

/// What the alerting rules of a group would have said in a span of time, or over all that is stored. `external` is what templates
/// can say of the host.
///
/// # Errors
/// What keeps them from being judged.
pub fn backtest_rules(
    group: &RuleGroup,
    snapshot: &Snapshot,
    asked: Option<Span>,
    external: &External,
) -> Result<Vec<RuleBacktest>, String> {
    let Some(span) = span_of(snapshot, asked) else {
        return Ok(group.rules.iter().filter_map(|rule| alerting(rule, Backtest::default())).collect());
    };
    let queries = snapshot.clone();
    let surroundings = Surroundings {
        external: external.clone(),
        queries_at: &move |at_ms| queries_at(queries.clone(), at_ms),
        judgement: Judgement::default(),
    };
    let mut replay = Replay::new(group);
    let stage = Stage { group, snapshot, external };
    let mut gathering: Vec<Gathering> = group.rules.iter().map(|rule| Gathering::of(rule, stage)).collect();
    let mut judged_count = 0;
    let not_observed = each_stretch(group, snapshot, span, |source, stretch| {
        replay.by_record(stretch.recorded);
        judged_count += stretch.times.len() as u64;
        replay.over(source, &stretch.times, &surroundings, &options(), &mut |rule, at_ms, judged| {
            gathering[rule].take(at_ms, &judged);
        })
    })?;
    let rules = group.rules.iter().zip(gathering).enumerate().filter_map(|(number, (rule, mut of))| {
        for (labels, open) in &mut of.open {
            open.peak = replay.peak(number, labels).map(|peak| (peak.value, peak.at_ms));
        }
        let mut intervals = of.intervals;
        intervals.extend(of.open.into_values());
        intervals.sort_by_key(|interval| interval.since_ms);
        let backtest = Backtest {
            span: Some(span),
            intervals,
            not_observed: not_observed.clone(),
            judged: judged_count,
            failed: of.failed,
            ..Backtest::default()
        };
        alerting(rule, backtest)
    });
    Ok(rules.collect())
}

fn alerting(rule: &Arc<RuleCheck>, backtest: Backtest) -> Option<RuleBacktest> {
    matches!(rule.kind, RuleKind::Alert(_)).then(|| RuleBacktest { rule: Arc::clone(rule), backtest })
}

/// Answers the queries of templates as of a time.
fn queries_at(snapshot: Snapshot, at_ms: i64) -> QueryFunction {
    Arc::new(move |query| text_vector(query, &StoreSource::for_rules(&snapshot), at_ms, &Options::default()))
}

/// What rules are judged over.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) group: &'a RuleGroup,
    pub(super) snapshot: &'a Snapshot,
    pub(super) external: &'a External,
}

impl Stage<'_> {
    /// What templates can refer to at a time (ms since the epoch).
    pub(super) fn context(&self, at_ms: i64) -> Context {
        Context {
            now_ms: at_ms,
            external: self.external.clone(),
            query: queries_at(self.snapshot.clone(), at_ms.saturating_sub(self.group.query_offset_ms)),
            judgement: Judgement::default(),
        }
    }
}

/// The alerts of a rule on their way.
struct Gathering<'r> {
    rule: &'r RuleCheck,
    stage: Stage<'r>,
    open: BTreeMap<Labels, AlertInterval>,
    intervals: Vec<AlertInterval>,
    failed: Option<(u64, String)>,
}

impl<'r> Gathering<'r> {
    fn of(rule: &'r RuleCheck, stage: Stage<'r>) -> Gathering<'r> {
        Gathering { rule, stage, open: BTreeMap::new(), intervals: Vec::new(), failed: None }
    }

    fn take(&mut self, at_ms: i64, judged: &Judged<'_>) {
        match judged {
            Judged::Changed(changes, ended) => {
                for one in *ended {
                    if let Some(open) = self.open.remove(&one.alert.element.identity) {
                        let peak = Some((one.peak.value, one.peak.at_ms));
                        self.intervals.push(AlertInterval { until_ms: Some(at_ms), peak, ..open });
                    }
                }
                let firing = changes.iter().filter_map(|change| match change {
                    Change::Firing(alert) => Some(alert),
                    Change::Pending(_) | Change::Dropped(_) | Change::Resolved(_) => None,
                });
                for alert in firing {
                    self.open.insert(alert.element.identity.clone(), self.interval(alert, at_ms));
                }
            }
            Judged::Failed(reason) => self.fail(reason),
            Judged::Exceeded(reason) => {
                self.fail(reason);
                let open = std::mem::take(&mut self.open);
                let over = open.into_values().map(|open| AlertInterval { until_ms: Some(at_ms), ..open });
                self.intervals.extend(over);
            }
        }
    }

    fn interval(&self, alert: &Alert, at_ms: i64) -> AlertInterval {
        let labels = alert.element.identity.clone();
        AlertInterval {
            check: self.rule.check.to_string(),
            pending_since_ms: alert.active_since_ms,
            since_ms: at_ms,
            until_ms: None,
            state: self.rule.state.of(&labels),
            labels,
            peak: None,
            said: alert_words(self.rule, alert, &self.stage.context(at_ms)),
        }
    }

    fn fail(&mut self, reason: &str) {
        let failed = self.failed.get_or_insert_with(|| (0, reason.to_owned()));
        failed.0 += 1;
    }
}
