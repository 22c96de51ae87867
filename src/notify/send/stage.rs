//! Notifications to try media with.

use std::collections::BTreeMap;

use custos_store::State;

use crate::notify::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};

/// 2026-11-22 12:00 UTC.
pub(crate) const NOON: i64 = 1_795_348_800_000;

/// Alerts that fire, one of each check.
pub(crate) fn notification(checks: &[&str]) -> Notification {
    Notification {
        group_key: "{}:{host=\"web\"}".into(),
        group_labels: labels(&[("host", "web")]),
        why: Why::News,
        alerts: checks.iter().map(|check| alert(check)).collect(),
        left_out: 0,
        at_ms: NOON + 30_000,
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(check: &str) -> NotifiedAlert {
    let pairs = [("alertname", check), ("check", check), ("host", "web"), ("severity", "critical")];
    NotifiedAlert {
        status: Status::Firing,
        news: true,
        labels: labels(&pairs),
        annotations: labels(&[("summary", "it is full")]),
        state: State::Critical,
        started_ms: NOON,
        ended_ms: None,
        check: NotifiedCheck {
            name: check.to_owned(),
            state: State::Critical,
            hard: true,
            attempt: 3,
            max_attempts: 3,
            previous_state: State::Ok,
            since_ms: NOON,
            run_ms: NOON + 20_000,
            duration_us: 12_345,
            lateness_us: 1500,
            text: "DISK CRITICAL - free space: / 3%".into(),
            verdict: "DISK CRITICAL - free space: / 3%".into(),
            own: "".into(),
            long_text: "first\nsecond".into(),
            judgement: "/ 97% above critical 95%".into(),
            perfdata: "/=97%;90;95".into(),
            metric: Some(format!("{check}:/")),
            gone: false,
        },
        relabelled: false,
        others_go_on: false,
    }
}

/// The same alert twelve minutes later, when it is over.
pub(crate) fn resolved(alert: NotifiedAlert) -> NotifiedAlert {
    let check = NotifiedCheck {
        state: State::Ok,
        previous_state: State::Critical,
        attempt: 1,
        since_ms: NOON + 720_000,
        run_ms: NOON + 720_000,
        text: "DISK OK".into(),
        verdict: "DISK OK".into(),
        judgement: "".into(),
        ..alert.check
    };
    NotifiedAlert { status: Status::Resolved, ended_ms: Some(NOON + 720_000), check, ..alert }
}
