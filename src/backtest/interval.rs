//! What a backtest comes to: alerts, and the stretches of which nothing is known.

use custos_promql::Labels;
use custos_store::State;

use crate::limits::BACKTEST_STOOD_MAX;

/// Times from one up to another (ms since the epoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first millisecond.
    pub since_ms: i64,
    /// The one after the last.
    pub until_ms: i64,
}

impl Span {
    /// How long it is (ms).
    pub fn length_ms(self) -> i64 {
        self.until_ms.saturating_sub(self.since_ms).max(0)
    }
}

/// How long two spans have in common (ms).
pub fn overlap(one: Span, other: Span) -> i64 {
    one.until_ms.min(other.until_ms).saturating_sub(one.since_ms.max(other.since_ms)).max(0)
}

/// An alert that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertInterval {
    /// The check, or the check of the rule.
    pub check: String,
    /// Since when what caused it was there (ms since the epoch).
    pub pending_since_ms: i64,
    /// Since when it fired (ms since the epoch).
    pub since_ms: i64,
    /// When it ended (ms since the epoch); none while it fires.
    pub until_ms: Option<i64>,
    /// The worst state that it stood for.
    pub state: State,
    /// Its labels.
    pub labels: Labels,
    /// The worst value, and when it was so first (ms since the epoch), where it is of one value.
    pub peak: Option<(f64, i64)>,
    /// What was said when it began to fire.
    pub said: String,
}

impl AlertInterval {
    /// By what it is the same alert as another at another time.
    pub(super) fn identity(&self) -> (&str, &Labels) {
        (&self.check, &self.labels)
    }

    /// The time in which it fired; `end_ms` is where the backtest ends.
    pub fn span(&self, end_ms: i64) -> Span {
        Span { since_ms: self.since_ms, until_ms: self.until_ms.unwrap_or(end_ms) }
    }
}

/// A time for which a check stood in one state of a problem, which was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// The time.
    pub span: Span,
    /// The state.
    pub state: State,
}

/// What a backtest comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backtest {
    /// The time that it is of; none if nothing is stored of it.
    pub span: Option<Span>,
    /// Alerts that fired, by the time at which they began.
    pub intervals: Vec<AlertInterval>,
    /// Of a check: the confirmed states while an alert fired, the newest [`BACKTEST_STOOD_MAX`](crate::limits::BACKTEST_STOOD_MAX) at least.
    pub stood: Vec<Stood>,
    /// For how long it stood in each state, by its number (ms).
    pub stood_ms: [i64; 4],
    /// Stretches of which nothing is known, ascending.
    pub not_observed: Vec<Span>,
    /// How often something was judged.
    pub judged: u64,
    /// Judgements that failed, and why the first of them did.
    pub failed: Option<(u64, String)>,
}

impl Backtest {
    /// Notes how a check stood for a time.
    pub(super) fn stands(&mut self, stood: Stood) {
        let total_ms = &mut self.stood_ms[usize::from(stood.state.code()) % 4];
        *total_ms = total_ms.saturating_add(stood.span.length_ms());
        if self.stood.len() >= 2 * BACKTEST_STOOD_MAX {
            self.stood.drain(..BACKTEST_STOOD_MAX);
        }
        self.stood.push(stood);
    }

    /// Both together. A stretch is observed if both were.
    #[must_use]
    pub fn and(mut self, other: Backtest) -> Backtest {
        self.not_observed = in_either(self.not_observed, other.not_observed);
        self.span = match (self.span, other.span) {
            (Some(one), Some(other)) => Some(Span {
                since_ms: one.since_ms.min(other.since_ms),
                until_ms: one.until_ms.max(other.until_ms),
            }),
            (one, other) => one.or(other),
        };
        self.intervals.extend(other.intervals);
        other.stood.into_iter().for_each(|stood| self.stands(stood));
        self.judged += other.judged;
        self.failed = match (self.failed, other.failed) {
            (Some((count, reason)), Some((further, _))) => Some((count + further, reason)),
            (one, other) => one.or(other),
        };
        self
    }

    /// How much of the time was observed (ms).
    pub fn observed_ms(&self) -> i64 {
        let Some(span) = self.span else { return 0 };
        let dark: i64 = self.not_observed.iter().map(|dark| overlap(*dark, span)).sum();
        span.length_ms().saturating_sub(dark).max(0)
    }

    /// Where it ends (ms since the epoch).
    pub fn end_ms(&self) -> i64 {
        self.span.map_or(0, |span| span.until_ms)
    }
}

/// What lies in a span of either list, ascending and apart.
fn in_either(one: Vec<Span>, other: Vec<Span>) -> Vec<Span> {
    let mut all: Vec<Span> = one.into_iter().chain(other).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let touches = next.since_ms <= kept.until_ms;
        if touches {
            kept.until_ms = kept.until_ms.max(next.until_ms);
        }
        touches
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_that_one_of_two_did_not_observe_is_not_observed() {
        let span = |since_ms, until_ms| Span { since_ms, until_ms };
        let of = |not_observed: &[Span]| Backtest {
            span: Some(span(0, 100)),
            not_observed: not_observed.to_vec(),
            ..Backtest::default()
        };
        let both = of(&[span(10, 20), span(60, 70)]).and(of(&[])).and(of(&[span(15, 30)]));
        assert_eq!(both.not_observed, [span(10, 30), span(60, 70)]);
        assert_eq!(both.observed_ms(), 70);
    }
}
