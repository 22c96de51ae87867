//! What a graph shows: series in columns of time, limits, and the states of the checks.

use custos_query::{Column, ConsolidatedColumn, Limit, StateBar};
use custos_store::Bounds;
use jiff::tz::TimeZone;

use crate::text::human::Prefixes;

/// The bounds of a threshold that can be drawn as a line.
pub(super) fn limit_lines(limit: &Limit) -> impl Iterator<Item = f64> + use<> {
    let Bounds { start, end, inside } = limit.bounds;
    // A range such as `10` starts at 0, which is seldom meant as a limit.
    let starts = start != 0.0 || end.is_infinite() || inside;
    [(start, starts), (end, true)]
        .into_iter()
        .filter(|(value, drawn)| *drawn && value.is_finite())
        .map(|(value, _)| value)
}

/// A threshold on a series, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The state and the range.
    pub limit: Limit,
    /// Whether the plugin printed it; the others are those of the configuration.
    pub of_plugin: bool,
}

/// One line of a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The check; empty for what is computed from several.
    pub check: String,
    /// The name within the check, such as `load1`.
    pub name: String,
    /// The base unit.
    pub unit: String,
    /// The samples by time: as many columns for every series of a picture.
    pub columns: Vec<Option<Column>>,
    /// Thresholds, the plugin's own and the check's.
    pub thresholds: Vec<Threshold>,
    /// What there is to say of samples that are not drawn, if there are any.
    pub note: Option<String>,
    /// The longest time between two samples that is not a gap.
    pub bridge_ms: i64,
    /// Where the values normally are, from lowest to highest, of each column; empty if that is not drawn.
    pub band: Vec<Option<(f64, f64)>>,
    /// What an older system kept of it, of each column; empty if there is nothing. It is drawn where there are no samples, and otherwise
    /// than these.
    pub consolidated: Vec<Option<ConsolidatedColumn>>,
}

/// A series in four numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) min: f64,
    pub(super) avg: f64,
    pub(super) max: f64,
    pub(super) last: f64,
}

impl Series {
    /// What it is, such as `load:load1`.
    pub(super) fn title(&self) -> String {
        if self.check.is_empty() { self.name.clone() } else { format!("{}:{}", self.check, self.name) }
    }

    /// Over all samples; `None` without samples.
    pub(super) fn summary(&self) -> Option<Summary> {
        let mut columns = self.columns.iter().flatten();
        let mut whole = *columns.next()?;
        for column in columns {
            whole.min = whole.min.min(column.min);
            whole.max = whole.max.max(column.max);
            whole.last = column.last;
            whole.mean.join(column.mean);
        }
        let Column { min, max, last, .. } = whole;
        Some(Summary { min, avg: whole.mean.value(), max, last })
    }

    /// From the least to the greatest of all that is drawn; `None` if there is neither a sample nor a consolidated value.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let samples = self.summary().map(|summary| (summary.min, summary.max));
        let consolidated = self.consolidated_range();
        let bands = self.band.iter().flatten().copied().filter(|_| samples.is_some());
        samples.into_iter().chain(consolidated).chain(bands).reduce(wider)
    }

    /// Whether there is anything to draw.
    pub fn has_samples(&self) -> bool {
        self.range().is_some()
    }

    /// From the least to the greatest of what is consolidated.
    pub(super) fn consolidated_range(&self) -> Option<(f64, f64)> {
        self.consolidated.iter().flatten().map(|column| (column.low, column.high)).reduce(wider)
    }

    /// What is consolidated in a column that has no sample.
    pub(super) fn consolidated_at(&self, column: usize) -> Option<ConsolidatedColumn> {
        let has_sample = self.columns.get(column).is_some_and(Option::is_some);
        self.consolidated.get(column).copied().flatten().filter(|_| !has_sample)
    }

    /// Whether the samples on both sides of two columns belong to one line.
    pub(super) fn joined(&self, earlier: &Column, later: &Column) -> bool {
        !later.after_gap && later.first_ms.saturating_sub(earlier.last_ms) <= self.bridge_ms
    }
}

fn wider((least, greatest): (f64, f64), (low, high): (f64, f64)) -> (f64, f64) {
    (least.min(low), greatest.max(high))
}

/// The states of a check over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ribbon {
    /// The name of the check.
    pub title: String,
    /// Of every cell the worst state.
    pub states: StateBar,
}

/// All that a graph shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Start of the span, in ms since the epoch.
    pub start_ms: i64,
    /// End of the span, in ms since the epoch; after the start.
    pub end_ms: i64,
    /// The zone that times are shown in.
    pub zone: TimeZone,
    /// Prefixes of bytes.
    pub prefixes: Prefixes,
    /// The series.
    pub series: Vec<Series>,
    /// The states, one ribbon for each check.
    pub ribbons: Vec<Ribbon>,
    /// What was written of moments in the span, the earliest first.
    pub notes: Vec<NoteMark>,
}

/// What somebody wrote of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteMark {
    /// The moment (ms since the epoch).
    pub time_ms: i64,
    /// What was written.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use custos_query::Columns;
    use custos_store::State;

    use super::*;

    #[test]
    fn a_run_without_a_value_parts_the_line() {
        let mut columns = Columns::new(0, 30, 3);
        columns.add(1, 1.0);
        columns.add(11, 1.0);
        columns.gap();
        columns.add(19, 1.0);
        columns.gap();
        columns.add(21, 1.0);
        assert_eq!(columns.column_ms(), 10);
        let columns = columns.into_vec();
        let series = Series { bridge_ms: 10, columns: columns.clone(), ..Series::default() };
        let joined =
            |one: usize, other: usize| series.joined(&columns[one].unwrap(), &columns[other].unwrap());
        assert!(joined(0, 1));
        assert!(!joined(1, 2));
    }

    #[test]
    fn limits_are_drawn_where_they_mean_something() {
        let lines = |start, end, inside| {
            let limit = Limit { state: State::Warning, bounds: Bounds { start, end, inside } };
            limit_lines(&limit).collect::<Vec<_>>()
        };
        assert_eq!(lines(0.0, 10.0, false), [10.0]);
        assert_eq!(lines(5.0, 10.0, false), [5.0, 10.0]);
        assert_eq!(lines(f64::NEG_INFINITY, 10.0, false), [10.0]);
        assert_eq!(lines(0.0, f64::INFINITY, false), [0.0]);
        assert_eq!(lines(0.0, 10.0, true), [0.0, 10.0]);
    }
}
