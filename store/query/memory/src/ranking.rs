//! What was found in all blocks, ranked.

use crate::limits::{CLEAR_DISTANCE_MAX, CLEAR_SHARE};
use crate::pattern::Pattern;
use crate::search::Found;

/// A stretch that is like what is searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked<T> {
    /// What the caller knows of its block.
    pub known: T,
    /// The bucket of the block that it begins at.
    pub start: usize,
    /// Its buckets.
    pub len: usize,
    /// How far it is: what it is ranked by.
    pub distance: f64,
    /// How alike the shapes are, 1 if they are the same.
    pub correlation: f64,
    /// How high it is against what was searched for.
    pub height: f64,
    /// By how much its mean is above that of what was searched for.
    pub level: f64,
    /// How long it is against what was searched for.
    pub length: f64,
    /// The share of the other separate stretches that are less alike, from 0 to 1.
    pub shape: f64,
    /// Whether it is clearly nearer than the rest: something is always nearest.
    pub is_clear: bool,
}

/// All stretches that were found, the nearest ranked.
#[derive(Clone, Debug)]
pub struct Ranking<T> {
    /// The nearest, the best first.
    pub ranked: Vec<Ranked<T>>,
    /// Separate stretches, the ranked ones included.
    pub stretches: u64,
    /// Of how many stretches too much is missing.
    pub left_out: u64,
    /// How far the stretch in the middle is.
    pub typical: Option<f64>,
}

impl<T: Ord> Ranking<T> {
    /// Ranks what was found for a pattern.
    pub fn new(found: Found<T>, pattern: &Pattern, warp: bool) -> Ranking<T> {
        let typical = found.typical(pattern.points());
        let farthest = typical.map_or(0.0, |typical| (typical * CLEAR_SHARE).min(CLEAR_DISTANCE_MAX));
        let (stretches, starts_left_out) = (found.stretches(pattern.points()), found.left_out);
        let compared = found.nearest.into_iter().map(|(candidate, known)| {
            let likeness = candidate.likeness(pattern, warp);
            (likeness, candidate, known)
        });
        let mut compared: Vec<_> = compared.collect();
        // What is equally far comes in the order that the caller has for it, whichever block was searched first.
        compared.sort_by(|(one, first, known), (other, second, others)| {
            one.distance
                .total_cmp(&other.distance)
                .then_with(|| known.cmp(others).then(first.start.cmp(&second.start)))
        });
        let others = stretches.saturating_sub(1);
        let ranked = compared.into_iter().enumerate().map(|(rank, (likeness, candidate, known))| {
            let less = others.saturating_sub(rank as u64);
            Ranked {
                known,
                start: candidate.start,
                len: candidate.len,
                distance: likeness.distance,
                correlation: likeness.correlation,
                height: likeness.height,
                level: likeness.level,
                length: pattern.scaled[candidate.scaled].length,
                shape: if others == 0 { 1.0 } else { less as f64 / others as f64 },
                is_clear: candidate.distance <= farthest,
            }
        });
        Ranking {
            ranked: ranked.collect(),
            stretches,
            left_out: starts_left_out.div_ceil(pattern.points() as u64),
            typical,
        }
    }
}
