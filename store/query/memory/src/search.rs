//! Searching one block: of windows that overlap, the nearest.

use std::ops::Range;

use crate::block::Block;
use crate::form::Scales;
use crate::limits::{BRIDGED_MAX, DISTANCE_MAX, DISTANCE_STEPS, RANKED_MAX};
use crate::pattern::Pattern;
use crate::profile::{Profile, UNLIKE};

/// A stretch that is nearer than all that begin within half a length of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The bucket of the block that it begins at.
    pub start: usize,
    /// Its buckets.
    pub len: usize,
    /// Which length of the pattern it is like.
    pub(crate) scaled: usize,
    /// The distance of its means.
    pub distance: f64,
    /// Least, mean and greatest values; not a number where there is none.
    pub(crate) curves: [Vec<f64>; 3],
    pub(crate) scales: Scales,
}

/// What was found in some blocks.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The nearest of all, up to a bound, with what the caller knows of their block, the nearest first.
    pub(crate) nearest: Vec<(Candidate, T)>,
    /// Separate stretches: those that are nearer than all that begin within half a length of them.
    pub(crate) separate: u64,
    /// Starts of windows that are of another shape altogether.
    pub(crate) unlike: u64,
    /// Starts of windows that were left out as too much of them is missing.
    pub(crate) left_out: u64,
    /// Separate stretches by their distance.
    pub(crate) steps: Vec<u64>,
}

impl<T> Default for Found<T> {
    fn default() -> Found<T> {
        Found { nearest: Vec::new(), separate: 0, unlike: 0, left_out: 0, steps: vec![0; DISTANCE_STEPS] }
    }
}

impl Pattern {
    /// Buckets that a block needs before and after the starts that are searched, where the series has some: what is nearer within
    /// half a length, how long the longest is, and what gaps are bridged by.
    pub fn margins(&self) -> (usize, usize) {
        let before = self.zone() + BRIDGED_MAX + 1;
        (before, before + self.points_max())
    }
}

/// Searches a block for what is like the pattern and begins at one of `starts`; the others are there to tell what overlaps, see
/// [`Pattern::margins`]. Windows that overlap `excluded`, in buckets, do not count. `spread` is the deviation of the
/// series, see [`spread`](crate::spread()); `known` is what the caller wants to know of what is found.
pub fn search<T: Clone>(
    block: &Block,
    pattern: &Pattern,
    spread: f64,
    starts: Range<usize>,
    excluded: &Range<i64>,
    known: &T,
    found: &mut Found<T>,
) {
    let scales = pattern.scales(spread);
    let profile = Profile::new(block, pattern, &scales, excluded);
    let starts = starts.start..starts.end.min(block.len());
    for start in nearest_around(&profile.distances, pattern.zone(), &starts) {
        let distance = f64::from(profile.distances[start]);
        found.count(distance);
        if !found.takes(distance) {
            continue;
        }
        let scaled = profile.lengths[start] as usize;
        let len = pattern.scaled[scaled].unit.len();
        let curves = block.curves.each_ref().map(|curve| curve[start..start + len].to_vec());
        found.add(Candidate { start, len, scaled, distance, curves, scales }, known.clone());
    }
    let own = &profile.distances[starts.clone()];
    found.unlike += own.iter().filter(|distance| **distance == UNLIKE).count() as u64;
    let len = pattern.points();
    if block.empty_in(0, block.len()) > 0 {
        let windows = starts.start..starts.end.min((block.len() + 1).saturating_sub(len));
        let is_left_out = |start: &usize| block.is_left_out(*start, len) && block.empty_in(*start, len) < len;
        found.left_out += windows.filter(is_left_out).count() as u64;
    }
}

/// The starts whose distance is less than all those within a zone before them, and none within it behind them is less.
fn nearest_around(distances: &[f32], zone: usize, starts: &Range<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = starts.start;
    while at < starts.end {
        let own = distances[at];
        if own >= UNLIKE {
            at += 1;
            continue;
        }
        let behind = &distances[at + 1..(at + 1 + zone).min(distances.len())];
        if let Some(less) = behind.iter().position(|distance| *distance < own) {
            // What lies between is no less than this one, and so not the least either.
            at += 1 + less;
            continue;
        }
        if distances[at.saturating_sub(zone)..at].iter().all(|distance| *distance > own) {
            found.push(at);
        }
        at += 1 + zone;
    }
    found
}

impl<T> Found<T> {
    fn count(&mut self, distance: f64) {
        self.separate += 1;
        let step = (distance / DISTANCE_MAX * DISTANCE_STEPS as f64) as usize;
        self.steps[step.min(DISTANCE_STEPS - 1)] += 1;
    }

    /// Whether a stretch of this distance is among the nearest.
    fn takes(&self, distance: f64) -> bool {
        self.nearest.len() < RANKED_MAX
            || self.nearest.last().is_some_and(|(last, _)| distance < last.distance)
    }

    fn add(&mut self, candidate: Candidate, known: T) {
        let place = self.nearest.partition_point(|(other, _)| other.distance <= candidate.distance);
        self.nearest.insert(place, (candidate, known));
        self.nearest.truncate(RANKED_MAX);
    }

    /// Takes in what was found in other blocks.
    pub fn join(&mut self, other: Found<T>) {
        self.separate += other.separate;
        self.unlike += other.unlike;
        self.left_out += other.left_out;
        self.steps.iter_mut().zip(other.steps).for_each(|(own, more)| *own += more);
        for (candidate, known) in other.nearest {
            if self.takes(candidate.distance) {
                self.add(candidate, known);
            }
        }
    }

    /// All separate stretches of so many points: what is of another shape altogether makes as many as have room there.
    pub(crate) fn stretches(&self, points: usize) -> u64 {
        self.separate + self.unlike / points.max(1) as u64
    }

    /// The distance of the stretch in the middle of all, if there is one; the greatest that is told if that one is of another shape
    /// altogether.
    pub(crate) fn typical(&self, points: usize) -> Option<f64> {
        let half = self.stretches(points).div_ceil(2);
        if half == 0 {
            return None;
        }
        let mut passed = 0;
        let step = self.steps.iter().position(|count| {
            passed += count;
            passed >= half
        });
        Some(step.map_or(DISTANCE_MAX, |step| (step as f64 + 0.5) * DISTANCE_MAX / DISTANCE_STEPS as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn of_what_overlaps_the_nearest_counts(
            distances in prop::collection::vec(prop_oneof![4 => (0..9_u8).prop_map(f32::from), 1 => Just(f32::INFINITY)], 0..80),
            zone in 1_usize..12,
            from in 0_usize..20,
        ) {
            let starts = from.min(distances.len())..distances.len();
            let is_nearest = |at: &usize| {
                let own = distances[*at];
                let around = at.saturating_sub(zone)..(at + 1 + zone).min(distances.len());
                own < UNLIKE && around.clone().all(|other| match other.cmp(at) {
                    std::cmp::Ordering::Less => distances[other] > own,
                    std::cmp::Ordering::Equal => true,
                    std::cmp::Ordering::Greater => distances[other] >= own,
                })
            };
            let expected: Vec<usize> = starts.clone().filter(is_nearest).collect();
            prop_assert_eq!(nearest_around(&distances, zone, &starts), expected);
        }
    }
}
