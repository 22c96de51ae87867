//! One evaluation of a rule: what its expression returned becomes series, or elements of alerts (`rules/recording.go` and
//! `rules/alerting.go` of Prometheus 3).

use custos_promql::{AnswerValue, Expr, Labels, METRIC_NAME, Options, Source, parse};

use super::alert::{Alert, Element};
use super::definition::RuleCheck;
use super::sequence::{Happened, Matched};
use super::template::{Context, Template};

/// The label with the name of an alert.
pub const ALERT_NAME: &str = "alertname";
/// The name of the series that says which alerts are pending or fire.
pub const ALERTS: &str = "ALERTS";
/// The name of the series that says since when (seconds since the epoch).
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";
/// The label of [`ALERTS`] with the stage of the alert.
pub const ALERT_STATE: &str = "alertstate";

/// What the expression of a rule returns at a time (ms since the epoch).
///
/// # Errors
/// What is wrong with the expression over these series, or what stopped it.
pub(super) fn vector(
    query: &str,
    expr: &Expr,
    source: &dyn Source,
    at_ms: i64,
    options: &Options<'_>,
) -> Result<Vec<(Labels, f64)>, String> {
    let answer = custos_promql::instant(query, expr, source, at_ms, options);
    match answer.map_err(|error| error.one_line(query))?.value {
        AnswerValue::Vector(elements) => {
            Ok(elements.into_iter().map(|(labels, point)| (labels, point.value)).collect())
        }
        AnswerValue::Scalar(point) => Ok(vec![(Labels::default(), point.value)]),
        AnswerValue::Text(..) | AnswerValue::Matrix(_) => {
            Err("rule result is not a vector or scalar".to_owned())
        }
    }
}

/// The same of a text.
///
/// # Errors
/// As before, and what is wrong with the text.
pub fn text_vector(
    query: &str,
    source: &dyn Source,
    at_ms: i64,
    options: &Options<'_>,
) -> Result<Vec<(Labels, f64)>, String> {
    let expr = parse(query).map_err(|error| error.one_line(query))?;
    vector(query, &expr, source, at_ms, options)
}

/// The series that a recording rule makes of what its expression returned.
///
/// # Errors
/// Two of them are the same, or there are more than the limit; 0 is no limit.
pub(super) fn recorded(
    name: &str,
    own: &[(String, Template)],
    returned: Vec<(Labels, f64)>,
    limit: usize,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut series: Vec<(Labels, f64)> = returned
        .into_iter()
        .map(|(labels, value)| {
            let own = own.iter().map(|(name, text)| (name.as_str(), text.source()));
            (labels.with_all(std::iter::once((METRIC_NAME, name)).chain(own)), value)
        })
        .collect();
    series.sort_by(|left, right| left.0.cmp(&right.0));
    if series.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
    }
    match series.len() {
        count if limit > 0 && count > limit => Err(format!("exceeded limit of {limit} with {count} series")),
        _ => Ok(series),
    }
}

/// The elements of alerts that an alerting rule makes of what its expression returned.
///
/// # Errors
/// Why the judgement had to end before that.
pub(super) fn elements(
    name: &str,
    own: &[(String, Template)],
    returned: Vec<(Labels, f64)>,
    context: &Context,
) -> Result<Vec<Element>, String> {
    let element = |(labels, value): (Labels, f64)| {
        let expanded = own.iter().map(|(name, text)| (name.as_str(), text.expand(&labels, value, context)));
        let identity = labels.without_name().with_all(expanded.chain([(ALERT_NAME, name.to_owned())]));
        Element { identity, labels, value, happened: Happened::default() }
    };
    unless_stopped(returned.into_iter().map(element).collect(), context)
}

/// The elements of alerts that a sequence makes of the matches that are there. `name` and `own` are the name of its alert and
/// its labels.
///
/// # Errors
/// As before.
pub(super) fn matched_elements(
    name: &str,
    own: &[(String, Template)],
    matched: Vec<Matched>,
    context: &Context,
) -> Result<Vec<Element>, String> {
    let element = |Matched { labels, value, happened }: Matched| {
        let expand = |text: &Template| text.expand_after(happened.steps(), &labels, value, context);
        let expanded = own.iter().map(|(name, text)| (name.as_str(), expand(text)));
        let identity = labels.with_all(expanded.chain([(ALERT_NAME, name.to_owned())]));
        Element { identity, labels, value, happened }
    };
    unless_stopped(matched.into_iter().map(element).collect(), context)
}

/// The elements, unless the judgement had to end: then their labels may not be what they are else, and would be other alerts.
fn unless_stopped(elements: Vec<Element>, context: &Context) -> Result<Vec<Element>, String> {
    context.judgement.stopped().map_or(Ok(elements), Err)
}

/// The series that tell of the alerts of a rule: that they are there, and since when.
pub(super) fn series_of_alerts<'a>(
    rule: &RuleCheck,
    alerts: impl Iterator<Item = &'a Alert>,
) -> Vec<(Labels, f64)> {
    if rule.elements_are_alerts() { alerts.flat_map(series_of).collect() } else { Vec::new() }
}

fn series_of(alert: &Alert) -> [(Labels, f64); 2] {
    let labels = &alert.element.identity;
    let since_s = alert.active_since_ms.div_euclid(1000) as f64;
    [
        (labels.with(METRIC_NAME, ALERTS).with(ALERT_STATE, alert.stage.name()), 1.0),
        (labels.with(METRIC_NAME, ALERTS_FOR_STATE), since_s),
    ]
}
