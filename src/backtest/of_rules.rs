//! Rules over what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_promql::{Expr, Labels, Operator, Options, Source, ValueType, at};
use custos_query::StoreSource;
use custos_store::Snapshot;

use super::alert_curve::{AlertCurve, Condition};
use super::curve_points::{CurvePoint, round_thresholds};
use super::interval::{AlertInterval, Backtest, Span};
use crate::limits::CURVE_VALUES_MAX;
use crate::rules::{
    Alert, Change, Context, External, Judge, Judged, Judgement, JudgementTimes, Kept, Past, QueryFunction,
    Replay, RuleCheck, RuleGroup, RuleKind, Surroundings, alert_words, judgement_times, text_vector,
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
    let stored = StoreSource::for_rules(snapshot);
    let source = Kept::new(&stored, group);
    let mut found = times_of(group, &source, span)?;
    let queries = snapshot.clone();
    let surroundings = Surroundings {
        external: external.clone(),
        queries_at: &move |at_ms| queries_at(queries.clone(), at_ms),
        judgement: Judgement::default(),
    };
    let mut replay = Replay::new(group);
    replay.by_record(std::mem::take(&mut found.recorded));
    let stage = Stage { group, snapshot, external };
    let mut gathering: Vec<Gathering> = group.rules.iter().map(|rule| Gathering::of(rule, stage)).collect();
    replay.over(&source, &found.times, &surroundings, &options(), &mut |rule, at_ms, judged| {
        gathering[rule].take(at_ms, &judged);
    })?;
    let not_observed = dark(&found.unobserved, span);
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
            judged: found.times.len() as u64,
            failed: of.failed,
        };
        alerting(rule, backtest)
    });
    Ok(rules.collect())
}

fn alerting(rule: &Arc<RuleCheck>, backtest: Backtest) -> Option<RuleBacktest> {
    matches!(rule.kind, RuleKind::Alert(_)).then(|| RuleBacktest { rule: Arc::clone(rule), backtest })
}

/// The part of a time that something is stored of; of all time, if none is asked for.
pub(super) fn span_of(snapshot: &Snapshot, asked: Option<Span>) -> Option<Span> {
    let stored = stored_span(snapshot)?;
    let asked = asked.unwrap_or(stored);
    let span =
        Span { since_ms: stored.since_ms.max(asked.since_ms), until_ms: stored.until_ms.min(asked.until_ms) };
    (span.since_ms < span.until_ms).then_some(span)
}

/// The time of all that is stored.
fn stored_span(snapshot: &Snapshot) -> Option<Span> {
    let checks = snapshot.checks();
    let since_ms = checks.iter().map(|check| check.first_ms).min()?;
    let last_ms = checks.iter().map(|check| check.last_ms).max()?;
    Some(Span { since_ms, until_ms: last_ms.saturating_add(1) })
}

/// Stretches in which nobody looked, up to the end of the time.
pub(super) fn dark(unobserved: &[(i64, i64)], span: Span) -> Vec<Span> {
    let spans = unobserved.iter().map(|(since_ms, until_ms)| Span {
        since_ms: (*since_ms).max(span.since_ms),
        until_ms: (*until_ms).min(span.until_ms),
    });
    spans.filter(|dark| dark.length_ms() > 0).collect()
}

pub(super) fn times_of(group: &RuleGroup, source: &dyn Source, span: Span) -> Result<JudgementTimes, String> {
    let past = Past { from_ms: span.since_ms, to_ms: span.until_ms.saturating_sub(1), judged_ms: None };
    judgement_times(group, source, past).map_err(|error| error.message)
}

pub(super) fn options() -> Options<'static> {
    Options { threads: custos_query::query_threads(), ..Options::default() }
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

/// What a rule compares with a number.
pub(super) struct Compared<'e> {
    /// What is compared.
    values: &'e Expr,
    /// With what.
    number: f64,
    is_below: bool,
    or_equal: bool,
}

impl Compared<'_> {
    /// None if the expression is not a comparison of series with a number.
    pub(super) fn of(expr: &Expr) -> Option<Compared<'_>> {
        let Expr::Binary(binary) = expr.unwrapped() else { return None };
        let (values, number, is_swapped) = match (binary.left.unwrapped(), binary.right.unwrapped()) {
            (values, Expr::Number(number)) => (values, number.value, false),
            (Expr::Number(number), values) => (values, number.value, true),
            _ => return None,
        };
        let (is_less, or_equal) = match binary.operator {
            Operator::Less => (true, false),
            Operator::LessEqual => (true, true),
            Operator::Greater => (false, false),
            Operator::GreaterEqual => (false, true),
            _ => return None,
        };
        let is_vector = values.value_type() == ValueType::Vector;
        (is_vector && !binary.returns_bool).then_some(Compared {
            values,
            number,
            is_below: is_less != is_swapped,
            or_equal,
        })
    }
}

/// For every threshold in place of the one that the first rule of a group compares with: what it would have come to. `attempts`
/// results in a row confirm an alert.
///
/// # Errors
/// The rule does not compare series with a number, or it cannot be judged.
pub fn rule_curve(
    group: &RuleGroup,
    snapshot: &Snapshot,
    asked: Option<Span>,
    attempts: usize,
) -> Result<(Vec<CurvePoint>, bool), String> {
    let Some(rule) = group.rules.first() else { return Ok((Vec::new(), false)) };
    let Judge::Query { query, expr } = &rule.judge else {
        return Err(format!("{} is a sequence, which has no threshold", rule.check));
    };
    let compared =
        Compared::of(expr).ok_or_else(|| format!("`{query}` does not compare series with a number"))?;
    let Some(span) = span_of(snapshot, asked) else {
        return Ok((Vec::new(), compared.is_below));
    };
    let stored = StoreSource::for_rules(snapshot);
    let source = Kept::new(&stored, group);
    let times = times_of(group, &source, span)?.times;
    let asked: Vec<i64> = times.iter().map(|time| time.saturating_sub(group.query_offset_ms)).collect();
    let rows = rows(query, compared.values, &source, &asked)?;
    let finite = || rows.iter().flatten().copied().filter(|value| value.is_finite());
    let (least, most) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let mut thresholds = round_thresholds(least, most);
    if let (Err(place), false) =
        (thresholds.binary_search_by(|known| known.total_cmp(&compared.number)), thresholds.is_empty())
    {
        thresholds.insert(place, compared.number);
    }
    let for_ms = match &rule.kind {
        RuleKind::Alert(alert) => alert.for_ms,
        RuleKind::Record(_) => 0,
    };
    let condition = Condition { is_below: compared.is_below, or_equal: compared.or_equal, for_ms, attempts };
    let mut curve = AlertCurve::new(&times, span.until_ms, condition, &thresholds);
    rows.iter().for_each(|row| curve.add(row));
    Ok((curve.points(), compared.is_below))
}

/// The values of each series at each time; NaN where there is none.
fn rows(query: &str, expr: &Expr, source: &dyn Source, times: &[i64]) -> Result<Vec<Vec<f64>>, String> {
    let mut rows: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    let (mut done, mut held) = (0, 0_usize);
    let mut failure = None;
    at(expr, source, times, &options(), &mut |slab, found| {
        match found {
            Ok(found) => {
                for row in found {
                    let all = rows.entry(row.labels).or_default();
                    held = held.saturating_add(done + row.values.len() - all.len());
                    all.resize(done, f64::NAN);
                    all.extend_from_slice(&row.values);
                }
            }
            Err(error) => failure = Some(error.one_line(query)),
        }
        done += slab.len();
        failure.is_none() && held <= CURVE_VALUES_MAX
    })
    .map_err(|error| error.one_line(query))?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    if held > CURVE_VALUES_MAX {
        return Err(format!("there are more than {CURVE_VALUES_MAX} values: a shorter time has fewer"));
    }
    Ok(rows
        .into_values()
        .map(|mut row| {
            row.resize(times.len(), f64::NAN);
            row
        })
        .collect())
}
