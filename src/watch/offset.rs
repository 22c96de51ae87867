//! How far the clock of another host is ahead of this one, by the times at which questions went and answers came.
//!
//! The answer was written between the two, so the offset is known within half of the time that they took. Of the last
//! answers the quickest counts. One that contradicts it says that a clock was set, and begins anew.

use std::collections::VecDeque;

use crate::limits::WATCH_OFFSETS_KEPT;

/// One question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When the question was sent, by the clock that never jumps (µs).
    pub sent_us: u64,
    /// When the answer came, by the same clock (µs).
    pub come_us: u64,
    /// When the answer came, by the wall clock of this host (ms since the epoch).
    pub come_ms: i64,
    /// When the other host received the question and when it sent the answer, by its wall clock (ms since the epoch).
    pub there_ms: (i64, i64),
}

/// How far a clock is ahead, and how well that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// By how much the other host's clock is ahead of this one's (µs); negative if it is behind.
    pub ahead_us: i64,
    /// The true offset is not further away than this (µs).
    pub bound_us: i64,
}

/// Both ends of an interval between two clocks that count milliseconds are rounded down.
const ROUNDING_US: i64 = 1000;

impl Asked {
    /// What one answer says. `None` if its times cannot be true.
    fn offset(&self) -> Option<Offset> {
        let way_us = i64::try_from(self.come_us.checked_sub(self.sent_us)?).ok()?;
        let (received_ms, sent_ms) = self.there_ms;
        let between_us = sent_ms.checked_sub(received_ms)?.checked_mul(1000)?;
        if between_us < 0 || between_us > way_us.saturating_add(ROUNDING_US) {
            return None;
        }
        let on_the_way_us = (way_us - between_us).max(0);
        let ahead_ms = sent_ms.checked_sub(self.come_ms)?;
        let ahead_us = ahead_ms.checked_mul(1000)?.checked_add(on_the_way_us / 2)?;
        Some(Offset { ahead_us, bound_us: on_the_way_us / 2 + ROUNDING_US })
    }
}

impl Offset {
    /// Whether both can be true.
    fn agrees(&self, other: &Offset) -> bool {
        self.ahead_us.abs_diff(other.ahead_us) <= self.bound_us.saturating_add(other.bound_us).unsigned_abs()
    }

    /// Whether the clocks are surely not the same.
    pub fn is_certain(&self) -> bool {
        self.ahead_us.saturating_abs() > self.bound_us
    }

    /// By how much the times of the other host are ahead, in whole milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        (self.ahead_us + 500).div_euclid(1000)
    }
}

impl std::fmt::Display for Offset {
    /// `+3.002 s ± 4 ms`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ahead_ms = self.ahead_ms();
        let sign = if ahead_ms < 0 { '-' } else { '+' };
        let size = ahead_ms.unsigned_abs();
        if size < 1000 {
            write!(f, "{sign}{size} ms")?;
        } else {
            write!(f, "{sign}{}.{:03} s", size / 1000, size % 1000)?;
        }
        write!(f, " ± {} ms", (self.bound_us + 999).div_euclid(1000))
    }
}

/// What the last answers of one host say of its clock.
#[derive(Clone, Debug, Default)]
pub struct Offsets {
    kept: VecDeque<Offset>,
}

impl Offsets {
    /// Takes in an answer.
    pub fn add(&mut self, asked: &Asked) {
        let Some(new) = asked.offset() else { return };
        if self.best().is_some_and(|best| !best.agrees(&new)) {
            self.kept.clear();
        }
        if self.kept.len() >= WATCH_OFFSETS_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(new);
    }

    /// The best that is known.
    pub fn best(&self) -> Option<Offset> {
        self.kept.iter().min_by_key(|offset| offset.bound_us).copied()
    }

    /// Nothing is known any longer.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(there: i64, out: i64, back: i64, ahead: i64) -> Asked {
        let received_us = 5_000_000_000 + out;
        let come_us = received_us + there + back;
        let wall = |us: i64| (us + ahead).div_euclid(1000);
        Asked {
            sent_us: 5_000_000_000,
            come_us: come_us as u64,
            come_ms: come_us.div_euclid(1000),
            there_ms: (wall(received_us), wall(received_us + there)),
        }
    }

    proptest! {
        #[test]
        fn the_truth_is_within_the_bound(
            there in 0_i64..50_000,
            out in 0_i64..200_000,
            back in 0_i64..200_000,
            ahead in -10_000_000_i64..10_000_000,
        ) {
            let offset = asked(there, out, back, ahead).offset().unwrap();
            prop_assert!((offset.ahead_us - ahead).abs() <= offset.bound_us + 1000, "{offset:?} {ahead}");
            prop_assert!(offset.bound_us <= (out + back) / 2 + 2 * ROUNDING_US);
        }
    }

    #[test]
    fn the_quickest_answer_counts_until_a_clock_is_set() {
        let mut offsets = Offsets::default();
        assert_eq!(offsets.best(), None);
        offsets.add(&asked(0, 60_000, 20_000, 3_002_000));
        offsets.add(&asked(0, 3_000, 3_000, 3_002_000));
        offsets.add(&asked(0, 20_000, 90_000, 3_002_000));
        let best = offsets.best().unwrap();
        assert_eq!((best.to_string(), best.is_certain()), ("+3.002 s ± 4 ms".to_owned(), true));
        // An hour back, and answered slowly.
        offsets.add(&asked(0, 40_000, 40_000, -3_600_000_000));
        let best = offsets.best().unwrap();
        assert_eq!(best.to_string(), "-3600.000 s ± 41 ms");
        for _ in 0..WATCH_OFFSETS_KEPT {
            offsets.add(&asked(0, 80_000, 80_000, -3_600_000_000));
        }
        assert_eq!(offsets.best().unwrap().bound_us, 81_000, "an old answer does not count for ever");
    }

    #[test]
    fn times_that_cannot_be_are_left_out() {
        let good = asked(1000, 500, 500, 0);
        for wrong in [
            Asked { sent_us: good.come_us + 1, ..good },
            Asked { there_ms: (good.there_ms.1, good.there_ms.0 - 1), ..good },
            Asked { there_ms: (good.there_ms.0 - 100, good.there_ms.1), ..good },
            Asked { there_ms: (i64::MIN, i64::MAX), ..good },
            Asked { there_ms: (i64::MAX, i64::MAX), come_ms: i64::MIN, ..good },
        ] {
            assert_eq!(wrong.offset(), None, "{wrong:?}");
        }
        let near = good.offset().unwrap();
        assert!(!near.is_certain(), "{near}");
    }
}
