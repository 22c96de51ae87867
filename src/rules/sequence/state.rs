//! What a sequence has come to: a fold over what its queries returned at each time at which it was judged.

use std::collections::BTreeMap;

use custos_promql::Labels;

use super::happened::Happened;
use super::model::{Recovery, Sequence};
use super::progress::{Judged, Progress, is_over};
use super::seen::{Edge, Edges, Keys, Seen};
use super::slot::Partial;
use crate::limits::SEQUENCE_KEYS_MAX;

/// An alert of a sequence, as of a judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The labels of its key.
    pub labels: Labels,
    /// The value of the last step that has one.
    pub value: f64,
    /// Its steps.
    pub happened: Happened,
}

/// Why a judgement of a sequence counts as failed. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceFailure {
    /// Matches of more keys than [`SEQUENCE_KEYS_MAX`] would be under way.
    Keys(usize),
}

impl std::fmt::Display for SequenceFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SequenceFailure::Keys(count) = self;
        write!(
            f,
            "the sequence is under way for {count} combinations of labels, more than {SEQUENCE_KEYS_MAX}"
        )
    }
}

/// What a sequence has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SequenceState {
    judged_ms: Option<i64>,
    seen: Seen,
    keys: BTreeMap<Labels, KeyState>,
}

/// The matches of a key.
#[derive(Clone, Debug, Default, PartialEq)]
struct KeyState {
    /// For each step what is under way there.
    steps: Vec<Progress>,
    /// The match whose alert is not over.
    active: Option<Happened>,
}

impl SequenceState {
    /// The state in which nothing is under way and this is what the queries return: all of it began before.
    pub fn settled(at_ms: i64, returned: &[Vec<(Labels, f64)>]) -> SequenceState {
        SequenceState { judged_ms: Some(at_ms), seen: Seen::settled(returned), keys: BTreeMap::new() }
    }

    /// Takes in what the queries returned at a time (ms since the epoch, never before an earlier one), in the order of
    /// [`Sequence::expressions`]. The alerts of that time, by their labels.
    ///
    /// # Errors
    /// [`SequenceFailure`]: nothing is taken in.
    pub fn take(
        &mut self,
        sequence: &Sequence,
        at_ms: i64,
        returned: &[Vec<(Labels, f64)>],
    ) -> Result<Vec<Matched>, SequenceFailure> {
        let (seen, mut edges) = self.seen.after(sequence, at_ms, returned);
        self.begin(sequence, &edges)?;
        let is_later = self.judged_ms.is_none_or(|judged_ms| judged_ms < at_ms);
        (self.seen, self.judged_ms) = (seen, Some(at_ms));
        if self.keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.seen.keys(sequence);
        let mut alerts = Vec::new();
        self.keys.retain(|key, state| {
            let now = Now { sequence, at_ms, is_later, key, keys: &keys };
            let happened = state.judge(&now, edges.remove(key).unwrap_or_default());
            alerts.extend(happened.map(|happened| Matched {
                labels: key.clone(),
                value: happened.value(),
                happened,
            }));
            state.is_needed()
        });
        Ok(alerts)
    }

    /// Makes places for the keys for which a first step begins.
    fn begin(&mut self, sequence: &Sequence, edges: &Edges) -> Result<(), SequenceFailure> {
        let first = sequence.steps.first().map(|step| step.kind.conditions()).unwrap_or_default();
        let begins =
            |of_key: &BTreeMap<usize, Edge>| first.iter().any(|condition| of_key.contains_key(condition));
        let new: Vec<&Labels> = edges
            .iter()
            .filter(|(key, of_key)| begins(of_key) && !self.keys.contains_key(*key))
            .map(|(key, _)| key)
            .collect();
        let count = self.keys.len() + new.len();
        if count > SEQUENCE_KEYS_MAX {
            return Err(SequenceFailure::Keys(count));
        }
        self.keys.extend(new.into_iter().map(|key| (key.clone(), KeyState::new(sequence))));
        Ok(())
    }

    /// The next time at which something may happen although nothing is returned otherwise than at the last one: an element has
    /// then been there for long enough, or what did not come is then not waited for any more (ms since the epoch).
    pub fn next_deadline_ms(&self, sequence: &Sequence) -> Option<i64> {
        let at_ms = self.judged_ms?;
        let waits = self.keys.values().flat_map(|key| {
            let of_step = move |(index, step): (usize, &Progress)| {
                step.wait_ends_ms(&Judged { sequence, index, at_ms })
            };
            key.steps.iter().enumerate().filter_map(of_step)
        });
        waits.chain(self.seen.next_ms(sequence)).min()
    }

    /// How many matches and elements are under way. Where there are none and no alert is there, the state is
    /// [`SequenceState::settled`] with what the queries return.
    pub fn under_way(&self, sequence: &Sequence) -> usize {
        let matches: usize = self.keys.values().flat_map(|key| &key.steps).map(Progress::len).sum();
        matches + self.seen.waiting_len(sequence)
    }
}

/// A key at a time at which its sequence is judged.
struct Now<'a> {
    sequence: &'a Sequence,
    at_ms: i64,
    /// Whether the time is later than the last one.
    is_later: bool,
    key: &'a Labels,
    keys: &'a Keys,
}

impl Now<'_> {
    fn step(&self, index: usize) -> Judged<'_> {
        Judged { sequence: self.sequence, index, at_ms: self.at_ms }
    }

    fn holds(&self, condition: usize) -> bool {
        self.keys.holds(self.sequence, condition, self.key)
    }

    /// Whether the alert of a match that came earlier is over.
    fn is_recovered(&self) -> bool {
        let mut steps =
            self.sequence.steps.iter().map(|step| is_over(self.sequence, step, self.keys, self.key));
        match self.sequence.recovery {
            Recovery::Last => steps.next_back().unwrap_or(true),
            Recovery::All => steps.all(|is_over| is_over),
            Recovery::Any => steps.any(|is_over| is_over),
            Recovery::AtOnce => true,
        }
    }
}

impl KeyState {
    fn new(sequence: &Sequence) -> KeyState {
        KeyState { steps: vec![Progress::default(); sequence.steps.len()], active: None }
    }

    /// What has happened at this time: the match whose alert is there.
    fn judge(&mut self, now: &Now<'_>, edges: BTreeMap<usize, Edge>) -> Option<Happened> {
        if now.is_later {
            self.steps.iter_mut().for_each(Progress::settle);
        }
        let matched = match now.sequence.until.is_some_and(|until| now.holds(until)) {
            true => {
                self.steps.fill(Progress::default());
                None
            }
            false => self.advance(now, &edges),
        };
        if let Some(matched) = matched {
            self.active = Some(matched.happened);
        } else if now.is_later && self.active.is_some() && now.is_recovered() {
            self.active = None;
        }
        self.active.clone()
    }

    fn advance(&mut self, now: &Now<'_>, edges: &BTreeMap<usize, Edge>) -> Option<Partial> {
        let mut matched = None;
        // The last step first: a wait that ends now is over before another one begins.
        for index in (0..self.steps.len()).rev() {
            let judged = now.step(index);
            let completed = self.steps[index].advance(&judged, edges, |condition| now.holds(condition));
            if now.sequence.steps[index].guards.iter().any(|guard| now.holds(*guard)) {
                self.steps[index].guard();
            }
            self.steps[index].prune(&judged);
            match (completed, self.steps.get_mut(index + 1)) {
                (Some(partial), Some(next)) => next.enter(partial, &now.step(index + 1)),
                (Some(partial), None) => matched = Some(partial),
                (None, _) => {}
            }
        }
        matched
    }

    fn is_needed(&self) -> bool {
        self.active.is_some() || self.steps.iter().any(|step| step.len() > 0)
    }
}
