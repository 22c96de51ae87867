//! What of a target is kept in the store: what it was told, what is owed to it, and the alerts that this is about.
//!
//! A note is JSON, and is replaced whole. Texts of alerts that fire come back with the next run of their check.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::State;
use custos_store::limits::NOTE_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::addressee::Addressee;
use super::alert::{Alert, AlertId, LabelSet};
use super::ledger::{Entry, Owed, Told};
use super::notification::NotifiedCheck;
use crate::clock::Moment;
use crate::limits::NOTIFY_NOTE_TEXT_MAX_BYTES;
use crate::text::head::head;

/// The name of the note of silences.
pub const SILENCES_NOTE: &str = "notify-silences";
/// The name of the note of acknowledgements.
pub const ACKS_NOTE: &str = "notify-acks";

/// The name of the note of a target.
pub fn target_note(target: &str) -> String {
    format!("notify-target-{target}")
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct NotedTarget {
    alerts: Vec<NotedAlert>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_success_ms: Option<i64>,
    #[serde(default)]
    delivered: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    refused: u64,
}

#[derive(Serialize, Deserialize)]
struct NotedAlert {
    check: String,
    of: String,
    labels: LabelSet,
    #[serde(default, skip_serializing_if = "LabelSet::is_empty")]
    annotations: LabelSet,
    state: u8,
    started_ms: i64,
    ended_ms: Option<i64>,
    changed_ms: i64,
    #[serde(default)]
    text: String,
    check_state: u8,
    since_ms: i64,
    run_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
    told: Option<NotedTold>,
    in_doubt: bool,
    owed_ms: Option<i64>,
    over: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    due: bool,
}

#[derive(Serialize, Deserialize)]
struct NotedTold {
    firing: bool,
    changed_ms: i64,
    at_ms: i64,
    refused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<LabelSet>,
}

/// What comes back of a target.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) alerts: Vec<(AlertId, Alert, Entry)>,
    pub(super) last_success_ms: Option<i64>,
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
}

/// What a note says. That of a target is thousands of alerts, so whoever writes it also encodes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteText(Said);

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Text(String),
    Target(Box<Snapshot>),
}

/// All that the note of a target says, as it was at one moment. It shares the alerts with the notifier.
#[derive(Clone, Debug, PartialEq)]
struct Snapshot {
    alerts: Vec<(AlertId, Arc<Alert>, Entry)>,
    last_success_ms: Option<i64>,
    delivered: u64,
    failed: u64,
    refused: u64,
}

impl NoteText {
    /// That of a target. `alerts` has those of its entries.
    pub(super) fn of(addressee: &Addressee, alerts: &BTreeMap<AlertId, Arc<Alert>>) -> NoteText {
        let entries = addressee.ledger.entries.iter();
        let shared =
            entries.filter_map(|(id, entry)| Some((id.clone(), Arc::clone(alerts.get(id)?), entry.clone())));
        NoteText(Said::Target(Box::new(Snapshot {
            alerts: shared.collect(),
            last_success_ms: addressee.last_success_ms,
            delivered: addressee.delivered,
            failed: addressee.failed,
            refused: addressee.refused,
        })))
    }

    /// The note as it is written.
    pub fn encode(self) -> String {
        let snapshot = match self.0 {
            Said::Text(text) => return text,
            Said::Target(snapshot) => snapshot,
        };
        let whole = snapshot.encode(true);
        if whole.len() <= NOTE_BYTES_MAX { whole } else { snapshot.encode(false) }
    }
}

impl From<String> for NoteText {
    fn from(text: String) -> NoteText {
        NoteText(Said::Text(text))
    }
}

impl Snapshot {
    fn encode(&self, texts: bool) -> String {
        let alerts = self.alerts.iter().map(|(id, alert, entry)| noted(id, alert, entry, texts));
        let noted = NotedTarget {
            alerts: alerts.collect(),
            last_success_ms: self.last_success_ms,
            delivered: self.delivered,
            failed: self.failed,
            refused: self.refused,
        };
        // Nothing in it can fail to be written.
        serde_json::to_string(&noted).unwrap_or_default()
    }
}

fn noted(id: &AlertId, alert: &Alert, entry: &Entry, texts: bool) -> NotedAlert {
    let annotations = alert.annotations.iter().map(|(name, value)| (name.clone(), cut(value)));
    NotedAlert {
        check: id.check.clone(),
        of: id.of.clone(),
        labels: alert.labels.clone(),
        annotations: if texts { annotations.collect() } else { LabelSet::new() },
        state: alert.state.code(),
        started_ms: alert.started_ms,
        ended_ms: alert.ended_ms,
        changed_ms: alert.changed_ms,
        text: if texts { cut(&alert.check.verdict) } else { String::new() },
        check_state: alert.check.state.code(),
        since_ms: alert.check.since_ms,
        run_ms: alert.check.run_ms,
        metric: alert.check.metric.clone(),
        gone: alert.check.gone,
        told: entry.told.as_ref().map(|told| NotedTold {
            firing: told.firing,
            changed_ms: told.changed_ms,
            at_ms: told.at_ms,
            refused: told.refused,
            labels: told.labels.as_deref().cloned(),
        }),
        in_doubt: entry.in_doubt,
        owed_ms: entry.owed.map(|owed| owed.since_ms),
        over: entry.over,
        due: entry.due,
    }
}

fn cut(text: &str) -> String {
    head(text, NOTIFY_NOTE_TEXT_MAX_BYTES).to_owned()
}

/// What a note says; one that is not there says nothing.
pub(super) fn parsed<T: Default + for<'d> Deserialize<'d>>(note: &[u8]) -> Result<T, String> {
    if note.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(note).map_err(|error| error.to_string())
}

/// What the note of a target says, as of now; none if it cannot be read.
pub(super) fn decode(text: &[u8], now: Moment) -> Option<Restored> {
    let noted: NotedTarget = parsed(text).ok()?;
    let alerts = noted.alerts.into_iter().map(|alert| restored(alert, now)).collect();
    Some(Restored {
        alerts,
        last_success_ms: noted.last_success_ms,
        delivered: noted.delivered,
        failed: noted.failed,
        refused: noted.refused,
    })
}

fn restored(noted: NotedAlert, now: Moment) -> (AlertId, Alert, Entry) {
    let state = |code| State::from_code(code).unwrap_or(State::Unknown);
    // A time that is ahead is one of a clock that was wrong, and counts as now.
    let mono_us = |wall_ms: i64| {
        let ago_ms = now.wall_ms.saturating_sub(wall_ms).max(0);
        (now.mono_us as i64).saturating_sub(ago_ms.saturating_mul(1000))
    };
    let text: Arc<str> = noted.text.into();
    let check = NotifiedCheck {
        name: noted.check.clone(),
        state: state(noted.check_state),
        hard: true,
        attempt: 1,
        max_attempts: 1,
        since_ms: noted.since_ms,
        run_ms: noted.run_ms,
        text: Arc::clone(&text),
        verdict: text,
        metric: noted.metric,
        gone: noted.gone,
        ..NotifiedCheck::default()
    };
    let alert = Alert {
        labels: noted.labels,
        annotations: noted.annotations,
        state: state(noted.state),
        started_ms: noted.started_ms,
        ended_ms: noted.ended_ms,
        changed_ms: noted.changed_ms,
        check,
    };
    let told = noted.told.map(|told| Told {
        firing: told.firing,
        changed_ms: told.changed_ms,
        at_us: mono_us(told.at_ms),
        at_ms: told.at_ms,
        refused: told.refused,
        labels: told.labels.map(Arc::new),
    });
    let owed = noted.owed_ms.map(|since_ms| Owed {
        since_us: mono_us(since_ms),
        since_ms,
        free_us: now.mono_us as i64,
    });
    let entry = Entry { told, in_doubt: noted.in_doubt, owed, over: noted.over, due: noted.due };
    (AlertId { check: noted.check, of: noted.of }, alert, entry)
}
