//! Alertmanagers, by version 2 of their API: each is sent every alert, as they deduplicate among themselves.
//!
//! An alert that fires is sent with an end in the future, which is moved on with each time that it is sent again: so one of a
//! host that died ends by itself. An Alertmanager keeps the valid alerts of a batch and refuses the batch all the same, so that
//! after a refusal each is sent alone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde::Serialize;
use tokio::task::JoinSet;

use super::body::time;
use super::http::{self, Endpoint};
use super::receipt::{Failure, Receipt, Taken};
use crate::limits::NOTIFY_RETRY_MAX;
use crate::notify::{Notification, NotifiedAlert};

/// An alert is over unless it is sent again within so many times of the interval in which that is done, or of the longest wait after a
/// failure.
const RESENDS_MISSED_MAX: u32 = 4;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    labels: BTreeMap<Cow<'a, str>, &'a str>,
    annotations: BTreeMap<Cow<'a, str>, &'a str>,
    starts_at: String,
    ends_at: String,
}

/// Sends a notification to Alertmanagers. Each alert is delivered when each of them has it.
pub(super) async fn send(
    endpoints: &[Endpoint],
    resend: Duration,
    notification: &Notification,
    now_ms: i64,
) -> Receipt {
    let alerts: Arc<[String]> =
        notification.alerts.iter().map(|alert| written(alert, resend, now_ms)).collect();
    let mut sent = JoinSet::new();
    for endpoint in endpoints {
        let base = endpoint.url.trim_end_matches('/');
        let endpoint = Endpoint { url: format!("{base}/api/v2/alerts"), ..endpoint.clone() };
        sent.spawn(send_to_one(endpoint, Arc::clone(&alerts)));
    }
    let mut all = Receipt::all(alerts.len(), Taken::Delivered);
    while let Some(receipt) = sent.join_next().await {
        let failed = || Receipt::all(alerts.len(), Taken::Later("the task that sends it failed".to_owned()));
        all = all.and(receipt.unwrap_or_else(|_| failed()));
    }
    all
}

async fn send_to_one(endpoint: Endpoint, alerts: Arc<[String]>) -> Receipt {
    match post(&endpoint, &alerts).await {
        Err(Failure::Permanent(_)) if alerts.len() > 1 => {
            let mut receipt = Receipt { alerts: Vec::new() };
            for alert in alerts.iter() {
                let result = post(&endpoint, std::slice::from_ref(alert)).await;
                receipt.alerts.push(Taken::from(result));
            }
            receipt
        }
        result => Receipt::of(alerts.len(), result),
    }
}

async fn post(endpoint: &Endpoint, alerts: &[String]) -> Result<(), Failure> {
    let body = format!("[{}]", alerts.join(","));
    let reply = http::post(endpoint, "application/json", body.into_bytes()).await?;
    match reply.status {
        // What else is wrong with a request is so for every alert.
        StatusCode::BAD_REQUEST => reply.accepted(),
        _ => reply.accepted().map_err(|failure| match failure {
            Failure::Permanent(why) | Failure::Temporary(why) => Failure::Temporary(why),
        }),
    }
}

fn written(alert: &NotifiedAlert, resend: Duration, now_ms: i64) -> String {
    // An address that failed is left alone for a while, which must not end what fires.
    let ahead_ms = resend.max(NOTIFY_RETRY_MAX).saturating_mul(RESENDS_MISSED_MAX).as_millis() as i64;
    let end_ms = alert.ended_ms.unwrap_or_else(|| now_ms.saturating_add(ahead_ms));
    let alert = Alert {
        labels: texts(&alert.labels),
        annotations: texts(&alert.annotations),
        starts_at: time(alert.started_ms),
        // One that ends before it starts is refused.
        ends_at: time(end_ms.max(alert.started_ms)),
    };
    // Maps of texts have nothing that JSON could not write.
    serde_json::to_string(&alert).unwrap_or_default()
}

fn texts(texts: &BTreeMap<String, String>) -> BTreeMap<Cow<'_, str>, &str> {
    let filled = texts.iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (escaped(name), value.as_str())).collect()
}

/// A name that versions before 0.27 accept. Others are escaped as Prometheus does: `U__` before it, each underscore twice, and
/// each character that may not stand there as its number between underscores.
fn escaped(name: &str) -> Cow<'_, str> {
    let fits = |(index, character): (usize, char)| {
        character == '_' || character.is_ascii_alphabetic() || index > 0 && character.is_ascii_digit()
    };
    if !name.is_empty() && name.char_indices().all(fits) {
        return Cow::Borrowed(name);
    }
    let mut escaped = String::from("U__");
    for pair in name.char_indices() {
        match pair {
            (_, '_') => escaped.push_str("__"),
            (_, character) if fits(pair) => escaped.push(character),
            (_, character) => escaped.push_str(&format!("_{:x}_", u32::from(character))),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::send::stage::{NOON, labels, notification, resolved};

    #[test]
    fn names_are_escaped_as_prometheus_does() {
        for (name, expected) in [
            ("severity", "severity"),
            ("_a1", "_a1"),
            ("a-b", "U__a_2d_b"),
            ("a.b/c_d", "U__a_2e_b_2f_c__d"),
            ("1a", "U___31_a"),
            ("größe", "U__gr_f6__df_e"),
            ("", "U__"),
        ] {
            assert_eq!(escaped(name), expected);
        }
    }

    #[test]
    fn an_alert_ends_in_the_future_while_it_fires() {
        let mut alert = notification(&["disk"]).alerts.remove(0);
        alert.labels = labels(&[("alertname", "disk"), ("a-b", "\"\u{1}"), ("empty", "")]);
        let read = |alert| -> serde_json::Value {
            serde_json::from_str(&written(&alert, Duration::from_secs(60), NOON + 30_000)).unwrap()
        };
        let expected = serde_json::json!({
            "labels": { "alertname": "disk", "U__a_2d_b": "\"\u{1}" },
            "annotations": { "summary": "it is full" },
            "startsAt": "2026-11-22T12:00:00Z",
            "endsAt": "2026-11-22T12:04:30Z",
        });
        assert_eq!(read(alert.clone()), expected);
        let over = resolved(alert);
        assert_eq!(read(over.clone())["endsAt"], "2026-11-22T12:12:00Z");
        let never = NotifiedAlert { ended_ms: Some(NOON - 1), ..over };
        assert_eq!(read(never)["endsAt"], "2026-11-22T12:00:00Z");
    }
}
