//! What conditions return, and what of that begins.

use std::collections::{BTreeMap, BTreeSet};

use custos_promql::Labels;

use super::model::Sequence;

/// An element that a condition returns.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Present {
    /// Since when, and it must be there for longer before it counts (ms since the epoch).
    Since(i64),
    /// It has been there for as long as it must.
    Holds,
}

/// What the conditions of a sequence return, each in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    conditions: Vec<BTreeMap<Labels, Present>>,
}

/// An element that begins to count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) labels: Labels,
    pub(super) value: f64,
}

/// What begins at a time: for each key, of each condition the first element by its labels.
pub(super) type Edges = BTreeMap<Labels, BTreeMap<usize, Edge>>;

impl Seen {
    /// What is there at a time, and what of it begins then.
    pub(super) fn after(
        &self,
        sequence: &Sequence,
        at_ms: i64,
        returned: &[Vec<(Labels, f64)>],
    ) -> (Seen, Edges) {
        let mut edges = Edges::new();
        let mut conditions = Vec::with_capacity(sequence.conditions.len());
        let nothing = BTreeMap::new();
        for (index, condition) in sequence.conditions.iter().enumerate() {
            let before = self.conditions.get(index).unwrap_or(&nothing);
            let mut now = BTreeMap::new();
            for (labels, value) in returned.get(index).map(Vec::as_slice).unwrap_or_default() {
                let since_ms = match before.get(labels) {
                    Some(Present::Holds) => None,
                    Some(Present::Since(since_ms)) => Some(*since_ms),
                    None => Some(at_ms),
                };
                let present = match since_ms {
                    Some(since_ms) if at_ms.saturating_sub(since_ms) < condition.for_ms => {
                        Present::Since(since_ms)
                    }
                    Some(_) => {
                        let edge = Edge { labels: labels.clone(), value: *value };
                        begin(&mut edges, sequence.key(labels), index, edge);
                        Present::Holds
                    }
                    None => Present::Holds,
                };
                now.insert(labels.clone(), present);
            }
            conditions.push(now);
        }
        (Seen { conditions }, edges)
    }

    /// What is there, all of it for as long as it must be.
    pub(super) fn settled(returned: &[Vec<(Labels, f64)>]) -> Seen {
        let all = |elements: &Vec<(Labels, f64)>| {
            elements.iter().map(|(labels, _)| (labels.clone(), Present::Holds)).collect()
        };
        Seen { conditions: returned.iter().map(all).collect() }
    }

    /// The first time at which an element that is there would count (ms since the epoch).
    pub(super) fn next_ms(&self, sequence: &Sequence) -> Option<i64> {
        self.waiting(sequence).map(|(since_ms, for_ms)| since_ms.saturating_add(for_ms)).min()
    }

    /// How many elements are there that do not count yet.
    pub(super) fn waiting_len(&self, sequence: &Sequence) -> usize {
        self.waiting(sequence).count()
    }

    /// Since when elements are there that do not count yet, and for how long they must be.
    fn waiting<'s>(&'s self, sequence: &'s Sequence) -> impl Iterator<Item = (i64, i64)> + 's {
        self.conditions.iter().zip(&sequence.conditions).flat_map(|(elements, condition)| {
            elements.values().filter_map(|present| match present {
                Present::Since(since_ms) => Some((*since_ms, condition.for_ms)),
                Present::Holds => None,
            })
        })
    }

    fn of(&self, condition: usize) -> impl Iterator<Item = (&Labels, &Present)> {
        self.conditions.get(condition).into_iter().flatten()
    }

    /// The keys of what each condition returns, so that many keys are looked up.
    pub(super) fn keys(&self, sequence: &Sequence) -> Keys {
        let keys = |condition: usize| {
            let mut keys = Keyed::default();
            for (labels, present) in self.of(condition) {
                let key = sequence.key(labels);
                let holds = *present == Present::Holds;
                if key.iter().len() < sequence.by.len() {
                    keys.of_several.push((labels.clone(), holds));
                }
                if holds {
                    keys.holding.insert(key.clone());
                }
                keys.returned.insert(key);
            }
            keys
        };
        Keys { conditions: (0..sequence.conditions.len()).map(keys).collect() }
    }
}

fn begin(edges: &mut Edges, key: Labels, condition: usize, edge: Edge) {
    let of_key = edges.entry(key).or_default();
    match of_key.get_mut(&condition) {
        Some(known) if known.labels <= edge.labels => {}
        Some(known) => *known = edge,
        None => {
            of_key.insert(condition, edge);
        }
    }
}

/// Of each condition the keys for which it returns something.
pub(super) struct Keys {
    conditions: Vec<Keyed>,
}

#[derive(Default)]
struct Keyed {
    returned: BTreeSet<Labels>,
    holding: BTreeSet<Labels>,
    /// Elements that lack a label of the key, and whether they hold.
    of_several: Vec<(Labels, bool)>,
}

impl Keys {
    /// Whether a condition returns an element of exactly this key.
    pub(super) fn is_returned(&self, condition: usize, key: &Labels) -> bool {
        self.conditions[condition].returned.contains(key)
    }

    /// Whether a condition holds for a key, or for all keys of some of its labels.
    pub(super) fn holds(&self, sequence: &Sequence, condition: usize, key: &Labels) -> bool {
        let keyed = &self.conditions[condition];
        keyed.holding.contains(key)
            || keyed.of_several.iter().any(|(labels, holds)| *holds && sequence.is_for(labels, key))
    }
}
