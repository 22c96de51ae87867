//! Changes of state in the order of time, those of a check that goes back and forth as one. Pure.

use std::collections::BTreeMap;

use custos_query::Event;

use crate::limits::WHY_FLAPS_MIN;

/// What is a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn<'a> {
    /// The first change.
    pub(super) first: &'a Event,
    /// The last one, which is the first where there is one only.
    pub(super) last: &'a Event,
    /// How many changes there were.
    pub(super) count: usize,
}

/// Makes lines of changes that are in the order of time.
pub(super) fn grouped(events: &[Event]) -> Vec<Turn<'_>> {
    let mut of_check: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        of_check.entry(&event.check).or_default().push(event);
    }
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for events in of_check.into_values() {
        match &events[..] {
            [first, .., last] if events.len() >= WHY_FLAPS_MIN => {
                turns.push(Turn { first, last, count: events.len() });
            }
            _ => turns.extend(events.iter().map(|event| Turn { first: event, last: event, count: 1 })),
        }
    }
    turns.sort_by_key(|turn| turn.first.time_ms);
    turns
}
