//! The judging thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use custos_query::LiveSource;
use tokio::sync::mpsc;

use super::counts::Counts;
use super::group::{Group, Surroundings};
use super::older::Older;
use super::queue::{Input, Queue};
use super::restore::Restore;
use super::settings::Settings;
use crate::clock;
use crate::rules::{Because, JudgeOrder, JudgedGroup, JudgedRule, RuleGroup};

/// What the thread has.
pub(super) struct Thread {
    settings: Settings,
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    answers: mpsc::Sender<JudgedGroup>,
    live: Arc<LiveSource>,
    groups: HashMap<Arc<str>, Group>,
    restore: Restore,
}

impl Thread {
    pub(super) fn new(
        settings: Settings,
        queue: Arc<Queue>,
        counts: Arc<Counts>,
        answers: mpsc::Sender<JudgedGroup>,
    ) -> Thread {
        let restore = Restore::new(Older::new(settings.store.clone()));
        let live = live(&settings);
        Thread { settings, queue, counts, answers, live, groups: HashMap::new(), restore }
    }

    /// Does what it is given until it is to end.
    pub(super) fn serve(mut self) {
        // Before anything is recorded from now on, so that it is known what was there before.
        self.restore.look();
        while let Some((inputs, lost)) = self.queue.take() {
            if lost > 0 {
                self.lost(lost);
            }
            for input in inputs {
                // What was not done yet is left undone.
                if self.queue.is_ended() {
                    return;
                }
                match input {
                    Input::Recorded(check, run) => self.live.record(&check, &run),
                    Input::Groups(groups, external) => {
                        self.settings.external = external;
                        self.define(&groups);
                    }
                    Input::Order(order) => {
                        let answer = self.order(order);
                        if self.queue.is_ended() {
                            // It was broken off.
                            return;
                        }
                        if self.answers.blocking_send(answer).is_err() {
                            return;
                        }
                    }
                }
            }
            self.counts.samples.store(self.live.size().0 as u64, Ordering::Relaxed);
        }
    }

    /// Runs found no room: memory does not have all that there is, and what it needs is read from the store again.
    fn lost(&mut self, lost: u64) {
        tracing::error!(
            "{lost} runs came faster than rules are judged; they are read from the store instead"
        );
        self.counts.lost_runs.fetch_add(lost, Ordering::Relaxed);
        self.live = live(&self.settings);
        self.groups.values_mut().for_each(Group::forget_selections);
    }

    fn define(&mut self, groups: &[Arc<RuleGroup>]) {
        let mut before = std::mem::take(&mut self.groups);
        for definition in groups {
            let mut group = Group::new(definition);
            if let Some(before) = before.remove(&definition.name) {
                group.take_over(&before);
            }
            self.groups.insert(Arc::clone(&definition.name), group);
        }
        self.live.forget_questions();
    }

    fn order(&mut self, order: JudgeOrder) -> JudgedGroup {
        let Some(group) = self.groups.get_mut(&order.group) else {
            return JudgedGroup { order, rules: Vec::new(), deadline_ms: None };
        };
        if let Because::Samples(times) = &order.because
            && !group.has_samples(times, &self.live)
        {
            return JudgedGroup { order, rules: Vec::new(), deadline_ms: None };
        }
        let begun_us = clock::now().mono_us;
        if !std::mem::replace(&mut group.is_prepared, true) {
            group.prepare(order.at_ms, &self.live);
        }
        if !std::mem::replace(&mut group.is_restored, true) {
            self.restore.group(group, order.at_ms, &self.settings, &self.queue);
        }
        let surroundings = Surroundings { live: &self.live, settings: &self.settings, queue: &self.queue };
        let rules = group.judge(order.at_ms, &surroundings);
        let deadline_ms = group.deadline_ms(order.at_ms);
        self.count(&rules, clock::now().mono_us.saturating_sub(begun_us));
        JudgedGroup { order, rules, deadline_ms }
    }

    fn count(&self, rules: &[JudgedRule], took_us: u64) {
        let failed = rules.iter().filter(|rule| rule.failure.is_some()).count();
        self.counts.judged.fetch_add(rules.len() as u64, Ordering::Relaxed);
        self.counts.failed.fetch_add(failed as u64, Ordering::Relaxed);
        self.counts.took_us.fetch_add(took_us, Ordering::Relaxed);
    }
}

fn live(settings: &Settings) -> Arc<LiveSource> {
    let mut older = Older::new(settings.store.clone());
    Arc::new(LiveSource::new(Box::new(move || older.look())))
}
