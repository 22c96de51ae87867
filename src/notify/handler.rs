//! Event handlers: commands that are run at each change of a check's state, soft ones too.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use custos_store::State;

use super::alert::LabelSet;
use super::notification::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
use crate::clock::Moment;
use crate::config::{GraphStyle, Matchers, Medium, Target};
use crate::limits::{NOTIFY_HANDLERS_MAX, NOTIFY_RESEND};

/// What has to be run, and what is running.
#[derive(Debug, Default)]
pub(super) struct Handlers {
    wanted: VecDeque<Wanted>,
    /// The checks whose handlers run: those of one check run one after the other.
    running: BTreeSet<String>,
    /// Handlers that ended well, that failed, and that were not run because too many were running.
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) dropped: u64,
    /// Why one failed last, with its check.
    pub(super) last_error: Option<(String, String)>,
}

/// A handler to be run.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) check: String,
    pub(super) target: Arc<Target>,
    pub(super) notification: Box<Notification>,
}

impl Handlers {
    /// Has the handler of a check run for a change.
    pub(super) fn want(&mut self, argv: &[String], host: &str, about: NotifiedCheck, now: Moment) {
        if self.running.len() + self.wanted.len() >= NOTIFY_HANDLERS_MAX {
            self.dropped += 1;
            return;
        }
        let target = Target {
            name: "on_change".to_owned(),
            medium: Medium::Command(argv.to_vec()),
            matchers: Matchers::default(),
            states: State::ALL.to_vec(),
            send_resolved: true,
            hours: None,
            graph: GraphStyle::None,
            resend: NOTIFY_RESEND,
        };
        let check = about.name.clone();
        let notification = Box::new(notification(host, about, now));
        self.wanted.push_back(Wanted { check, target: Arc::new(target), notification });
    }

    /// Whether none can be run now.
    pub(super) fn is_idle(&self) -> bool {
        self.wanted.iter().all(|wanted| self.running.contains(&wanted.check))
    }

    /// Takes out what is to be run now.
    pub(super) fn take(&mut self) -> Vec<Wanted> {
        let mut now = Vec::new();
        for wanted in std::mem::take(&mut self.wanted) {
            if self.running.insert(wanted.check.clone()) {
                now.push(wanted);
            } else {
                self.wanted.push_back(wanted);
            }
        }
        now
    }

    /// Takes in that one ended, and why it failed.
    pub(super) fn ended(&mut self, check: &str, why: Option<String>) {
        self.running.remove(check);
        match why {
            None => self.done += 1,
            Some(why) => {
                self.failed += 1;
                self.last_error = Some((check.to_owned(), why));
            }
        }
    }
}

fn notification(host: &str, about: NotifiedCheck, now: Moment) -> Notification {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let firing = about.state != State::Ok;
    let labels = LabelSet::from([
        label("alertname", &about.name),
        label("host", host),
        label("check", &about.name),
        label("severity", &about.state.name().to_ascii_lowercase()),
    ]);
    let alert = NotifiedAlert {
        status: if firing { Status::Firing } else { Status::Resolved },
        news: true,
        labels,
        annotations: LabelSet::from([label("summary", &about.verdict)]),
        state: if firing { about.state } else { about.previous_state },
        started_ms: about.since_ms,
        ended_ms: (!firing).then_some(about.run_ms),
        check: about,
        relabelled: false,
        others_go_on: false,
    };
    Notification {
        group_key: format!("on_change:{}", alert.check.name),
        group_labels: LabelSet::from([label("check", &alert.check.name)]),
        why: Why::News,
        alerts: vec![alert],
        left_out: 0,
        at_ms: now.wall_ms,
    }
}
