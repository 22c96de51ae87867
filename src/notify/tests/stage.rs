//! A notifier with a configuration, a clock and receivers that do as they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Run, Standing, State};

use crate::clock::Moment;
use crate::config::{Config, Medium, Surroundings, load_with};
use crate::notify::send::Taken;
use crate::notify::{
    ACKS_NOTE, Effect, Note, Noted, Notification, Notifier, SILENCES_NOTE, Status, Telling, receiver_names,
    target_note,
};

/// 2026-01-05 00:00 UTC, a Monday.
const START_MS: i64 = 1_767_571_200_000;

/// A message: its ticket, its target and what it says.
pub(super) type Message = (u64, String, Notification);

pub(super) struct Stage {
    pub(super) notifier: Notifier,
    pub(super) now: Moment,
    pub(super) config: Arc<Config>,
    /// Messages that wait for what becomes of them.
    pub(super) under_way: Vec<Message>,
    /// What is in the store.
    pub(super) noted: Noted,
    /// Whether the disk lets notes wait, and with them the messages that they have to precede.
    pub(super) slow_disk: bool,
    /// What waits for the disk: notes, each with its message.
    pub(super) unwritten: Vec<(Note, Option<Message>)>,
    pub(super) tried: Vec<(u64, Result<(), String>)>,
    /// What is in the store of who was told.
    pub(super) kept: Vec<Telling>,
    /// The Alertmanagers of each message, by its ticket.
    pub(super) urls: BTreeMap<u64, Vec<String>>,
}

pub(super) fn config(text: &str) -> Arc<Config> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    std::fs::write(&path, text).unwrap();
    let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: jiff::tz::TimeZone::UTC };
    match load_with(&path, &surroundings) {
        Ok(loaded) => Arc::new(loaded.config),
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// A configuration with one target that is told each alert of the checks `a` to `d`; `more` is of the section.
pub(super) fn one_target(target: &str, more: &str) -> String {
    let checks: String =
        ["a", "b", "c", "d"].map(|name| format!("  {name}: {{ command: /bin/true }}\n")).concat();
    format!("notify:\n  targets: {{ t: {{ {target} }} }}\n{more}checks:\n{checks}")
}

impl Stage {
    pub(super) fn new(text: &str) -> Stage {
        let config = config(text);
        let now = Moment { mono_us: 3_600_000_000, wall_ms: START_MS };
        let noted = Noted::default();
        let notifier = Notifier::new(Arc::clone(&config), &noted, now);
        Stage {
            notifier,
            now,
            config,
            under_way: Vec::new(),
            noted,
            slow_disk: false,
            unwritten: Vec::new(),
            tried: Vec::new(),
            kept: Vec::new(),
            urls: BTreeMap::new(),
        }
    }

    /// Kills the notifier with all that is not in the store, and starts another from the notes; `runs` are the last runs of checks.
    pub(super) fn restart(&mut self, runs: &[(&str, Run)]) {
        self.under_way.clear();
        self.unwritten.clear();
        self.notifier = Notifier::new(Arc::clone(&self.config), &self.noted, self.now);
        for (check, run) in runs {
            self.notifier.restored(check, run, self.now);
        }
        self.act();
    }

    pub(super) fn act(&mut self) {
        let mut effects = Vec::new();
        self.notifier.act(self.now, &mut effects);
        self.perform(effects);
    }

    pub(super) fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { ticket, target, notification, first } => {
                    assert!(!notification.alerts.is_empty());
                    if let Medium::Alertmanager(managers) = &target.medium {
                        self.urls.insert(ticket, managers.urls.clone());
                    }
                    let message = (ticket, target.name.clone(), *notification);
                    match first {
                        Some(note) => self.unwritten.push((note, Some(message))),
                        None => self.under_way.push(message),
                    }
                }
                Effect::Note(note) => self.unwritten.push((note, None)),
                Effect::Keep(told) => self.kept.push(*told),
                Effect::Tried { asker, result } => self.tried.push((asker, result)),
            }
        }
        if !self.slow_disk {
            self.write();
        }
    }

    /// The disk takes what waits for it; the messages that waited are under way.
    pub(super) fn write(&mut self) {
        for (Note { name, text }, message) in std::mem::take(&mut self.unwritten) {
            let text = text.encode();
            match name.as_str() {
                SILENCES_NOTE => self.noted.silences = text.into_bytes(),
                ACKS_NOTE => self.noted.acks = text.into_bytes(),
                _ => {
                    let receivers = receiver_names(&self.config);
                    let receiver = receivers.into_iter().find(|receiver| target_note(receiver) == name);
                    self.noted.targets.insert(receiver.unwrap_or(name), text.into_bytes());
                }
            }
            self.under_way.extend(message);
        }
    }

    /// A run of that state, hard, since now.
    pub(super) fn run(&self, state: State) -> Run {
        Run {
            time_ms: self.now.wall_ms,
            state,
            plugin_state: state,
            text: format!("{} it is", state.name()),
            standing: Standing { hard: true, attempt: 1, since_ms: self.now.wall_ms, ..Standing::default() },
            ..Run::default()
        }
    }

    /// The check has a run of that state, hard, now.
    pub(super) fn ran(&mut self, check: &str, state: State) {
        let run = self.run(state);
        self.ran_as(check, &run);
    }

    pub(super) fn ran_as(&mut self, check: &str, run: &Run) {
        self.notifier.ran(check, run, None, self.now);
        self.act();
    }

    /// Lets time pass, with all that is due in it.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(wake_us) = self.notifier.next_wake_us().filter(|wake| *wake <= end.mono_us) {
            let wait = wake_us.saturating_sub(self.now.mono_us).max(1);
            self.now = self.now.after(Duration::from_micros(wait.next_multiple_of(1000)));
            if self.now.mono_us > end.mono_us {
                break;
            }
            self.act();
        }
        self.now =
            Moment { mono_us: self.now.mono_us.max(end.mono_us), wall_ms: self.now.wall_ms.max(end.wall_ms) };
        self.act();
    }

    /// All messages that are under way end like this.
    pub(super) fn end(&mut self, outcome: &Taken) {
        for (ticket, _, notification) in std::mem::take(&mut self.under_way) {
            let outcomes = vec![outcome.clone(); notification.alerts.len()];
            let mut effects = Vec::new();
            self.notifier.sent(ticket, &outcomes, self.now, &mut effects);
            self.perform(effects);
        }
        self.act();
    }

    /// What is under way, in short; it is acknowledged: `t: a CRITICAL*, b resolved*`, with `*` for news.
    pub(super) fn told(&mut self) -> Vec<String> {
        let told = self
            .under_way
            .iter()
            .map(|(_, target, notification)| format!("{target}: {}", short(notification)));
        let told = told.collect();
        self.end(&Taken::Delivered);
        told
    }
}

/// A message in short.
pub(super) fn short(notification: &Notification) -> String {
    let alerts = notification.alerts.iter().map(|alert| {
        let state = if alert.status == Status::Resolved { "resolved" } else { alert.state.name() };
        format!("{} {state}{}", alert.labels["check"], if alert.news { "*" } else { "" })
    });
    alerts.collect::<Vec<_>>().join(", ")
}

/// So many seconds.
pub(super) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
