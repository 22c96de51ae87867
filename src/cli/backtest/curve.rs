//! How often and how long an alert would have fired with every other threshold.

use std::io::Write;
use std::sync::Arc;

use custos_promql::{format_number, parse};
use custos_store::{Snapshot, State};

use super::plan::{self, Subject, Variant};
use crate::backtest::{CurvePoint, Span, knee, rule_curve};
use crate::cli::read::Failure;
use crate::cli::style::Style;
use crate::config::{Check, Threshold};
use crate::graph::Glyphs;
use crate::rules::{AlertRule, AlertState, Judge, RuleCheck, RuleGroup, RuleKind, When, writer_for};
use crate::text::human::{counted, duration_ms};

/// Lines of a curve as it is drawn.
const LINES: usize = 20;

/// A curve of thresholds.
pub(super) struct Curve {
    /// By ascending thresholds.
    pub(super) points: Vec<CurvePoint>,
    /// From where on another threshold spares little.
    pub(super) knee: Option<CurvePoint>,
}

/// The curve of what is backtested, with the first of its variants.
pub(super) fn of(
    subject: &Subject,
    variant: &Variant,
    snapshot: &Snapshot,
    asked: Option<Span>,
) -> Result<Curve, Failure> {
    let (group, attempts) = match subject {
        Subject::Check(check, metric) | Subject::Limited(check, metric, _) => {
            let check = plan::changed_check(check, &variant.changed)?;
            (of_threshold(&check, metric.as_deref())?, check.max_check_attempts as usize)
        }
        Subject::Rules(groups, wanted) => {
            let mut alerting = groups.iter().flat_map(|group| {
                let alerts = group.rules.iter().filter(|rule| rule.alerts() && wanted.contains(&*rule.check));
                alerts.map(move |rule| (rule, group))
            });
            match (alerting.next(), alerting.next()) {
                (Some((rule, group)), None) => {
                    refuse_written(rule, group)?;
                    let only = RuleGroup { rules: vec![Arc::clone(rule)], ..group.clone() };
                    (plan::changed_group(&only, &variant.changed), 1)
                }
                _ => return Err(Failure::usage("--curve is for one alerting rule: --rule names it")),
            }
        }
    };
    let (points, is_below) = rule_curve(&group, snapshot, asked, attempts).map_err(Failure::usage)?;
    let knee = knee(&points, is_below);
    Ok(Curve { points, knee })
}

/// The curve is of what is stored, which the rules of the group change.
fn refuse_written(rule: &RuleCheck, group: &RuleGroup) -> Result<(), Failure> {
    writer_for(rule, group).map_or(Ok(()), |writer| {
        Err(Failure::usage(format!(
            "--curve is of stored series, and {} reads what the rule {} of its group writes",
            rule.name(),
            writer.name()
        )))
    })
}

/// A threshold of a check as a rule: on the metric that is named, or on the only one that has any.
fn of_threshold(check: &Check, metric: Option<&str>) -> Result<RuleGroup, Failure> {
    let fitting = |threshold: &&Threshold| metric.is_none_or(|metric| threshold.is_for(metric));
    let threshold = check.thresholds.iter().find(fitting);
    let metric = metric.or(threshold.map(|threshold| threshold.metric.as_str()));
    let Some(metric) = metric else {
        return Err(Failure::usage(format!("--curve needs a metric: {}:METRIC", check.name)));
    };
    if threshold.is_some_and(|threshold| threshold.rate) {
        return Err(Failure::usage("--curve is of values, and this threshold judges a rate"));
    }
    let range = threshold.and_then(|threshold| threshold.critical.as_ref().or(threshold.warning.as_ref()));
    let bounds = range.map(|range| range.bounds);
    if bounds.is_some_and(|bounds| bounds.inside) {
        return Err(Failure::usage("--curve is of one limit, and this range is one to stay out of"));
    }
    let (sign, limit) = match bounds {
        Some(bounds) if !bounds.end.is_finite() && bounds.start.is_finite() => ("<", bounds.start),
        Some(bounds) if bounds.end.is_finite() => (">", bounds.end),
        _ => (">", 0.0),
    };
    // With the name: without it, series that rules write could have the same labels.
    let name = &check.name;
    let query =
        format!("{{__name__={name:?},check={name:?},metric={metric:?}}} {sign} {}", format_number(limit));
    let expr = parse(&query).map_err(|error| Failure::usage(error.with_caret(&query)))?;
    let for_ms = threshold.map_or(0, |threshold| threshold.pending_for.as_millis());
    let kind = RuleKind::Alert(AlertRule {
        name: check.name.clone(),
        for_ms: i64::try_from(for_ms).unwrap_or(i64::MAX),
        keep_firing_ms: 0,
        annotations: Vec::new(),
    });
    let rule = RuleCheck {
        check: check.name.as_str().into(),
        judge: Judge::Query { query, expr },
        labels: Vec::new(),
        kind,
        limit: 0,
        state: AlertState::Always(State::Critical),
    };
    Ok(RuleGroup {
        name: check.name.as_str().into(),
        when: When::Samples { at_the_latest_ms: 0 },
        query_offset_ms: 0,
        period: None,
        rules: vec![Arc::new(rule)],
    })
}

/// How long alerts fired all together. Short times are not lost among hours.
fn shown_length(hours: f64) -> String {
    if hours > 0.0 && hours < 0.05 {
        duration_ms((hours * 3_600_000.0) as i64)
    } else {
        format!("{hours:.1} h")
    }
}

/// Draws the thresholds with which it would have fired, and the first with which it would not have.
pub(super) fn draw(curve: &Curve, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let fires = |point: &CurvePoint| point.alerts > 0;
    let (Some(first), Some(last)) =
        (curve.points.iter().position(fires), curve.points.iter().rposition(fires))
    else {
        writeln!(out, "no threshold would have made an alert")?;
        return Ok(());
    };
    let shown = &curve.points[first.saturating_sub(1)..(last + 2).min(curve.points.len())];
    let each = shown.len().div_ceil(LINES).max(1);
    let is_knee = |point: &CurvePoint| curve.knee.is_some_and(|knee| knee.threshold == point.threshold);
    let mut lines: Vec<&CurvePoint> = shown.iter().step_by(each).collect();
    lines.extend(shown.iter().filter(|point| is_knee(point)));
    lines.extend(shown.last());
    lines.sort_by(|one, other| one.threshold.total_cmp(&other.threshold));
    lines.dedup_by(|one, other| one.threshold == other.threshold);
    let most = lines.iter().map(|point| point.hours).fold(0.0, f64::max);
    let bar = if style.glyphs == Glyphs::Ascii { "#" } else { "█" };
    let columns = style.width.saturating_sub(50).clamp(10, 60);
    for point in lines {
        let length = if most > 0.0 { (point.hours / most * columns as f64).ceil() as usize } else { 0 };
        let mark = if is_knee(point) { "  knee" } else { "" };
        writeln!(
            out,
            "{:>12}  {}{}  {}, {}{mark}",
            format_number(point.threshold),
            bar.repeat(length),
            " ".repeat(columns - length.min(columns)),
            shown_length(point.hours),
            counted(point.alerts, "alert"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_time_is_not_shown_as_none() {
        assert_eq!([0.0, 0.005, 0.05, 1.26].map(shown_length), ["0.0 h", "18s", "0.1 h", "1.3 h"]);
    }
}
