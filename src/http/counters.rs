//! What the server counts: requests by what they asked for, by the code of the answer and by how long it took.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::strain::Strain;
use crate::lock::locked;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Handler {
    /// A query at one time.
    Query,
    /// A query at many times.
    QueryRange,
    /// Series, labels, and what else of the API is quick.
    List,
    /// The agent's figures.
    Metrics,
    /// Everything else.
    Other,
}

impl Handler {
    /// Its name, as a label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Handler::Query => "query",
            Handler::QueryRange => "query_range",
            Handler::List => "list",
            Handler::Metrics => "metrics",
            Handler::Other => "other",
        }
    }
}

/// Upper bounds of how long answers take (seconds), beside infinity.
pub(super) const DURATION_BOUNDS_S: [f64; 9] = [0.001, 0.005, 0.02, 0.1, 0.4, 1.0, 3.0, 8.0, 30.0];

/// How long answers took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Durations {
    /// Answers up to each bound and above the one before; the last are those beyond all.
    pub(super) within: [u64; DURATION_BOUNDS_S.len() + 1],
    pub(super) sum_s: f64,
}

/// What there was until now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) requests: BTreeMap<(Handler, u16), u64>,
    pub(super) durations: BTreeMap<Handler, Durations>,
    /// Connections that were accepted.
    pub(super) connections: u64,
    /// Connections that were closed at once: one address had too many.
    pub(super) connections_refused: u64,
    /// Handshakes of TLS that failed.
    pub(super) handshakes_failed: u64,
    /// Queries that gave way to others that waited.
    pub(super) gave_way: u64,
}

/// What the agent is told of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Requests that were answered, in whatever way.
    pub requests: u64,
    /// Of these, those that the client may not make.
    pub refused: u64,
    /// Of these, those that could not be answered: too long, too many, or a mistake of the server.
    pub failed: u64,
    /// Connections that were closed at once, and handshakes that failed.
    pub connections_refused: u64,
    /// Connections that are open.
    pub connections: u64,
    /// What shows that there is more to do than can be done.
    #[serde(default)]
    pub strain: Strain,
}

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Counts>);

impl Counters {
    pub(super) fn answered(&self, handler: Handler, code: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = DURATION_BOUNDS_S.iter().position(|bound| seconds <= *bound);
        let mut counts = locked(&self.0);
        *counts.requests.entry((handler, code)).or_default() += 1;
        let durations = counts.durations.entry(handler).or_default();
        durations.within[bucket.unwrap_or(DURATION_BOUNDS_S.len())] += 1;
        durations.sum_s += seconds;
    }

    pub(super) fn note(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut locked(&self.0));
    }

    pub(super) fn now(&self) -> Counts {
        locked(&self.0).clone()
    }

    /// What the agent is told, with so many connections open, and this of the last minutes.
    pub(super) fn report(&self, connections: u64, strain: Strain) -> Report {
        let counts = locked(&self.0);
        let sum = |fits: fn(u16) -> bool| {
            counts.requests.iter().filter(|((_, code), _)| fits(*code)).map(|(_, count)| count).sum()
        };
        Report {
            requests: sum(|_| true),
            refused: sum(|code| code == 401 || code == 403),
            failed: sum(|code| code >= 499 || code == 422),
            connections_refused: counts.connections_refused + counts.handshakes_failed,
            connections,
            strain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_code_and_duration() {
        let counters = Counters::default();
        for (code, ms) in [(200, 1), (200, 40_000), (401, 2), (503, 100)] {
            counters.answered(Handler::Query, code, Duration::from_millis(ms));
        }
        counters.note(|counts| counts.handshakes_failed += 1);
        let counts = counters.now();
        assert_eq!(counts.requests[&(Handler::Query, 200)], 2);
        let durations = counts.durations[&Handler::Query];
        assert_eq!(durations.within, [1, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert!((durations.sum_s - 40.103).abs() < 1e-9);
        let strain = Strain { refused: 9, ..Strain::default() };
        let expected =
            Report { requests: 4, refused: 1, failed: 1, connections_refused: 1, connections: 3, strain };
        assert_eq!(counters.report(3, strain), expected);
    }
}
