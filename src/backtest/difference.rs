//! What one definition says otherwise than another.

use super::interval::{AlertInterval, Backtest, overlap};

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
    let has_like = |interval: &AlertInterval| {
        other.intervals.iter().any(|like| {
            like.check == interval.check
                && like.labels == interval.labels
                && overlap(interval.span(end), like.span(of_other)) > 0
        })
    };
    one.intervals.iter().filter(|interval| !has_like(interval)).cloned().collect()
}
