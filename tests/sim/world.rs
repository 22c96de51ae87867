//! The world around the agent: virtual clocks, jobs that end when their time has come, people who ask, things that are
//! reported, a store on a simulated disk, and what goes wrong.

mod death;
mod judge;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use custos::agent::{Agent, Answer, Ask, Effect, Event, Wanted};
use custos::clock::Moment;
use custos::config::{Check, Config};
use custos::evaluate::is_judged;
use custos::execute::Job;
use custos::observe::{Observation, PassiveResult};
use custos_store::disk::Fate;
use custos_store::{Reason, Run, State};

use crate::definitions::{check, config, environment, line, program};
use crate::known::Known;
use crate::recorder::Recorder;
use crate::reference::Seen;
use crate::script::{Dice, result};

/// A Saturday at noon; the clocks go back in the night.
const START: Moment = Moment { mono_us: 3_600_000_000, wall_ms: 1_761_393_600_000 };
const HOUR_US: u64 = 3_600_000_000;
/// Plugins that may run at once.
const SLOTS: usize = 16;

pub struct World {
    seed: u64,
    dice: Dice,
    now: Moment,
    agent: Agent,
    config: Arc<Config>,
    /// Checks that a reload took out, to be put back by another.
    removed: Vec<Check>,
    /// Jobs under way: when they end, their ticket, and when they were started.
    ends: BinaryHeap<Reverse<(u64, u64, u64)>>,
    jobs: HashMap<u64, Running>,
    /// The job that ended last.
    ended: Option<Ended>,
    running: BTreeSet<String>,
    starts: HashMap<String, u64>,
    /// Every run of each check that is stored or waits to be.
    store: BTreeMap<String, Vec<Seen>>,
    recorder: Recorder,
    /// The last hard state of each check, and since when.
    hard: HashMap<String, (State, u64)>,
    known: Known,
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
    lost: u64,
    peak: usize,
    incidents: BTreeMap<&'static str, u64>,
    effects: Vec<Effect>,
}

/// A job under way.
struct Running {
    check: String,
    takes_slot: bool,
    /// Whether its result is one of the check as it is defined now.
    own: bool,
    observation: Observation,
}

/// The job that ended last.
#[derive(Clone, Copy)]
struct Ended {
    started_us: u64,
    own: bool,
}

impl World {
    pub fn new(seed: u64, checks: u64) -> World {
        let mut dice = Dice::new(seed);
        let checks: Vec<Check> = (0..checks).map(|number| check(number, &mut dice)).collect();
        let config = Arc::new(config(checks, SLOTS));
        World {
            seed,
            dice,
            now: START,
            agent: Agent::new(Arc::clone(&config), environment(), START),
            removed: Vec::new(),
            ends: BinaryHeap::new(),
            jobs: HashMap::new(),
            ended: None,
            running: BTreeSet::new(),
            starts: HashMap::new(),
            store: BTreeMap::new(),
            recorder: Recorder::new(config.checks.len() as u64),
            config,
            hard: HashMap::new(),
            known: Known::default(),
            chains: HashMap::new(),
            shifts: vec![(START.mono_us, START.wall_ms - START.mono_us as i64 / 1000)],
            wall_moved: false,
            asked: HashSet::new(),
            asks: 0,
            answered: 0,
            changes: 0,
            executions: 0,
            lost: 0,
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
        if eventful { self.now.mono_us + 30_000_000 + self.dice.below(HOUR_US / 6) } else { u64::MAX }
    }

    /// Time passes on both clocks.
    fn advance(&mut self, us: u64) {
        let before_ms = self.now.mono_us / 1000;
        self.now.mono_us += us;
        self.now.wall_ms += (self.now.mono_us / 1000 - before_ms) as i64;
    }

    fn incident(&mut self) {
        let name = match self.dice.below(120) {
            0 => "wall clock set",
            1 => "suspended",
            2 => "stalled",
            3 | 4 => "reloaded",
            5 => "killed",
            6 => "power cut",
            7 => "disk full",
            8..40 => "reported",
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
            "killed" => self.die(Fate::Kept),
            "power cut" => {
                let fate = match self.dice.below(3) {
                    0 => Fate::Lost,
                    _ => Fate::Mixed(self.dice.roll()),
                };
                self.die(fate);
            }
            "disk full" => {
                let for_us = HOUR_US / 2 + self.dice.below(HOUR_US);
                self.recorder.fill(self.now.mono_us + for_us);
            }
            "reported" => self.report(),
            _ => self.ask(),
        }
        // Sometimes a job's end is what the agent learns of first.
        if self.dice.below(2) == 0 {
            self.handle(Event::Wake);
        }
    }

    /// Somebody asks for a check, by a run or as it is served, or for a command under the name of one; several at once
    /// now and then.
    fn ask(&mut self) {
        let names: Vec<String> = self.config.checks.keys().cloned().collect();
        let name = &names[self.dice.below(names.len() as u64) as usize];
        let check = Arc::clone(&self.config.checks[name]);
        for _ in 0..1 + self.dice.below(3) {
            self.asks += 1;
            self.asked.insert(self.asks);
            let wanted = match self.dice.below(4) {
                0 if !check.command.is_passive() => Wanted::Line { name: name.clone(), line: line(name) },
                1 => Wanted::Check(name.clone()),
                _ => Wanted::Served(name.clone()),
            };
            let expected = match wanted {
                Wanted::Line { .. } => None,
                _ if check.command.is_passive() => Some(self.last_state(name)),
                Wanted::Check(_) => None,
                Wanted::Served(_) => self.known.answer(&check, self.now.mono_us),
                Wanted::Submitted(_) => unreachable!("nobody submits"),
            };
            self.known.expected = expected;
            self.handle(Event::Asked(Ask { id: self.asks, wanted, origin: "somebody".to_owned() }));
            self.known.expected = None;
            let waits = self.asked.contains(&self.asks);
            assert_eq!(
                expected.is_none(),
                waits,
                "{name}: what is known is answered at once, and nothing else"
            );
        }
    }

    /// The state of the last run of a check.
    fn last_state(&self, name: &str) -> State {
        self.store.get(name).and_then(|seen| seen.last()).map_or(State::Ok, |one| one.run.state)
    }

    /// Somebody reports of a passive check, several things at once now and then.
    fn report(&mut self) {
        let passive = self.config.checks.values().filter(|check| check.command.is_passive());
        let passive: Vec<String> = passive.map(|check| check.name.clone()).collect();
        if passive.is_empty() {
            return;
        }
        let name = &passive[self.dice.below(passive.len() as u64) as usize];
        let mut results = Vec::new();
        for _ in 0..1 + self.dice.below(4) {
            let state = State::ALL.get(self.dice.below(5) as usize).copied();
            let index = self.dice.below(4).to_string();
            self.known.expect_report(name, &index, state);
            results.push(PassiveResult {
                check: Arc::from(name.as_str()),
                at: self.now,
                state,
                instance: vec![("ifIndex".to_owned(), index)],
                text: "something happened".to_owned(),
                details: String::new(),
                metrics: Vec::new(),
                duration_us: 0,
                origin: "trap 192.0.2.1".to_owned(),
            });
        }
        self.handle(Event::Passive(results));
        self.known.assert_all_recorded(name);
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
        let changed = match (self.dice.below(3), self.removed.pop()) {
            // What still waits to be stored is not in the history that is read.
            (0, Some(back)) if self.recorder.catch_up(self.now.mono_us) => {
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
        *self.chains.entry(changed.clone()).or_default() += 1;
        let new = Arc::new(config(checks, SLOTS));
        let old = std::mem::replace(&mut self.config, Arc::clone(&new));
        let same = |name: &str| match (old.checks.get(name), new.checks.get(name)) {
            (Some(old), Some(new)) => old.runs_and_judges_like(new),
            _ => false,
        };
        if !same(&changed) {
            self.known.forget(&changed);
            self.jobs.values_mut().filter(|job| job.check == changed).for_each(|job| job.own = false);
        }
        let before = self.store.get(&changed).map_or(0, Vec::len);
        self.handle(Event::Reload(new, histories));
        let after = self.store.get(&changed).map_or(0, Vec::len);
        assert_eq!(before, after, "{changed}: a reload records nothing");
    }

    fn finish_one(&mut self) {
        let Some(Reverse((_, ticket, started_us))) = self.ends.pop() else { return };
        let job = self.jobs.remove(&ticket).expect("a job that ends was started");
        assert!(self.running.remove(&job.check), "{} ended twice", job.check);
        self.ended = Some(Ended { started_us, own: job.own });
        self.handle(Event::Ended { ticket, observation: Box::new(job.observation) });
        self.ended = None;
    }

    fn handle(&mut self, event: Event) {
        let mut effects = std::mem::take(&mut self.effects);
        self.agent.handle(event, self.now, &mut effects);
        self.perform(effects);
        self.recorder.turn(self.now.mono_us);
    }

    fn perform(&mut self, mut effects: Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Start { ticket, job, .. } => self.start(ticket, &job),
                Effect::Record { check, run } => self.record(&check, Arc::unwrap_or_clone(run)),
                Effect::Changed { .. } => self.changes += 1,
                Effect::Judge(_) | Effect::Alerts { .. } => panic!("no rules are defined"),
                Effect::Keep { .. }
                | Effect::Watching { .. }
                | Effect::Show { .. }
                | Effect::WatchEnded { .. } => {
                    panic!("nobody watches")
                }
                Effect::Answer { id, result } => {
                    assert!(self.asked.remove(&id), "request {id} is answered once");
                    let answer = result.expect("no request is refused");
                    match &answer {
                        Answer::Ran { run, .. } => assert!(is_judged(run.reason), "an answer is a result"),
                        Answer::Known { state, .. } => assert_eq!(Some(*state), self.known.expected),
                    }
                    self.answered += 1;
                }
            }
        }
        self.effects = effects;
    }

    fn start(&mut self, ticket: u64, job: &Job) {
        let (check, takes_slot, own) = match job {
            Job::Plugin(plugin) => (program(plugin), true, plugin.spec().shell_line.is_none()),
            Job::Poll(poll) => (poll.poll().target.clone(), false, true),
        };
        assert!(self.running.insert(check.clone()), "{check} runs twice at once");
        let in_slots = self.jobs.values().filter(|job| job.takes_slot).count() + usize::from(takes_slot);
        assert!(in_slots <= SLOTS, "too many plugins at once");
        self.peak = self.peak.max(in_slots);
        self.executions += 1;
        let nth = self.starts.entry(check.clone()).or_default();
        *nth += 1;
        let observation = result(self.seed, &check, *nth, job);
        self.ends.push(Reverse((self.now.mono_us + observation.run.duration_us, ticket, self.now.mono_us)));
        self.jobs.insert(ticket, Running { check, takes_slot, own, observation });
    }

    fn record(&mut self, name: &str, run: Run) {
        let now_us = self.now.mono_us as i64;
        let time_us = now_us - (self.now.wall_ms - run.time_ms) * 1000;
        let started_us = self.ended.map_or(now_us, |ended| ended.started_us as i64);
        let first_slot_us = match run.reason {
            Reason::Missed | Reason::Skipped => time_us,
            _ => started_us - run.lateness_us.unwrap_or(0) as i64,
        };
        self.check_dependencies(name, &run, first_slot_us);
        if is_judged(run.reason) {
            let state = run.standing.hard_state;
            let hard = self.hard.entry(name.to_owned()).or_insert((State::Ok, 0));
            if hard.0 != state {
                *hard = (state, self.now.mono_us);
            }
        }
        // A run may end when its check has been taken out; it stands by its last definition then.
        let taken_out = || self.removed.iter().find(|check| check.name == name);
        let definition = self.config.checks.get(name).map(|check| &**check).or_else(taken_out);
        match definition {
            Some(check) if check.command.is_passive() => self.known.recorded_passive(name, &run),
            _ if is_judged(run.reason) && self.ended.is_some_and(|ended| ended.own) => {
                self.known.recorded_own(name, run.state, self.now.mono_us);
            }
            _ => {}
        }
        let interval_us = |of: fn(&Check) -> std::time::Duration| {
            definition.map_or(1, |check| of(check).as_micros() as i64)
        };
        self.recorder.record(name, &run);
        let seen = Seen {
            recorded_us: now_us,
            first_slot_us,
            slots: u64::from(run.missed_slots.max(1)),
            chain: self.chains.get(name).copied().unwrap_or(0),
            after_loss: false,
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
}
