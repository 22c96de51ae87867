//! What of a target is kept in the store: what it was told, what is owed to it, and the alerts that this is about.
//!
//! A note is JSON, and is replaced whole. Texts of alerts that fire come back with the next run of their check. Invariant: a note without
//! texts takes no more bytes than [`noted_len`] says of its alerts, so that one of all alerts that are followed can be kept.

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

/// Bytes of a noted alert without its names, its labels and its texts: names of fields, times and states.
const FIXED_BYTES: usize = 470;

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
    /// All of them, as notes were once written.
    #[serde(default, skip_serializing)]
    labels: Option<LabelSet>,
    /// Those that it knows otherwise than they are now, by name; none for one that it does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    differing: Option<BTreeMap<String, Option<String>>>,
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
        metric: if texts { alert.check.metric.clone() } else { None },
        gone: alert.check.gone,
        told: entry.told.as_ref().map(|told| NotedTold {
            firing: told.firing,
            changed_ms: told.changed_ms,
            at_ms: told.at_ms,
            refused: told.refused,
            labels: None,
            differing: told.labels.as_deref().map(|known| differing(known, &alert.labels)),
        }),
        in_doubt: entry.in_doubt,
        owed_ms: entry.owed.map(|owed| owed.since_ms),
        over: entry.over,
        due: entry.due,
    }
}

/// What of the labels that a target knows is otherwise now.
fn differing(known: &LabelSet, labels: &LabelSet) -> BTreeMap<String, Option<String>> {
    let names = known.keys().chain(labels.keys()).filter(|name| known.get(*name) != labels.get(*name));
    names.map(|name| (name.clone(), known.get(name).cloned())).collect()
}

/// The labels that a target knows.
fn known_labels(told: &mut NotedTold, labels: &LabelSet) -> Option<LabelSet> {
    let differing = told.differing.take();
    told.labels.take().or_else(|| {
        let mut known = labels.clone();
        for (name, value) in differing? {
            match value {
                Some(value) => known.insert(name, value),
                None => known.remove(&name),
            };
        }
        Some(known)
    })
}

/// Bytes that an alert takes in a note without texts, at most. Of its labels a target may know the state and the host by other values.
pub(super) fn noted_len(id: &AlertId, labels: &LabelSet) -> usize {
    let len = |text: &str| serde_json::to_string(text).map_or(0, |written| written.len());
    let of_labels = labels.iter().map(|(name, value)| len(name) + len(value) + 2);
    let known =
        ["severity", "host"].map(|name| labels.get(name).map_or(0, |value| len(value) + name.len() + 4));
    len(&id.check) + len(&id.of) + of_labels.sum::<usize>() + known.iter().sum::<usize>() + FIXED_BYTES
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

fn restored(mut noted: NotedAlert, now: Moment) -> (AlertId, Alert, Entry) {
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
    let id = AlertId { check: noted.check, of: noted.of };
    let known = noted.told.as_mut().and_then(|told| known_labels(told, &noted.labels));
    let alert = Alert {
        noted_len: noted_len(&id, &noted.labels),
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
        labels: known.map(Arc::new),
    });
    let owed = noted.owed_ms.map(|since_ms| Owed {
        since_us: mono_us(since_ms),
        since_ms,
        free_us: now.mono_us as i64,
    });
    let entry = Entry { told, in_doubt: noted.in_doubt, owed, over: noted.over, due: noted.due };
    (id, alert, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> LabelSet {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn alert(id: &AlertId, labels: LabelSet) -> Alert {
        let ms = -1_795_348_800_000;
        let check = NotifiedCheck {
            verdict: "x".repeat(999).into(),
            state: State::Critical,
            since_ms: ms,
            run_ms: ms,
            metric: Some("m".repeat(999)),
            gone: true,
            ..NotifiedCheck::default()
        };
        Alert {
            noted_len: noted_len(id, &labels),
            labels,
            annotations: LabelSet::new(),
            state: State::Critical,
            started_ms: ms,
            ended_ms: Some(ms),
            changed_ms: ms,
            check,
        }
    }

    fn entry(known: &LabelSet) -> Entry {
        let at_ms = -1_795_348_800_000;
        let told = Told {
            firing: false,
            changed_ms: at_ms,
            at_us: 0,
            at_ms,
            refused: false,
            labels: Some(Arc::new(known.clone())),
        };
        let owed = Some(Owed { since_us: 0, since_ms: at_ms, free_us: 0 });
        Entry { told: Some(told), in_doubt: true, owed, over: true, due: true }
    }

    #[test]
    fn an_alert_takes_no_more_of_a_note_than_was_reckoned() {
        for path in ["/", &"\u{1}\"\\é".repeat(100)] {
            let now = labels(&[("host", "web"), ("path", path), ("severity", "critical")]);
            let known = LabelSet::from_iter([
                ("severity".to_owned(), "warning".to_owned()),
                ("host".to_owned(), "db0".to_owned()),
            ]);
            let known = now.clone().into_iter().chain(known).collect::<LabelSet>();
            let id = AlertId { check: "c\n".into(), of: format!("path={path:?}") };
            let alert = Arc::new(alert(&id, now.clone()));
            let reckoned = alert.noted_len;
            let count = NOTE_BYTES_MAX / reckoned;
            let alerts = vec![(id, alert, entry(&known)); count];
            let snapshot = Snapshot {
                alerts,
                last_success_ms: Some(i64::MIN),
                delivered: u64::MAX,
                failed: u64::MAX,
                refused: u64::MAX,
            };
            let (whole, least) = (snapshot.encode(true).len(), snapshot.encode(false).len());
            assert!(
                whole > NOTE_BYTES_MAX && least <= count * reckoned,
                "{whole} {least} {count} {reckoned}"
            );
            let text = NoteText(Said::Target(Box::new(snapshot))).encode();
            assert!(text.len() <= NOTE_BYTES_MAX);
            // What the target knows is known again.
            let restored = decode(text.as_bytes(), Moment::default()).unwrap();
            let (_, alert, entry) = &restored.alerts[0];
            assert_eq!((&alert.labels, entry.told.as_ref().unwrap().labels.as_deref()), (&now, Some(&known)));
        }
    }

    #[test]
    fn a_note_that_has_all_labels_that_a_target_knows_is_read() {
        let noted = r#"{"alerts":[{"check":"c","of":"","labels":{"a":"1"},"state":2,"started_ms":1,"ended_ms":null,"changed_ms":1,
            "check_state":2,"since_ms":1,"run_ms":1,"in_doubt":false,"owed_ms":null,"over":false,
            "told":{"firing":true,"changed_ms":1,"at_ms":1,"refused":false,"labels":{"a":"0"}}}]}"#;
        let restored = decode(noted.as_bytes(), Moment::default()).unwrap();
        let told = restored.alerts[0].2.told.as_ref().unwrap();
        assert_eq!(told.labels.as_deref(), Some(&labels(&[("a", "0")])));
    }
}
