//! The agent: its state, and which of its files handles which event.
//!
//! Invariants: a scheduled check never runs twice at once; no more than `max_concurrent_checks` plugins run; every
//! slot within a check's period ends as a run, as a skipped one, or in a missed stretch.

use std::collections::HashMap;
use std::sync::Arc;

use custos_query::NormalDays;

use super::check_state::CheckState;
use super::checks::{CheckId, Checks};
use super::clones::Clones;
use super::effect::{Effect, Event};
use super::executions::Executions;
use super::judging::Judging;
use super::load::Load;
use super::row::Row;
use super::waiting::Waiting;
use crate::clock::Moment;
use crate::config::implicit_check;
use crate::config::{AGENT_CHECK, Config};
use crate::execute::PluginEnvironment;

/// The agent's state.
#[derive(Debug)]
pub struct Agent {
    pub(super) config: Arc<Config>,
    pub(super) environment: PluginEnvironment,
    pub(super) checks: Checks,
    pub(super) executions: Executions,
    pub(super) waiting: Waiting,
    pub(super) clones: Clones,
    pub(super) load: Load,
    pub(super) judging: Judging,
    /// What is normal, by checks whose thresholds follow that.
    pub(super) normal: HashMap<String, Arc<NormalDays>>,
    pub(super) stopping: bool,
}

impl Agent {
    /// An agent without history: call [`Agent::restore`] first, then hand it events.
    pub fn new(config: Arc<Config>, environment: PluginEnvironment, now: Moment) -> Agent {
        let mut agent = Agent {
            config: Arc::clone(&config),
            environment,
            checks: Checks::default(),
            executions: Executions::default(),
            waiting: Waiting::default(),
            clones: Clones::default(),
            load: Load::new(now),
            judging: Judging::default(),
            normal: HashMap::new(),
            stopping: false,
        };
        agent.on_demand(AGENT_CHECK);
        for check in config.checks.values() {
            agent.checks.add(CheckState::defined(Arc::clone(check), &config.host, now));
        }
        agent.judging.take_over(&config, now);
        agent
    }

    /// Handles one event, at one moment.
    pub fn handle(&mut self, event: Event, now: Moment, effects: &mut Vec<Effect>) {
        // Slots that have passed come first, whatever else happened: the end of a run places the next one.
        self.wake(now, effects);
        match event {
            Event::Wake => {}
            Event::Ended { ticket, observation } => self.ended(ticket, *observation, now, effects),
            Event::Asked(ask) => self.asked(ask, now, effects),
            Event::Judged(judged) => self.judged(*judged, now, effects),
            Event::Passive(results) => self.passive(results, now, effects),
            Event::Look => {
                self.expire(now, effects);
                self.miss_results(now, effects);
            }
            Event::Normal(normal) => self.set_normal(normal),
            Event::Reload(config, histories) => {
                self.reload(config, histories, now);
                self.review_watches(now, effects);
            }
            Event::Watch(watch) => self.watch(&watch, now, effects),
            Event::Unwatch(watcher) => self.unwatch(watcher, now),
            Event::Health(health) => self.health(&health, now, effects),
            Event::Stop => self.stop(now, effects),
        }
        self.start_waiting(now, effects);
        self.start_clones(now, effects);
        self.judge_waiting(now, effects);
    }

    /// When [`Event::Wake`] is next wanted, on the monotonic clock.
    pub fn next_wake_us(&self) -> Option<u64> {
        let next_us = || {
            let all = [self.checks.next_due_us(), self.judging.next_wake_us(), self.clones.next_due_us()];
            all.into_iter().flatten().min()
        };
        if self.stopping { None } else { next_us() }
    }

    /// Takes what is normal from now on, by checks whose thresholds follow that; before [`Agent::restore`], which judges by it.
    pub fn set_normal(&mut self, normal: HashMap<String, Arc<NormalDays>>) {
        self.normal = normal;
    }

    /// Jobs that are under way.
    pub fn running(&self) -> usize {
        self.executions.len()
    }

    /// How many checks it knows: defined ones, ones that were only requested, and removed ones with a job that still runs.
    pub fn checks_kept(&self) -> usize {
        self.checks.len()
    }

    /// Every check as it stands, for `custos status`.
    pub fn rows(&self, now: Moment) -> Vec<Row> {
        let started = self.executions.started_ms();
        let kept = self.checks.iter().filter(|(_, check)| !check.ended);
        kept.map(|(id, check)| Row { running_since_ms: started.get(&id).copied(), ..self.row(check, now) })
            .collect()
    }

    fn row(&self, check: &CheckState, now: Moment) -> Row {
        let mut row = Row::of(check, now);
        // A rule has no slots of its own.
        row.next_ms =
            row.next_ms.or_else(|| self.judging.next_of_us(&check.name).map(|due_us| now.wall_at(due_us)));
        row
    }

    /// The check of that name, which is added if there is none: then it runs only when somebody asks.
    pub(super) fn on_demand(&mut self, name: &str) -> CheckId {
        let known = self.checks.id(name);
        known.unwrap_or_else(|| self.checks.add(CheckState::on_demand(Arc::new(implicit_check(name)))))
    }
}
