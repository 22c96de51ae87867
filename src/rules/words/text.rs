//! One line, and further lines with one for each alert.

use custos_store::State;

use super::element::{name, value};
use super::limit::limit;
use crate::limits::{RULE_ALERT_CHARS_MAX, RULE_ALERTS_LISTED_MAX, RULE_ALERTS_NAMED_MAX};
use crate::rules::active::ActiveAlert;
use crate::rules::alert::Stage;
use crate::rules::definition::RuleCheck;
use crate::text::human::duration_ms;

/// Annotations that tell in a line what an alert is about, the best first.
pub const SUMMARIES: [&str; 3] = ["summary", "message", "description"];
/// The annotation with what else is to be known of an alert, by custom.
const DESCRIPTION: &str = "description";

/// An alert with what is said of it.
pub(in crate::rules) struct Told<'a> {
    pub(in crate::rules) alert: &'a ActiveAlert,
    /// What it is of, and its value against the limit.
    element: String,
    summary: Option<String>,
    /// For how long.
    how_long: String,
}

impl Told<'_> {
    /// What it says in a line: its summary, or what it is of and its value against the limit.
    pub(in crate::rules) fn words(&self) -> &str {
        self.summary.as_ref().unwrap_or(&self.element)
    }

    fn fires(&self) -> bool {
        self.alert.stage == Stage::Firing
    }
}

/// The alerts of a rule in the order in which they are told: those that fire first, the worst of them first, and of those
/// that are as bad the one that fires longest.
pub(in crate::rules) fn in_order<'a>(
    rule: &RuleCheck,
    alerts: &'a [ActiveAlert],
    at_ms: i64,
) -> Vec<Told<'a>> {
    let limit = if alerts.is_empty() { None } else { limit(&rule.judge) };
    let limit = limit.unwrap_or_default();
    let told = |alert: &'a ActiveAlert| Told {
        alert,
        element: element(rule, alert, &limit),
        summary: summary(alert),
        how_long: how_long(alert, at_ms),
    };
    let mut ordered: Vec<Told> = alerts.iter().map(told).collect();
    ordered.sort_by_key(|told| {
        let since_ms = told.alert.firing_since_ms.unwrap_or(told.alert.active_since_ms);
        (!told.fires(), std::cmp::Reverse(told.alert.state.severity()), since_ms)
    });
    ordered
}

/// One line: how many fire, and the first of them.
pub(in crate::rules) fn line(ordered: &[Told<'_>]) -> String {
    let firing = ordered.iter().filter(|told| told.fires()).count();
    // Where the alerts stand for no problem, thresholds say whether there is one.
    let fires = if ordered.iter().all(|told| told.alert.state == State::Ok) { "RETURNED" } else { "FIRING" };
    let (word, told) = match (firing, ordered.len()) {
        (0, 0) => return "no alert".to_owned(),
        (0, all) => (format!("PENDING {all}"), all),
        (firing, all) if firing == all => (format!("{fires} {all}"), firing),
        (firing, all) => (format!("{fires} {firing} of {all}"), firing),
    };
    let named = ordered.iter().take(told.min(RULE_ALERTS_NAMED_MAX));
    let named: Vec<String> = named.map(|told| format!("{} ({})", told.words(), told.how_long)).collect();
    let rest = match told - named.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!("{word}: {}{rest}", named.join(", "))
}

/// A line for each alert, and its description where it has one.
pub(in crate::rules) fn lines(ordered: &[Told<'_>]) -> String {
    let mut lines = Vec::new();
    for told in ordered.iter().take(RULE_ALERTS_LISTED_MAX) {
        let stage = if told.fires() { told.alert.state.name() } else { "pending" };
        let description = told.alert.annotations.get(DESCRIPTION);
        let mut said = vec![format!("{stage} {} ({})", told.element, told.how_long)];
        said.extend([told.summary.clone().unwrap_or_default(), cut(description)]);
        said.dedup();
        said.retain(|text| !text.is_empty());
        lines.push(said.join(": "));
    }
    if let Some(more) = ordered.len().checked_sub(RULE_ALERTS_LISTED_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

/// What one alert says in a line, as [`Told::words`].
pub(in crate::rules) fn words(rule: &RuleCheck, alert: &ActiveAlert) -> String {
    summary(alert).unwrap_or_else(|| element(rule, alert, &limit(&rule.judge).unwrap_or_default()))
}

/// What one alert is of, its value against the limit, and its summary.
pub fn alert_line(rule: &RuleCheck, alert: &ActiveAlert) -> String {
    let element = element(rule, alert, &limit(&rule.judge).unwrap_or_default());
    match summary(alert) {
        Some(summary) if summary != element => format!("{element}: {summary}"),
        _ => element,
    }
}

fn summary(alert: &ActiveAlert) -> Option<String> {
    let own = SUMMARIES.iter().map(|name| alert.annotations.get(name)).find(|text| !text.trim().is_empty());
    own.map(cut)
}

/// What an alert is of, and its value against the limit.
fn element(rule: &RuleCheck, alert: &ActiveAlert, limit: &str) -> String {
    let (name, value) = (name(rule, alert), value(alert));
    let parts = [&*name, &*value, limit].into_iter().filter(|part| !part.is_empty());
    cut(&parts.collect::<Vec<_>>().join(" "))
}

/// For how long an alert has fired or is pending, and whether it is only kept.
fn how_long(alert: &ActiveAlert, at_ms: i64) -> String {
    let since = |ms: i64| duration_ms(at_ms.saturating_sub(ms).max(0));
    match (alert.firing_since_ms, alert.kept_since_ms) {
        (Some(firing_ms), None) if firing_ms >= at_ms => "new".to_owned(),
        (Some(firing_ms), None) => format!("for {}", since(firing_ms)),
        (Some(firing_ms), Some(kept_ms)) => {
            format!("for {}, no longer returned for {}", since(firing_ms), since(kept_ms))
        }
        (None, _) if alert.active_since_ms >= at_ms => "new".to_owned(),
        (None, _) => format!("pending for {}", since(alert.active_since_ms)),
    }
}

/// A text in one line, and not too long.
pub(in crate::rules) fn cut(text: &str) -> String {
    let text = text.trim();
    let shown = text.chars().take(RULE_ALERT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = shown.collect();
    if text.chars().nth(RULE_ALERT_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
