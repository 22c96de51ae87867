//! The JSON that Alertmanager posts to webhooks (version 4): what every bridge to another medium reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::hash::fnv1a;
use crate::notify::message::Message;
use crate::notify::{Notification, NotifiedAlert, Status};

/// What Go writes for a time that is none.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    receiver: &'a str,
    status: &'static str,
    alerts: Vec<Alert<'a>>,
    group_labels: &'a BTreeMap<String, String>,
    common_labels: BTreeMap<&'a str, &'a str>,
    common_annotations: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    group_key: &'a str,
    truncated_alerts: u64,
    /// The last two are not Alertmanager's, and readers of its body pass them over.
    subject: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    status: &'static str,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// The body of a notification for a target of this name. `external_url` is where this host is found; empty if nobody said so.
pub(super) fn body(
    receiver: &str,
    external_url: &str,
    notification: &Notification,
    message: &Message,
) -> Vec<u8> {
    let alerts = &notification.alerts;
    let fires = alerts.iter().any(|alert| alert.status == Status::Firing);
    let body = Body {
        receiver,
        status: if fires { "firing" } else { "resolved" },
        alerts: alerts.iter().map(Alert::of).collect(),
        group_labels: &notification.group_labels,
        common_labels: common(alerts.iter().map(|alert| &alert.labels)),
        common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
        external_url,
        version: "4",
        group_key: &notification.group_key,
        truncated_alerts: notification.left_out,
        subject: &message.subject,
        message: &message.text,
    };
    // Maps of texts have nothing that JSON could not write.
    serde_json::to_vec(&body).unwrap_or_default()
}

impl<'a> Alert<'a> {
    fn of(alert: &'a NotifiedAlert) -> Alert<'a> {
        Alert {
            status: match alert.status {
                Status::Firing => "firing",
                Status::Resolved => "resolved",
            },
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: time(alert.started_ms),
            ends_at: alert.ended_ms.map_or_else(|| NO_TIME.to_owned(), time),
            generator_url: "",
            fingerprint: fingerprint(&alert.labels),
        }
    }
}

/// A time as Go writes it.
pub(super) fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| NO_TIME.to_owned(), |time| time.to_string())
}

/// By what an alert is the same to Alertmanager: a hash of its labels in order.
pub fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let bytes = labels.iter().flat_map(|(name, value)| [name, value]);
    let hash = fnv1a(bytes.flat_map(|text| text.bytes().chain([0xff])));
    format!("{hash:016x}")
}

/// What all of these maps have in common.
fn common<'a>(mut maps: impl Iterator<Item = &'a BTreeMap<String, String>>) -> BTreeMap<&'a str, &'a str> {
    let Some(first) = maps.next() else { return BTreeMap::new() };
    let mut common: BTreeMap<&str, &str> =
        first.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for map in maps {
        common.retain(|name, value| map.get(*name).is_some_and(|other| other == value));
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::send::stage::{notification, resolved};

    #[test]
    fn the_body_is_that_of_alertmanager() {
        let mut notification = notification(&["disk", "load"]);
        notification.alerts[1] = resolved(notification.alerts[1].clone());
        notification.left_out = 3;
        let message = Message { subject: "s".into(), text: "t".into(), svg: None };
        let written = body("hook", "http://x/", &notification, &message);
        let read: serde_json::Value = serde_json::from_slice(&written).unwrap();
        let expected = serde_json::json!({
            "receiver": "hook", "status": "firing", "version": "4", "groupKey": "{}:{host=\"web\"}",
            "truncatedAlerts": 3, "externalURL": "http://x/", "subject": "s", "message": "t",
            "groupLabels": { "host": "web" },
            "commonLabels": { "host": "web", "severity": "critical" },
            "commonAnnotations": { "summary": "it is full" },
            "alerts": [
                { "status": "firing", "startsAt": "2026-11-22T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
                  "generatorURL": "", "annotations": { "summary": "it is full" }, "fingerprint": "2bc2d5dd9cbc5a0e",
                  "labels": { "alertname": "disk", "check": "disk", "host": "web", "severity": "critical" } },
                { "status": "resolved", "startsAt": "2026-11-22T12:00:00Z", "endsAt": "2026-11-22T12:12:00Z",
                  "generatorURL": "", "annotations": { "summary": "it is full" }, "fingerprint": "b3c5e8b3cc0ba9b9",
                  "labels": { "alertname": "load", "check": "load", "host": "web", "severity": "critical" } },
            ],
        });
        let mut expected = expected;
        for index in 0..2 {
            expected["alerts"][index]["fingerprint"] = fingerprint(&notification.alerts[index].labels).into();
        }
        assert_eq!(read, expected);
        notification.alerts.remove(0);
        let written = body("hook", "", &notification, &message);
        let read: serde_json::Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(read["status"], "resolved");
    }

    /// By Alertmanager 0.25 itself, for an alert with these labels.
    #[test]
    fn a_fingerprint_is_that_of_alertmanager() {
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(fingerprint(&BTreeMap::new()), "cbf29ce484222325");
        let one: BTreeMap<String, String> = labels(&[("alertname", "HighLoad"), ("host", "web")]);
        assert_eq!(fingerprint(&one), "7d714d4919d6663c");
    }
}
