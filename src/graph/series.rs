//! What a graph shows: series in columns of time, limits, and the states of the checks.

use custos_store::{Bounds, State};
use jiff::tz::TimeZone;

use crate::text::human::Prefixes;

/// What the samples within one column of time have in common. There is at least one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The earliest value.
    pub first: f64,
    /// The latest value.
    pub last: f64,
    /// Time of the earliest sample, in ms since the epoch.
    pub first_ms: i64,
    /// Time of the latest sample, in ms since the epoch.
    pub last_ms: i64,
    /// Samples.
    pub count: u64,
    /// Sum of the values.
    pub sum: f64,
    /// `true` if a run without this value came between the sample before and the first of this column.
    pub after_gap: bool,
}

/// Sorts samples into columns of equal length that make up a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    start_ms: i64,
    end_ms: i64,
    columns: Vec<Option<Column>>,
    gap: bool,
}

impl Columns {
    /// So many empty columns for a span of time, end excluded. At least one column and one millisecond.
    pub fn new(start_ms: i64, end_ms: i64, count: usize) -> Columns {
        Columns {
            start_ms,
            end_ms: end_ms.max(start_ms.saturating_add(1)),
            columns: vec![None; count.max(1)],
            gap: false,
        }
    }

    /// Takes in a sample. One without a finite value or outside the span is ignored; times must not go back.
    pub fn add(&mut self, time_ms: i64, value: f64) {
        let Some(index) = index(time_ms, self.start_ms, self.end_ms, self.columns.len()) else { return };
        if !value.is_finite() {
            return;
        }
        let column = self.columns[index].get_or_insert(Column {
            min: value,
            max: value,
            first: value,
            last: value,
            first_ms: time_ms,
            last_ms: time_ms,
            count: 0,
            sum: 0.0,
            after_gap: self.gap,
        });
        self.gap = false;
        column.min = column.min.min(value);
        column.max = column.max.max(value);
        column.last = value;
        column.last_ms = time_ms;
        column.count += 1;
        column.sum += value;
    }

    /// Columns of which it is known what their samples have in common, by time; at least one.
    pub fn known(start_ms: i64, end_ms: i64, columns: Vec<Option<Column>>) -> Columns {
        Columns { columns, ..Columns::new(start_ms, end_ms, 1) }
    }

    /// Says that a run had no value here, so that nothing is drawn across it.
    pub fn gap(&mut self) {
        self.gap = true;
    }

    /// Number of columns.
    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// The length of a column in milliseconds.
    pub fn column_ms(&self) -> i64 {
        let span = i128::from(self.end_ms) - i128::from(self.start_ms);
        i64::try_from(span / self.columns.len() as i128).unwrap_or(i64::MAX)
    }

    /// The columns; none where there was no sample.
    pub fn into_vec(self) -> Vec<Option<Column>> {
        self.columns
    }
}

/// Which of `count` equal parts of a span a time falls into.
pub(super) fn index(time_ms: i64, start_ms: i64, end_ms: i64, count: usize) -> Option<usize> {
    if !(start_ms..end_ms).contains(&time_ms) {
        return None;
    }
    // In 128 bits, because a span may be longer than half of all time that 64 bits hold.
    let (offset, span) =
        (i128::from(time_ms) - i128::from(start_ms), i128::from(end_ms) - i128::from(start_ms));
    usize::try_from(offset * count as i128 / span).ok()
}

/// A threshold on a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The state it leads to.
    pub state: State,
    /// The range, in the series' unit.
    pub bounds: Bounds,
}

impl Limit {
    /// The bounds that can be drawn as a line.
    pub(super) fn lines(&self) -> impl Iterator<Item = f64> + use<> {
        // A range such as `10` starts at 0, which is seldom meant as a limit.
        let starts = self.bounds.start != 0.0 || self.bounds.end.is_infinite() || self.bounds.inside;
        let Bounds { start, end, .. } = self.bounds;
        [(start, starts), (end, true)]
            .into_iter()
            .filter(|(value, drawn)| *drawn && value.is_finite())
            .map(|(value, _)| value)
    }
}

/// One line of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is, such as `load:load1`.
    pub title: String,
    /// The base unit.
    pub unit: String,
    /// The samples by time: as many columns for every series of a picture.
    pub columns: Vec<Option<Column>>,
    /// Thresholds, the plugin's own and the check's.
    pub limits: Vec<Limit>,
    /// The longest time between two samples that is not a gap.
    pub bridge_ms: i64,
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
    /// Over all samples; none if there are none.
    pub(super) fn summary(&self) -> Option<Summary> {
        let mut columns = self.columns.iter().flatten();
        let mut whole = *columns.next()?;
        for column in columns {
            whole.min = whole.min.min(column.min);
            whole.max = whole.max.max(column.max);
            whole.last = column.last;
            whole.count += column.count;
            whole.sum += column.sum;
        }
        let Column { min, max, last, .. } = whole;
        Some(Summary { min, avg: whole.sum / whole.count as f64, max, last })
    }

    /// Whether the samples on both sides of two columns belong to one line.
    pub(super) fn joined(&self, earlier: &Column, later: &Column) -> bool {
        !later.after_gap && later.first_ms.saturating_sub(earlier.last_ms) <= self.bridge_ms
    }
}

/// The states of a check over time: of every cell the worst, none where there was no run.
#[derive(Clone, Debug, PartialEq)]
pub struct Ribbon {
    /// The name of the check.
    pub title: String,
    start_ms: i64,
    end_ms: i64,
    cells: Vec<Option<State>>,
}

impl Ribbon {
    /// So many empty cells for a span of time, end excluded.
    pub fn new(title: &str, start_ms: i64, end_ms: i64, count: usize) -> Ribbon {
        let end_ms = end_ms.max(start_ms.saturating_add(1));
        Ribbon { title: title.to_owned(), start_ms, end_ms, cells: vec![None; count.max(1)] }
    }

    /// A state that held from one time to before another.
    pub fn cover(&mut self, from_ms: i64, to_ms: i64, state: State) {
        let last_ms = to_ms.saturating_sub(1).max(from_ms).min(self.end_ms - 1);
        let at = |time_ms| index(time_ms, self.start_ms, self.end_ms, self.cells.len());
        if let (Some(first), Some(last)) = (at(from_ms.max(self.start_ms)), at(last_ms)) {
            for cell in self.cells.iter_mut().take(last + 1).skip(first) {
                *cell = Some(cell.map_or(state, |worst| worst.worst(state)));
            }
        }
    }

    /// The cells from the earliest to the latest.
    pub fn cells(&self) -> &[Option<State>] {
        &self.cells
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_extremes_and_ends() {
        let mut columns = Columns::new(1000, 2000, 2);
        for (time_ms, value) in
            [(999, 9.0), (1000, 1.0), (1200, 7.0), (1499, 3.0), (1500, f64::NAN), (2000, 9.0)]
        {
            columns.add(time_ms, value);
        }
        let columns = columns.into_vec();
        assert_eq!(
            columns[0],
            Some(Column {
                min: 1.0,
                max: 7.0,
                first: 1.0,
                last: 3.0,
                first_ms: 1000,
                last_ms: 1499,
                count: 3,
                sum: 11.0,
                after_gap: false
            })
        );
        assert_eq!(columns[1], None);
    }

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
        let series = Series {
            title: String::new(),
            unit: String::new(),
            limits: Vec::new(),
            bridge_ms: 10,
            columns: columns.clone(),
        };
        let joined =
            |one: usize, other: usize| series.joined(&columns[one].unwrap(), &columns[other].unwrap());
        assert!(joined(0, 1));
        assert!(!joined(1, 2));
    }

    #[test]
    fn extreme_spans_have_columns() {
        let mut columns = Columns::new(i64::MIN, i64::MAX, 4);
        columns.add(0, 1.0);
        columns.add(i64::MAX - 1, 1.0);
        assert_eq!(
            columns.into_vec().iter().map(Option::is_some).collect::<Vec<_>>(),
            [false, false, true, true]
        );
        Columns::new(i64::MAX, i64::MAX, 0).add(i64::MAX, 1.0);
    }

    #[test]
    fn a_ribbon_keeps_the_worst() {
        let mut ribbon = Ribbon::new("x", 0, 100, 10);
        ribbon.cover(-50, 30, State::Ok);
        ribbon.cover(20, 21, State::Critical);
        ribbon.cover(25, 30, State::Warning);
        ribbon.cover(95, 500, State::Unknown);
        ribbon.cover(500, 600, State::Critical);
        let shown: String = ribbon
            .cells()
            .iter()
            .map(|cell| cell.map_or('-', |state| state.name().chars().next().unwrap()))
            .collect();
        assert_eq!(shown, "OOC------U");
    }

    #[test]
    fn limits_are_drawn_where_they_mean_something() {
        let lines = |start, end, inside| {
            Limit { state: State::Warning, bounds: Bounds { start, end, inside } }.lines().collect::<Vec<_>>()
        };
        assert_eq!(lines(0.0, 10.0, false), [10.0]);
        assert_eq!(lines(5.0, 10.0, false), [5.0, 10.0]);
        assert_eq!(lines(f64::NEG_INFINITY, 10.0, false), [10.0]);
        assert_eq!(lines(0.0, f64::INFINITY, false), [0.0]);
        assert_eq!(lines(0.0, 10.0, true), [0.0, 10.0]);
    }
}
