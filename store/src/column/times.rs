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

use super::ints::{IntLookup, Ints, put_ints_in};
use super::packed::{Effort, Paging};
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
            put_ints_in(out, &grid.residuals, Paging::Fine, effort)
        }
        None => {
            out.push(PLAIN);
            put_zigzag(out, base);
            let offsets: Vec<i64> = times.iter().map(|time| time.wrapping_sub(base)).collect();
            put_ints_in(out, &offsets, Paging::Fine, effort)
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
    /// (row, all slots skipped before it), ascending.
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
                let mut skipped = 0_i64;
                for _ in 0..cursor.count(2)? {
                    row = row.checked_add(cursor.size()?).ok_or(Short)?;
                    skipped = skipped.wrapping_add(cursor.zigzag()?);
                    skips.push((row, skipped));
                }
            }
            _ => return Err(Short),
        }
        Ok(Times { n, base, step, late, skips, residuals: Ints::get(cursor, n)? })
    }

    /// The time of a row's slot, in 128 bits as it may be compared with any time.
    fn on_grid(&self, row: usize) -> i128 {
        let slot = (row as i64).wrapping_add(self.skipped(row));
        i128::from(self.base) + i128::from(slot) * i128::from(self.step)
    }

    /// Slots skipped up to a row.
    fn skipped(&self, row: usize) -> i64 {
        let skips = self.skips.partition_point(|(at, _)| *at <= row);
        skips.checked_sub(1).map_or(0, |last| self.skips[last].1)
    }

    /// The slots of some rows, if they lie on a grid: for each stretch without a skip the time of its first slot and its rows.
    pub(crate) fn slots(&self, rows: Range<usize>) -> Option<(i64, Vec<(i64, usize)>)> {
        if self.step == 0 {
            return None;
        }
        let (mut row, mut stretches) = (rows.start, Vec::new());
        let mut skips = &self.skips[self.skips.partition_point(|(at, _)| *at <= row)..];
        while row < rows.end {
            let end = skips.first().map_or(rows.end, |(at, _)| (*at).min(rows.end));
            let slot = (row as i64).wrapping_add(self.skipped(row));
            stretches.push((self.base.wrapping_add(slot.wrapping_mul(self.step)), end - row));
            skips = &skips[skips.partition_point(|(at, _)| *at <= end)..];
            row = end;
        }
        Some((self.step, stretches))
    }

    /// The rows in stretches without a skip, as the row after the last, and how far apart neighbours within them are at least and at most
    /// (ms); none without a grid.
    pub(crate) fn steady(&self, rows: usize) -> Option<(Vec<usize>, (i64, i64))> {
        let (_, stretches) = self.slots(0..rows)?;
        let mut end = 0;
        let ends = stretches.iter().map(|(_, rows)| {
            end += rows;
            end
        });
        let spread = self.late.1.wrapping_sub(self.late.0);
        let apart = (self.step.checked_sub(spread)?.max(0), self.step.checked_add(spread)?);
        Some((ends.collect(), apart))
    }

    /// The column, ready to be asked for single times.
    pub(crate) fn lookup(self) -> std::result::Result<TimeLookup<'a>, Short> {
        let residuals = if self.step == 0 {
            // Without a grid, a search goes all over the column.
            Residuals::Decoded(self.residuals.all(self.n)?)
        } else {
            Residuals::Packed(self.residuals.lookup()?)
        };
        Ok(TimeLookup { times: self, residuals })
    }

    /// Appends the times of a range of rows.
    pub(crate) fn decode(&self, rows: Range<usize>, out: &mut Vec<i64>) -> std::result::Result<(), Short> {
        let at = out.len();
        self.residuals.decode(rows.clone(), out)?;
        let times = &mut out[at..];
        let (mut row, mut skips) = (rows.start, &self.skips[..]);
        while row < rows.start + times.len() {
            let passed = skips.partition_point(|(at, _)| *at <= row);
            let skipped = passed.checked_sub(1).map_or(self.skipped(row), |last| skips[last].1);
            skips = &skips[passed..];
            let end = skips.first().map_or(usize::MAX, |(at, _)| *at).min(rows.start + times.len());
            let slot = (row as i64).wrapping_add(skipped);
            let start = self.base.wrapping_add(slot.wrapping_mul(self.step));
            let stretch = &mut times[row - rows.start..end - rows.start];
            for (index, time) in stretch.iter_mut().enumerate() {
                *time = time.wrapping_add(start).wrapping_add((index as i64).wrapping_mul(self.step));
            }
            row = end;
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

/// A column of times that is asked for single rows. What was decoded last is kept.
pub(crate) struct TimeLookup<'a> {
    times: Times<'a>,
    residuals: Residuals<'a>,
}

enum Residuals<'a> {
    Decoded(Vec<i64>),
    Packed(IntLookup<'a>),
}

impl TimeLookup<'_> {
    /// Whether no two rows have the same time. On a grid that can mostly be told without decoding.
    pub(crate) fn all_differ(&self) -> std::result::Result<bool, Short> {
        let times = &self.times;
        let skips_ahead = times.skips.windows(2).all(|pair| pair[0].1 < pair[1].1)
            && times.skips.first().is_none_or(|(_, slots)| *slots > 0);
        let spread = i128::from(times.late.1) - i128::from(times.late.0);
        if times.step > 0 && skips_ahead && spread < i128::from(times.step) {
            return Ok(true);
        }
        Ok(times.all(times.n)?.windows(2).all(|pair| pair[0] < pair[1]))
    }

    /// The time of a row.
    pub(crate) fn at(&mut self, row: usize) -> std::result::Result<i64, Short> {
        let residual = match &mut self.residuals {
            Residuals::Decoded(residuals) => *residuals.get(row).ok_or(Short)?,
            Residuals::Packed(residuals) => residuals.at(row)?,
        };
        let slot = (row as i64).wrapping_add(self.times.skipped(row));
        let on_grid = self.times.base.wrapping_add(slot.wrapping_mul(self.times.step));
        Ok(on_grid.wrapping_add(residual))
    }

    /// How many rows have a time before this one: the first row at or after it. Decodes only what the grid leaves open.
    pub(crate) fn rows_before(&mut self, time_ms: i64) -> std::result::Result<usize, Short> {
        let (mut low, mut high) = (0, self.times.n);
        if self.times.step > 0 {
            let before =
                |row: usize, late: i64| self.times.on_grid(row) + i128::from(late) < i128::from(time_ms);
            while low < high {
                let middle = low + (high - low) / 2;
                if before(middle, self.times.late.1) { low = middle + 1 } else { high = middle }
            }
            // What is left open is mostly a row or none.
            let mut step = 1;
            while high < self.times.n && before(high, self.times.late.0) {
                (high, step) = ((high + step).min(self.times.n), step * 2);
            }
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(middle)? < time_ms { low = middle + 1 } else { high = middle }
        }
        Ok(low)
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
        let late = &column.late;
        for range in [0..times.len(), times.len() / 3..times.len() / 2] {
            let Some((step, stretches)) = column.slots(range.clone()) else { continue };
            let slots =
                stretches.iter().flat_map(|(first, rows)| (0..*rows as i64).map(move |at| first + at * step));
            let slots: Vec<i64> = slots.collect();
            assert_eq!(slots.len(), range.len());
            assert!(
                slots
                    .iter()
                    .zip(&times[range])
                    .all(|(slot, time)| (late.0..=late.1).contains(&(time - slot)))
            );
        }
        let mut lookup = column.lookup().unwrap();
        assert_eq!(lookup.all_differ().unwrap(), times.windows(2).all(|pair| pair[0] != pair[1]));
        for time in
            times.iter().step_by(97).flat_map(|time| [*time, time.saturating_sub(1), time.saturating_add(7)])
        {
            assert_eq!(lookup.rows_before(time).unwrap(), times.partition_point(|at| *at < time));
        }
        for row in (0..times.len()).step_by(89) {
            assert_eq!(lookup.at(row).unwrap(), times[row]);
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
