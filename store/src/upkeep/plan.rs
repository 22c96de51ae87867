//! What to do next: pure decisions over the files that are there.

use crate::limits::{MERGE_BYTES_MAX, MERGE_MAX, MERGE_MIN};
use crate::names::FileName;

/// A segment as far as merging is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// Segments of about the same size have the same tier; each is about eight times the one below.
fn tier(candidate: &Candidate) -> u32 {
    candidate.rows.max(1).ilog2() / 3
}

/// The logs to seal into one segment and where the last of them ends: a stretch of logs that no segment interrupts, nor a
/// number of `barriers`, where a log may begin that cannot be opened, all before `bound`, the start of the log that is being
/// written.
pub(super) fn logs_to_seal(
    files: &[FileName],
    bound: u64,
    logs_max: usize,
    barriers: &[u64],
) -> Option<(Vec<u64>, u64)> {
    let interrupted = |starts: &[u64], next: u64| {
        starts.last().is_some_and(|last| barriers.iter().any(|barrier| (*last..next).contains(barrier)))
    };
    let mut starts: Vec<u64> = Vec::new();
    for file in files {
        match *file {
            FileName::Log { start }
                if start < bound && starts.len() < logs_max && !interrupted(&starts, start) =>
            {
                starts.push(start);
            }
            FileName::Log { start } | FileName::Segment { start, .. } if !starts.is_empty() => {
                return Some((starts, start.min(bound)));
            }
            _ => {}
        }
    }
    if starts.is_empty() { None } else { Some((starts, bound)) }
}

/// The adjacent segments (as a range of indexes) to merge next, of which there is room for `room` bytes on the disk.
/// With `all`, as few as possible shall remain.
pub(super) fn segments_to_merge(
    candidates: &[Candidate],
    all: bool,
    room: u64,
) -> Option<std::ops::Range<usize>> {
    let tiers = candidates.iter().map(tier).max()?;
    let least = if all { 2 } else { MERGE_MIN };
    for limit in if all { tiers..=tiers } else { 0..=tiers } {
        let mut start = 0;
        while start < candidates.len() {
            let mut bytes = 0_u64;
            let fits = candidates[start..].iter().take(if all { usize::MAX } else { MERGE_MAX }).take_while(
                |candidate| {
                    bytes = bytes.saturating_add(candidate.bytes);
                    tier(candidate) <= limit && bytes <= MERGE_BYTES_MAX.min(room)
                },
            );
            let count = fits.count();
            if count >= least {
                return Some(start..start + count);
            }
            start += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(rows: &[u64]) -> Vec<Candidate> {
        rows.iter().map(|rows| Candidate { rows: *rows, bytes: rows * 8 }).collect()
    }

    #[test]
    fn small_adjacent_segments_are_merged_first() {
        assert_eq!(segments_to_merge(&[], true, u64::MAX), None);
        assert_eq!(segments_to_merge(&candidates(&[100; 7]), false, u64::MAX), None);
        assert_eq!(segments_to_merge(&candidates(&[100; 8]), false, u64::MAX), Some(0..8));
        assert_eq!(
            segments_to_merge(&candidates(&[9000, 100, 100, 100, 100, 100, 100, 100, 100]), false, u64::MAX),
            Some(1..9)
        );
        assert_eq!(segments_to_merge(&candidates(&[9000, 100, 100]), true, u64::MAX), Some(0..3));
        assert_eq!(segments_to_merge(&candidates(&[9000]), true, u64::MAX), None);
        // Without room on the disk, what fits is merged, or nothing.
        assert_eq!(segments_to_merge(&candidates(&[9000, 100, 100]), true, 2000), Some(1..3));
        assert_eq!(segments_to_merge(&candidates(&[100; 8]), false, 2000), None);
        let large = MERGE_BYTES_MAX / 8 * 3 / 4;
        assert_eq!(segments_to_merge(&candidates(&[large, large, 5, 5]), true, u64::MAX), Some(1..4));
        assert_eq!(segments_to_merge(&candidates(&[large, large]), true, u64::MAX), None);
    }

    #[test]
    fn logs_before_the_active_one_are_sealed_together() {
        let log = |start| FileName::Log { start };
        let segment = FileName::Segment { start: 20, end: 30 };
        assert_eq!(logs_to_seal(&[log(0), log(10)], 10, 9, &[]), Some((vec![0], 10)));
        assert_eq!(logs_to_seal(&[log(10)], 10, 9, &[]), None);
        assert_eq!(logs_to_seal(&[log(0), log(10), segment, log(30)], 99, 9, &[]), Some((vec![0, 10], 20)));
        assert_eq!(logs_to_seal(&[segment, log(30), log(40)], 99, 1, &[]), Some((vec![30], 40)));
        assert_eq!(logs_to_seal(&[segment, log(30), log(40)], 99, 2, &[]), Some((vec![30, 40], 99)));
        // One that cannot be opened is not replaced by a segment around it.
        assert_eq!(logs_to_seal(&[log(0), log(20)], 99, 9, &[10]), Some((vec![0], 20)));
        assert_eq!(logs_to_seal(&[log(10), log(20)], 99, 9, &[0, 30]), Some((vec![10, 20], 99)));
    }
}
