//! Messages that are about nothing that happened: trials and heartbeats.

use custos_store::State;

use super::alert::LabelSet;
use super::notification::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
use crate::clock::Moment;
use crate::config::AGENT_CHECK;

/// A message that tries a target.
pub(super) fn trial(host: &str, now: Moment) -> Notification {
    let text = "This is a trial, asked for by `custos notify test`. Nothing is wrong.";
    message(Why::Trial, "CustosTrial", host, text, now)
}

/// A message that says that the agent lives.
pub(super) fn heartbeat(host: &str, now: Moment) -> Notification {
    message(Why::Heartbeat, "CustosHeartbeat", host, "The agent runs.", now)
}

fn message(why: Why, name: &str, host: &str, text: &str, now: Moment) -> Notification {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = LabelSet::from([
        label("alertname", name),
        label("host", host),
        label("check", AGENT_CHECK),
        label("severity", "none"),
    ]);
    let check = NotifiedCheck {
        name: AGENT_CHECK.to_owned(),
        state: State::Ok,
        hard: true,
        attempt: 1,
        max_attempts: 1,
        since_ms: now.wall_ms,
        run_ms: now.wall_ms,
        text: text.into(),
        verdict: text.into(),
        ..NotifiedCheck::default()
    };
    let alert = NotifiedAlert {
        status: Status::Firing,
        news: true,
        labels,
        annotations: LabelSet::from([label("summary", text)]),
        state: State::Ok,
        started_ms: now.wall_ms,
        ended_ms: None,
        check,
        relabelled: false,
        others_go_on: false,
    };
    Notification {
        group_key: format!("{name}:{host}"),
        group_labels: LabelSet::from([label("alertname", name)]),
        why,
        alerts: vec![alert],
        left_out: 0,
        at_ms: now.wall_ms,
    }
}
