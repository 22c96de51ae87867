//! What of the last minutes shows that the server has more to do than it can. Pure: whoever asks says what time it is.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::limits::HTTP_STRAIN_MINUTES;
use crate::lock::locked;

const MINUTE_US: u64 = 60_000_000;

/// What was strained in the last minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strain {
    /// Connections that were closed at once, as their client had too many that were not idle.
    pub refused: u64,
    /// Idle connections that were closed for others.
    pub closed: u64,
    /// Queries that were given up, as others waited.
    pub gave_way: u64,
}

impl Strain {
    fn and(self, other: Strain) -> Strain {
        Strain {
            refused: self.refused + other.refused,
            closed: self.closed + other.closed,
            gave_way: self.gave_way + other.gave_way,
        }
    }

    /// What happened, in a clause; nothing if nothing did.
    pub fn said(self) -> Option<String> {
        let parts = [
            (self.refused, "connection was", "connections were", "refused"),
            (self.closed, "idle connection was", "idle connections were", "closed for others"),
            (self.gave_way, "query was", "queries were", "given up for others"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many, what)| format!("{count} {} {what}", if count == 1 { one } else { many }))
            .collect();
        let all = parts.join(", ");
        (!parts.is_empty())
            .then(|| format!("HTTP was overloaded in the last {HTTP_STRAIN_MINUTES} minutes: {all}"))
    }
}

/// Counts by minutes.
#[derive(Debug, Default)]
pub(super) struct Strains(Mutex<[(u64, Strain); HTTP_STRAIN_MINUTES]>);

impl Strains {
    /// Adds something that happens now (µs of the clock that never jumps).
    pub(super) fn note(&self, now_us: u64, what: impl FnOnce(&mut Strain)) {
        let minute = now_us / MINUTE_US;
        let mut minutes = locked(&self.0);
        let known = &mut minutes[(minute % HTTP_STRAIN_MINUTES as u64) as usize];
        if known.0 != minute {
            *known = (minute, Strain::default());
        }
        what(&mut known.1);
    }

    /// All of the last minutes, of which this is one.
    pub(super) fn recent(&self, now_us: u64) -> Strain {
        let minute = now_us / MINUTE_US;
        let is_recent = |then: u64| then <= minute && minute - then < HTTP_STRAIN_MINUTES as u64;
        let minutes = locked(&self.0);
        minutes
            .iter()
            .filter(|(then, _)| is_recent(*then))
            .fold(Strain::default(), |sum, (_, one)| sum.and(*one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_minutes_ago_is_forgotten() {
        let strains = Strains::default();
        assert_eq!(strains.recent(0).said(), None);
        strains.note(0, |strain| strain.refused += 1);
        strains.note(59 * 1_000_000, |strain| strain.refused += 1);
        strains.note(61 * 1_000_000, |strain| strain.closed += 1);
        let last_us = HTTP_STRAIN_MINUTES as u64 * MINUTE_US;
        assert_eq!(strains.recent(last_us - 1), Strain { refused: 2, closed: 1, gave_way: 0 });
        assert_eq!(strains.recent(last_us), Strain { refused: 0, closed: 1, gave_way: 0 });
        // The minute takes the place of the one that is forgotten.
        strains.note(last_us, |strain| strain.gave_way += 2);
        assert_eq!(strains.recent(last_us), Strain { refused: 0, closed: 1, gave_way: 2 });
        assert_eq!(strains.recent(3 * last_us), Strain::default());
    }

    #[test]
    fn it_is_said_what_happened() {
        let said = |refused, closed, gave_way| Strain { refused, closed, gave_way }.said();
        assert_eq!(said(0, 0, 0), None);
        let all = "HTTP was overloaded in the last 5 minutes: 12 connections were refused, 1 idle connection was closed for \
                   others, 2 queries were given up for others";
        assert_eq!(said(12, 1, 2).as_deref(), Some(all));
        assert!(said(0, 0, 1).unwrap().ends_with(": 1 query was given up for others"));
    }
}
