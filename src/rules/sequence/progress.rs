//! How far the matches of a key are at one step.

use std::collections::BTreeMap;

use super::happened::HappenedStep;
use super::model::{Sequence, Step, StepKind};
use super::seen::{Edge, Keys};
use super::slot::{Partial, Slot};
use crate::limits::SEQUENCE_LATE_MIN_MS;

/// What is under way at one step of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    /// The match that this step may follow, or whose wait it is; none at the first step, which follows nothing.
    before: Slot,
    /// Matches that have a part of this step: by how many times it happened, or by a bit for each of its conditions.
    parts: BTreeMap<usize, Slot>,
}

/// A step, at a time at which it is judged.
pub(super) struct Judged<'a> {
    pub(super) sequence: &'a Sequence,
    /// Which of its steps.
    pub(super) index: usize,
    pub(super) at_ms: i64,
}

impl Judged<'_> {
    fn step(&self) -> &Step {
        &self.sequence.steps[self.index]
    }

    fn is_first(&self) -> bool {
        self.index == 0
    }

    /// Whether a match may have this step, or a part of it, at this time.
    fn is_in_time(&self, partial: &Partial) -> bool {
        let has_room = |since_ms: i64, within_ms: Option<i64>| {
            within_ms.is_none_or(|within_ms| self.at_ms.saturating_sub(since_ms) <= within_ms)
        };
        has_room(partial.since_ms, self.step().within_ms)
            && has_room(partial.start_ms, self.sequence.within_ms)
    }

    /// When the wait of a match for what must not come ends.
    fn wait_ends_ms(&self, partial: &Partial) -> i64 {
        partial.since_ms.saturating_add(self.step().within_ms.unwrap_or(0))
    }

    /// A match that has this step now.
    fn complete(&self, partial: &Partial, edge: Option<&Edge>) -> Partial {
        let step = HappenedStep {
            name: self.step().name.clone(),
            at_ms: self.at_ms,
            value: edge.map(|edge| edge.value),
            labels: edge.map(|edge| edge.labels.clone()).unwrap_or_default(),
        };
        Partial { start_ms: partial.start_ms, since_ms: self.at_ms, happened: partial.happened.then(step) }
    }
}

impl Progress {
    /// A match that has come to this step now.
    pub(super) fn enter(&mut self, partial: Partial, judged: &Judged<'_>) {
        if let StepKind::Not(_) = judged.step().kind {
            let ends_ms = judged.wait_ends_ms(&partial);
            let within_ms = judged.sequence.within_ms;
            let can_end =
                within_ms.is_none_or(|within_ms| ends_ms.saturating_sub(partial.start_ms) <= within_ms);
            // The wait that is under way decides.
            if !can_end || self.before.get().is_some() {
                return;
            }
        }
        self.before.put(partial);
    }

    /// A later time begins.
    pub(super) fn settle(&mut self) {
        self.before.settle();
        self.parts.values_mut().for_each(Slot::settle);
    }

    /// What begins at this time, and what holds: the match that has this step by that, if one does.
    pub(super) fn advance(
        &mut self,
        judged: &Judged<'_>,
        edges: &BTreeMap<usize, Edge>,
        holds: impl Fn(usize) -> bool,
    ) -> Option<Partial> {
        match &judged.step().kind {
            StepKind::Times { condition, times } => self.count(judged, edges.get(condition)?, *times),
            StepKind::All(conditions) => self.gather(judged, edges, conditions),
            StepKind::Not(condition) => self.wait(judged, holds(*condition)),
        }
    }

    /// What is under way is dropped where something came in between.
    pub(super) fn guard(&mut self) {
        self.before.take();
        self.parts.clear();
    }

    /// The match that the step may follow at this time.
    fn parent(&self, judged: &Judged<'_>) -> Option<Partial> {
        match judged.is_first() {
            true => Some(Partial::beginning(judged.at_ms)),
            false => self.before.get().cloned(),
        }
        .filter(|parent| judged.is_in_time(parent))
    }

    /// A condition began to hold once more.
    fn count(&mut self, judged: &Judged<'_>, edge: &Edge, times: usize) -> Option<Partial> {
        let mut completed = None;
        let most = self.parts.last_key_value().map_or(0, |(count, _)| *count);
        for count in (0..=most).rev() {
            let so_far = match count {
                0 => self.parent(judged),
                _ => {
                    self.parts.get(&count).and_then(Slot::get).filter(|part| judged.is_in_time(part)).cloned()
                }
            };
            match so_far {
                Some(part) if count + 1 == times => completed = Some(judged.complete(&part, Some(edge))),
                Some(part) => self.parts.entry(count + 1).or_default().put(part),
                None => {}
            }
        }
        completed
    }

    /// Some of several conditions began to hold.
    fn gather(
        &mut self,
        judged: &Judged<'_>,
        edges: &BTreeMap<usize, Edge>,
        conditions: &[usize],
    ) -> Option<Partial> {
        let begun = conditions.iter().enumerate().filter(|(_, condition)| edges.contains_key(condition));
        let now = begun.fold(0_usize, |bits, (bit, _)| bits | 1 << bit);
        let edge = conditions.iter().find_map(|condition| edges.get(condition))?;
        let all = (1 << conditions.len()) - 1;
        let known = self.parts.iter().filter_map(|(bits, slot)| Some((*bits, slot.get()?.clone())));
        let so_far: Vec<(usize, Partial)> =
            self.parent(judged).map(|parent| (0, parent)).into_iter().chain(known).collect();
        let mut best = Slot::default();
        for (bits, part) in so_far.into_iter().filter(|(_, part)| judged.is_in_time(part)) {
            // Also without some of those that begin now: one of them may begin again, and be the last one then.
            let mut of_now = now;
            while of_now > 0 {
                match bits | of_now {
                    more if more == all => best.put(part.clone()),
                    more if more != bits => self.parts.entry(more).or_default().put(part.clone()),
                    _ => {}
                }
                of_now = (of_now - 1) & now;
            }
        }
        best.settle();
        best.get().map(|part| judged.complete(part, Some(edge)))
    }

    /// A wait is answered, or over, or goes on.
    fn wait(&mut self, judged: &Judged<'_>, is_answered: bool) -> Option<Partial> {
        let waits = self.before.get()?;
        let late_ms = judged.at_ms.saturating_sub(judged.wait_ends_ms(waits));
        if late_ms < 0 && !is_answered {
            return None;
        }
        let waited = self.before.take()?;
        let late_max_ms = judged.step().within_ms.unwrap_or(0).max(SEQUENCE_LATE_MIN_MS);
        // Later than that nobody was there to see the answer.
        (!is_answered && late_ms <= late_max_ms).then(|| judged.complete(&waited, None))
    }

    /// Drops what can go no further.
    pub(super) fn prune(&mut self, judged: &Judged<'_>) {
        if let StepKind::Not(_) = judged.step().kind {
            return;
        }
        let keep = |partial: &Partial| judged.is_in_time(partial);
        self.before.retain(keep);
        self.parts.values_mut().for_each(|slot| slot.retain(keep));
        self.parts.retain(|_, slot| slot.iter().next().is_some());
    }

    /// How many matches are under way here.
    pub(super) fn len(&self) -> usize {
        self.before.iter().count() + self.parts.values().map(|slot| slot.iter().count()).sum::<usize>()
    }

    /// When the wait of this step ends, if one is under way (ms since the epoch).
    pub(super) fn wait_ends_ms(&self, judged: &Judged<'_>) -> Option<i64> {
        match judged.step().kind {
            StepKind::Not(_) => self.before.iter().map(|waits| judged.wait_ends_ms(waits)).min(),
            _ => None,
        }
    }
}

/// Whether a step is over for a key: it returns nothing any more, or what was not to come has come.
pub(super) fn is_over(sequence: &Sequence, step: &Step, keys: &Keys, key: &custos_promql::Labels) -> bool {
    match &step.kind {
        StepKind::Not(condition) => keys.holds(sequence, *condition, key),
        kind => !kind.conditions().iter().any(|condition| keys.is_returned(*condition, key)),
    }
}
