//! The decisions: which slot to run, what to wait for, what a result means.
//!
//! Invariants: a scheduled check never runs twice at once; no more than `max_concurrent_checks` plugins run; every
//! slot ends as a run or in a missed stretch; every request is answered exactly once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Outcome, Report, Spec};
use custos_store::Run;

use super::effect::{Ask, Effect, Event, Wanted};
use super::entry::{Activity, Entry, LastAnswer};
use super::health::{self, Health};
use super::line::implicit_check;
use super::missed::{Missed, NO_AGENT};
use super::output::{plugin_output, threshold_lines};
use super::restore::{self, History};
use super::snapshot::Row;
use super::trapped;
use crate::clock::Moment;
use crate::definition::{Command, Config, Serving};
use crate::evaluate::{Before, evaluate, is_judged};
use crate::execute::{PluginEnvironment, plugin_spec};
use crate::interpret::{Reading, interpret};
use crate::limits::ASK_QUEUE_MAX;
use crate::snmp;
use crate::snmp::traps::Keys;

/// The agent's state.
#[derive(Debug)]
pub struct Agent {
    config: Arc<Config>,
    environment: PluginEnvironment,
    pub(super) entries: Vec<Entry>,
    pub(super) by_name: HashMap<Arc<str>, usize>,
    /// The next slot of every scheduled check.
    timers: BTreeSet<(u64, usize)>,
    executions: HashMap<u64, Execution>,
    /// Scheduled checks that are due and wait for a place, with the time since when; slow ones apart.
    quick: VecDeque<(u64, usize)>,
    slow: VecDeque<(u64, usize)>,
    /// Requested command lines that wait for a place.
    lines: VecDeque<(usize, Ask)>,
    /// Scheduled polls of devices that are due. They take no place: the poller has bounds of its own.
    polls: VecDeque<usize>,
    polls_running: usize,
    slow_running: usize,
    lines_running: usize,
    next_ticket: u64,
    stopping: bool,
}

/// A plugin that is running.
#[derive(Debug)]
struct Execution {
    entry: usize,
    slot_us: Option<u64>,
    started: Moment,
    slow: bool,
    /// Whether a device is asked rather than a plugin run.
    poll: bool,
    timeout: Duration,
    /// The request, if it runs a command line of its own rather than the check's.
    line: Option<Ask>,
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
            quick: VecDeque::new(),
            slow: VecDeque::new(),
            lines: VecDeque::new(),
            polls: VecDeque::new(),
            polls_running: 0,
            slow_running: 0,
            lines_running: 0,
            next_ticket: 1,
            stopping: false,
        };
        agent.add(Entry::on_demand(Arc::new(implicit_check(health::AGENT_CHECK))));
        for check in config.checks.values() {
            agent.add(Entry::defined(Arc::clone(check), &config.host, now));
        }
        agent
    }

    /// Goes on where checks stood, and records the slots that passed while there was no agent.
    pub fn restore(&mut self, histories: Vec<History>, now: Moment, effects: &mut Vec<Effect>) {
        for history in histories {
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
            if let (Some(grid), Some(last)) = (entry.grid, &entry.last) {
                entry.missed = restore::missed_since(last, &grid, now, NO_AGENT);
                self.flush_missed(index, now, effects);
                self.set_pace(index, None, now);
            }
        }
    }

    /// Takes one event at one moment.
    pub fn handle(&mut self, event: Event, now: Moment, effects: &mut Vec<Effect>) {
        match event {
            Event::Wake => self.wake(now, effects),
            Event::Finished { ticket, report } => self.finished(ticket, report, now, effects),
            Event::Polled { ticket, outcome } => self.polled(ticket, &outcome, now, effects),
            Event::Asked(ask) => self.asked(ask, now, effects),
            Event::Trapped(occurrences) => self.trapped(occurrences, now, effects),
            Event::Look => self.expire(now, effects),
            Event::Reload(config, histories) => self.reload(config, histories, now, effects),
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
                Activity::Waiting { .. } => Some(super::missed::NO_ROOM),
                Activity::Running => Some(super::missed::STILL_RUNNING),
            };
            let slot = entry.pass_slots(now, busy);
            if let Some(next_us) = entry.due_us {
                self.timers.insert((next_us, index));
            }
            if busy.is_none() {
                self.flush_missed(index, now, effects);
            }
            if let Some(slot_us) = slot {
                self.enqueue(index, Some(slot_us), now);
            }
        }
    }

    /// Puts an idle check in the line of those that wait for a place.
    fn enqueue(&mut self, index: usize, slot_us: Option<u64>, now: Moment) {
        let entry = &mut self.entries[index];
        entry.activity = Activity::Waiting { slot_us };
        if matches!(entry.check.command, Command::Snmp(_)) {
            self.polls.push_back(index);
            return;
        }
        let queue = if entry.is_slow() { &mut self.slow } else { &mut self.quick };
        queue.push_back((now.mono_us, index));
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
            let slow = self.slow.front().filter(|_| self.slow_running < slow_max);
            let from_slow = match (slow, self.quick.front()) {
                (Some((since, _)), Some((other, _))) => since < other,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let next = if from_slow { self.slow.pop_front() } else { self.quick.pop_front() };
            if let Some((_, index)) = next {
                self.start_check(index, from_slow, now, effects);
            }
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

    fn start_poll(&mut self, index: usize, now: Moment, effects: &mut Vec<Effect>) {
        let entry = &mut self.entries[index];
        let Activity::Waiting { slot_us } = entry.activity else { return };
        let poll = match &entry.check.command {
            Command::Snmp(poll) if !entry.removed || !entry.askers.is_empty() => Arc::clone(poll),
            _ => {
                entry.activity = Activity::Idle;
                return;
            }
        };
        let timeout = entry.check.timeout;
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        entry.activity = Activity::Running;
        self.polls_running += 1;
        let execution =
            Execution { entry: index, slot_us, started: now, slow: false, poll: true, timeout, line: None };
        self.executions.insert(ticket, execution);
        effects.push(Effect::Poll { ticket, poll, timeout });
    }

    fn start_line(&mut self, index: usize, mut ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        if let Wanted::Line { spec, .. } = &mut ask.wanted
            && let Some(spec) = spec.take()
        {
            self.execute(index, None, false, Some(ask), spec, now, effects);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn execute(
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
        let execution = Execution { entry: index, slot_us, started: now, slow, poll: false, timeout, line };
        self.executions.insert(ticket, execution);
        effects.push(Effect::Execute { ticket, spec });
    }

    fn finished(&mut self, ticket: u64, report: Report, now: Moment, effects: &mut Vec<Effect>) {
        let Some(execution) = self.executions.remove(&ticket) else { return };
        let check = &self.entries[execution.entry].check;
        let run = interpret(&report, &Reading { timeout: execution.timeout, ..Reading::from(&**check) });
        self.conclude(execution, report, run, now, effects);
    }

    fn polled(&mut self, ticket: u64, outcome: &snmp::Outcome, now: Moment, effects: &mut Vec<Effect>) {
        let Some(execution) = self.executions.remove(&ticket) else { return };
        let check = &self.entries[execution.entry].check;
        let Command::Snmp(poll) = &check.command else {
            // The definition changed meanwhile to one that asks nobody.
            let wall_us = now.mono_us.saturating_sub(execution.started.mono_us);
            let report = not_finished(wall_us);
            let run = interpret(&report, &Reading::from(&**check));
            return self.conclude(execution, report, run, now, effects);
        };
        let (mut report, mut run) = snmp::read(poll, &self.config.snmp.names, outcome, check.timeout_state);
        report.wall_us = now.mono_us.saturating_sub(execution.started.mono_us);
        run.duration_us = report.wall_us;
        self.conclude(execution, report, run, now, effects);
    }

    /// An execution ended as this run: judges and records it, tells whoever waits, and looks what comes next.
    fn conclude(
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
            None => std::mem::take(&mut entry.askers),
        };
        run.time_ms = execution.started.wall_ms;
        run.lateness_us = execution.slot_us.map(|slot| execution.started.mono_us.saturating_sub(slot));
        if execution.slot_us.is_none() {
            run.origin = askers.first().map(|ask| ask.origin.clone()).unwrap_or_default();
        }
        // Thresholds go by the slot, so that `for` is not shaken by how long a plugin takes.
        let at_us = execution.slot_us.unwrap_or(execution.started.mono_us);
        let run = self.judge_and_record(index, run, at_us, effects);
        self.remember(index, &report, &run, now);
        let report = Arc::new(report);
        for ask in askers {
            let result = Ok((Arc::clone(&report), Arc::clone(&run)));
            effects.push(Effect::Answer { id: ask.id, result });
        }
        let entry = &mut self.entries[index];
        if entry.grid.is_some() {
            entry.activity = Activity::Idle;
        }
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

    /// How requests for a check are answered, and its last run; none if there is no such check.
    pub fn last_answer(&self, check: &str) -> Option<(Serving, Option<&LastAnswer>)> {
        let entry = &self.entries[*self.by_name.get(check)?];
        Some((entry.check.serving, entry.answer.as_ref()))
    }

    /// After a run: the next request for the same check that had to wait for its end.
    fn next_request(&mut self, index: usize, now: Moment) {
        let entry = &mut self.entries[index];
        match entry.queue.pop_front() {
            Some(ask) if matches!(ask.wanted, Wanted::Check(_)) => {
                entry.askers.push(ask);
                self.enqueue(index, None, now);
            }
            Some(ask) => {
                entry.activity = Activity::Running;
                self.lines.push_back((index, ask));
            }
            None => {}
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
        effects.push(Effect::Record { check: Arc::clone(&entry.name), run: Box::new((*run).clone()) });
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

    fn asked(&mut self, ask: Ask, now: Moment, effects: &mut Vec<Effect>) {
        let refuse = |id: u64, why: String| Effect::Answer { id, result: Err(why) };
        if self.stopping {
            effects.push(refuse(ask.id, "the agent is stopping".to_owned()));
            return;
        }
        let name = match &ask.wanted {
            Wanted::Check(name) | Wanted::Line { name, .. } => name.as_str(),
        };
        let known = self.by_name.get(name).copied();
        match (&ask.wanted, known) {
            (Wanted::Check(name), index) => {
                let index = index.filter(|i| self.entries[*i].is_defined() && !self.entries[*i].removed);
                let Some(index) = index else {
                    effects.push(refuse(ask.id, format!("no check {name} is defined")));
                    return;
                };
                let entry = &mut self.entries[index];
                if entry.is_told() {
                    let (report, run) = trapped::told(entry, now);
                    effects
                        .push(Effect::Answer { id: ask.id, result: Ok((Arc::new(report), Arc::new(run))) });
                    return;
                }
                let line_runs = matches!(entry.activity, Activity::Running)
                    && self.executions.values().any(|e| e.entry == index && e.line.is_some());
                match entry.activity {
                    Activity::Idle => {
                        entry.askers.push(ask);
                        self.enqueue(index, None, now);
                    }
                    // The run under way is the answer, unless it is another command that runs under this name.
                    _ if !line_runs && entry.askers.len() < ASK_QUEUE_MAX => entry.askers.push(ask),
                    _ if entry.queue.len() < ASK_QUEUE_MAX => entry.queue.push_back(ask),
                    _ => effects.push(refuse(ask.id, "too many requests are waiting".to_owned())),
                }
            }
            (Wanted::Line { name, .. }, known) => {
                let index = match known {
                    Some(index) => index,
                    None => self.add(Entry::on_demand(Arc::new(implicit_check(name)))),
                };
                let entry = &mut self.entries[index];
                if self.lines.len() >= ASK_QUEUE_MAX || entry.queue.len() >= ASK_QUEUE_MAX {
                    effects.push(refuse(ask.id, "too many requests are waiting".to_owned()));
                } else if entry.grid.is_some() && !entry.is_idle() {
                    entry.queue.push_back(ask);
                } else {
                    if entry.grid.is_some() {
                        entry.activity = Activity::Running;
                    }
                    self.lines.push_back((index, ask));
                }
            }
        }
    }

    fn reload(
        &mut self,
        config: Arc<Config>,
        histories: Vec<History>,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) {
        let host_changed = config.host != self.config.host;
        for entry in &mut self.entries {
            entry.removed = entry.is_defined() && !config.checks.contains_key(&*entry.name);
        }
        for check in config.checks.values() {
            match self.by_name.get(check.name.as_str()) {
                Some(index) => {
                    self.entries[*index].redefine(Arc::clone(check), host_changed, &config.host, now)
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
        self.restore(histories, now, effects);
    }

    fn health(&mut self, health: &Health, now: Moment, effects: &mut Vec<Effect>) {
        let index = self.by_name[health::AGENT_CHECK];
        let waiting = self.quick.len() + self.slow.len() + self.lines.len();
        let run = health.to_run(self.executions.len() - self.polls_running, waiting, now);
        self.judge_and_record(index, run, now.mono_us, effects);
    }

    /// Starts nothing any more; refuses what waits.
    fn stop(&mut self, effects: &mut Vec<Effect>) {
        self.stopping = true;
        let mut asks: Vec<Ask> = self.lines.drain(..).map(|(_, ask)| ask).collect();
        let plugins = self.quick.drain(..).chain(self.slow.drain(..)).map(|(_, index)| index);
        for index in plugins.chain(self.polls.drain(..)) {
            let entry = &mut self.entries[index];
            entry.activity = Activity::Idle;
            asks.append(&mut entry.askers);
        }
        asks.extend(self.entries.iter_mut().flat_map(|entry| entry.queue.drain(..)));
        for ask in asks {
            effects.push(Effect::Answer { id: ask.id, result: Err("the agent is stopping".to_owned()) });
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

fn not_finished(wall_us: u64) -> Report {
    Report {
        outcome: Outcome::NotFinished,
        stdout: Vec::new(),
        stdout_bytes: 0,
        stderr: Vec::new(),
        stderr_bytes: 0,
        wall_us,
        cpu_us: 0,
        max_rss_bytes: 0,
        left_behind: 0,
    }
}

/// A run in one line: what the thresholds said, then the plugin's text.
fn said(run: &Run) -> String {
    let limits: Vec<&str> = threshold_lines(&run.judgement).collect();
    if limits.is_empty() { run.text.clone() } else { format!("{} - {}", limits.join("; "), run.text) }
}
