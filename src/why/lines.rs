//! What was found as data: a line for each metric, and for each change of state.

use serde::Serialize;

use super::look::Looked;

/// A metric, and how far it was from where it usually is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesLine {
    kind: &'static str,
    check: String,
    metric: String,
    /// 1 for the most unlike.
    rank: usize,
    /// When it left where it was.
    onset_ms: i64,
    before: f64,
    now: f64,
    /// Whether it is shown unless all are wanted.
    pub listed: bool,
    away: f64,
    windows: u32,
    as_far: u32,
    by_day: bool,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeLine {
    kind: &'static str,
    check: String,
    onset_ms: i64,
    before: &'static str,
    now: &'static str,
    text: String,
}

/// A line for each metric, the most unlike first, and for each change of state.
pub fn lines(looked: &Looked) -> (Vec<SeriesLine>, Vec<ChangeLine>) {
    let series = looked.shifts.ranked.iter().enumerate().map(|(index, one)| {
        let (of, shift) = (&looked.among[one.series], &one.shift);
        SeriesLine {
            kind: "series",
            check: of.check.clone(),
            metric: of.series.key.to_string(),
            rank: index + 1,
            onset_ms: one.onset_ms,
            before: shift.before,
            now: shift.now,
            listed: shift.is_listed(),
            away: shift.away,
            windows: shift.windows,
            as_far: shift.as_far,
            by_day: shift.by_day,
        }
    });
    let changes = looked.events.iter().map(|event| ChangeLine {
        kind: "state",
        check: event.check.clone(),
        onset_ms: event.time_ms,
        before: event.from_name(),
        now: event.to.name(),
        text: event.said(),
    });
    (series.collect(), changes.collect())
}
