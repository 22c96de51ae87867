//! A small world for one scene: checks, how long their plugins take, and what came of it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use custos::agent::{Agent, Answer, Ask, Effect, Event, History, Wanted, Watching};
use custos::clock::Moment;
use custos::config::{Check, Config};
use custos::execute::{Job, TableRows};
use custos::observe::{Ending, Observation, PluginEnd, observe_plugin};
use custos::rules::JudgeOrder;
use custos::snmp;
use custos_store::{Provenance, Reason, Run};

use crate::definitions::{config, environment, program};
use crate::rule_judge::RuleJudge;

const START: Moment = Moment { mono_us: 3_600_000_000, wall_ms: 1_761_393_600_000 };
pub const SECOND_US: u64 = 1_000_000;

pub struct Stage {
    pub agent: Agent,
    pub now: Moment,
    /// How long the plugin of a check takes, in microseconds.
    takes_us: fn(&str) -> u64,
    /// What each plugin prints.
    pub prints: String,
    /// What each device answers.
    pub device: snmp::Outcome,
    /// Jobs under way: when they end, and their ticket.
    ends: BinaryHeap<Reverse<(u64, u64)>>,
    /// What comes of them.
    observations: HashMap<u64, Observation>,
    /// Every start: when after the beginning, in microseconds, and of which check.
    pub starts: Vec<(u64, String)>,
    pub runs: Vec<(String, Run)>,
    /// Answers, with the state or why there is none.
    pub answers: Vec<(u64, Result<u8, String>)>,
    /// What those who asked would see printed.
    pub outputs: HashMap<u64, String>,
    pub peak: usize,
    /// Runs that were kept because somebody watched.
    pub kept: Vec<(String, Run)>,
    /// What was answered to those who want to watch.
    pub watching: HashMap<u64, Result<Watching, String>>,
    /// Runs that each who watches was shown: of which check, and whether it is one of a clone.
    pub shown: HashMap<u64, Vec<(String, bool)>>,
    /// Who was told that what they watch cannot be watched any more, and why.
    pub watches_ended: Vec<(u64, String)>,
    /// Orders to judge rules that were not carried out yet.
    orders: VecDeque<JudgeOrder>,
    /// Who carries them out, if anybody does.
    pub judge: Option<RuleJudge>,
}

impl Stage {
    pub fn new(config: Config, takes_us: fn(&str) -> u64) -> Stage {
        Stage {
            agent: Agent::new(Arc::new(config), environment(), START),
            now: START,
            takes_us,
            prints: "OK".to_owned(),
            device: Err(snmp::Failure::Busy),
            ends: BinaryHeap::new(),
            observations: HashMap::new(),
            starts: Vec::new(),
            runs: Vec::new(),
            answers: Vec::new(),
            outputs: HashMap::new(),
            peak: 0,
            kept: Vec::new(),
            watching: HashMap::new(),
            shown: HashMap::new(),
            watches_ended: Vec::new(),
            orders: VecDeque::new(),
            judge: None,
        }
    }

    /// Lives on for so many seconds.
    pub fn live(&mut self, seconds: u64) {
        let end_us = self.now.mono_us + seconds * SECOND_US;
        loop {
            let due_us = self.agent.next_wake_us().unwrap_or(u64::MAX);
            let done_us = self.ends.peek().map_or(u64::MAX, |end| end.0.0);
            let next_us = due_us.min(done_us);
            if next_us >= end_us {
                self.stand_still(end_us.saturating_sub(self.now.mono_us));
                break;
            }
            self.stand_still(next_us.saturating_sub(self.now.mono_us));
            if done_us == next_us {
                let Some(Reverse((_, ticket))) = self.ends.pop() else { break };
                let observation = Box::new(self.observations.remove(&ticket).unwrap());
                self.handle(Event::Ended { ticket, observation });
            } else {
                self.handle(Event::Wake);
            }
        }
    }

    /// The agent dies with its jobs, and after some time another one goes on by what was recorded. The state of rules is what it
    /// was.
    pub fn restart(&mut self, config: Config, dead_us: u64) {
        self.ends.clear();
        self.observations.clear();
        self.orders.clear();
        self.stand_still(dead_us);
        let mut histories: HashMap<String, Vec<Run>> = HashMap::new();
        for (check, run) in &self.runs {
            histories.entry(check.clone()).or_default().push(run.clone());
        }
        let histories = histories.into_iter().map(|(check, runs)| History { check, runs }).collect();
        self.agent = Agent::new(Arc::new(config), environment(), self.now);
        let mut effects = Vec::new();
        self.agent.restore(histories, self.now, &mut effects);
        self.perform(effects);
        self.carry_out();
    }

    /// Time passes, and nobody notices.
    pub fn stand_still(&mut self, us: u64) {
        let wall_us = self.now.wall_ms * 1000 + (self.now.mono_us % 1000) as i64 + us as i64;
        self.now = Moment { mono_us: self.now.mono_us + us, wall_ms: wall_us.div_euclid(1000) };
    }

    pub fn ask(&mut self, id: u64, wanted: Wanted) {
        self.handle(Event::Asked(Ask { id, wanted, origin: "somebody".to_owned() }));
    }

    pub fn reload(&mut self, checks: impl IntoIterator<Item = Check>, places: usize) {
        self.handle(Event::Reload(Arc::new(config(checks, places)), Vec::new()));
    }

    pub fn handle(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.agent.handle(event, self.now, &mut effects);
        self.perform(effects);
        self.carry_out();
    }

    /// Has the rules judged that are to be.
    fn carry_out(&mut self) {
        while let Some(judge) = &mut self.judge
            && let Some(order) = self.orders.pop_front()
        {
            let judged = Event::Judged(Box::new(judge.judge(order)));
            self.handle(judged);
        }
    }

    pub fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { ticket, job, awaited: _ } => {
                    let (name, observation) = self.result_of(&job);
                    self.ends.push(Reverse((self.now.mono_us + observation.run.duration_us, ticket)));
                    self.observations.insert(ticket, observation);
                    self.starts.push((self.now.mono_us - START.mono_us, name));
                }
                Effect::Record { check, run } => {
                    if let Some(judge) = &mut self.judge {
                        judge.record(&check, &run);
                    }
                    self.runs.push((check.to_string(), Arc::unwrap_or_clone(run)))
                }
                Effect::Answer { id, result } => {
                    self.answers.push((id, result.as_ref().map(|a| a.state().code()).map_err(String::clone)));
                    let output = result.map(Answer::output).unwrap_or_default();
                    self.outputs.insert(id, String::from_utf8(output).unwrap());
                }
                Effect::Keep { check, run } => self.kept.push((check.to_string(), Arc::unwrap_or_clone(run))),
                Effect::Watching { id, result } => {
                    self.watching.insert(id, result);
                }
                Effect::Show { watchers, check, run } => {
                    let is_cloned = run.provenance == Provenance::Watched;
                    for watcher in watchers {
                        self.shown.entry(watcher).or_default().push((check.to_string(), is_cloned));
                    }
                }
                Effect::WatchEnded { id, why } => self.watches_ended.push((id, why)),
                Effect::Judge(order) => self.orders.push_back(order),
                Effect::Changed { .. } | Effect::Alerts { .. } => {}
            }
        }
        self.peak = self.peak.max(self.agent.running());
    }

    /// The name of what a job runs, and what will come of it.
    fn result_of(&self, job: &Job) -> (String, Observation) {
        let plugin = match job {
            Job::Plugin(plugin) => plugin,
            Job::Poll(poll) => {
                let device = poll.poll().target.clone();
                let took_us = (self.takes_us)(&device);
                return (device, poll.observe(&self.device, took_us, &mut TableRows::default()));
            }
        };
        let name = program(plugin);
        let timeout_us = plugin.timeout().as_micros() as u64;
        let takes_us = (self.takes_us)(&name);
        let ending = if takes_us > timeout_us { Ending::TimedOut } else { Ending::Exited(0) };
        let end = PluginEnd {
            wall_us: takes_us.min(timeout_us),
            ..PluginEnd::printed(ending, self.prints.clone().into_bytes())
        };
        (name, observe_plugin(end, plugin.reading()))
    }

    /// Slots that were missed, of checks whose name begins so.
    pub fn missed(&self, prefix: &str) -> u64 {
        let missed = |(name, run): &&(String, Run)| name.starts_with(prefix) && run.reason == Reason::Missed;
        self.runs.iter().filter(missed).map(|(_, run)| u64::from(run.missed_slots)).sum()
    }

    /// How late runs were at most, of checks whose name begins so, in microseconds.
    pub fn latest_us(&self, prefix: &str) -> u64 {
        let runs = self.runs.iter().filter(|(name, _)| name.starts_with(prefix));
        runs.filter_map(|(_, run)| run.lateness_us).max().unwrap_or(0)
    }

    /// Starts in each second of a stretch of seconds after the beginning.
    pub fn starts_by_second(&self, seconds: std::ops::Range<u64>) -> Vec<usize> {
        let in_second =
            |second: u64| self.starts.iter().filter(|start| start.0 / SECOND_US == second).count();
        seconds.map(in_second).collect()
    }
}
