//! The decisions: which slot to run, what to wait for, what a result means.
//!
//! Invariants: a scheduled check never runs twice at once; no more than `max_concurrent_checks` plugins run; every
//! slot within a check's period ends as a run, as a skipped one, or in a missed stretch. Requests are in `requests.rs`.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Outcome, Report, Spec};
use custos_store::{Run, State};

use super::effect::{Ask, Effect, Event};
use super::entry::{Activity, Entry, LastAnswer};
use super::health::{Health, Work};
use super::line::implicit_check;
use super::load::Load;
use super::missed::{self, Missed, NO_AGENT};
use super::output::{plugin_output, threshold_lines};
use super::restore::{self, History};
use super::skipped::skipped_run;
use super::snapshot::Row;
use super::waiting::Waiting;
use crate::clock::Moment;
use crate::config::{AGENT_CHECK, Command, Config, Serving};
use crate::evaluate::{Before, evaluate, is_judged};
use crate::execute::{PluginEnvironment, plugin_spec};
use crate::interpret::{Reading, interpret};
use crate::limits::OVERLOAD_CHECKS_NAMED;
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
    /// Requested command lines that wait for a place.
    pub(super) lines: VecDeque<(usize, Ask)>,
    /// Scheduled polls of devices that are due. They take no place: the poller has bounds of its own.
    pub(super) polls: VecDeque<usize>,
    pub(super) polls_running: usize,
    slow_running: usize,
    lines_running: usize,
    pub(super) next_ticket: u64,
    load: Load,
    pub(super) stopping: bool,
}

/// A plugin that is running.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) entry: usize,
    pub(super) slot_us: Option<u64>,
    pub(super) started: Moment,
    pub(super) slow: bool,
    /// Whether a device is asked rather than a plugin run.
    pub(super) poll: bool,
    pub(super) timeout: Duration,
    /// The request, if it runs a command line of its own rather than the check's.
    pub(super) line: Option<Ask>,
    /// Whether the check has been given another definition since, of which this run says nothing.
    pub(super) outdated: bool,
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
            polls: VecDeque::new(),
            polls_running: 0,
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
            Event::Finished { ticket, report } => self.finished(ticket, report, now, effects),
            Event::Polled { ticket, outcome } => self.polled(ticket, &outcome, now, effects),
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
        if matches!(entry.check.command, Command::Snmp(_)) {
            self.polls.push_back(index);
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
        while let Some(index) = self.polls.pop_front() {
            self.start_poll(index, now, effects);
        }
        let places = self.config.max_concurrent_checks.max(1);
        let slow_max = places - places / 4;
        let lines_max = if self.timers.is_empty() { places } else { places.div_ceil(2) };
        while self.executions.len() - self.polls_running < places {
            if self.lines_running < lines_max
                && let Some((index, ask)) = self.lines.pop_front()
            {
                self.start_line(index, ask, now, effects);
                continue;
            }
            let Some((index, slow)) = self.waiting.pop(self.slow_running < slow_max) else { break };
            self.start_check(index, slow, now, effects);
        }
    }

    fn start_check(&mut self, index: usize, slow: bool, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        let Activity::Waiting { slot_us } = entry.activity else { return };
        if entry.removed && entry.askers.is_empty() {
            entry.activity = Activity::Idle;
            return;
        }
        let spec = Box::new(plugin_spec(&entry.check, &self.environment));
        self.execute(index, slot_us, slow, None, spec, now, effects);
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn execute(
        &mut self,
        index: usize,
        slot_us: Option<u64>,
        slow: bool,
        line: Option<Ask>,
        spec: Box<Spec>,
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
        self.slow_running += usize::from(slow);
        self.lines_running += usize::from(line.is_some());
        let timeout = spec.timeout;
        let execution = Execution {
            entry: index,
            slot_us,
            started: now,
            slow,
            poll: false,
            timeout,
            line,
            outdated: false,
        };
        self.executions.insert(ticket, execution);
        let asked = slot_us.is_none() || !self.entries[index].askers.is_empty();
        let crowded = self.executions.len() * 2 >= self.config.max_concurrent_checks;
        effects.push(Effect::Execute { ticket, spec, awaited: asked || crowded });
    }

    fn finished(&mut self, ticket: u64, report: Report, now: Moment, effects: &mut Vec<Effect>) {
        let Some(execution) = self.executions.remove(&ticket) else { return };
        let check = &self.entries[execution.entry].check;
        let run = interpret(&report, &Reading { timeout: execution.timeout, ..Reading::from(&**check) });
        self.conclude(execution, report, run, now, effects);
    }

    /// An execution ended as this run: judges and records it, tells whoever waits, and looks what comes next.
    pub(super) fn conclude(
        &mut self,
        execution: Execution,
        report: Report,
        mut run: Run,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        self.slow_running -= usize::from(execution.slow);
        self.polls_running -= usize::from(execution.poll);
        self.lines_running -= usize::from(execution.line.is_some());
        let index = execution.entry;
        let entry = &mut self.entries[index];
        let askers: Vec<Ask> = match execution.line {
            Some(ask) => vec![ask],
            None => {
                entry.note_run(report.wall_us);
                std::mem::take(&mut entry.askers)
            }
        };
        // The shim may have had others to start first.
        let started = execution.started.after(Duration::from_micros(report.wait_us));
        run.time_ms = started.wall_ms;
        run.lateness_us = execution.slot_us.map(|slot| started.mono_us.saturating_sub(slot));
        if let Some(late_us) = run.lateness_us {
            self.load.ran(late_us, now);
        }
        if execution.slot_us.is_none() {
            run.origin = askers.first().map(|ask| ask.origin.clone()).unwrap_or_default();
        }
        // Thresholds go by the slot, so that `for` is not shaken by how long a plugin takes.
        let at_us = execution.slot_us.unwrap_or(execution.started.mono_us);
        let run = self.judge_and_record(index, run, at_us, effects);
        if !execution.outdated {
            self.remember(index, &report, &run, now);
        }
        let report = Arc::new(report);
        for ask in askers {
            let result = Ok((Arc::clone(&report), Arc::clone(&run)));
            effects.push(Effect::Answer { id: ask.id, result });
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
    fn remember(&mut self, index: usize, report: &Report, run: &Run, now: Moment) {
        let entry = &mut self.entries[index];
        if matches!(entry.check.serving, Serving::Cached { .. }) && is_judged(run.reason) {
            let output = plugin_output(report, run);
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
        let change = evaluate(&entry.check, entry.before, &mut entry.holds, at_us as i64, &mut run);
        if is_judged(run.reason) {
            entry.before = Some(Before { state: run.state, standing: run.standing });
        }
        if let Some(change) = change {
            effects.push(Effect::Changed { check: Arc::clone(&entry.name), change, text: said(&run) });
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
                        let executions = self.executions.values_mut();
                        executions.filter(|e| e.entry == *index).for_each(|e| e.outdated = true);
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
            running: self.executions.len() - self.polls_running,
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
            self.finished(ticket, not_finished(wall_us), now, effects);
        }
    }
}

pub(super) fn not_finished(wall_us: u64) -> Report {
    Report { wall_us, ..Report::without_run(Outcome::NotFinished) }
}

/// A run in one line: what the thresholds said, then the plugin's text.
fn said(run: &Run) -> String {
    let limits: Vec<&str> = threshold_lines(&run.judgement).collect();
    if limits.is_empty() { run.text.clone() } else { format!("{} - {}", limits.join("; "), run.text) }
}
