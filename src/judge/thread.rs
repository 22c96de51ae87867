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
use crate::limits::RULE_AHEAD_MAX;
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
    /// As of when was judged last (ms since the epoch).
    judged_ms: i64,
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
        Thread {
            settings,
            queue,
            counts,
            answers,
            live,
            groups: HashMap::new(),
            restore,
            judged_ms: i64::MIN,
        }
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
        self.read_again();
    }

    /// Has what is in memory read from the store again.
    fn read_again(&mut self) {
        self.live = live(&self.settings);
        self.groups.values_mut().for_each(Group::forget_selections);
    }

    /// Takes note of the time as of which is judged next. Where the clock was set back, memory has what is later than that, and
    /// not what is before.
    fn as_of(&mut self, at_ms: i64) {
        let back_ms = self.judged_ms.saturating_sub(at_ms);
        if back_ms > RULE_AHEAD_MAX.as_millis() as i64 {
            tracing::warn!(
                "the clock was set back by {back_ms} ms; what rules select is read from the store again"
            );
            self.read_again();
        }
        self.judged_ms = at_ms;
        self.live.as_of(at_ms);
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
        self.as_of(order.at_ms);
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
