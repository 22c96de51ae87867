//! The world around the agent: virtual clocks, plugins that end when their time has come, people who ask, a store that
//! is a list, and the things that go wrong.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use custos::agent::{Agent, Answer, Ask, Effect, Event, History, Wanted};
use custos::clock::Moment;
use custos::config::{Check, Config};
use custos::evaluate::is_judged;
use custos::execute::Job;
use custos::observe::{Observation, observe_plugin};
use custos_store::{Reason, Run, State};

use crate::definitions::{check, config, environment, line, program};
use crate::reference::{Seen, check_states, count_changes};
use crate::script::{Dice, act};
use crate::slots::Follower;

/// A Saturday at noon; the clocks go back in the night.
const START: Moment = Moment { mono_us: 3_600_000_000, wall_ms: 1_761_393_600_000 };
const HOUR_US: u64 = 3_600_000_000;
const PLACES: usize = 16;

pub struct World {
    seed: u64,
    dice: Dice,
    now: Moment,
    agent: Agent,
    config: Arc<Config>,
    /// Checks that a reload took out, to be put back by another.
    removed: Vec<Check>,
    /// Plugins under way: when they end, their ticket, and when they were started.
    ends: BinaryHeap<Reverse<(u64, u64, u64)>>,
    observations: HashMap<u64, (String, Observation)>,
    /// When the plugin was started that ended last.
    started_us: u64,
    running: BTreeSet<String>,
    starts: HashMap<String, u64>,
    store: BTreeMap<String, Vec<Seen>>,
    /// The last hard state of each check, and since when.
    hard: HashMap<String, (State, u64)>,
    chains: HashMap<String, u64>,
    /// By how much the wall clock is ahead of the monotonic one in ms, and since when.
    shifts: Vec<(u64, i64)>,
    /// The wall clock was set since the agent was started.
    wall_moved: bool,
    asked: HashSet<u64>,
    asks: u64,
    answered: u64,
    changes: u64,
    executions: u64,
    peak: usize,
    incidents: BTreeMap<&'static str, u64>,
    effects: Vec<Effect>,
}

impl World {
    pub fn new(seed: u64, checks: u64) -> World {
        let mut dice = Dice::new(seed);
        let checks: Vec<Check> = (0..checks).map(|number| check(number, &mut dice)).collect();
        let config = Arc::new(config(checks, PLACES));
        World {
            seed,
            dice,
            now: START,
            agent: Agent::new(Arc::clone(&config), environment(), START),
            config,
            removed: Vec::new(),
            ends: BinaryHeap::new(),
            observations: HashMap::new(),
            started_us: 0,
            running: BTreeSet::new(),
            starts: HashMap::new(),
            store: BTreeMap::new(),
            hard: HashMap::new(),
            chains: HashMap::new(),
            shifts: vec![(START.mono_us, START.wall_ms - START.mono_us as i64 / 1000)],
            wall_moved: false,
            asked: HashSet::new(),
            asks: 0,
            answered: 0,
            changes: 0,
            executions: 0,
            peak: 0,
            incidents: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// Lets so many seconds pass; every few hours something goes wrong. Then an hour in which nothing does.
    pub fn live(&mut self, seconds: u64) {
        let end_us = self.now.mono_us + seconds * 1_000_000;
        self.live_until(end_us, true);
        self.live_until(self.now.mono_us + HOUR_US, false);
    }

    fn live_until(&mut self, end_us: u64, eventful: bool) {
        let mut next_incident_us = self.incident_time(eventful);
        while self.now.mono_us < end_us {
            let due_us = self.agent.next_wake_us().unwrap_or(u64::MAX);
            let done_us = self.ends.peek().map_or(u64::MAX, |end| end.0.0);
            let next_us = due_us.min(done_us).min(next_incident_us).min(end_us).max(self.now.mono_us);
            self.advance(next_us - self.now.mono_us);
            if next_incident_us <= next_us {
                next_incident_us = self.incident_time(eventful);
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

    fn incident_time(&mut self, eventful: bool) -> u64 {
        if eventful { self.now.mono_us + 30_000_000 + self.dice.below(HOUR_US / 2) } else { u64::MAX }
    }

    /// Time passes on both clocks.
    fn advance(&mut self, us: u64) {
        let before_ms = self.now.mono_us / 1000;
        self.now.mono_us += us;
        self.now.wall_ms += (self.now.mono_us / 1000 - before_ms) as i64;
    }

    fn incident(&mut self) {
        let name = match self.dice.below(32) {
            0 => "wall clock set",
            1 => "suspended",
            2 => "stalled",
            3 | 4 => "reloaded",
            5 => "crashed",
            _ => "asked",
        };
        *self.incidents.entry(name).or_default() += 1;
        match name {
            "wall clock set" => {
                let shift_ms = self.dice.below(7_200_000) as i64 - 3_600_000;
                self.now.wall_ms += shift_ms;
                let ahead_ms = self.shifts.last().map_or(0, |shift| shift.1) + shift_ms;
                self.shifts.push((self.now.mono_us, ahead_ms));
                self.wall_moved = true;
            }
            "suspended" => {
                let us = self.dice.below(HOUR_US);
                self.advance(us);
            }
            "stalled" => {
                let us = self.dice.below(8_000_000);
                self.advance(us);
            }
            "reloaded" => self.reload(),
            "crashed" => self.crash(),
            _ => self.ask(),
        }
        // Sometimes a plugin's end is what the agent learns of first.
        if self.dice.below(2) == 0 {
            self.handle(Event::Wake);
        }
    }

    /// Somebody asks for a check, or for a command under the name of one; several at once now and then.
    fn ask(&mut self) {
        let names: Vec<String> = self.config.checks.keys().cloned().collect();
        let name = &names[self.dice.below(names.len() as u64) as usize];
        for _ in 0..1 + self.dice.below(3) {
            self.asks += 1;
            self.asked.insert(self.asks);
            let wanted = match self.dice.below(3) {
                0 => Wanted::Line { name: name.clone(), line: line(name) },
                _ => Wanted::Check(name.clone()),
            };
            self.handle(Event::Asked(Ask { id: self.asks, wanted, origin: "somebody".to_owned() }));
        }
    }

    /// Some check changes, goes or comes back; the others must not notice.
    fn reload(&mut self) {
        let mut checks: Vec<Check> = self.config.checks.values().map(|check| (**check).clone()).collect();
        let mut histories = Vec::new();
        let rolled = self.dice.below(checks.len() as u64) as usize;
        // Often one that is just running.
        let running = self.running.first().filter(|_| self.dice.below(2) == 0);
        let chosen = checks.iter().position(|check| Some(&check.name) == running).unwrap_or(rolled);
        let name = checks[chosen].name.clone();
        let needed = checks.iter().any(|check| check.depends_on.contains(&name));
        let placed_anew = match (self.dice.below(3), self.removed.pop()) {
            (0, Some(back)) => {
                histories.extend(self.history(&back.name));
                checks.push(back.clone());
                back.name
            }
            (1, kept) if !needed && checks.len() > 1 => {
                self.removed.extend(kept);
                self.removed.push(checks.remove(chosen));
                name
            }
            (_, kept) => {
                self.removed.extend(kept);
                let number = name.trim_start_matches("check").parse().unwrap();
                checks[chosen] = check(number, &mut self.dice);
                name
            }
        };
        // What is due by now is due by the old definition.
        self.handle(Event::Wake);
        *self.chains.entry(placed_anew.clone()).or_default() += 1;
        self.config = Arc::new(config(checks, PLACES));
        let before = self.store.get(&placed_anew).map_or(0, Vec::len);
        self.handle(Event::Reload(Arc::clone(&self.config), histories));
        let after = self.store.get(&placed_anew).map_or(0, Vec::len);
        assert_eq!(before, after, "{placed_anew}: a reload records nothing");
    }

    /// What is read back of a check from the store.
    fn history(&self, check: &str) -> Option<History> {
        let seen = self.store.get(check)?;
        let from = seen.iter().rposition(|one| is_judged(one.run.reason)).unwrap_or(0);
        let runs = seen[from..].iter().map(|one| one.run.clone()).collect();
        Some(History { check: check.to_owned(), runs })
    }

    /// The agent dies with all its plugins, and another goes on by what is stored.
    fn crash(&mut self) {
        self.ends.clear();
        self.observations.clear();
        self.running.clear();
        // Whoever asked sees the connection end.
        self.asked.clear();
        let dead_us = self.dice.below(300_000_000);
        self.advance(dead_us);
        for (name, seen) in &self.store {
            // By a wall clock that was set, slots lie elsewhere; retries are forgotten.
            let retries = seen.last().is_some_and(|one| one.max_attempts > 1);
            if self.wall_moved || retries {
                *self.chains.entry(name.clone()).or_default() += 1;
            }
        }
        self.wall_moved = false;
        let histories = self.store.keys().filter_map(|name| self.history(name)).collect();
        self.agent = Agent::new(Arc::clone(&self.config), environment(), self.now);
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.restore(histories, self.now, &mut effects);
        self.perform(effects);
    }

    fn finish_one(&mut self) {
        let Some(Reverse((_, ticket, started_us))) = self.ends.pop() else { return };
        self.started_us = started_us;
        let (check, observation) = self.observations.remove(&ticket).expect("a plugin that ends was started");
        assert!(self.running.remove(&check), "{check} ended twice");
        self.handle(Event::Ended { ticket, observation: Box::new(observation) });
    }

    fn handle(&mut self, event: Event) {
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.handle(event, self.now, &mut effects);
        self.perform(effects);
    }

    fn perform(&mut self, mut effects: Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Start { ticket, job, .. } => {
                    let Job::Plugin(job) = job else { panic!("no check of the simulation asks a device") };
                    let check = program(&job);
                    assert!(self.running.insert(check.clone()), "{check} runs twice at once");
                    assert!(self.running.len() <= PLACES, "too many plugins at once");
                    self.peak = self.peak.max(self.running.len());
                    self.executions += 1;
                    let nth = self.starts.entry(check.clone()).or_default();
                    *nth += 1;
                    let act = act(self.seed, &check, *nth, job.timeout().as_micros() as u64);
                    let ends_us = self.now.mono_us + act.duration_us;
                    self.ends.push(Reverse((ends_us, ticket, self.now.mono_us)));
                    self.observations.insert(ticket, (check, observe_plugin(act.end, job.reading())));
                }
                Effect::Record { check, run } => self.record(&check, Arc::unwrap_or_clone(run)),
                Effect::Changed { .. } => self.changes += 1,
                Effect::Answer { id, result } => {
                    assert!(self.asked.remove(&id), "request {id} is answered once");
                    let Answer::Ran { run, .. } = result.expect("no request is refused") else {
                        panic!("request {id} is not answered by a run")
                    };
                    assert!(is_judged(run.reason), "an answer is a result");
                    self.answered += 1;
                }
            }
        }
        self.effects = effects;
    }

    fn record(&mut self, name: &str, run: Run) {
        let now_us = self.now.mono_us as i64;
        let time_us = now_us - (self.now.wall_ms - run.time_ms) * 1000;
        let first_slot_us = match run.reason {
            Reason::Missed | Reason::Skipped => time_us,
            _ => self.started_us as i64 - run.lateness_us.unwrap_or(0) as i64,
        };
        self.check_dependencies(name, &run, first_slot_us);
        if is_judged(run.reason) {
            let state = run.standing.hard_state;
            let hard = self.hard.entry(name.to_owned()).or_insert((State::Ok, 0));
            if hard.0 != state {
                *hard = (state, self.now.mono_us);
            }
        }
        let definition = self.config.checks.get(name);
        let interval_us = |of: fn(&Check) -> std::time::Duration| {
            definition.map_or(1, |check| of(check).as_micros() as i64)
        };
        let seen = Seen {
            recorded_us: now_us,
            first_slot_us,
            slots: u64::from(run.missed_slots.max(1)),
            chain: self.chains.get(name).copied().unwrap_or(0),
            max_attempts: definition.map_or(1, |check| check.max_check_attempts),
            volatile: definition.is_some_and(|check| check.volatile),
            interval_us: interval_us(|check| check.check_interval),
            retry_interval_us: interval_us(|check| check.retry_interval),
            run,
        };
        self.store.entry(name.to_owned()).or_default().push(seen);
    }

    /// A slot is skipped if and only if something that the check depends on is in trouble.
    fn check_dependencies(&self, name: &str, run: &Run, slot_us: i64) {
        match run.reason {
            Reason::Skipped => {
                assert!(self.in_trouble(name, u64::MAX), "{name}: {} for no reason", run.text);
            }
            _ if is_judged(run.reason) && run.lateness_us.is_some() => {
                let before_us = u64::try_from(slot_us).unwrap_or(0);
                assert!(
                    !self.in_trouble(name, before_us),
                    "{name} was run for {slot_us} beside its dependencies"
                );
            }
            _ => {}
        }
    }

    /// Whether something that a check depends on is in a hard problem since before that time.
    fn in_trouble(&self, name: &str, before_us: u64) -> bool {
        let Some(check) = self.config.checks.get(name) else { return false };
        check.depends_on.iter().any(|other| {
            let hard = self.hard.get(other).is_some_and(|(state, us)| *state != State::Ok && *us < before_us);
            hard || self.in_trouble(other, before_us)
        })
    }

    /// After an hour in which nothing went wrong, every check without a period has run, or been skipped, of late.
    fn check_liveness(&self) {
        for (name, check) in self.config.checks.iter().filter(|(_, check)| check.check_period.is_none()) {
            let last_us = self.store[name].last().map_or(0, |one| one.recorded_us);
            let bound_us = (2 * check.check_interval + 2 * check.timeout).as_micros() as i64;
            let ago_us = self.now.mono_us as i64 - last_us;
            assert!(ago_us <= bound_us, "{name}: nothing was recorded for {ago_us} µs");
        }
    }

    /// What must hold at the end of all days.
    pub fn judge(&self) -> String {
        let (mut changes, mut followed) = (0, 0);
        for (name, seen) in &self.store {
            check_states(name, seen);
            changes += count_changes(name, seen);
            for chain in seen.chunk_by(|one, next| one.chain == next.chain) {
                let mut follower = Follower::new(name, &self.shifts);
                follower.follow(chain);
                followed += follower.slots;
            }
        }
        self.check_liveness();
        assert_eq!(self.changes, changes, "every change of state is told once, and no other");
        assert_eq!(self.asked.len(), 0, "every request is answered");
        let count = |reason: Reason| {
            let entries = self.store.values().flatten().filter(|one| one.run.reason == reason);
            entries.map(|one| one.slots).sum::<u64>()
        };
        let all: u64 = self.store.values().flatten().map(|one| one.slots).sum();
        assert!(followed * 10 >= all * 8, "{followed} of {all} slots were followed");
        format!(
            "{} executions, {} at once at most, {} slots missed, {} skipped, {} requests answered, {} changes of state, \
             {followed} of {all} slots followed, incidents {:?}",
            self.executions,
            self.peak,
            count(Reason::Missed),
            count(Reason::Skipped),
            self.answered,
            self.changes,
            self.incidents
        )
    }
}
