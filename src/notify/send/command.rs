//! A program that tells somebody, once for each check of a notification, as Nagios runs its handlers.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::body::body;
use super::macros::{Addressee, macros};
use super::receipt::{Failure, Receipt, Taken};
use crate::execute::{Commands, Program};
use crate::limits::{NOTIFY_COMMAND_TIMEOUT, NOTIFY_REASON_MAX_CHARS};
use crate::notify::message::Message;
use crate::notify::{Notification, NotifiedAlert, Why};
use crate::observe::{Ending, PluginEnd};
use crate::text::printable;

/// How a handler is run.
#[derive(Clone, Debug)]
pub(super) struct Handler<'a> {
    /// Its words; a line of shell is `/bin/sh -c LINE`.
    pub(super) argv: &'a [String],
    /// What runs it.
    pub(super) commands: &'a Commands,
    /// The name of the target.
    pub(super) contact: &'a str,
    /// The name of this host.
    pub(super) host: &'a str,
    /// Where it is found; empty if nobody said so.
    pub(super) external_url: &'a str,
    /// The zone that times are shown in.
    pub(super) zone: &'a TimeZone,
    /// Now (ms since the epoch).
    pub(super) now_ms: i64,
}

/// A run of a handler: for one check.
#[derive(Clone, Debug)]
pub(super) struct OfCheck {
    /// What of the notification is about the check.
    notification: Notification,
    /// The alerts of the notification that this is about.
    alerts: Vec<usize>,
}

impl OfCheck {
    /// All of a notification, where a medium is not told check by check.
    pub(super) fn whole(notification: &Notification) -> OfCheck {
        OfCheck { notification: notification.clone(), alerts: (0..notification.alerts.len()).collect() }
    }

    /// What its message is of.
    pub(super) fn told(&self) -> Notification {
        self.notification.clone()
    }
}

/// What of a notification each run of a handler is for.
pub(super) fn by_check(notification: &Notification) -> Vec<OfCheck> {
    let mut all = Vec::new();
    for (first, alert) in notification.alerts.iter().enumerate() {
        let same = |other: &NotifiedAlert| {
            other.check.name == alert.check.name && other.labels.get("host") == alert.labels.get("host")
        };
        if notification.alerts[..first].iter().any(same) {
            continue;
        }
        // What goes on beside the news was handled before.
        if notification.why == Why::News && !notification.alerts.iter().any(|other| same(other) && other.news)
        {
            continue;
        }
        let alerts = notification.alerts.iter().enumerate().filter(|(_, other)| same(other));
        let (places, alerts): (Vec<usize>, Vec<NotifiedAlert>) =
            alerts.map(|(place, alert)| (place, alert.clone())).unzip();
        // What was left out may be of any check, of which there are several then.
        let left_out = if places.len() < notification.alerts.len() { 0 } else { notification.left_out };
        let notification = Notification { alerts, left_out, ..notification.clone() };
        all.push(OfCheck { notification, alerts: places });
    }
    all
}

/// Runs a handler for each check of a notification of so many alerts, one after the other. An alert is delivered when the run for its
/// check exited with 0.
pub(super) async fn send(handler: &Handler<'_>, count: usize, runs: &[(OfCheck, Message)]) -> Receipt {
    let mut receipt = Receipt::all(count, Taken::Delivered);
    for (of_check, message) in runs {
        let taken = Taken::from(run(handler, &of_check.notification, message).await);
        for place in &of_check.alerts {
            receipt.alerts[*place] = taken.clone();
        }
    }
    receipt
}

async fn run(handler: &Handler<'_>, notification: &Notification, message: &Message) -> Result<(), Failure> {
    let Some(alert) = notification.alerts.first() else { return Ok(()) };
    let &Handler { contact, host, zone, now_ms, .. } = handler;
    let to = Addressee { contact, host, zone, now_ms };
    let program = Program {
        argv: handler.argv.to_vec(),
        variables: macros(alert, notification.why, &to, message),
        stdin: body(contact, handler.external_url, notification, message),
        timeout: NOTIFY_COMMAND_TIMEOUT,
    };
    ended(handler.commands.run(program).await, NOTIFY_COMMAND_TIMEOUT)
}

/// What the end of a program says. A handler has no way to say that it will never work, so it is tried again.
pub(super) fn ended(end: PluginEnd, timeout: Duration) -> Result<(), Failure> {
    let why = match &end.ending {
        Ending::Exited(0) => return Ok(()),
        Ending::Exited(status) => format!("the command exited with {status}{}", words(&end)),
        Ending::Signalled(signal) => format!("signal {signal} ended the command{}", words(&end)),
        Ending::TimedOut => format!("the command took longer than {} s{}", timeout.as_secs(), words(&end)),
        Ending::Stuck => "the command hangs in the kernel".to_owned(),
        Ending::NotStarted(why) => why.clone(),
        Ending::NotFinished => "the agent stopped before the command had ended".to_owned(),
    };
    Err(Failure::Temporary(why))
}

/// The first line of what it printed, to be appended to a message.
fn words(end: &PluginEnd) -> String {
    let printed = if end.stderr.is_empty() { &end.stdout } else { &end.stderr };
    let printed = String::from_utf8_lossy(printed);
    let line: String =
        printed.trim().lines().next().unwrap_or_default().chars().take(NOTIFY_REASON_MAX_CHARS).collect();
    if line.is_empty() { String::new() } else { format!(": {}", printable(&line)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::send::stage::notification;

    #[test]
    fn each_run_is_about_one_check() {
        let mut notification = notification(&["disk", "load", "disk", "old"]);
        notification.alerts[3].news = false;
        notification.left_out = 2;
        let parts = by_check(&notification);
        let places: Vec<&[usize]> = parts.iter().map(|part| &part.alerts[..]).collect();
        assert_eq!(places, [&[0, 2][..], &[1]]);
        let load = parts[1].told();
        assert_eq!((load.alerts.len(), &*load.alerts[0].check.name, load.left_out), (1, "load", 0));
        assert_eq!(by_check(&load)[0].told(), load);
    }
}
