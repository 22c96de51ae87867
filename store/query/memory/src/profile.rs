//! The distance of every window of a block from what is searched for.
//!
//! Windows are worked through some hundred at a time in plain loops over arrays, which compilers turn into vector
//! instructions: for each point of the pattern the products of all windows at once. Of a window with holes only what is there
//! is compared, one window at a time; there are few.

use std::ops::Range;

use crate::block::Block;
use crate::form::{Form, Scales, Sums};
use crate::limits::{DISTANCE_MAX, HEIGHT_WEIGHT};
use crate::pattern::{Pattern, Scaled};

/// Windows that are worked through at once.
const CHUNK: usize = 512;

/// Windows whose products are added up at once.
const TILE: usize = 32;

/// The distance of a window that is of another shape altogether.
pub(crate) const UNLIKE: f32 = f32::MAX;

/// By start of a window: the least distance of those of all lengths, infinite if none can be compared, and the index of the
/// length.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) distances: Vec<f32>,
    pub(crate) lengths: Vec<u32>,
}

impl Profile {
    /// Of all windows of a block but those that overlap what is excluded.
    pub(crate) fn new(block: &Block, pattern: &Pattern, scales: &Scales, excluded: &Range<i64>) -> Profile {
        let mut profile =
            Profile { distances: vec![f32::INFINITY; block.len()], lengths: vec![0; block.len()] };
        let mut work = Work { distances: [0.0; CHUNK], squares: [0.0; CHUNK], sums: [0.0; CHUNK] };
        for (index, scaled) in pattern.scaled.iter().enumerate() {
            let len = scaled.unit.len();
            let Some(windows) = (block.len() + 1).checked_sub(len) else { continue };
            for start in (0..windows).step_by(CHUNK) {
                let end = (start + CHUNK).min(windows);
                work.fill(block, scaled, pattern.form, scales, start..end);
                for window in overlapping(excluded, start..end, len) {
                    work.distances[window - start] = f32::INFINITY;
                }
                let best = &mut profile.distances[start..end];
                let lengths = &mut profile.lengths[start..end];
                for ((best, known), distance) in best.iter_mut().zip(lengths).zip(&work.distances) {
                    let is_nearer = *distance < *best;
                    *best = if is_nearer { *distance } else { *best };
                    *known = if is_nearer { index as u32 } else { *known };
                }
            }
        }
        profile
    }
}

/// The windows of some that overlap what is excluded.
fn overlapping(excluded: &Range<i64>, windows: Range<usize>, len: usize) -> Range<usize> {
    if excluded.is_empty() {
        return 0..0;
    }
    let clamped = |at: i64| (at.max(windows.start as i64) as usize).min(windows.end);
    let first = clamped(excluded.start.saturating_sub(len as i64).saturating_add(1));
    first..clamped(excluded.end).max(first)
}

/// What some windows come to.
struct Work {
    distances: [f32; CHUNK],
    squares: [f32; CHUNK],
    sums: [f32; CHUNK],
}

impl Work {
    fn fill(&mut self, block: &Block, scaled: &Scaled, form: Form, scales: &Scales, windows: Range<usize>) {
        let (len, count) = (scaled.unit.len(), windows.len());
        let squares = &mut self.squares[..count];
        let sums = &mut self.sums[..count];
        deviations(block, windows.start, len, squares, sums);
        let flat = (scales.flat * scales.flat * len as f64) as f32;
        if form != Form::ExactLevel && squares.iter().all(|squares| *squares <= flat) {
            self.distances[..count].fill(UNLIKE);
        } else {
            let distances = &mut self.distances[..count];
            products(&scaled.unit, &block.means[windows.start..windows.end + len - 1], distances);
            match form {
                Form::Usual => {
                    usual(distances, squares, flat, scaled.squares / (scales.ratio * scales.ratio))
                }
                Form::AnyHeight => any_height(distances, squares, flat),
                Form::ExactLevel => {
                    exact_level(distances, squares, sums, scaled, scaled.mean - block.centre, scales);
                }
            }
        }
        if block.empty[windows.start] == block.empty[windows.end + len - 1] {
            return;
        }
        for start in windows.clone() {
            let distance = &mut self.distances[start - windows.start];
            if block.is_left_out(start, len) {
                *distance = f32::INFINITY;
            } else if block.has_holes(start, len) {
                let known = sums_of(&scaled.curves[1], &block.curves[1][start..start + len]);
                let known = known.and_then(|sums| sums.distance(form, scales));
                *distance = known.map_or(UNLIKE, |distance| distance as f32);
            }
        }
    }
}

/// Of each window the sum of its deviations, squared, and of its values.
fn deviations(block: &Block, start: usize, len: usize, squares: &mut [f32], sums: &mut [f32]) {
    let count = squares.len();
    let (sums_from, sums_to) = (&block.sums[start..start + count], &block.sums[start + len..][..count]);
    let (squares_from, squares_to) =
        (&block.squares[start..start + count], &block.squares[start + len..][..count]);
    let each = 1.0 / len as f64;
    for index in 0..count {
        let sum = sums_to[index] - sums_from[index];
        let square = squares_to[index] - squares_from[index] - sum * sum * each;
        sums[index] = sum as f32;
        squares[index] = square.max(0.0) as f32;
    }
}

/// For each window the sum of the products of its values and those of a pattern.
fn products(pattern: &[f32], values: &[f32], products: &mut [f32]) {
    let (tiles, rest) = products.as_chunks_mut::<TILE>();
    let mut start = 0;
    for tile in tiles {
        let mut sums = [0.0_f32; TILE];
        for (at, factor) in pattern.iter().enumerate() {
            // A slice of a known length, so that no bound is looked at within.
            let Some(values) = values[start + at..].first_chunk::<TILE>() else { break };
            for lane in 0..TILE {
                sums[lane] += factor * values[lane];
            }
        }
        *tile = sums;
        start += TILE;
    }
    for (index, product) in rest.iter_mut().enumerate() {
        let values = &values[start + index..];
        *product = pattern.iter().zip(values).map(|(factor, value)| factor * value).sum();
    }
}

/// Turns products into distances by [`Form::Usual`]. `asked` are the squares of the pattern, in units of the series.
fn usual(distances: &mut [f32], squares: &[f32], flat: f32, asked: f64) {
    let per_asked = (1.0 / asked) as f32;
    // The logarithm is that of a square: half of it, squared.
    let weight = HEIGHT_WEIGHT as f32 / 4.0;
    for (distance, squares) in distances.iter_mut().zip(squares) {
        let correlation = (*distance / squares.max(f32::MIN_POSITIVE).sqrt()).min(1.0);
        let height = ln(squares * per_asked);
        let far = 1.0 - correlation + weight * height * height;
        let counts = (*squares > flat) & (correlation > 0.0) & (far < DISTANCE_MAX as f32);
        *distance = if counts { far } else { UNLIKE };
    }
}

/// The same by [`Form::AnyHeight`].
fn any_height(distances: &mut [f32], squares: &[f32], flat: f32) {
    for (distance, squares) in distances.iter_mut().zip(squares) {
        let correlation = (*distance / squares.max(f32::MIN_POSITIVE).sqrt()).min(1.0);
        let counts = (*squares > flat) & (correlation > 0.0);
        *distance = if counts { 1.0 - correlation } else { UNLIKE };
    }
}

/// The same by [`Form::ExactLevel`]. `level` is the mean of the pattern, less the centre of the block.
fn exact_level(
    distances: &mut [f32],
    squares: &[f32],
    sums: &[f32],
    scaled: &Scaled,
    level: f64,
    scales: &Scales,
) {
    let count = scaled.unit.len() as f64;
    let asked = (scaled.squares / count).max(scales.flat_asked * scales.flat_asked);
    let each = 1.0 / (2.0 * count * asked);
    let norm = scaled.squares.sqrt();
    for ((distance, squares), sum) in distances.iter_mut().zip(squares).zip(sums) {
        let off = f64::from(*sum) / count - level;
        let squares = scaled.squares + f64::from(*squares) - 2.0 * norm * f64::from(*distance);
        let far = ((squares + count * off * off).max(0.0) * each) as f32;
        *distance = if far < DISTANCE_MAX as f32 { far } else { UNLIKE };
    }
}

/// The natural logarithm of a positive number to 6 digits, without a call, so that several are worked out at once.
fn ln(value: f32) -> f32 {
    /// The bits of the square root of ½: mantissas are taken from there to that of 2.
    const ROOT_OF_HALF: u32 = 0x3f35_04f3;
    let bits = value.max(f32::MIN_POSITIVE).to_bits();
    let exponent = (bits.wrapping_sub(ROOT_OF_HALF) as i32) >> 23;
    let mantissa = f32::from_bits((bits as i32).wrapping_sub(exponent << 23) as u32);
    let part = (mantissa - 1.0) / (mantissa + 1.0);
    let square = part * part;
    let series = 1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0)));
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * part * series
}

/// What a window comes to against a pattern, both where the window has a value; none if it has none.
pub(crate) fn sums_of(pattern: &[f64], window: &[f64]) -> Option<Sums> {
    let known = || pattern.iter().zip(window).filter(|(_, value)| !value.is_nan());
    let count = known().count() as f64;
    if count == 0.0 {
        return None;
    }
    let (mut asked, mut found) = (0.0, 0.0);
    known().for_each(|(one, other)| (asked, found) = (asked + one / count, found + other / count));
    let (mut products, mut squares) = (0.0, [0.0; 2]);
    for (one, other) in known() {
        let (one, other) = (one - asked, other - found);
        products += one * other;
        squares[0] += one * one;
        squares[1] += other * other;
    }
    Some(Sums { count, products, squares, means: [asked, found] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for value in [1e-30_f32, 0.001, 0.25, 0.5, 0.7, 0.71, 1.0, 1.4, 1.5, 2.0, 3.0, 1e6, 1e30] {
            let (found, expected) = (ln(value), value.ln());
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{value}: {found}, {expected}"
            );
        }
    }

    #[test]
    fn what_is_excluded_is_what_overlaps_it() {
        // Windows of 3 that overlap 10..12 start at 8 to 11.
        assert_eq!(overlapping(&(10..12), 0..100, 3), 8..12);
        assert_eq!(overlapping(&(10..12), 9..11, 3), 9..11);
        assert!(overlapping(&(10..12), 20..30, 3).is_empty());
        assert!(overlapping(&(0..0), 0..30, 3).is_empty());
        assert_eq!(overlapping(&(-5..1), 0..30, 3), 0..1);
    }
}
