//! One host: the connection to its agent, its clock, and the checks and expressions that are watched there.

use custos_query::RunJson;

use super::answered::Answered;
use super::held::{Held, Standing};
use super::offset::{Asked, Offset, Offsets};
use super::states::Stands;
use super::target::{Kind, Site, Target};
use crate::clock::Moment;
use crate::config::Threshold;
use crate::live::LiveLine;
use crate::text::printable;

/// What happens on the way to a host.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection is begun.
    Connecting,
    /// A line has come, without its end.
    Line(String),
    /// The other host was asked for its time.
    Clock(Asked),
    /// The connection has failed, and is tried again after so many ms.
    Failed {
        /// Why.
        why: String,
        /// When it is tried again (ms from now).
        again_ms: u64,
    },
}

/// The connection to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Live,
    Lost {
        why: String,
        /// When it is tried again, by the clock that never jumps (µs).
        again_us: u64,
    },
}

/// A host.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) site: Site,
    pub(super) label: String,
    targets: Vec<Target>,
    pub(super) checks: Vec<Held>,
    /// What may be an expression.
    queries: Vec<Answered>,
    /// What cannot be watched, with the reason.
    missing: Vec<(String, String)>,
    pub(super) link: Link,
    offsets: Offsets,
    /// Lines that were left out because they were not taken in time.
    pub(super) dropped: u64,
    /// Lines that could not be read.
    pub(super) unreadable: u64,
}

impl Host {
    pub(super) fn new(site: Site) -> Host {
        let label = site.label();
        Host {
            site,
            label,
            targets: Vec::new(),
            checks: Vec::new(),
            queries: Vec::new(),
            missing: Vec::new(),
            link: Link::Connecting,
            offsets: Offsets::default(),
            dropped: 0,
            unreadable: 0,
        }
    }

    /// Has something more watched there.
    pub(super) fn want(&mut self, target: Target) {
        if self.targets.contains(&target) {
            return;
        }
        if target.kind != Kind::Check {
            let before = if self.is_here() { String::new() } else { format!("{}/", printable(&self.label)) };
            self.queries.push(Answered::new(&target.what, before));
        }
        self.targets.push(target);
    }

    /// How far its clock is ahead; `None` for this host, and as long as that is not known.
    pub(super) fn offset(&self) -> Option<Offset> {
        self.offsets.best()
    }

    pub(super) fn is_here(&self) -> bool {
        self.site == Site::Here
    }

    /// Takes in what has happened. There may be so many curves more.
    pub(super) fn apply(&mut self, event: Event, now: Moment, curves_free: &mut usize) {
        match event {
            Event::Connecting => {
                self.link = Link::Connecting;
                self.missing.clear();
                self.queries.iter_mut().for_each(|query| query.is_asked = false);
            }
            Event::Clock(asked) => self.offsets.add(&asked),
            Event::Failed { why, again_ms } => {
                let again_us = now.mono_us.saturating_add(again_ms.saturating_mul(1000));
                self.link = Link::Lost { why, again_us };
                self.offsets.forget();
            }
            Event::Line(line) => match serde_json::from_str(&line) {
                Ok(line) => self.line(line, now, curves_free),
                Err(_) => self.unreadable += 1,
            },
        }
    }

    fn line(&mut self, line: LiveLine<'_>, now: Moment, curves_free: &mut usize) {
        self.link = Link::Live;
        match line {
            LiveLine::Watching { check, interval_ms, note, .. } => {
                self.queries.iter_mut().for_each(|query| query.note(&check, &note));
                if let Some(held) = self.held(&check) {
                    held.watched(interval_ms, note.into_owned());
                }
            }
            LiveLine::Ended { check, why } => {
                self.queries.iter_mut().for_each(|query| query.note(&check, &why));
                // A host may say much of checks that nobody asked it for.
                let is_asked = self.is_asked(&check);
                let known = self.checks.iter_mut().find(|held| held.name == check);
                match known {
                    Some(held) => held.standing = Standing::Ended { why: why.into_owned() },
                    None if is_asked => {
                        self.missing.retain(|(known, _)| *known != check);
                        self.missing.push((check.into_owned(), why.into_owned()));
                    }
                    None => {}
                }
            }
            LiveLine::Run(run) => self.run(*run, curves_free),
            LiveLine::Time { now_ms, echo } => {
                // What was said is when it was said.
                let sent_us = echo.and_then(|echo| echo.parse().ok());
                if let Some(sent_us) = sent_us {
                    let (come_us, come_ms) = (now.mono_us, now.wall_ms);
                    self.offsets.add(&Asked { sent_us, come_us, come_ms, there_ms: (now_ms, now_ms) });
                }
            }
            LiveLine::Asking { query, checks, unit } => {
                if let Some(known) = self.query(&query) {
                    known.asked(&checks, &unit);
                }
            }
            LiveLine::Refused { query, why } => {
                if let Some(known) = self.query(&query) {
                    known.refused(&why);
                }
            }
            LiveLine::Answer(answer) => {
                if let Some(known) = self.query(&answer.query) {
                    known.take(&answer, curves_free);
                }
            }
            LiveLine::Dropped(count) => self.dropped = self.dropped.saturating_add(count),
        }
    }

    /// How much is held of what cannot be watched.
    #[cfg(test)]
    pub(super) fn missing_count(&self) -> usize {
        self.missing.len()
    }

    fn run(&mut self, run: RunJson<'_>, curves_free: &mut usize) {
        let Ok((check, run)) = run.into_run() else {
            self.unreadable += 1;
            return;
        };
        if let Some(held) = self.held(&check) {
            held.take(&run, curves_free);
        }
    }

    fn query(&mut self, text: &str) -> Option<&mut Answered> {
        self.queries.iter_mut().find(|query| query.text == text)
    }

    /// The expressions that are drawn: those that are no checks of the host.
    pub(super) fn answered(&self) -> impl Iterator<Item = &Answered> {
        self.queries.iter().filter(|query| !self.is_check(&query.text))
    }

    /// Whether what may be an expression is a check of the host, or a metric of one.
    fn is_check(&self, text: &str) -> bool {
        self.targets.iter().any(|target| target.what == text && self.meant(target).is_some())
    }

    fn is_asked(&self, check: &str) -> bool {
        self.targets.iter().any(|target| target.candidates().contains(&check))
    }

    /// What is held of a check; `None` if it was not asked for.
    fn held(&mut self, check: &str) -> Option<&mut Held> {
        if let Some(at) = self.checks.iter().position(|held| held.name == check) {
            return self.checks.get_mut(at);
        }
        let selectors: Vec<_> = self.targets.iter().filter_map(|target| target.selector(check)).collect();
        if selectors.is_empty() {
            return None;
        }
        let title = if self.is_here() { check.to_owned() } else { format!("{}/{check}", self.label) };
        self.checks.push(Held::new(check, title, selectors));
        self.checks.last_mut()
    }

    /// Has the thresholds of a check's definition drawn.
    pub(super) fn judge(&mut self, check: &str, thresholds: &[Threshold]) {
        if let Some(held) = self.held(check) {
            held.judged_by(thresholds);
        }
    }

    /// The check that a target means, of those that there are: the longest name counts.
    fn meant(&self, target: &Target) -> Option<&Held> {
        let named = |name: &&str| self.checks.iter().find(|held| held.name == *name);
        target.candidates().iter().find_map(named)
    }

    /// The checks that are drawn, in the order in which they were named.
    pub(super) fn drawn(&self) -> Vec<&Held> {
        let mut drawn: Vec<&Held> = Vec::new();
        for held in self.targets.iter().filter_map(|target| self.meant(target)) {
            if !drawn.iter().any(|known| known.name == held.name) {
                drawn.push(held);
            }
        }
        drawn
    }

    /// How the checks stand that are watched, at a time by its own clock; of those that are not known the name as it was given.
    pub(super) fn standings(&self, at_ms: i64) -> Vec<Stands> {
        let mut standings: Vec<Stands> = self.drawn().into_iter().map(|held| held.stands(at_ms)).collect();
        let unknown =
            self.targets.iter().filter(|target| target.kind == Kind::Check && self.meant(target).is_none());
        let before = if self.is_here() { String::new() } else { format!("{}/", self.label) };
        standings
            .extend(unknown.map(|target| Stands { title: format!("{before}{}", target.what), state: None }));
        standings
    }

    /// The checks that the agent is asked for: what a target may mean, until it is known.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut asked: Vec<String> = Vec::new();
        for target in &self.targets {
            let names = match self.meant(target) {
                Some(held) => vec![held.name.as_str()],
                None => target.candidates(),
            };
            for name in names {
                if !asked.iter().any(|known| known == name) {
                    asked.push(name.to_owned());
                }
            }
        }
        asked
    }

    /// Whether a check is watched that nothing is drawn of, as the name of another begins with its name, or an expression is
    /// answered that is a check.
    pub(super) fn has_too_many(&self) -> bool {
        self.checks.len() > self.drawn().len()
            || self.queries.iter().any(|query| query.is_asked && self.is_check(&query.text))
    }

    /// What there is to say of the checks: name and remark.
    pub(super) fn remarks(&self) -> Vec<(String, String)> {
        let mut remarks = Vec::new();
        for target in &self.targets {
            let remark = match self.meant(target) {
                Some(held) => held.remark().map(|remark| (held.name.clone(), remark)),
                None if target.kind != Kind::Check => {
                    let query = self.queries.iter().find(|query| query.text == target.what);
                    let of_query = query.map(Answered::remarks).unwrap_or_default();
                    // A host that knows nothing of expressions says that there is no check of that name.
                    let is_known = query.is_some_and(|query| query.is_asked) || !of_query.is_empty();
                    remarks.extend(of_query);
                    let unknown = || self.missing.iter().find(|(check, _)| *check == target.what).cloned();
                    if is_known { None } else { unknown() }
                }
                // Why the longest name cannot be is why none can.
                None => self.missing.iter().find(|(check, _)| *check == target.what).cloned(),
            };
            remarks.extend(remark.filter(|remark| !remarks.contains(remark)));
        }
        remarks
    }
}
