//! The world around the agent: virtual clocks, plugins that end when their time has come, a store that is a list, and
//! the things that go wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use custos::agent::{Agent, Effect, Event, History};
use custos::clock::Moment;
use custos::definition::{ByteUnits, Check, Command, Config, Serving, SyncPolicy};
use custos::evaluate::is_judged;
use custos::execute::PluginEnvironment;
use custos_shim::Report;
use custos_store::{Reason, State};

use crate::reference::{Seen, check_slots, check_states};
use crate::script::{Dice, act};

const START: Moment = Moment { mono_us: 3_600_000_000, wall_ms: 1_760_000_000_000 };

pub struct World {
    seed: u64,
    dice: Dice,
    now: Moment,
    agent: Agent,
    config: Arc<Config>,
    /// Plugins under way: when they end, their ticket.
    ends: BinaryHeap<Reverse<(u64, u64)>>,
    reports: HashMap<u64, (String, Report)>,
    running: HashSet<String>,
    starts: HashMap<String, u64>,
    store: BTreeMap<String, Vec<Seen>>,
    intervals_changed: HashSet<String>,
    changes: u64,
    executions: u64,
    peak: usize,
    incidents: BTreeMap<&'static str, u64>,
    effects: Vec<Effect>,
}

impl World {
    pub fn new(seed: u64, checks: u64) -> World {
        let mut dice = Dice::new(seed);
        let checks = (0..checks).map(|n| check(&format!("check{n}"), &mut dice)).collect::<Vec<_>>();
        let config = Arc::new(config(checks));
        World {
            seed,
            dice,
            now: START,
            agent: Agent::new(Arc::clone(&config), environment(), START),
            config,
            ends: BinaryHeap::new(),
            reports: HashMap::new(),
            running: HashSet::new(),
            starts: HashMap::new(),
            store: BTreeMap::new(),
            intervals_changed: HashSet::new(),
            changes: 0,
            executions: 0,
            peak: 0,
            incidents: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// Lets so many seconds pass; every few hours something goes wrong.
    pub fn live(&mut self, seconds: u64) {
        let end_us = self.now.mono_us + seconds * 1_000_000;
        let mut next_incident_us = self.incident_time();
        while self.now.mono_us < end_us {
            let due_us = self.agent.next_wake_us().unwrap_or(u64::MAX);
            let done_us = self.ends.peek().map_or(u64::MAX, |end| end.0.0);
            let next_us = due_us.min(done_us).min(next_incident_us).min(end_us).max(self.now.mono_us);
            self.advance(next_us - self.now.mono_us);
            if next_incident_us <= next_us {
                next_incident_us = self.incident_time();
                self.incident();
            } else if done_us <= next_us {
                self.finish_one();
            } else if due_us <= next_us {
                // Timers fire late by a little, never early.
                self.advance(self.roll(2_000));
                self.handle(Event::Wake);
            }
        }
    }

    fn roll(&self, below: u64) -> u64 {
        Dice::new(self.seed ^ self.now.mono_us).below(below)
    }

    fn incident_time(&mut self) -> u64 {
        self.now.mono_us + 60_000_000 + self.dice.below(4 * 3_600_000_000)
    }

    /// Time passes on both clocks.
    fn advance(&mut self, us: u64) {
        let before_ms = self.now.mono_us / 1000;
        self.now.mono_us += us;
        self.now.wall_ms += (self.now.mono_us / 1000 - before_ms) as i64;
    }

    fn incident(&mut self) {
        let (name, kind) = match self.dice.below(6) {
            0 => ("wall clock set", 0),
            1 => ("suspended", 1),
            2 => ("stalled", 2),
            3 => ("reloaded", 3),
            _ => ("crashed", 4),
        };
        *self.incidents.entry(name).or_default() += 1;
        match kind {
            0 => {
                let shift_ms = self.dice.below(7_200_000) as i64 - 3_600_000;
                self.now.wall_ms += shift_ms;
                self.intervals_changed.extend(self.config.checks.keys().cloned());
            }
            1 => {
                let us = self.dice.below(3_600_000_000);
                self.advance(us);
            }
            2 => {
                let us = self.dice.below(8_000_000);
                self.advance(us);
            }
            3 => self.reload(),
            _ => self.crash(),
        }
        self.handle(Event::Wake);
    }

    /// Some check changes, the others must not notice.
    fn reload(&mut self) {
        let mut checks: Vec<Check> = self.config.checks.values().map(|check| (**check).clone()).collect();
        let chosen = self.dice.below(checks.len() as u64) as usize;
        checks[chosen] = check(&checks[chosen].name.clone(), &mut self.dice);
        self.intervals_changed.insert(checks[chosen].name.clone());
        self.config = Arc::new(config(checks));
        self.handle(Event::Reload(Arc::clone(&self.config), Vec::new()));
    }

    /// The agent dies with all its plugins, and another goes on by what is stored.
    fn crash(&mut self) {
        self.ends.clear();
        self.reports.clear();
        self.running.clear();
        let dead_us = self.dice.below(300_000_000);
        self.advance(dead_us);
        let histories = self
            .store
            .iter()
            .map(|(check, seen)| {
                let from = seen.iter().rposition(|one| is_judged(one.run.reason)).unwrap_or(0);
                History {
                    check: check.clone(),
                    runs: seen[from..].iter().map(|one| one.run.clone()).collect(),
                }
            })
            .collect();
        self.agent = Agent::new(Arc::clone(&self.config), environment(), self.now);
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.restore(histories, self.now, &mut effects);
        self.perform(effects);
    }

    fn finish_one(&mut self) {
        let Some(Reverse((_, ticket))) = self.ends.pop() else { return };
        let (check, report) = self.reports.remove(&ticket).expect("a plugin that ends was started");
        assert!(self.running.remove(&check), "{check} ended twice");
        self.handle(Event::Finished { ticket, report });
    }

    fn handle(&mut self, event: Event) {
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.handle(event, self.now, &mut effects);
        self.perform(effects);
    }

    fn perform(&mut self, mut effects: Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Execute { ticket, spec, .. } => {
                    let check = spec.argv[0].to_string_lossy().into_owned();
                    assert!(self.running.insert(check.clone()), "{check} runs twice at once");
                    assert!(
                        self.running.len() <= self.config.max_concurrent_checks,
                        "too many plugins at once"
                    );
                    self.peak = self.peak.max(self.running.len());
                    self.executions += 1;
                    let nth = self.starts.entry(check.clone()).or_default();
                    *nth += 1;
                    let act = act(self.seed, &check, *nth, spec.timeout.as_micros() as u64);
                    self.ends.push(Reverse((self.now.mono_us + act.duration_us, ticket)));
                    self.reports.insert(ticket, (check, act.report));
                }
                Effect::Record { check, run } => {
                    let started_us = match run.reason {
                        Reason::Missed => self.now.mono_us as i64 - (self.now.wall_ms - run.time_ms) * 1000,
                        _ => self.now.mono_us as i64 - run.duration_us as i64,
                    };
                    let first_slot_us = started_us - run.lateness_us.unwrap_or(0) as i64;
                    let max_attempts =
                        self.config.checks.get(&*check).map_or(1, |check| check.max_check_attempts);
                    let slots = u64::from(run.missed_slots.max(1));
                    let seen = Seen { run: *run, first_slot_us, slots, max_attempts };
                    self.store.entry(check.to_string()).or_default().push(seen);
                }
                Effect::Changed { .. } => self.changes += 1,
                Effect::Answer { .. } => unreachable!("nobody asked"),
            }
        }
        self.effects = effects;
    }

    /// What must hold at the end of all days.
    pub fn judge(&self) {
        let mut changes = 0;
        for (name, seen) in &self.store {
            check_states(name, seen);
            changes += count_changes(seen);
            let check = &self.config.checks[name];
            if check.max_check_attempts == 1 && !self.intervals_changed.contains(name) {
                check_slots(name, check.check_interval.as_micros() as i64, seen);
            }
        }
        assert_eq!(self.changes, changes, "every change of state is told once, and no other");
        for name in self.config.checks.keys() {
            assert!(self.store.contains_key(name), "{name} never ran");
        }
    }

    pub fn summary(&self) -> String {
        let missed: u64 = self
            .store
            .values()
            .flatten()
            .filter(|one| one.run.reason == Reason::Missed)
            .map(|one| u64::from(one.run.missed_slots))
            .sum();
        format!(
            "{} executions, {} at once at most, {missed} slots missed, {} changes of state, incidents {:?}",
            self.executions, self.peak, self.changes, self.incidents
        )
    }
}

/// Changes of state or of its type that a list of runs holds, counted from the standings alone.
fn count_changes(seen: &[Seen]) -> u64 {
    let mut before = (State::Ok, true);
    let mut changes = 0;
    for one in seen.iter().filter(|one| is_judged(one.run.reason)) {
        let after = (one.run.state, one.run.standing.hard);
        changes += u64::from(before != after);
        before = after;
    }
    changes
}

fn check(name: &str, dice: &mut Dice) -> Check {
    let interval = Duration::from_secs([60, 120, 300, 600][dice.below(4) as usize]);
    Check {
        name: name.to_owned(),
        command: Command::Program(vec![name.to_owned()]),
        environment: BTreeMap::new(),
        process: custos::definition::Process::default(),
        check_interval: interval,
        retry_interval: interval / 4,
        max_check_attempts: [1, 1, 3, 4][dice.below(4) as usize],
        timeout: Duration::from_secs(10 + dice.below(90)),
        timeout_state: State::Unknown,
        byte_units: ByteUnits::Si,
        check_multi: true,
        evaluate_perfdata: false,
        flapping: Some((20.0, 30.0)),
        serving: Serving::Fresh,
        thresholds: Vec::new(),
        defined_at: String::new(),
    }
}

fn config(checks: Vec<Check>) -> Config {
    Config {
        files: Vec::new(),
        store: "/nonexistent".into(),
        sync: SyncPolicy::Never,
        plugins: Vec::new(),
        host: "sim".to_owned(),
        max_concurrent_checks: 16,
        nrpe: None,
        checks: checks.into_iter().map(|check| (check.name.clone(), Arc::new(check))).collect(),
    }
}

fn environment() -> PluginEnvironment {
    PluginEnvironment::new("sim", "/".into())
}
