//! What a judgement came to, in words: one line, and further lines with a line for each alert.

use super::element::{name, value};
use crate::limits::{RULE_ALERT_LISTED_MAX_CHARS, RULE_ALERTS_LISTED_MAX, RULE_ALERTS_NAMED};
use crate::rules::active::ActiveAlert;
use crate::rules::alert::Stage;
use crate::rules::definition::RuleCheck;
use crate::text::human::{counted, duration_ms};

/// The annotations that say what an alert is, and what is to be known of it, by custom.
const SUMMARY: &str = "summary";
const DESCRIPTION: &str = "description";

/// The alerts of a rule in the order in which they are told: those that fire first, the worst of them first, and of those
/// that are as bad the one that fires longest.
pub(super) fn in_order(alerts: &[ActiveAlert]) -> Vec<&ActiveAlert> {
    let mut ordered: Vec<&ActiveAlert> = alerts.iter().collect();
    ordered.sort_by_key(|alert| {
        let fires = alert.stage == Stage::Firing;
        let since_ms = alert.firing_since_ms.unwrap_or(alert.active_since_ms);
        (!fires, std::cmp::Reverse(alert.state.severity()), since_ms)
    });
    ordered
}

/// One line: how many fire, and the first of them.
pub(super) fn line(rule: &RuleCheck, ordered: &[&ActiveAlert], at_ms: i64) -> String {
    let firing = ordered.iter().filter(|alert| alert.stage == Stage::Firing).count();
    let (word, told) = match (firing, ordered.len()) {
        (0, 0) => return "no alert".to_owned(),
        (0, all) => (format!("PENDING {all}"), all),
        (firing, all) if firing == all => (format!("FIRING {all}"), firing),
        (firing, all) => (format!("FIRING {firing} of {all}"), firing),
    };
    let named = ordered.iter().take(told.min(RULE_ALERTS_NAMED));
    let named: Vec<String> =
        named.map(|alert| format!("{} ({})", what(rule, alert), how_long(alert, at_ms))).collect();
    let rest = match told - named.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!("{word}: {}{rest}", named.join(", "))
}

/// A line for each alert, and its description where it has one.
pub(super) fn lines(rule: &RuleCheck, ordered: &[&ActiveAlert], at_ms: i64) -> String {
    let mut lines = Vec::new();
    for alert in ordered.iter().take(RULE_ALERTS_LISTED_MAX) {
        let fires = alert.stage == Stage::Firing;
        let stage = if fires { alert.state.name() } else { "pending" };
        let (of, value) = (name(rule, alert), value(alert));
        let of =
            [of.as_str(), &value].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let texts = [SUMMARY, DESCRIPTION].map(|annotation| alert.annotations.get(annotation));
        let texts: Vec<String> = texts.into_iter().filter(|text| !text.is_empty()).map(cut).collect();
        let texts = if texts.is_empty() { String::new() } else { format!(": {}", texts.join(" - ")) };
        lines.push(format!("{stage} {of} ({}){texts}", how_long(alert, at_ms)));
    }
    if let Some(more) = ordered.len().checked_sub(RULE_ALERTS_LISTED_MAX).filter(|more| *more > 0) {
        lines.push(format!("{} more not listed", counted(more as u64, "alert")));
    }
    lines.join("\n")
}

/// What an alert says: its summary, or what it is of and its value.
fn what(rule: &RuleCheck, alert: &ActiveAlert) -> String {
    let summary = alert.annotations.get(SUMMARY);
    if !summary.is_empty() {
        return cut(summary);
    }
    let of = name(rule, alert);
    let value = value(alert);
    cut(&if of.is_empty() { value } else { format!("{of} {value}") })
}

/// For how long an alert has fired or is pending, and whether it is only kept.
fn how_long(alert: &ActiveAlert, at_ms: i64) -> String {
    let since = |ms: i64| duration_ms(at_ms.saturating_sub(ms).max(0));
    match (alert.firing_since_ms, alert.kept_since_ms) {
        (Some(firing_ms), None) => format!("for {}", since(firing_ms)),
        (Some(firing_ms), Some(kept_ms)) => {
            format!("for {}, no longer returned for {}", since(firing_ms), since(kept_ms))
        }
        (None, _) => format!("pending for {}", since(alert.active_since_ms)),
    }
}

/// A text in one line, and not too long.
pub(super) fn cut(text: &str) -> String {
    let text = text.trim();
    let shown = text.chars().take(RULE_ALERT_LISTED_MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = shown.collect();
    if text.chars().nth(RULE_ALERT_LISTED_MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
