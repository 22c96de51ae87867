//! The store, followed: of what it has only what is new is read.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use custos_query::latest_runs;
use custos_store::{IDENTITY_NAME, Position, Reader};

use super::asker::{News, names};
use super::check::{Check, Muted};
use super::model::{AgentView, Model};
use super::story::{Asked, Story};
use crate::cli::read::{Failure, chain, store_error};
use crate::cli::status::{Defined, StatusRow};
use crate::config::{AGENT_CHECK, Config};
use crate::limits::{TOP_CATCH_UP_RUNS, TOP_RECENT, TOP_RECENT_READ_MAX, TOP_RECENT_RUNS_MAX};
use crate::notify::{NotifyReport, Quiet};
use crate::text::local_time::local_time;

use super::recent::Recent;

/// The store, and what is defined.
pub(super) struct Source {
    store: PathBuf,
    reader: Reader,
    /// Where it was when it was looked at last, by which it is known whether it may be another one now.
    place: Option<Place>,
    config: Option<Config>,
    /// Up to where the checks know all runs.
    position: Position,
    /// The checks of the agent, once it has answered.
    of_agent: Option<BTreeSet<String>>,
    /// Whether the checks that there are may be others than before.
    is_stale: bool,
}

/// A directory, and the file in it that is made with a store and never written again: device and number of each.
type Place = [(u64, u64); 2];

fn place(store: &Path) -> Option<Place> {
    let of = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    Some([of(store)?, of(&store.join(IDENTITY_NAME))?])
}

impl Source {
    pub(super) fn open(store: &Path, config: Option<Config>) -> Result<Source, Failure> {
        let reader = Reader::open(store).map_err(|error| {
            let why = store_error(store, &error);
            Failure::new(format!("failed to open the store {}: {why}", store.display()))
        })?;
        let (position, place) = (reader.end(), place(store));
        let store = store.to_owned();
        Ok(Source { store, reader, place, config, position, of_agent: None, is_stale: true })
    }

    /// Takes in what has been stored since.
    ///
    /// # Errors
    /// What cannot be read; the rest is there.
    pub(super) fn refresh(&mut self, model: &mut Model) -> Result<(), String> {
        self.look_for_another(model)?;
        self.reader.refresh_log().map_err(|error| format!("failed to read the store: {}", chain(&error)))?;
        let mut damage = Ok(());
        let end = self.reader.end();
        if end < self.position || end.0 - self.position.0 > TOP_CATCH_UP_RUNS {
            // Another store, or one that was not looked at for long: nothing that was known helps.
            model.checks.clear();
            self.is_stale = true;
        } else if end > self.position {
            for arrived in self.reader.since(self.position) {
                match arrived {
                    Ok(arrived) => match model.check_mut(&arrived.check) {
                        Some(check) => check.take(&arrived.run),
                        None => self.is_stale |= self.of_agent.is_none() || *arrived.check == *AGENT_CHECK,
                    },
                    Err(error) => damage = Err(format!("failed to read the store: {}", chain(&error))),
                }
            }
        }
        self.position = end;
        if std::mem::take(&mut self.is_stale) {
            for name in model.keep(&self.names()) {
                let row = StatusRow::from_store(&self.reader, &name, None);
                let cpu_us = latest_runs(&self.reader, &name).flatten().next().and_then(|run| run.cpu_us);
                model.add(Check { cpu_us, ..Check::new(row) });
            }
        }
        damage
    }

    /// Goes on with another store, if there is one in the place of this one by now: a reader goes on with the files that it has.
    fn look_for_another(&mut self, model: &mut Model) -> Result<(), String> {
        let place = place(&self.store);
        if place.is_some() && place == self.place {
            return Ok(());
        }
        let reader = Reader::open(&self.store).map_err(|error| {
            format!("failed to open the store anew: {}", store_error(&self.store, &error))
        })?;
        self.place = place;
        if reader.identity() != self.reader.identity() {
            (self.reader, self.is_stale) = (reader, true);
            self.position = self.reader.end();
            model.checks.clear();
            model.story = None;
        }
        Ok(())
    }

    /// The checks that there are.
    fn names(&self) -> BTreeSet<String> {
        let is_running = self.of_agent.is_some();
        let stored = Defined::of(self.config.as_ref(), is_running).stored_names(&self.reader, |_| false);
        let mut names: BTreeSet<String> = stored.into_iter().collect();
        match &self.of_agent {
            Some(of_agent) => names.extend(of_agent.iter().cloned()),
            None => names.extend(self.config.iter().flat_map(|config| config.checks.keys().cloned())),
        }
        names
    }

    /// Takes in what is heard of the agent.
    pub(super) fn hear(&mut self, news: News, model: &mut Model) {
        let now_ms = model.now_ms();
        match news {
            News::Answered(said) => return model.answered(said),
            News::Why(check, told) => return model.told_why(&check, told),
            News::Gone(why) => {
                model.agent = AgentView::Gone(why);
                model.trouble.clear();
                model.set_silences(None);
                model.checks.iter_mut().for_each(Check::forget_schedule);
            }
            News::Agent(status, report) => {
                model.agent = AgentView::Runs { pid: status.pid, started_ms: status.started_ms };
                let findings = |part: &crate::part::Part| {
                    part.findings
                        .iter()
                        .map(|finding| format!("{}: {}", part.name, finding.text()))
                        .collect::<Vec<_>>()
                };
                model.trouble = status.parts.iter().flat_map(findings).collect();
                let names: BTreeSet<String> = names(&status).map(str::to_owned).collect();
                if self.of_agent.as_ref() != Some(&names) {
                    self.of_agent = Some(names);
                    self.is_stale = true;
                }
                for live in &status.rows {
                    if let Some(check) = model.check_mut(&live.check) {
                        check.take_live(live, now_ms);
                    }
                }
                if let Some(report) = report {
                    mute(model, &report);
                    let mut silences = report.silences;
                    silences.sort_by_key(|silence| (silence.until_ms, silence.id));
                    model.set_silences(Some(silences));
                }
            }
        }
        for check in &mut model.checks {
            check.row.outside_period = None;
            let defined = self.config.as_ref().and_then(|config| config.checks.get(&check.row.check));
            if let Some(defined) = defined {
                check.row.add_period(defined, now_ms);
                check.row.max_check_attempts.get_or_insert(defined.max_check_attempts);
            }
        }
    }

    /// Reads the last minutes of checks that are shown and do not have them yet.
    pub(super) fn read_recent(&self, model: &mut Model, shown: &[String]) {
        let since_ms = model.now_ms().saturating_sub(TOP_RECENT.as_millis() as i64);
        let mut read = 0;
        for name in shown {
            let Some(check) = model.check_mut(name).filter(|check| check.recent.is_none()) else { continue };
            if read == TOP_RECENT_READ_MAX {
                return;
            }
            read += 1;
            let newest = self.reader.runs_rev(name, since_ms..i64::MAX).take(TOP_RECENT_RUNS_MAX);
            let mut runs: Vec<_> = newest.flatten().collect();
            runs.reverse();
            let thresholds = self.config.as_ref().and_then(|config| config.checks.get(name));
            let is_judged = |label: &str| {
                thresholds
                    .is_some_and(|check| check.thresholds.iter().any(|threshold| threshold.is_for(label)))
            };
            let metrics = runs.iter().rev().map(|run| &run.metrics).find(|metrics| !metrics.is_empty());
            let mut recent = metrics.map_or_else(Recent::of_states, |metrics| Recent::of(metrics, is_judged));
            runs.iter().for_each(|run| recent.take(run));
            check.recent = Some(recent);
        }
    }

    /// Reads what is shown of the check that is open.
    pub(super) fn read_story(&self, model: &mut Model, width: usize) {
        let before = model.story.take();
        let Some((name, span_ms)) = model.open() else { return };
        let Some(check) = model.check(name) else { return };
        let asked = Asked {
            check,
            now_ms: model.now_ms(),
            zone: model.now.time_zone(),
            span_ms,
            width,
            glyphs: model.glyphs,
        };
        let story: Story = asked.read(&self.reader, self.config.as_ref(), before);
        model.story = Some(story);
    }
}

/// Notes of whom nobody is told, and why.
fn mute(model: &mut Model, report: &NotifyReport) {
    let zone = model.now.time_zone().clone();
    let now_ms = model.now_ms();
    let quiet = Quiet::new(report.acks.clone(), report.silences.clone());
    let host = model.host.clone();
    let because = |author: &str, comment: &str| match comment {
        "" => format!("by {author}"),
        comment => format!("by {author}: {comment}"),
    };
    for check in &mut model.checks {
        let held = quiet.of(&host, &check.row.check, || None, now_ms);
        let ack = held.acknowledged.first().map(|ack| {
            let since = local_time(ack.at_ms, &zone);
            Muted::Acked(format!("since {since} {}", because(&ack.remark.author, &ack.remark.comment)))
        });
        let silence = held.silenced.first().map(|silence| {
            let until = local_time(silence.until_ms, &zone);
            let because = because(&silence.remark.author, &silence.remark.comment);
            Muted::Silenced(format!("number {} until {until} {because}", silence.id))
        });
        check.muted = ack.or(silence);
    }
}
