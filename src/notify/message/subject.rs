//! The one line by which a message is known: of a mail, of a page.

use std::collections::BTreeSet;

use custos_store::State;

use super::style::MessageStyle;
use crate::limits::NOTIFY_SUBJECT_MAX_CHARS;
use crate::notify::{Notification, NotifiedAlert, Status, Why};
use crate::text::printable;
use crate::text::width::shorten;

/// What is said in the place of a state of an alert whose check is no longer defined.
pub(super) const NO_LONGER_CHECKED: &str = "NO LONGER CHECKED";

/// The subject: the state first, then the host, then what.
pub(super) fn subject(notification: &Notification, style: &MessageStyle) -> String {
    let host = host(notification, style);
    let subject = match notification.why {
        Why::Trial => format!("TEST: {host} tells you that this works"),
        Why::Heartbeat => format!("ALIVE: {host}"),
        Why::News | Why::Repeat => match &notification.alerts[..] {
            [alert] => one(alert, notification, &host),
            alerts => several(alerts, notification, &host),
        },
    };
    shorten(&printable(&subject), NOTIFY_SUBJECT_MAX_CHARS, "…").into_owned()
}

fn one(alert: &NotifiedAlert, notification: &Notification, host: &str) -> String {
    let name = name(alert);
    let text = summary(alert);
    match alert.status {
        Status::Resolved if alert.is_gone() => format!("{NO_LONGER_CHECKED}: {host} {name}"),
        Status::Resolved => format!("RECOVERED: {host} {name}"),
        Status::Firing if notification.why == Why::Repeat => {
            format!("STILL {}: {host} {name}: {text}", word(alert.state))
        }
        Status::Firing => format!("{}: {host} {name}: {text}", word(alert.state)),
    }
}

fn several(alerts: &[NotifiedAlert], notification: &Notification, host: &str) -> String {
    let count = |state: State| {
        alerts.iter().filter(|alert| alert.status == Status::Firing && alert.state == state).count()
    };
    let gone = alerts.iter().filter(|alert| alert.is_gone()).count();
    let recovered = alerts.iter().filter(|alert| alert.status == Status::Resolved).count() - gone;
    let mut counts: Vec<String> = [State::Critical, State::Unknown, State::Warning, State::Ok]
        .into_iter()
        .map(|state| (count(state), word(state)))
        .chain([(recovered, "RECOVERED"), (gone, NO_LONGER_CHECKED)])
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if notification.left_out > 0 {
        counts.push(format!("{} more", notification.left_out));
    }
    let names: BTreeSet<String> = alerts.iter().map(name).collect();
    let names: Vec<String> = names.into_iter().collect();
    let still = if notification.why == Why::Repeat { "STILL " } else { "" };
    format!("{still}{}: {host} {}", counts.join(", "), names.join(", "))
}

/// The host that it is about, or what it has to do with several.
fn host(notification: &Notification, style: &MessageStyle) -> String {
    let mut hosts = notification.alerts.iter().filter_map(|alert| alert.labels.get("host"));
    let Some(first) = hosts.next() else { return style.host.clone() };
    if hosts.all(|other| other == first) { first.clone() } else { format!("hosts of {}", style.host) }
}

/// What an alert is called, and what tells it from others of the same name.
pub(super) fn name(alert: &NotifiedAlert) -> String {
    let named = alert.labels.get("alertname").unwrap_or(&alert.check.name);
    let others: Vec<String> = telling(alert).map(|(label, value)| format!("{label}={value}")).collect();
    if others.is_empty() { named.clone() } else { format!("{named} ({})", others.join(", ")) }
}

/// Whether its check has others beside it: it is about an element of it.
pub(super) fn is_one_of_several(alert: &NotifiedAlert) -> bool {
    telling(alert).next().is_some()
}

/// The labels that tell an alert from others of the same name.
fn telling(alert: &NotifiedAlert) -> impl Iterator<Item = (&String, &String)> {
    let is_known = |label: &str, value: &str| match label {
        "alertname" | "host" | "severity" => true,
        // An alert of a rule may be about another check than that of the rule.
        "check" => value == alert.check.name,
        _ => value.is_empty(),
    };
    alert.labels.iter().filter(move |(label, value)| !is_known(label, value))
}

/// What is said of an alert in a few words: its summary, or what is said of it by itself, or why its check has its state. The state
/// stands before it already.
fn summary(alert: &NotifiedAlert) -> &str {
    let summary = alert.annotations.get("summary").map(String::as_str).unwrap_or_default();
    let said = [summary, &alert.check.own, &alert.check.verdict];
    let said = said.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let after_state = said.strip_prefix(word(alert.state)).and_then(|rest| rest.strip_prefix(": "));
    after_state.unwrap_or(said)
}

/// A state in capitals, as people know them from Nagios.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Ok => "OK",
        State::Warning => "WARNING",
        State::Critical => "CRITICAL",
        State::Unknown => "UNKNOWN",
    }
}
