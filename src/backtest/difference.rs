//! What one definition says otherwise than another.

use std::collections::BTreeMap;

use super::interval::{AlertInterval, Backtest, Span, overlap};

/// What is otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Alerts at whose time there was none with the same labels before.
    pub added: Vec<AlertInterval>,
    /// Alerts at whose time there is none with the same labels any more.
    pub lost: Vec<AlertInterval>,
}

/// What a backtest has that another has not, and the other way round.
pub fn difference(before: &Backtest, now: &Backtest) -> Difference {
    Difference { added: only_in(now, before), lost: only_in(before, now) }
}

fn only_in(one: &Backtest, other: &Backtest) -> Vec<AlertInterval> {
    let (end, of_other) = (one.end_ms(), other.end_ms());
    let mut like: BTreeMap<_, Vec<Span>> = BTreeMap::new();
    for interval in other.intervals.iter().filter(|interval| interval.span(of_other).length_ms() > 0) {
        like.entry(interval.identity()).or_default().push(interval.span(of_other));
    }
    // Those that are the same alert follow one another: of those that begin before this ends the last is the only one to look at.
    let has_like = |interval: &&AlertInterval| {
        let (span, Some(like)) = (interval.span(end), like.get(&interval.identity())) else { return false };
        let before_its_end = like.partition_point(|like| like.since_ms < span.until_ms);
        like[..before_its_end].last().is_some_and(|like| overlap(span, *like) > 0)
    };
    one.intervals.iter().filter(|interval| !has_like(interval)).cloned().collect()
}
