//! The decisions: which slot to run, what to wait for, what a result means.
//!
//! Invariants: a scheduled check never runs twice at once; no more than `max_concurrent_checks` plugins run; every
//! slot within a check's period ends as a run, as a skipped one, or in a missed stretch. Requests are in `requests.rs`.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use custos_store::{Run, State};

use super::answer::{Answer, threshold_lines, verdict_output};
use super::cached::LastAnswer;
use super::effect::{Asker, Effect, Event};
use super::entry::{Activity, Entry};
use super::health::{Health, Work};
use super::line::implicit_check;
use super::load::Load;
use super::missed::{self, Missed, NO_AGENT};
use super::restore::{self, History};
use super::skipped::skipped_run;
use super::snapshot::Row;
use super::waiting::Waiting;
use crate::clock::Moment;
use crate::config::{AGENT_CHECK, Check, Config, Serving};
use crate::evaluate::{Before, Counting, Holds, is_judged, judge_run, stand};
use crate::execute::{Job, Line, PluginEnvironment};
use crate::limits::OVERLOAD_CHECKS_NAMED;
use crate::observe::{Observation, Printed};
use crate::snmp::traps::Keys;

/// The agent's state.
#[derive(Debug)]
pub struct Agent {
    pub(super) config: Arc<Config>,
    environment: PluginEnvironment,
    pub(super) entries: Vec<Entry>,
    pub(super) by_name: HashMap<Arc<str>, usize>,
    /// The next slot of every scheduled check.
    timers: BTreeSet<(u64, usize)>,
    pub(super) executions: HashMap<u64, Execution>,
    /// Checks that wait for a place.
    pub(super) waiting: Waiting,
    /// Requested command lines that wait for a slot.
    pub(super) lines: VecDeque<(usize, Asker, Box<Line>)>,
    /// Checks that are due and whose jobs take no slot.
    pub(super) unslotted: VecDeque<usize>,
    unslotted_running: usize,
    slow_running: usize,
    lines_running: usize,
    pub(super) next_ticket: u64,
    load: Load,
    pub(super) stopping: bool,
}

/// A job that is under way.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) entry: usize,
    /// The definition that it was started by.
    check: Arc<Check>,
    slot_us: Option<u64>,
    started: Moment,
    slow: bool,
    takes_slot: bool,
    /// Who asked, if it is a command line of its own rather than the check's job.
    pub(super) line: Option<Asker>,
    /// Whether the check has been given another definition since, of which this run says nothing.
    pub(super) outdated: bool,
    /// Since when the limits of the definition that ran were crossed, if those of now are others.
    holds: Option<Holds>,
}

impl Agent {
    /// An agent that knows nothing yet: give it histories, then events.
    pub fn new(config: Arc<Config>, environment: PluginEnvironment, now: Moment) -> Agent {
        let mut agent = Agent {
            config: Arc::clone(&config),
            environment,
            entries: Vec::new(),
            by_name: HashMap::new(),
            timers: BTreeSet::new(),
            executions: HashMap::new(),
            waiting: Waiting::default(),
            lines: VecDeque::new(),
            unslotted: VecDeque::new(),
            unslotted_running: 0,
            slow_running: 0,
            lines_running: 0,
            next_ticket: 1,
            load: Load::new(now),
            stopping: false,
        };
        agent.add(Entry::on_demand(Arc::new(implicit_check(AGENT_CHECK))));
        for check in config.checks.values() {
            agent.add(Entry::defined(Arc::clone(check), &config.host, now));
        }
        agent
    }

    /// Goes on where checks stood, and records the slots that passed while there was no agent.
    pub fn restore(&mut self, histories: Vec<History>, now: Moment, effects: &mut Vec<Effect>) {
        for index in self.resume(histories, now) {
            let entry = &mut self.entries[index];
            if let (Some(grid), Some(last)) = (entry.grid, &entry.last) {
                let period = entry.check.check_period.as_deref();
                entry.missed = restore::missed_since(last, &grid, period, now, NO_AGENT);
                self.flush_missed(index, now, effects);
            }
        }
    }

    /// Has checks stand where their histories say; returns which.
    fn resume(&mut self, histories: Vec<History>, now: Moment) -> Vec<usize> {
        let resume_one = |history: History| {
            let index = match self.by_name.get(history.check.as_str()) {
                Some(index) => *index,
                None => self.add(Entry::on_demand(Arc::new(implicit_check(&history.check)))),
            };
            let entry = &mut self.entries[index];
            let restored = restore::restore_standing(&entry.check, &history.runs, now);
            (entry.before, entry.holds) = (restored.before, restored.holds);
            entry.last = history.runs.last().cloned().map(Arc::new);
            if entry.is_told() {
                entry.keys = Keys::restore(&history.runs);
            }
            if let Some(run) = history.runs.iter().rfind(|run| is_judged(run.reason)) {
                entry.note_run(run.duration_us);
            }
            self.set_pace(index, None, now);
            index
        };
        histories.into_iter().map(resume_one).collect()
    }

    /// Takes one event at one moment.
    pub fn handle(&mut self, event: Event, now: Moment, effects: &mut Vec<Effect>) {
        // Slots that have passed come first, whatever else happened: the end of a run places the next one.
        self.wake(now, effects);
        match event {
            Event::Wake => {}
            Event::Ended { ticket, observation } => self.ended(ticket, *observation, now, effects),
            Event::Asked(ask) => self.asked(ask, now, effects),
            Event::Passive(results) => self.passive(results, now, effects),
            Event::Look => self.expire(now, effects),
            Event::Reload(config, histories) => self.reload(config, histories, now),
            Event::Health(health) => self.health(&health, now, effects),
            Event::Stop => self.stop(effects),
        }
        self.fill(now, effects);
    }

    /// When [`Event::Wake`] is next wanted, on the monotonic clock.
    pub fn next_wake_us(&self) -> Option<u64> {
        if self.stopping { None } else { self.timers.first().map(|timer| timer.0) }
    }

    /// Plugins that are running.
    pub fn running(&self) -> usize {
        self.executions.len()
    }

    /// Every check as it stands, for `custos status`.
    pub fn rows(&self, now: Moment) -> Vec<Row> {
        self.entries.iter().filter(|entry| !entry.removed).map(|entry| Row::of(entry, now)).collect()
    }

    pub(super) fn add(&mut self, entry: Entry) -> usize {
        let index = self.entries.len();
        self.by_name.insert(Arc::clone(&entry.name), index);
        if let Some(due_us) = entry.due_us {
            self.timers.insert((due_us, index));
        }
        self.entries.push(entry);
        index
    }

    fn wake(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        while let Some(&(due_us, index)) = self.timers.first() {
            if due_us > now.mono_us || self.stopping {
                break;
            }
            self.timers.pop_first();
            let entry = &mut self.entries[index];
            let busy = match entry.activity {
                Activity::Idle => None,
                Activity::Waiting { .. } if entry.is_low() => Some(missed::LOW_PRIORITY),
                Activity::Waiting { .. } => Some(missed::NO_ROOM),
                Activity::Running => Some(missed::STILL_RUNNING),
            };
            let passed = entry.pass_slots(now, busy);
            if matches!(entry.activity, Activity::Waiting { .. }) {
                self.load.no_room(passed.missed, now);
            }
            if let Some(next_us) = entry.due_us {
                self.timers.insert((next_us, index));
            }
            if busy.is_none() {
                self.flush_missed(index, now, effects);
            }
            if let Some(slot_us) = passed.slot_us {
                self.take_slot(index, slot_us, now, effects);
            }
        }
    }

    /// Runs a check for its slot, unless one that it depends on is in trouble: then the slot is recorded as skipped.
    fn take_slot(&mut self, index: usize, slot_us: u64, now: Moment, effects: &mut Vec<Effect>) {
        let trouble = self.trouble(index).map(|(other, state)| skipped_run(slot_us, other, state, now));
        self.entries[index].skipping = trouble.is_some();
        match trouble {
            Some(run) => {
                self.judge_and_record(index, run, slot_us, effects);
            }
            None => self.enqueue(index, Some(slot_us), now),
        }
    }

    /// A check in a hard problem that this one depends on, directly or by way of others.
    fn trouble(&self, index: usize) -> Option<(&str, State)> {
        let mut ahead: Vec<&str> = self.depends_on(index).collect();
        let mut seen = HashSet::new();
        while let Some(name) = ahead.pop() {
            let Some(other) = self.by_name.get(name).copied().filter(|other| seen.insert(*other)) else {
                continue;
            };
            let hard_state =
                self.entries[other].before.map_or(State::Ok, |before| before.standing.hard_state);
            if hard_state != State::Ok && !self.entries[other].removed {
                return Some((name, hard_state));
            }
            ahead.extend(self.depends_on(other));
        }
        None
    }

    /// What a check depends on, the first last.
    fn depends_on(&self, index: usize) -> impl Iterator<Item = &str> {
        self.entries[index].check.depends_on.iter().rev().map(String::as_str)
    }

    /// Puts an idle check in the line of those that wait for a place.
    pub(super) fn enqueue(&mut self, index: usize, slot_us: Option<u64>, now: Moment) {
        let entry = &mut self.entries[index];
        entry.activity = Activity::Waiting { slot_us };
        if !Job::takes_slot(&entry.check) {
            self.unslotted.push_back(index);
            return;
        }
        let slow = entry.is_slow();
        match entry.patience_us().filter(|_| slot_us.is_some()) {
            Some(patience_us) => {
                self.waiting.push_low(now.mono_us.saturating_add(patience_us), index, slow);
            }
            None => self.waiting.push(now.mono_us, index, slow),
        }
    }

    /// Starts what waits while there is room. Slow checks leave a quarter of the places to quick ones, and
    /// requests leave half of them to the schedule.
    fn fill(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        while let Some(index) = self.unslotted.pop_front() {
            self.start_check(index, false, now, effects);
        }
        let slots = self.config.max_concurrent_checks.max(1);
        let slow_max = slots - slots / 4;
        let lines_max = if self.timers.is_empty() { slots } else { slots.div_ceil(2) };
        while self.executions.len() - self.unslotted_running < slots {
            if self.lines_running < lines_max
                && let Some((index, asker, line)) = self.lines.pop_front()
            {
                let job = Job::of_line(*line, &self.entries[index].check);
                self.start(index, job, None, false, Some(asker), now, effects);
                continue;
            }
            let Some((index, slow)) = self.waiting.pop(self.slow_running < slow_max) else { break };
            self.start_check(index, slow, now, effects);
        }
    }

    /// Starts the job of a check that is due, unless it is not wanted any more.
    fn start_check(&mut self, index: usize, slow: bool, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        let Activity::Waiting { slot_us } = entry.activity else { return };
        let wanted = !entry.removed || !entry.askers.is_empty();
        let job = wanted.then(|| Job::of_check(&entry.check, &self.config, &self.environment)).flatten();
        match job {
            Some(job) => self.start(index, job, slot_us, slow, None, now, effects),
            None => entry.activity = Activity::Idle,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn start(
        &mut self,
        index: usize,
        job: Job,
        slot_us: Option<u64>,
        slow: bool,
        line: Option<Asker>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let entry = &mut self.entries[index];
        // What is only ever asked for may run several times at once; what has a schedule may not.
        if entry.grid.is_some() || line.is_none() {
            entry.activity = Activity::Running;
        }
        let takes_slot = line.is_some() || Job::takes_slot(&entry.check);
        self.unslotted_running += usize::from(!takes_slot);
        self.slow_running += usize::from(slow);
        self.lines_running += usize::from(line.is_some());
        let check = Arc::clone(&entry.check);
        let asked = slot_us.is_none() || !entry.askers.is_empty();
        let execution = Execution {
            entry: index,
            check,
            slot_us,
            started: now,
            slow,
            takes_slot,
            line,
            outdated: false,
            holds: None,
        };
        self.executions.insert(ticket, execution);
        let crowded = self.executions.len() * 2 >= self.config.max_concurrent_checks;
        effects.push(Effect::Start { ticket, job, awaited: asked || crowded });
    }

    /// A job ended: judges and records the run, answers whoever waits, and looks what comes next.
    fn ended(&mut self, ticket: u64, observation: Observation, now: Moment, effects: &mut Vec<Effect>) {
        let Some(mut execution) = self.executions.remove(&ticket) else { return };
        let Observation { mut run, printed, wait_us } = observation;
        self.unslotted_running -= usize::from(!execution.takes_slot);
        self.slow_running -= usize::from(execution.slow);
        self.lines_running -= usize::from(execution.line.is_some());
        let index = execution.entry;
        let entry = &mut self.entries[index];
        let askers: Vec<Asker> = match execution.line {
            Some(asker) => vec![asker],
            None => {
                entry.note_run(run.duration_us);
                std::mem::take(&mut entry.askers)
            }
        };
        // Others may have had to be started first.
        let started = execution.started.after(Duration::from_micros(wait_us));
        run.time_ms = started.wall_ms;
        run.lateness_us = execution.slot_us.map(|slot| started.mono_us.saturating_sub(slot));
        if let Some(late_us) = run.lateness_us {
            self.load.ran(late_us, now);
        }
        if execution.slot_us.is_none() {
            run.origin = askers.first().map(|asker| asker.origin.clone()).unwrap_or_default();
        }
        // Thresholds go by the slot, so that `for` is not shaken by how long a plugin takes.
        let at_us = execution.slot_us.unwrap_or(execution.started.mono_us);
        let holds = execution.holds.as_mut().unwrap_or(&mut self.entries[index].holds);
        judge_run(&execution.check, holds, at_us as i64, &mut run);
        let run = self.record(index, run, effects);
        if !execution.outdated {
            self.remember(index, &printed, &run, now);
        }
        let printed = Arc::new(printed);
        for asker in askers {
            let answer = Answer::Ran { run: Arc::clone(&run), printed: Arc::clone(&printed) };
            effects.push(Effect::Answer { id: asker.id, result: Ok(answer) });
        }
        let entry = &mut self.entries[index];
        entry.activity = Activity::Idle;
        self.flush_missed(index, now, effects);
        if !self.stopping {
            self.set_pace(index, execution.slot_us, now);
            self.next_request(index, now);
        }
    }

    /// Keeps what the run printed where requests may be answered by it.
    fn remember(&mut self, index: usize, printed: &Printed, run: &Run, now: Moment) {
        let entry = &mut self.entries[index];
        if matches!(entry.check.serving, Serving::Cached { .. }) && is_judged(run.reason) {
            let output = verdict_output(printed, run);
            let interval = entry.check.check_interval;
            entry.answer = Some(LastAnswer { output, state: run.state, ended_us: now.mono_us, interval });
        }
    }

    pub(super) fn judge_and_record(
        &mut self,
        index: usize,
        mut run: Run,
        at_us: u64,
        effects: &mut Vec<Effect>,
    ) -> Arc<Run> {
        let entry = &mut self.entries[index];
        judge_run(&entry.check, &mut entry.holds, at_us as i64, &mut run);
        self.record(index, run, effects)
    }

    /// Records a run that has its verdict, and says where the check stands after it.
    fn record(&mut self, index: usize, mut run: Run, effects: &mut Vec<Effect>) -> Arc<Run> {
        let entry = &mut self.entries[index];
        let change = stand(Counting::from(&*entry.check), entry.before, &mut run);
        if is_judged(run.reason) {
            entry.before = Some(Before { state: run.state, standing: run.standing });
        }
        if let Some(change) = change {
            effects.push(Effect::Changed { check: Arc::clone(&entry.name), change, text: one_line(&run) });
        }
        let run = Arc::new(run);
        entry.last = Some(Arc::clone(&run));
        effects.push(Effect::Record { check: Arc::clone(&entry.name), run: Arc::clone(&run) });
        run
    }

    fn flush_missed(&mut self, index: usize, now: Moment, effects: &mut Vec<Effect>) {
        if let Some(missed) = self.entries[index].missed.take() {
            self.judge_and_record(index, Missed::to_run(missed, now), now.mono_us, effects);
        }
    }

    fn set_pace(&mut self, index: usize, slot_us: Option<u64>, now: Moment) {
        let entry = &mut self.entries[index];
        let before = entry.due_us;
        entry.set_pace(slot_us.unwrap_or(now.mono_us), now);
        if before != entry.due_us {
            if let Some(old_us) = before {
                self.timers.remove(&(old_us, index));
            }
            if let Some(due_us) = entry.due_us {
                self.timers.insert((due_us, index));
            }
        }
    }

    fn reload(&mut self, config: Arc<Config>, histories: Vec<History>, now: Moment) {
        let host_changed = config.host != self.config.host;
        for entry in &mut self.entries {
            entry.removed = entry.is_defined() && !config.checks.contains_key(&*entry.name);
        }
        for check in config.checks.values() {
            match self.by_name.get(check.name.as_str()) {
                Some(index) => {
                    let entry = &mut self.entries[*index];
                    if !entry.check.says_the_same_as(check) {
                        entry.answer = None;
                        for execution in self.executions.values_mut().filter(|e| e.entry == *index) {
                            execution.outdated = true;
                            if entry.check.thresholds != check.thresholds && execution.holds.is_none() {
                                execution.holds = Some(entry.holds.clone());
                            }
                        }
                    }
                    entry.redefine(Arc::clone(check), host_changed, &config.host, now);
                }
                None => {
                    self.add(Entry::defined(Arc::clone(check), &config.host, now));
                }
            }
        }
        self.timers.clear();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.removed {
                (entry.grid, entry.pace, entry.due_us) = (None, None, None);
                entry.removed = true;
            }
            if let Some(due_us) = entry.due_us {
                self.timers.insert((due_us, index));
            }
        }
        self.config = config;
        // What was not defined has missed nothing.
        self.resume(histories, now);
    }

    fn health(&mut self, health: &Health, now: Moment, effects: &mut Vec<Effect>) {
        let index = self.by_name[AGENT_CHECK];
        let run = health.to_run(&self.work(now), now);
        self.judge_and_record(index, run, now.mono_us, effects);
    }

    fn work(&self, now: Moment) -> Work {
        let active = || self.entries.iter().filter(|entry| !entry.removed);
        let figures = self.load.figures(now);
        let mut costly: Vec<(Arc<str>, f64)> = Vec::new();
        if figures.is_overload() {
            let cost = |entry: &Entry| entry.run_us as f64 / 1e6 * entry.wanted_per_s(now);
            costly.extend(
                active().map(|entry| (Arc::clone(&entry.name), cost(entry))).filter(|(_, c)| *c > 0.0),
            );
            costly.sort_by(|a, b| b.1.total_cmp(&a.1));
            costly.truncate(OVERLOAD_CHECKS_NAMED);
        }
        Work {
            running: self.executions.len() - self.unslotted_running,
            waiting: self.waiting.len() + self.lines.len(),
            wanted_per_s: active().map(|entry| entry.wanted_per_s(now)).sum(),
            figures,
            costly,
        }
    }

    /// Ends what still runs, for a stop that has waited long enough: its results are not known.
    pub fn abandon(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let tickets: Vec<u64> = self.executions.keys().copied().collect();
        for ticket in tickets {
            let wall_us = now.mono_us.saturating_sub(self.executions[&ticket].started.mono_us);
            self.ended(ticket, Observation::abandoned(wall_us), now, effects);
        }
    }
}

/// A run in one line: what the thresholds say, then the plugin's text.
fn one_line(run: &Run) -> String {
    let limits: Vec<&str> = threshold_lines(&run.judgement).collect();
    if limits.is_empty() { run.text.clone() } else { format!("{} - {}", limits.join("; "), run.text) }
}
