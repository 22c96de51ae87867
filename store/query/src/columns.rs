//! Samples sorted into columns of equal length: what a graph draws, with no spike averaged away.

use crate::mean::Mean;

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
    /// The mean of the values, and of how many.
    pub mean: Mean,
    /// `true` if a run without this value came between the sample before and the first of this column.
    pub after_gap: bool,
}

impl Column {
    /// Takes in what another series of samples of the same thing has in this column. Least, greatest and the ends are those of both;
    /// the mean stays that of this one, so that it does not lean to where the other was denser.
    pub fn join(&mut self, other: &Column) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.first_ms < self.first_ms {
            (self.first, self.first_ms, self.after_gap) = (other.first, other.first_ms, other.after_gap);
        }
        if other.last_ms > self.last_ms {
            (self.last, self.last_ms) = (other.last, other.last_ms);
        }
    }
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
        let Some(index) = part_of(time_ms, self.start_ms, self.end_ms, self.columns.len()) else { return };
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
            mean: Mean::default(),
            after_gap: self.gap,
        });
        self.gap = false;
        column.min = column.min.min(value);
        column.max = column.max.max(value);
        column.last = value;
        column.last_ms = time_ms;
        column.mean.add(value);
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

/// Which of `count` equal parts of a span (end excluded) a time falls into; none outside of the span.
pub fn part_of(time_ms: i64, start_ms: i64, end_ms: i64, count: usize) -> Option<usize> {
    if !(start_ms..end_ms).contains(&time_ms) {
        return None;
    }
    // In 128 bits, because a span may be longer than half of all time that 64 bits hold.
    let (offset, span) =
        (i128::from(time_ms) - i128::from(start_ms), i128::from(end_ms) - i128::from(start_ms));
    usize::try_from(offset * count as i128 / span).ok()
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
                mean: Mean::of(11.0, 3),
                after_gap: false
            })
        );
        assert_eq!(columns[1], None);
    }

    #[test]
    fn a_column_joined_with_a_denser_one_keeps_its_mean() {
        let of = |samples: &[(i64, f64)]| {
            let mut columns = Columns::new(0, 1000, 1);
            samples.iter().for_each(|(time_ms, value)| columns.add(*time_ms, *value));
            columns.into_vec()[0].unwrap()
        };
        let mut own = of(&[(100, 4.0), (600, 6.0)]);
        own.join(&of(&[(50, 3.0), (300, 9.0), (500, 5.0)]));
        assert_eq!((own.min, own.max, own.mean), (3.0, 9.0, Mean::of(10.0, 2)));
        assert_eq!((own.first, own.first_ms, own.last, own.last_ms), (3.0, 50, 6.0, 600));
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
}
