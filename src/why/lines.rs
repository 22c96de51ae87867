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

/// What a plugin printed for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextLine {
    kind: &'static str,
    check: String,
    onset_ms: i64,
    now: &'static str,
    text: String,
    runs: usize,
}

/// A line for each metric, the most unlike first, for each change of state, and for each new text.
pub fn lines(looked: &Looked) -> (Vec<SeriesLine>, Vec<ChangeLine>, Vec<TextLine>) {
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
    let texts = looked.texts.iter().map(|new| TextLine {
        kind: "text",
        check: new.check.clone(),
        onset_ms: new.time_ms,
        now: new.state.name(),
        text: new.text.clone(),
        runs: new.runs,
    });
    (series.collect(), changes.collect(), texts.collect())
}
