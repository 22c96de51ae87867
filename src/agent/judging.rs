//! When rules are judged: as of which time, and not before what they select has ended.
//!
//! Invariants: a group is never judged as of a time before that of its last judgement, unless the clock on the wall was set
//! back by more than [`RULE_AHEAD_MAX`]; of each group one order is under way at most. A group waits while a check that it
//! selects has a run under way that began at or before the time that it is to be judged at, or a rule that it selects is to be
//! judged by then, but no longer than [`RULE_WAIT_MAX`]. So judgements happen in the order of the runs' times, and see every
//! sample up to theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use custos_query::BuiltIn;

use super::ranks::ranks;
use crate::clock::{Moment, micros};
use crate::config::{Command, Config};
use crate::limits::{
    ON_DEMAND_CHECKS_MAX, RULE_AHEAD_MAX, RULE_LATE_MAX, RULE_TIMES_WAITING_MAX, RULE_WAIT_MAX,
};
use crate::rules::{Because, JudgeOrder, RuleCheck, RuleGroup, Selectable, Selection, When};

/// A time that a group is to be judged at.
#[derive(Debug)]
struct Wanted {
    /// Times of the runs that are the reason (ms since the epoch); none if the time has come.
    samples_ms: Option<Vec<i64>>,
    /// Since when it waits, on the monotonic clock.
    since_us: u64,
}

/// Times of the grid of a group that passed without a judgement.
#[derive(Debug)]
pub(super) struct Unjudged {
    pub(super) group: Arc<RuleGroup>,
    /// The first (ms since the epoch).
    pub(super) from_ms: i64,
    /// When the next was or is judged (ms since the epoch).
    pub(super) before_ms: i64,
}

/// A group of rules.
#[derive(Debug)]
struct Judged {
    group: Arc<RuleGroup>,
    selection: Selection,
    /// The groups that are judged before it at the same time, as it selects what they come to.
    after: Vec<usize>,
    wanted: BTreeMap<i64, Wanted>,
    /// The time of the order that has no answer yet.
    ordered_ms: Option<i64>,
    /// The time of the last order.
    last_ms: Option<i64>,
    /// When it is judged next whatever arrives, by the clock on the wall and on the monotonic one.
    due: (i64, u64),
    /// When something of its rules is due before that (ms since the epoch).
    deadline_ms: Option<i64>,
    /// When the runs under way of checks that it selects began (ms since the epoch), by ticket.
    running: BTreeMap<u64, i64>,
}

/// All groups of rules, those first that others select.
#[derive(Debug, Default)]
pub(super) struct Judging {
    groups: Vec<Judged>,
    by_name: HashMap<Arc<str>, usize>,
    /// The group of each rule by the name of its check.
    of_rule: HashMap<Arc<str>, usize>,
    /// For checks by name, which groups may select series of theirs.
    selecting: HashMap<Arc<str>, Arc<[usize]>>,
    /// Groups that are to be judged and have no order under way.
    waiting: BTreeSet<usize>,
    /// When each group is judged whatever arrives, on the monotonic clock.
    timers: BTreeSet<(u64, usize)>,
    /// When the first group has waited long enough, on the monotonic clock.
    patience_us: Option<u64>,
    /// Times of grids that are not judged after all, as nothing is known of what is selected then.
    dropped: Vec<Unjudged>,
}

/// The rule that a check is, if it is one.
fn rule_of<'c>(config: &'c Config, check: &str) -> Option<&'c RuleCheck> {
    match &config.checks.get(check)?.command {
        Command::Rule(rule) => Some(rule),
        _ => None,
    }
}

impl Judging {
    /// The groups of a configuration, each as it was in the one before.
    pub(super) fn take_over(&mut self, config: &Config, now: Moment) {
        let before = std::mem::take(self);
        let mut before: HashMap<Arc<str>, Judged> =
            before.groups.into_iter().map(|judged| (Arc::clone(&judged.group.name), judged)).collect();
        for ranked in ranks(&config.groups) {
            let group = &config.groups[ranked.index];
            let index = self.groups.len();
            let known = before.remove(&group.name);
            let due = match &known {
                Some(known) if known.group.when == group.when => known.due,
                _ => due(&group.when, now, now.wall_ms),
            };
            let (last_ms, ordered_ms) =
                known.as_ref().map_or((None, None), |known| (known.last_ms, known.ordered_ms));
            let deadline_ms = known.as_ref().and_then(|known| known.deadline_ms);
            let (wanted, running) = known.map(|known| (known.wanted, known.running)).unwrap_or_default();
            self.of_rule.extend(group.rules.iter().map(|rule| (Arc::clone(&rule.check), index)));
            self.timers.insert((due.1, index));
            self.by_name.insert(Arc::clone(&group.name), index);
            if !wanted.is_empty() && ordered_ms.is_none() {
                self.waiting.insert(index);
            }
            self.groups.push(Judged {
                group: Arc::clone(group),
                selection: ranked.selection,
                after: ranked.after,
                wanted,
                ordered_ms,
                last_ms,
                due,
                deadline_ms,
                running,
            });
        }
    }

    /// The last run of a rule from before the agent started was of this time (ms since the epoch), which is as of when its
    /// expression looked.
    pub(super) fn judged_before(&mut self, check: &str, run_ms: i64) {
        if let Some(index) = self.of_rule.get(check) {
            let group = &mut self.groups[*index];
            group.last_ms = group.last_ms.max(Some(run_ms.saturating_add(group.group.query_offset_ms)));
        }
    }

    /// The groups that may select series of a check.
    fn selecting(&mut self, config: &Config, check: &Arc<str>) -> Arc<[usize]> {
        if let Some(known) = self.selecting.get(check) {
            return Arc::clone(known);
        }
        if self.selecting.len() >= config.checks.len() + ON_DEMAND_CHECKS_MAX {
            self.selecting.clear();
        }
        let built_in = BuiltIn::ALL.map(BuiltIn::name);
        let of = Selectable { check, built_in: &built_in, rule: rule_of(config, check) };
        let selecting = (0..self.groups.len()).filter(|index| self.groups[*index].selection.may_select(&of));
        let selecting: Arc<[usize]> = selecting.collect();
        self.selecting.insert(Arc::clone(check), Arc::clone(&selecting));
        selecting
    }

    /// A job of a check began.
    pub(super) fn began(&mut self, config: &Config, check: &Arc<str>, ticket: u64, now: Moment) {
        if self.groups.is_empty() {
            return;
        }
        for index in self.selecting(config, check).iter() {
            self.groups[*index].running.insert(ticket, now.wall_ms);
        }
    }

    /// A job of a check ended.
    pub(super) fn ended(&mut self, config: &Config, check: &Arc<str>, ticket: u64) {
        if self.groups.is_empty() {
            return;
        }
        for index in self.selecting(config, check).iter() {
            self.groups[*index].running.remove(&ticket);
        }
    }

    /// A run of a check was recorded whose result is known: the groups that may select a series of it are to be judged as of
    /// its time. What a rule comes to is for the groups behind it only, so that rules that select one another do not go on for
    /// ever.
    pub(super) fn recorded(&mut self, config: &Config, check: &Arc<str>, time_ms: i64, now: Moment) {
        if self.groups.is_empty() {
            return;
        }
        let own = self.of_rule.get(check).copied();
        for index in self.selecting(config, check).iter().copied() {
            let group = &self.groups[index];
            let on_samples = matches!(group.group.when, When::Samples { .. });
            if on_samples && own.is_none_or(|own| own < index) {
                if let Some(deadline_ms) = group.deadline_ms.filter(|deadline_ms| *deadline_ms < time_ms) {
                    self.groups[index].deadline_ms = None;
                    self.want(index, deadline_ms, None, now);
                }
                self.want(index, time_ms, Some(time_ms), now);
            }
        }
    }

    /// Nothing is known of a check between two times (ms since the epoch). What was due then because of the time alone is not judged,
    /// and silence counts from the end on.
    pub(super) fn unobserved(&mut self, config: &Config, check: &Arc<str>, stretch: Range<i64>, now: Moment) {
        if self.groups.is_empty() {
            return;
        }
        for index in self.selecting(config, check).iter().copied() {
            let group = &mut self.groups[index];
            let is_dropped =
                |at_ms: &i64, wanted: &Wanted| wanted.samples_ms.is_none() && stretch.contains(at_ms);
            if let When::Grid { interval_ms, .. } = group.group.when {
                let dropped = group.wanted.iter().filter(|(at_ms, wanted)| is_dropped(at_ms, wanted));
                self.dropped.extend(dropped.map(|(at_ms, _)| Unjudged {
                    group: Arc::clone(&group.group),
                    from_ms: *at_ms,
                    before_ms: at_ms.saturating_add(interval_ms.max(1)),
                }));
            }
            group.wanted.retain(|at_ms, wanted| !is_dropped(at_ms, wanted));
            if group.wanted.is_empty() {
                self.waiting.remove(&index);
            }
            if matches!(group.group.when, When::Samples { .. })
                && stretch.end > group.last_ms.unwrap_or(i64::MIN)
            {
                self.set_due(index, now, stretch.end.min(now.wall_ms));
            }
        }
    }

    /// A time of a grid that is not judged after all, which is told once.
    pub(super) fn take_dropped(&mut self) -> Option<Unjudged> {
        self.dropped.pop()
    }

    /// Has a group judged as of a time, or of its last judgement if that is later.
    fn want(&mut self, index: usize, time_ms: i64, sample_ms: Option<i64>, now: Moment) {
        let group = &mut self.groups[index];
        if group.last_ms.is_some_and(|last_ms| is_ahead(last_ms, now)) {
            // The clock on the wall was set back: judgements go by it from now on.
            group.last_ms = None;
            group.wanted.retain(|wanted_ms, _| !is_ahead(*wanted_ms, now));
        }
        let at_ms = group.last_ms.map_or(time_ms, |last_ms| last_ms.max(time_ms));
        let new = || Wanted { samples_ms: Some(Vec::new()), since_us: now.mono_us };
        let wanted = group.wanted.entry(at_ms).or_insert_with(new);
        match (sample_ms, &mut wanted.samples_ms) {
            (Some(sample_ms), Some(samples_ms)) if samples_ms.len() < RULE_TIMES_WAITING_MAX => {
                samples_ms.push(sample_ms);
            }
            _ => wanted.samples_ms = None,
        }
        while group.wanted.len() > RULE_TIMES_WAITING_MAX {
            // The next is judged whatever the reason, in the place of both.
            let oldest = group.wanted.pop_first();
            if let (Some((_, oldest)), Some(mut next)) = (oldest, group.wanted.first_entry()) {
                *next.get_mut() = Wanted { samples_ms: None, since_us: oldest.since_us };
            }
        }
        if group.ordered_ms.is_none() {
            self.waiting.insert(index);
        }
    }

    /// Has the groups judged whose time has come. Returns the times of grids that passed meanwhile without a judgement.
    pub(super) fn wake(&mut self, now: Moment) -> Vec<Unjudged> {
        let mut unjudged = Vec::new();
        while let Some((_, index)) = self.timers.first().copied().filter(|timer| timer.0 <= now.mono_us) {
            let group = &self.groups[index];
            // Nobody looked for a while, as the machine or the agent stood still: that nothing came says nothing.
            let is_late = now.mono_us.saturating_sub(group.due.1) > micros(RULE_LATE_MAX);
            let at_ms = match group.group.when {
                When::Samples { .. } => {
                    let deadline_ms = group.deadline_ms.filter(|deadline_ms| *deadline_ms <= now.wall_ms);
                    deadline_ms
                        .or((!is_late)
                            .then(|| if is_near(group.due.0, now) { group.due.0 } else { now.wall_ms }))
                }
                When::Grid { interval_ms, phase_ms } => {
                    let slot_ms = now.wall_ms - (now.wall_ms - phase_ms).rem_euclid(interval_ms.max(1));
                    // Where the clock on the wall was set back a little, times come again that were judged.
                    let is_new =
                        group.last_ms.is_none_or(|last_ms| slot_ms > last_ms || is_ahead(last_ms, now));
                    (is_new && slot_ms >= group.due.0).then_some(slot_ms)
                }
            };
            if let Some(at_ms) = at_ms {
                unjudged.extend(passed(&self.groups[index], at_ms, now));
                self.want(index, at_ms, None, now);
            }
            self.groups[index].deadline_ms = None;
            self.set_due(index, now, now.wall_ms);
        }
        unjudged
    }

    /// Counts silence from a judgement on (ms since the epoch); from now on, if that is long ago.
    fn count_silence(&mut self, index: usize, now: Moment) {
        let group = &self.groups[index];
        let When::Samples { at_the_latest_ms } = group.group.when else { return };
        let judged_ms =
            group.last_ms.filter(|last_ms| now.wall_ms.saturating_sub(*last_ms) < at_the_latest_ms);
        self.set_due(index, now, judged_ms.unwrap_or(now.wall_ms));
    }

    fn set_due(&mut self, index: usize, now: Moment, since_ms: i64) {
        let group = &mut self.groups[index];
        self.timers.remove(&(group.due.1, index));
        group.due = due(&group.group.when, now, since_ms);
        if let (When::Samples { .. }, Some(deadline_ms)) = (group.group.when, group.deadline_ms) {
            group.due = group.due.min(moment_of(deadline_ms, now));
        }
        self.timers.insert((group.due.1, index));
    }

    /// The next order, if a group that is to be judged need not wait any longer.
    pub(super) fn next_order(&mut self, now: Moment) -> Option<JudgeOrder> {
        let mut first_us: Option<u64> = None;
        let ready = self.waiting.iter().copied().find(|index| {
            let group = &self.groups[*index];
            let Some((at_ms, wanted)) = group.wanted.first_key_value() else { return false };
            let patience_us = wanted.since_us.saturating_add(micros(RULE_WAIT_MAX));
            if now.mono_us >= patience_us || !self.must_wait(group, *at_ms) {
                return true;
            }
            first_us = Some(first_us.map_or(patience_us, |known| known.min(patience_us)));
            false
        });
        self.patience_us = first_us;
        self.order(ready?, now)
    }

    /// Whether something that a group selects may have samples up to a time that are not there yet.
    fn must_wait(&self, group: &Judged, at_ms: i64) -> bool {
        let is_judged_by_then = |index: &usize| {
            let other = &self.groups[*index];
            other.ordered_ms.is_some_and(|ordered_ms| ordered_ms <= at_ms)
                || other.wanted.first_key_value().is_some_and(|(wanted_ms, _)| *wanted_ms <= at_ms)
        };
        group.running.values().any(|began_ms| *began_ms <= at_ms) || group.after.iter().any(is_judged_by_then)
    }

    fn order(&mut self, index: usize, now: Moment) -> Option<JudgeOrder> {
        let group = &mut self.groups[index];
        let (at_ms, wanted) = group.wanted.pop_first()?;
        // The next has to wait for the answer.
        self.waiting.remove(&index);
        group.ordered_ms = Some(at_ms);
        group.last_ms = Some(at_ms);
        let order = JudgeOrder {
            group: Arc::clone(&group.group.name),
            at_ms,
            because: wanted.samples_ms.map_or(Because::Time, Because::Samples),
        };
        if order.because == Because::Time {
            self.count_silence(index, now);
        }
        Some(order)
    }

    /// An order was answered, or nothing is judged after all. `judged` says whether something was, and `deadline_ms` when
    /// something of it is due next.
    pub(super) fn answered(&mut self, group: &str, judged: bool, deadline_ms: Option<i64>, now: Moment) {
        let Some(index) = self.by_name.get(group).copied() else { return };
        self.groups[index].ordered_ms = None;
        if !self.groups[index].wanted.is_empty() {
            self.waiting.insert(index);
        }
        if judged && matches!(self.groups[index].group.when, When::Samples { .. }) {
            self.groups[index].deadline_ms = deadline_ms;
            self.count_silence(index, now);
        }
    }

    /// A group by its name.
    pub(super) fn group(&self, name: &str) -> Option<&Arc<RuleGroup>> {
        self.by_name.get(name).map(|index| &self.groups[*index].group)
    }

    /// When a group is judged whatever arrives, or has waited long enough, on the monotonic clock.
    pub(super) fn next_wake_us(&self) -> Option<u64> {
        let timer = self.timers.first().map(|timer| timer.0);
        timer.into_iter().chain(self.patience_us).min()
    }

    /// The group of a rule and when that is judged next (ms since the epoch), if it is judged on a grid.
    pub(super) fn grid_of(&self, check: &str) -> Option<(Arc<RuleGroup>, i64)> {
        let judged = &self.groups[*self.of_rule.get(check)?];
        matches!(judged.group.when, When::Grid { .. }).then(|| (Arc::clone(&judged.group), judged.due.0))
    }

    /// When the group of a rule is judged whatever arrives, on the monotonic clock.
    pub(super) fn next_of_us(&self, check: &str) -> Option<u64> {
        Some(self.groups[*self.of_rule.get(check)?].due.1)
    }
}

/// Whether a time is so far ahead of the clock on the wall that it is of a clock that was wrong.
fn is_ahead(time_ms: i64, now: Moment) -> bool {
    let ahead_ms = time_ms.saturating_sub(now.wall_ms);
    ahead_ms > i64::try_from(RULE_AHEAD_MAX.as_millis()).unwrap_or(i64::MAX)
}

/// The times of a group's grid before this one that passed without a judgement as nobody looked at the clock. Those that
/// the clock on the wall was set past are none.
fn passed(judged: &Judged, at_ms: i64, now: Moment) -> Option<Unjudged> {
    let When::Grid { interval_ms, .. } = judged.group.when else { return None };
    let interval_ms = interval_ms.max(1);
    let late_ms = i64::try_from(now.mono_us.saturating_sub(judged.due.1) / 1000).unwrap_or(i64::MAX);
    let stood_still = late_ms.saturating_add(interval_ms / 2) / interval_ms;
    let passed = ((at_ms - judged.due.0) / interval_ms).min(stood_still);
    let from_ms = at_ms - passed * interval_ms;
    (passed > 0).then(|| Unjudged { group: Arc::clone(&judged.group), from_ms, before_ms: at_ms })
}

/// When a group is judged next whatever arrives, after a time (ms since the epoch) that is not far from now.
fn due(when: &When, now: Moment, after_ms: i64) -> (i64, u64) {
    let due_ms = match *when {
        When::Samples { at_the_latest_ms } => after_ms.saturating_add(at_the_latest_ms.max(1)),
        When::Grid { interval_ms, phase_ms } => {
            let interval_ms = interval_ms.max(1);
            after_ms - (after_ms - phase_ms).rem_euclid(interval_ms) + interval_ms
        }
    };
    moment_of(due_ms, now)
}

/// Whether a time (ms since the epoch) has passed a moment ago.
fn is_near(time_ms: i64, now: Moment) -> bool {
    let late_ms = i64::try_from(RULE_LATE_MAX.as_millis()).unwrap_or(i64::MAX);
    (0..=late_ms).contains(&now.wall_ms.saturating_sub(time_ms))
}

/// A time by the clock on the wall (ms since the epoch), and the same on the monotonic one; now if it has passed.
fn moment_of(due_ms: i64, now: Moment) -> (i64, u64) {
    let in_us = due_ms.saturating_sub(now.wall_ms).max(0).unsigned_abs().saturating_mul(1000);
    (due_ms, now.mono_us.saturating_add(in_us))
}
