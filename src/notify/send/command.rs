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

/// Runs a handler for each check of a notification, one after the other. An alert is delivered when the run for its check
/// exited with 0.
pub(super) async fn send(handler: &Handler<'_>, notification: &Notification, message: &Message) -> Receipt {
    let mut receipt = Receipt::all(notification.alerts.len(), Taken::Delivered);
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
        let alerts: Vec<NotifiedAlert> =
            notification.alerts.iter().filter(|other| same(other)).cloned().collect();
        let of_check = Notification { alerts, ..notification.clone() };
        let taken = Taken::from(run(handler, &of_check, message).await);
        for (place, other) in receipt.alerts.iter_mut().zip(&notification.alerts) {
            if same(other) {
                *place = taken.clone();
            }
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
