//! What a sequence means, worked out from all matches that there are: exponential, for small inputs.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::SEQUENCE_LATE_MIN_MS;
use crate::rules::sequence::{Recovery, Sequence, StepKind};

/// What conditions return for one key at a time: for each condition the elements, by number.
pub(super) type Returned = Vec<BTreeSet<u8>>;

/// A judgement: when, what there is of the key itself, and which conditions return something for all keys.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at_ms: i64,
    pub(super) own: Returned,
    pub(super) of_all: BTreeSet<usize>,
}

/// A match, complete up to some step: when its first step began, and when each happened.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chain {
    start_ms: i64,
    times: Vec<i64>,
}

impl Chain {
    /// The newest first: by its last step, then by the one before, and so on.
    fn rank(&self) -> (Vec<i64>, i64) {
        (self.times.iter().rev().copied().collect(), self.start_ms)
    }

    fn last_ms(&self) -> i64 {
        self.times[self.times.len() - 1]
    }

    fn then(&self, at_ms: i64) -> Chain {
        Chain { start_ms: self.start_ms, times: self.times.iter().copied().chain([at_ms]).collect() }
    }
}

pub(super) struct Reference<'a> {
    sequence: &'a Sequence,
    moments: &'a [Moment],
    /// For each condition, by moment: whether it holds, and whether it begins.
    holds: Vec<Vec<bool>>,
    begins: Vec<Vec<bool>>,
}

impl<'a> Reference<'a> {
    pub(super) fn new(sequence: &'a Sequence, moments: &'a [Moment]) -> Reference<'a> {
        let all = sequence.conditions.iter().enumerate();
        let (holds, begins) = all.map(|(index, of)| held(index, of.for_ms, moments)).unzip();
        Reference { sequence, moments, holds, begins }
    }

    /// For each moment the times of the steps of its alert, if there is one.
    pub(super) fn alerts(&self) -> Vec<Option<Vec<i64>>> {
        let mut best: BTreeMap<i64, Chain> = BTreeMap::new();
        for chain in self.chains(self.sequence.steps.len()) {
            let known = best.entry(chain.last_ms()).or_insert_with(|| chain.clone());
            if chain.rank() > known.rank() {
                *known = chain;
            }
        }
        let mut alert = None;
        let of_each = self.moments.iter().enumerate().map(|(index, moment)| {
            alert = match best.get(&moment.at_ms) {
                Some(chain) => Some(chain.times.clone()),
                None => alert.take().filter(|_| !self.is_recovered(index)),
            };
            alert.clone()
        });
        of_each.collect()
    }

    /// All matches that are complete up to a step.
    fn chains(&self, steps: usize) -> Vec<Chain> {
        let Some(index) = steps.checked_sub(1) else {
            return Vec::new();
        };
        let before = self.chains(index);
        if let StepKind::Not(condition) = self.sequence.steps[index].kind {
            return self.waits(&before, index, condition);
        }
        let parents: Vec<Option<&Chain>> = match index {
            0 => vec![None],
            _ => before.iter().map(Some).collect(),
        };
        parents.into_iter().flat_map(|parent| self.of_parent(parent, index)).collect()
    }

    fn of_parent(&self, parent: Option<&Chain>, index: usize) -> Vec<Chain> {
        let step = &self.sequence.steps[index];
        let parts: Vec<Vec<i64>> = match &step.kind {
            StepKind::Times { condition, times } => subsets(&self.edges(*condition), *times),
            StepKind::All(conditions) => conditions.iter().fold(vec![Vec::new()], |so_far, condition| {
                let edges = self.edges(*condition);
                let with = |part: &Vec<i64>| {
                    edges.iter().map(|edge| part.iter().copied().chain([*edge]).collect()).collect::<Vec<_>>()
                };
                so_far.iter().flat_map(with).collect()
            }),
            StepKind::Not(_) => unreachable!("waits are another thing"),
        };
        let chain = |part: Vec<i64>| {
            let (first, last) = (*part.iter().min()?, *part.iter().max()?);
            let start_ms = parent.map_or(first, |parent| parent.start_ms);
            let since_ms = parent.map_or(first, Chain::last_ms);
            let follows = parent.is_none() || first > since_ms;
            let is_guarded = parent.is_some()
                && step.guards.iter().any(|guard| self.is_held(*guard, |at| since_ms < at && at < last));
            let is_in_time = step.within_ms.is_none_or(|within| last - since_ms <= within)
                && self.sequence.within_ms.is_none_or(|within| last - start_ms <= within);
            let is_ended = self.is_until(start_ms, last);
            let before = parent.cloned().unwrap_or(Chain { start_ms, times: Vec::new() });
            (follows && !is_guarded && is_in_time && !is_ended).then(|| before.then(last))
        };
        parts.into_iter().filter_map(chain).collect()
    }

    /// The waits for what must not come: one at a time, the first decides.
    fn waits(&self, before: &[Chain], index: usize, condition: usize) -> Vec<Chain> {
        let step = &self.sequence.steps[index];
        let length = step.within_ms.unwrap();
        let mut newest: BTreeMap<i64, Chain> = BTreeMap::new();
        for chain in before {
            let known = newest.entry(chain.last_ms()).or_insert_with(|| chain.clone());
            if chain.rank() > known.rank() {
                *known = chain.clone();
            }
        }
        let (mut all, mut free_ms) = (Vec::new(), i64::MIN);
        for (since_ms, chain) in newest {
            let end_ms = since_ms + length;
            let can_end = self.sequence.within_ms.is_none_or(|within| end_ms - chain.start_ms <= within);
            if since_ms < free_ms || !can_end {
                continue;
            }
            free_ms = i64::MAX;
            for (index, moment) in
                self.moments.iter().enumerate().filter(|(_, moment)| moment.at_ms > since_ms)
            {
                let is_until = self.sequence.until.is_some_and(|until| self.holds[until][index]);
                let is_over = moment.at_ms >= end_ms;
                if is_until || self.holds[condition][index] {
                    free_ms = moment.at_ms;
                } else if is_over {
                    free_ms = moment.at_ms;
                    if moment.at_ms - end_ms <= length.max(SEQUENCE_LATE_MIN_MS) {
                        all.push(chain.then(moment.at_ms));
                    }
                } else if step.guards.iter().any(|guard| self.holds[*guard][index]) {
                    free_ms = moment.at_ms;
                }
                if free_ms != i64::MAX {
                    break;
                }
            }
        }
        all
    }

    fn edges(&self, condition: usize) -> Vec<i64> {
        let begins = self.moments.iter().zip(&self.begins[condition]);
        begins.filter(|(_, begins)| **begins).map(|(moment, _)| moment.at_ms).collect()
    }

    fn is_held(&self, condition: usize, at: impl Fn(i64) -> bool) -> bool {
        self.moments.iter().zip(&self.holds[condition]).any(|(moment, holds)| *holds && at(moment.at_ms))
    }

    fn is_until(&self, from_ms: i64, to_ms: i64) -> bool {
        self.sequence.until.is_some_and(|until| self.is_held(until, |at| from_ms <= at && at <= to_ms))
    }

    fn is_recovered(&self, moment: usize) -> bool {
        let is_over = |kind: &StepKind| match kind {
            StepKind::Not(condition) => self.holds[*condition][moment],
            StepKind::Times { condition, .. } => self.moments[moment].own[*condition].is_empty(),
            StepKind::All(all) => all.iter().all(|condition| self.moments[moment].own[*condition].is_empty()),
        };
        let over: Vec<bool> = self.sequence.steps.iter().map(|step| is_over(&step.kind)).collect();
        match self.sequence.recovery {
            Recovery::Last => over[over.len() - 1],
            Recovery::All => over.iter().all(|over| *over),
            Recovery::Any => over.iter().any(|over| *over),
            Recovery::AtOnce => true,
        }
    }
}

/// Whether a condition holds, and whether it begins to, at each moment.
fn held(condition: usize, for_ms: i64, moments: &[Moment]) -> (Vec<bool>, Vec<bool>) {
    let lasts = |element: Option<u8>, index: usize| {
        let is_there = |moment: &Moment| match element {
            Some(element) => moment.own[condition].contains(&element),
            None => moment.of_all.contains(&condition),
        };
        let there = moments[..=index].iter().rev().take_while(|moment| is_there(moment)).last();
        there.is_some_and(|first| moments[index].at_ms - first.at_ms >= for_ms)
    };
    let own = [Some(0), Some(1)];
    let begins = |index: usize| {
        own.iter().any(|element| lasts(*element, index) && !(index > 0 && lasts(*element, index - 1)))
    };
    let holds = |index: usize| own.iter().chain([&None]).any(|element| lasts(*element, index));
    ((0..moments.len()).map(holds).collect(), (0..moments.len()).map(begins).collect())
}

/// All subsets of so many, in their order.
fn subsets(of: &[i64], count: usize) -> Vec<Vec<i64>> {
    match (count, of) {
        (0, _) => vec![Vec::new()],
        (_, []) => Vec::new(),
        (_, [first, rest @ ..]) => {
            let with = subsets(rest, count - 1).into_iter();
            let with = with.map(|others| [&[*first], &others[..]].concat());
            with.chain(subsets(rest, count)).collect()
        }
    }
}
