//! Reads the configuration again, on a thread of its own: files, MIB names and the histories of new checks take time,
//! and plugins must start meanwhile.
//!
//! Invariant: one reading at a time. A SIGHUP during it causes another reading after it, which sees what changed since.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::history::read_some;
use super::lost_rules::LostRules;
use super::normal::{self, Normal};
use super::settings::Source;
use super::trap_receiver::{Reception, reception};
use crate::agent::History;
use crate::clock::{self, Moment, micros};
use crate::config::Config;
use crate::execute::TableRows;
use crate::feed::sink;
use crate::http;
use crate::limits::RELOAD_LONG;
use crate::nrpe::listener::Settings;
use crate::part::Part;
use crate::text::human;

/// All that a reload needs.
pub(super) struct Reloaded {
    pub(super) config: Config,
    /// Settings of the NRPE listener, if NRPE is to be served.
    pub(super) settings: Option<Settings>,
    /// Settings of the HTTP server, if queries are to be answered, or why they cannot be used.
    pub(super) http: Result<Option<http::Settings>, String>,
    /// What is delivered, or why that cannot be read.
    pub(super) sinks: Result<Option<sink::Settings>, String>,
    /// How traps are received, if they are.
    pub(super) reception: Option<Reception>,
    /// Histories of the checks that are new.
    pub(super) histories: Vec<History>,
    /// What is normal, by checks whose thresholds follow that.
    pub(super) normal: Normal,
    /// What was noted of the rows of their tables.
    pub(super) rows: TableRows,
    /// Rules of rule files that are no longer there, if any are not.
    pub(super) lost_rules: Option<LostRules>,
}

/// Receives what was read; ends without a result if the thread panicked.
pub(super) type Reading = oneshot::Receiver<Result<Box<Reloaded>, String>>;

/// Whether a reload is under way, and the result of the last one.
#[derive(Debug, Default)]
pub(super) struct Reload {
    since: Option<Moment>,
    /// Another SIGHUP came during the reading.
    again: bool,
    /// Why the last reload was refused; the configuration before it is in force.
    refused: Option<String>,
    /// What the last reload that was taken says of rule files that have no rule any more.
    lost_rules: Option<String>,
}

impl Reload {
    /// Notes that a reload is wanted. Returns whether to begin with it now.
    pub(super) fn wanted(&mut self, now: Moment) -> bool {
        if self.since.is_some() {
            self.again = true;
            return false;
        }
        self.since = Some(now);
        true
    }

    /// Notes that the reload is over, and why it was refused if it was. Returns whether another is wanted.
    pub(super) fn ended(&mut self, refused: Option<String>) -> bool {
        (self.since, self.refused) = (None, refused);
        std::mem::take(&mut self.again)
    }

    /// A reload is taken that takes these rules away.
    pub(super) fn taken(&mut self, lost: Option<LostRules>) {
        self.lost_rules = lost.and_then(|lost| lost.of_files());
    }

    /// The health of reloads: the last one, and the one under way.
    pub(super) fn part(&self, now: Moment) -> Part {
        let mut part = Part::new("reload");
        if let Some(why) = &self.refused {
            part.warning(format!("the configuration was not reloaded: {why}"));
        }
        if let Some(lost) = &self.lost_rules {
            part.warning(lost);
        }
        let since_us = self.since.map_or(0, |since| now.mono_us.saturating_sub(since.mono_us));
        if since_us >= micros(RELOAD_LONG) {
            let so_long = human::duration_ms((since_us / 1000) as i64);
            part.warning(format!("reading the configuration again has taken {so_long} so far"));
        }
        part
    }
}

/// Begins to read everything again on a thread. `current` is the configuration in force.
pub(super) fn begin(source: &Source, current: &Arc<Config>) -> Reading {
    let (send, reading) = oneshot::channel();
    let (source, current) = (source.clone(), Arc::clone(current));
    let work = move || {
        // The event loop may have ended.
        let _ = send.send(read(&source, &current));
    };
    // Without a thread the sender is dropped, which counts as a refusal.
    if let Err(error) = std::thread::Builder::new().name("custos-reload".to_owned()).spawn(work) {
        tracing::error!("failed to start a thread: {error}");
    }
    reading
}

fn read(source: &Source, current: &Config) -> Result<Box<Reloaded>, String> {
    let mut config = source.read_config(current)?;
    let settings = source.nrpe_settings(&config).map_err(|error| {
        tracing::error!("the configuration is not reloaded: {error}");
        error.to_string()
    })?;
    if config.store != current.store {
        let wanted = config.store.display();
        tracing::warn!("the store stays at {}; {wanted} takes a restart", current.store.display());
        config.store.clone_from(&current.store);
    }
    let lost_rules = LostRules::between(current, &config);
    if let Some(lost) = &lost_rules {
        tracing::warn!("{}", lost.text());
    }
    let http = http::Settings::of(&config);
    let sinks = sink::Settings::of(&config);
    let reception = reception(&config, clock::now());
    let new = |name: &str| config.checks.contains_key(name) && !current.checks.contains_key(name);
    let histories = if config.checks.keys().any(|name| new(name)) {
        read_some(&config, new).histories
    } else {
        Vec::new()
    };
    let normal = normal::read_all(&config, clock::now().wall_ms);
    let rows = config.checks.values().filter(|check| new(&check.name)).map(|check| &**check);
    let rows = TableRows::read(&config.store, rows);
    Ok(Box::new(Reloaded { config, settings, http, sinks, reception, histories, normal, rows, lost_rules }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use custos_store::State;

    fn at(s: u64) -> Moment {
        Moment { mono_us: s * 1_000_000, wall_ms: 0 }
    }

    #[test]
    fn rule_files_without_rules_are_a_warning_until_the_next_reload() {
        let mut reload = Reload::default();
        let some = LostRules::of([("A", None)]);
        let file = LostRules::of([("A", Some("/etc/r.yml"))]);
        for (lost, state) in [(some, State::Ok), (file, State::Warning), (None, State::Ok)] {
            reload.taken(lost);
            assert_eq!(reload.part(at(1)).state(), state);
        }
    }

    #[test]
    fn signals_during_a_reload_cause_one_more_after_it() {
        let mut reload = Reload::default();
        assert!(reload.wanted(at(1)));
        assert!(!reload.wanted(at(2)) && !reload.wanted(at(3)));
        assert!(reload.ended(None));
        assert!(reload.wanted(at(4)));
        assert!(!reload.ended(None));
    }

    #[test]
    fn a_refused_reload_is_a_warning_until_one_is_taken_and_so_is_one_that_does_not_end() {
        let mut reload = Reload::default();
        reload.wanted(at(1));
        assert_eq!(reload.part(at(2)).state(), State::Ok);
        let long = reload.part(at(1).after(RELOAD_LONG));
        assert_eq!((long.state(), long.findings.len()), (State::Warning, 1));
        reload.ended(Some("2 mistakes".to_owned()));
        let refused = reload.part(at(100_000));
        assert_eq!(refused.findings[0].text(), "the configuration was not reloaded: 2 mistakes");
        reload.wanted(at(100_001));
        reload.ended(None);
        assert_eq!(reload.part(at(100_002)).state(), State::Ok);
    }
}
