//! What becomes of a packet: whether it is taken, whom it is from, which checks it is for, and what it says of them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use custos_compat::snmp::Notification;
use custos_store::State;

use super::counters::Counters;
use super::dedupe::{Dedupe, Repeats, Stream};
use super::engines::SharedEngines;
use super::fields::{Fields, metric};
use super::rate::Rate;
use super::reconnoiter;
use super::refused::{Refusal, Refused};
use super::rules::{Match, Rules};
use super::security::{Security, Verdict};
use crate::clock::{Moment, micros};
use crate::config::{Config, Network, Part, Template, TrapsConfig, UNMATCHED_CHECK};
use crate::limits::{TRAPS_REFUSED_RUNS, TRAPS_SOURCES_TOLD_MAX};
use crate::mib::Names;
use crate::observe::PassiveResult;

/// Everything that packets are judged by.
#[derive(Debug)]
pub struct Intake {
    sources: Vec<Network>,
    names: Arc<Names>,
    rules: Rules,
    security: Security,
    rate: Rate,
    dedupe: Dedupe,
    /// What was refused since the log told it, and since a run did.
    refused: [Refused; 2],
    refused_run_us: Option<u64>,
    counters: Counters,
    unmatched: Arc<str>,
    unmatched_text: Template,
}

/// What is to be done about a packet.
#[derive(Debug, Default, PartialEq)]
pub struct Taken {
    /// What happened, for the agent.
    pub results: Vec<PassiveResult>,
    /// What is to be sent back.
    pub reply: Option<Vec<u8>>,
}

impl Intake {
    /// Judges by a configuration. What of it cannot be used is told in `faults`.
    pub fn new(config: &Config, traps: &TrapsConfig, now: Moment, faults: &mut Vec<String>) -> Intake {
        let parts = vec![
            Part::Trap,
            Part::Text(" from ".to_owned()),
            Part::Source,
            Part::Text(": ".to_owned()),
            Part::Variables,
        ];
        Intake {
            sources: traps.sources.clone(),
            names: config.snmp.names.shared(),
            rules: Rules::of(config),
            security: Security::new(traps, &config.host, now, faults),
            rate: Rate::new(traps.per_source_max, traps.total_max, now.mono_us),
            dedupe: Dedupe::default(),
            refused: Default::default(),
            refused_run_us: None,
            counters: Counters::default(),
            unmatched: Arc::from(UNMATCHED_CHECK),
            unmatched_text: Template { written: String::new(), parts },
        }
    }

    /// Goes on counting where another left off.
    pub fn with_counters(self, counters: Counters) -> Intake {
        Intake { counters, ..self }
    }

    /// Goes on with what is known of the engines that send messages of version 3.
    pub fn with_engines(self, engines: SharedEngines) -> Intake {
        Intake { security: self.security.with_engines(engines), ..self }
    }

    /// What became of the packets so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts packets that the kernel lost.
    pub fn note_lost(&mut self, count: u64) {
        self.counters.lost += count;
    }

    /// Counts an acknowledgement that was sent, or an answer that was not.
    pub fn note_reply(&mut self, sent: bool) {
        self.counters.unsent += u64::from(!sent);
    }

    /// Takes a packet that came from an address.
    pub fn take(&mut self, packet: &[u8], source: IpAddr, now: Moment) -> Taken {
        let source = source.to_canonical();
        if !self.sources.is_empty() && !self.sources.iter().any(|network| network.contains(source)) {
            self.refuse(source, Refusal::Source);
            return Taken::default();
        }
        if !self.rate.admit(source, now.mono_us) {
            self.counters.limited += 1;
            return Taken::default();
        }
        match self.security.judge(packet, now) {
            Verdict::Accepted(notification, reply) => {
                self.counters.acknowledged += u64::from(reply.is_some());
                Taken { results: self.results(&notification, source, now), reply }
            }
            Verdict::Refused(refusal, reply) => {
                self.refuse(source, refusal);
                Taken { results: Vec::new(), reply }
            }
        }
    }

    fn refuse(&mut self, source: IpAddr, refusal: Refusal) {
        *refusal.counter(&mut self.counters) += 1;
        self.refused.iter_mut().for_each(|refused| refused.note(source, refusal.clone()));
    }

    /// What a notification says, of each check that it is for.
    fn results(&mut self, notification: &Notification, source: IpAddr, now: Moment) -> Vec<PassiveResult> {
        let names = Arc::clone(&self.names);
        let fields = Fields { notification, source, names: &names };
        if let Some(id) = reconnoiter::check_of(&notification.trap)
            && let Some(of) = self.rules.of_reconnoiter(id, &fields)
        {
            self.counters.matched += 1;
            return vec![of_reconnoiter(&of, &fields, now)];
        }
        let matches = self.rules.matching(&fields);
        if matches.is_empty() {
            self.counters.unmatched += 1;
            return vec![self.unmatched(&fields, now)];
        }
        let mut results = Vec::with_capacity(matches.len());
        let mut repeats_only = true;
        for of in matches {
            let key = fields.key(&of.rule.key);
            let text = fields.text(&of.rule.text);
            let window_us = micros(of.rule.deduplicate);
            if window_us > 0 {
                let stream = Stream { check: Arc::clone(of.check), source, key: key.clone() };
                let hash = hash(notification);
                let (is_repeat, before) = self.dedupe.is_repeat(&stream, hash, &text, window_us, now.mono_us);
                results.extend(before.map(|repeats| told(repeats, now)));
                if is_repeat {
                    continue;
                }
            }
            repeats_only = false;
            results.push(PassiveResult {
                check: Arc::clone(of.check),
                at: now,
                state: Some(of.state),
                metrics: fields.metrics(&of.rule.metrics, &key),
                instance: key,
                text,
                details: fields.details(),
                duration_us: 0,
                origin: origin(source),
            });
        }
        let heading = if repeats_only { &mut self.counters.repeated } else { &mut self.counters.matched };
        *heading += 1;
        results
    }

    fn unmatched(&self, fields: &Fields<'_>, now: Moment) -> PassiveResult {
        PassiveResult {
            check: Arc::clone(&self.unmatched),
            at: now,
            state: Some(State::Ok),
            instance: Vec::new(),
            text: fields.text(&self.unmatched_text),
            details: format!("snmpTrapOID.0 = {}\n{}", fields.notification.trap, fields.details()),
            metrics: Vec::new(),
            duration_us: 0,
            origin: origin(fields.source),
        }
    }

    /// What became known by the mere passing of time: repeats whose window is over, traps that were too many, and packets
    /// that were refused.
    pub fn tick(&mut self, now: Moment) -> Vec<PassiveResult> {
        let mut results: Vec<PassiveResult> =
            self.dedupe.close(now.mono_us).into_iter().map(|repeats| told(repeats, now)).collect();
        let refused = self.rate.refused(now.mono_us);
        let more = refused.len().saturating_sub(TRAPS_SOURCES_TOLD_MAX);
        for (source, count) in refused.iter().take(TRAPS_SOURCES_TOLD_MAX) {
            let source = source.map_or("further sources".to_owned(), |source| source.to_string());
            results.push(self.dropped(*count, &source, now));
        }
        if more > 0 {
            let count = refused[TRAPS_SOURCES_TOLD_MAX..].iter().map(|(_, count)| count).sum();
            results.push(self.dropped(count, &format!("{more} further sources"), now));
        }
        let [to_log, to_run] = &mut self.refused;
        for (_, _, line) in to_log.take() {
            tracing::warn!("traps: {line}");
        }
        let quiet_us = self.refused_run_us.map_or(u64::MAX, |run_us| now.mono_us.saturating_sub(run_us));
        if quiet_us >= micros(TRAPS_REFUSED_RUNS) {
            let lines = to_run.take();
            self.refused_run_us = if lines.is_empty() { None } else { Some(now.mono_us) };
            results.extend(
                lines.into_iter().map(|(source, count, line)| self.refusals(source, count, line, now)),
            );
        }
        results
    }

    /// A run that tells of refused packets. It changes no state: anybody can send such packets.
    fn refusals(&self, source: Option<IpAddr>, count: u64, text: String, now: Moment) -> PassiveResult {
        let number = i64::try_from(count).unwrap_or(i64::MAX).into();
        PassiveResult {
            check: Arc::clone(&self.unmatched),
            at: now,
            state: None,
            instance: Vec::new(),
            text,
            details: String::new(),
            metrics: vec![metric("refused", &[], Some(number), "")],
            duration_us: 0,
            origin: source.map_or("traps of further sources".to_owned(), origin),
        }
    }

    fn dropped(&self, count: u64, source: &str, now: Moment) -> PassiveResult {
        let number = i64::try_from(count).unwrap_or(i64::MAX).into();
        PassiveResult {
            check: Arc::clone(&self.unmatched),
            at: now,
            state: Some(State::Warning),
            instance: Vec::new(),
            text: format!("{count} traps of {source} were dropped: too many a second"),
            details: String::new(),
            metrics: vec![metric("dropped", &[], Some(number), "")],
            duration_us: 0,
            origin: format!("traps of {source}"),
        }
    }
}

fn of_reconnoiter(of: &Match<'_>, fields: &Fields<'_>, now: Moment) -> PassiveResult {
    let reading = reconnoiter::read(fields.notification);
    PassiveResult {
        check: Arc::clone(of.check),
        at: now,
        state: Some(reading.state),
        instance: Vec::new(),
        text: reading.text,
        details: reading.details,
        metrics: reading.metrics,
        duration_us: reading.duration_us,
        origin: origin(fields.source),
    }
}

/// A run of its own for repeats, which changes no state.
fn told(repeats: Repeats, now: Moment) -> PassiveResult {
    let Repeats { stream, count, text } = repeats;
    let number = i64::try_from(count).unwrap_or(i64::MAX).into();
    PassiveResult {
        check: stream.check,
        at: now,
        state: None,
        text: format!("{count} times more: {text}"),
        details: String::new(),
        metrics: vec![metric("repeats", &stream.key, Some(number), "")],
        instance: stream.key,
        duration_us: 0,
        origin: origin(stream.source),
    }
}

fn origin(source: IpAddr) -> String {
    format!("trap {source}")
}

/// Of what a trap says, but for the time.
fn hash(notification: &Notification) -> u64 {
    let mut hasher = DefaultHasher::new();
    notification.trap.hash(&mut hasher);
    for varbind in &notification.varbinds {
        varbind.oid.hash(&mut hasher);
        // Floats have no hash, but a text.
        format!("{:?}", varbind.value).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
