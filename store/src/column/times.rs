//! Times: the check's own grid, and how far each run is off it.
//!
//! Runs of a check are started every so many seconds and come a little late. So a time is
//! base + slot × step + lateness; slots that follow each other cost nothing, and the lateness is small.
//!
//! ```text
//! u8      0: no grid; 1: grid
//! zigzag  base: the first time, or (grid) the time of slot 0
//! varint  step in ms (grid)
//! zigzag  least lateness, varint greatest minus that (grid)
//! varint  number of skips (grid); then varint rows since the skip before, zigzag slots skipped, each
//! …       integers: time - base - slot × step, or (no grid) time - base, in wrapping arithmetic
//! ```

use std::ops::Range;

use super::ints::{Ints, put_ints};
use super::packed::Effort;
use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::error::Result;

const PLAIN: u8 = 0;
const GRID: u8 = 1;

/// A grid is used while at most one row in this many skips.
const ROWS_PER_SKIP: usize = 8;

struct Grid {
    step: i64,
    /// (row, slots skipped before it).
    skips: Vec<(usize, i64)>,
    residuals: Vec<i64>,
}

/// The grid that the times of a check follow, if they follow one.
fn grid(times: &[i64]) -> Option<Grid> {
    let span = times.last()?.checked_sub(*times.first()?)?;
    if times.len() < 3 || span <= 0 || span > 1 << 52 {
        return None;
    }
    let mut gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let middle = gaps.len() / 2;
    let typical = *gaps.select_nth_unstable(middle).1;
    if typical <= 0 {
        return None;
    }
    let slots: i64 = times.windows(2).map(|pair| (pair[1] - pair[0] + typical / 2) / typical).sum();
    let step = ((span + slots / 2) / slots.max(1)).max(1);
    let base = times[0];
    let (mut skips, mut residuals) = (Vec::new(), Vec::with_capacity(times.len()));
    let mut expected = 0;
    for (row, time) in times.iter().enumerate() {
        let off = time - base;
        let slot = (off + step / 2) / step;
        if slot != expected {
            skips.push((row, slot - expected));
            if skips.len() > times.len() / ROWS_PER_SKIP {
                return None;
            }
        }
        residuals.push(off - slot * step);
        expected = slot + 1;
    }
    Some(Grid { step, skips, residuals })
}

/// Writes a column of times in ascending order.
pub(crate) fn put_times(out: &mut Vec<u8>, times: &[i64], effort: Effort) -> Result<()> {
    let base = times.first().copied().unwrap_or(0);
    match grid(times) {
        Some(grid) => {
            out.push(GRID);
            put_zigzag(out, base);
            put_varint(out, grid.step as u64);
            let least = grid.residuals.iter().copied().min().unwrap_or(0);
            let greatest = grid.residuals.iter().copied().max().unwrap_or(0);
            put_zigzag(out, least);
            put_varint(out, (greatest - least) as u64);
            put_varint(out, grid.skips.len() as u64);
            let mut before = 0;
            for (row, slots) in &grid.skips {
                put_varint(out, (row - before) as u64);
                put_zigzag(out, *slots);
                before = *row;
            }
            put_ints(out, &grid.residuals, effort)
        }
        None => {
            out.push(PLAIN);
            put_zigzag(out, base);
            let offsets: Vec<i64> = times.iter().map(|time| time.wrapping_sub(base)).collect();
            put_ints(out, &offsets, effort)
        }
    }
}

/// A column of times that has been opened but not decoded.
#[derive(Clone, Debug)]
pub(crate) struct Times<'a> {
    n: usize,
    base: i64,
    /// 0 without a grid.
    step: i64,
    /// Least and greatest lateness.
    late: (i64, i64),
    /// (row, slots skipped before it).
    skips: Vec<(usize, i64)>,
    residuals: Ints<'a>,
}

impl<'a> Times<'a> {
    pub(crate) fn get(cursor: &mut Cursor<'a>, n: usize) -> std::result::Result<Times<'a>, Short> {
        let kind = cursor.u8()?;
        let base = cursor.zigzag()?;
        let (mut step, mut late, mut skips) = (0, (0, 0), Vec::new());
        match kind {
            PLAIN => {}
            GRID => {
                step = i64::try_from(cursor.varint()?).ok().filter(|step| *step > 0).ok_or(Short)?;
                let least = cursor.zigzag()?;
                late = (least, least.wrapping_add(cursor.varint()? as i64));
                let mut row = 0_usize;
                for _ in 0..cursor.count(2)? {
                    row = row.checked_add(cursor.size()?).ok_or(Short)?;
                    skips.push((row, cursor.zigzag()?));
                }
            }
            _ => return Err(Short),
        }
        Ok(Times { n, base, step, late, skips, residuals: Ints::get(cursor, n)? })
    }

    /// The slot of a row.
    fn slot(&self, row: usize) -> i64 {
        let before = self.skips.iter().take_while(|(at, _)| *at <= row);
        before.fold(row as i64, |slot, (_, slots)| slot.wrapping_add(*slots))
    }

    /// How many rows have a time before this one: the first row at or after it. Mostly decodes nothing.
    pub(crate) fn rows_before(&self, time_ms: i64) -> std::result::Result<usize, Short> {
        let (mut low, mut high) = (0, self.n);
        if self.step > 0 {
            // In 128 bits, as the time asked for may be any.
            let on_grid =
                |row: usize| i128::from(self.base) + i128::from(self.slot(row)) * i128::from(self.step);
            let first = |late: i64| {
                let (mut low, mut high) = (0, self.n);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if on_grid(middle) + i128::from(late) < i128::from(time_ms) {
                        low = middle + 1
                    } else {
                        high = middle
                    }
                }
                low
            };
            (low, high) = (first(self.late.1), first(self.late.0));
        }
        if low >= high {
            return Ok(low);
        }
        let mut times = Vec::new();
        self.decode(low..high, &mut times)?;
        Ok(low + times.partition_point(|time| *time < time_ms))
    }

    /// Appends the times of a range of rows.
    pub(crate) fn decode(&self, rows: Range<usize>, out: &mut Vec<i64>) -> std::result::Result<(), Short> {
        let at = out.len();
        self.residuals.decode(rows.clone(), out)?;
        let before = self.skips.partition_point(|(row, _)| *row < rows.start);
        let skipped = |sum: i64, skip: &(usize, i64)| sum.wrapping_add(skip.1);
        let mut slot = (rows.start as i64).wrapping_add(self.skips[..before].iter().fold(0, skipped));
        let mut row = rows.start;
        let times = &mut out[at..];
        let mut done = 0;
        for (next, slots) in self.skips[before..].iter().copied().chain([(usize::MAX, 0)]) {
            let count = (next.min(rows.end) - row).min(times.len() - done);
            let start = self.base.wrapping_add(slot.wrapping_mul(self.step));
            for (index, time) in times[done..done + count].iter_mut().enumerate() {
                *time = time.wrapping_add(start).wrapping_add((index as i64).wrapping_mul(self.step));
            }
            (done, row) = (done + count, row + count);
            if next >= rows.end {
                break;
            }
            slot = slot.wrapping_add(count as i64).wrapping_add(slots);
        }
        Ok(())
    }

    /// The times of all of `n` rows.
    pub(crate) fn all(&self, n: usize) -> std::result::Result<Vec<i64>, Short> {
        let mut out = Vec::with_capacity(n);
        self.decode(0..n, &mut out)?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(times: &[i64]) -> usize {
        let mut bytes = Vec::new();
        put_times(&mut bytes, times, Effort::Full).unwrap();
        let column = Times::get(&mut Cursor::new(&bytes), times.len()).unwrap();
        assert_eq!(column.all(times.len()).unwrap(), times);
        for start in [0, 1, times.len() / 2, times.len().saturating_sub(1)] {
            let range = start.min(times.len())..(start + 1500).min(times.len());
            let mut part = Vec::new();
            column.decode(range.clone(), &mut part).unwrap();
            assert_eq!(part, &times[range]);
        }
        for time in
            times.iter().step_by(97).flat_map(|time| [*time, time.saturating_sub(1), time.saturating_add(7)])
        {
            assert_eq!(column.rows_before(time).unwrap(), times.partition_point(|at| *at < time));
        }
        bytes.len()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_times_come_back(mut times in prop_oneof![
            prop::collection::vec(any::<i64>(), 0..2500),
            prop::collection::vec(0_i64..100_000, 0..2500),
            prop::collection::vec(prop_oneof![9 => 9_990_i64..10_020, 1 => 0_i64..100_000], 0..2500)
                .prop_map(|gaps| gaps.iter().scan(-1_000_000, |at, gap| { *at += gap; Some(*at) }).collect()),
        ]) {
            times.sort_unstable();
            round_trip(&times);
        }
    }

    #[test]
    fn times_on_a_grid_cost_next_to_nothing() {
        let mut times: Vec<i64> = (0..10_000).map(|slot| 1_700_000_000_000 + slot * 10_000).collect();
        assert!(round_trip(&times) < 16);
        times.remove(5000);
        assert!(round_trip(&times) < 24);
    }
}
