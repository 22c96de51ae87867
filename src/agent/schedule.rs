//! Slots: the moments at which a check is due.
//!
//! A check with interval `I` is due at every wall time that is `phase` past a multiple of `I`, where the phase is a
//! hash of host and check name. So checks spread over the interval, hosts do not act together, and neither a reload
//! nor a restart nor another check moves a slot. Within a process slots are counted on the monotonic clock from
//! where the wall clock put them, so that setting the clock moves nothing either.

use std::time::Duration;

use crate::clock::{Moment, micros};
use crate::hash::fnv1a;

/// A row of moments, one interval apart, on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    interval_us: u64,
    /// Some slot. Signed, as it may lie before the machine was booted.
    anchor_us: i64,
    /// A fraction of 2^32 that differs from check to check.
    spread: u32,
}

impl Schedule {
    /// The slots of a check on a host, placed by the wall clock.
    pub(super) fn of_check(host: &str, check: &str, interval: Duration, now: Moment) -> Schedule {
        let interval_us = micros(interval).max(1);
        let hash = stable_hash(host, check);
        let phase_us = ((u128::from(hash) * u128::from(interval_us)) >> 64) as i128;
        let wall_us = i128::from(now.wall_ms) * 1000;
        let since_slot_us = (wall_us - phase_us).rem_euclid(i128::from(interval_us));
        // The low half, as the high one places the slots.
        let spread = hash as u32;
        Schedule { interval_us, anchor_us: now.mono_us as i64 - since_slot_us as i64, spread }
    }

    /// Slots that count from a given one, as retries do.
    pub(super) fn from_slot(slot_us: u64, interval: Duration) -> Schedule {
        Schedule { interval_us: micros(interval).max(1), anchor_us: slot_us as i64, spread: 1 << 31 }
    }

    /// Slots of which one is at this moment, which may lie before boot.
    pub(super) fn through(slot_us: i64, interval_us: u64) -> Schedule {
        Schedule { interval_us: interval_us.max(1), anchor_us: slot_us, spread: 1 << 31 }
    }

    /// The retries of the check that this is the regular schedule of, counted from a slot.
    pub(super) fn retries(&self, slot_us: u64, interval: Duration) -> Schedule {
        Schedule { spread: self.spread, ..Schedule::from_slot(slot_us, interval) }
    }

    /// A part of a stretch, always the same for the same check and spread over the stretch by check.
    pub(super) fn spread_over(&self, len_us: i64) -> i64 {
        ((i128::from(len_us) * i128::from(self.spread)) >> 32) as i64
    }

    /// Distance between two slots, in microseconds.
    pub(super) fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// The first slot later than `mono_us`.
    pub(super) fn next_after(&self, mono_us: u64) -> u64 {
        self.latest_at(mono_us).saturating_add_unsigned(self.interval_us).max(0) as u64
    }

    /// The last slot not later than `mono_us`; negative if it lies before boot.
    pub(super) fn latest_at(&self, mono_us: u64) -> i64 {
        let since = (mono_us as i64 - self.anchor_us).rem_euclid(self.interval_us as i64);
        mono_us as i64 - since
    }

    /// How many slots there are from one moment on and before another.
    pub(super) fn count(&self, from_us: i64, before_us: i64) -> u64 {
        let index = |us: i64| (us - self.anchor_us - 1).div_euclid(self.interval_us as i64);
        (index(before_us) - index(from_us)).max(0) as u64
    }

    /// The first slot that is not earlier than a moment.
    pub(super) fn first_from(&self, from_us: i64) -> i64 {
        let past = (from_us - self.anchor_us).rem_euclid(self.interval_us as i64);
        if past == 0 { from_us } else { from_us - past + self.interval_us as i64 }
    }
}

/// FNV-1a over `host`, a zero byte and `check`, finished as SplitMix64 does so that high bits are spread evenly.
/// Part of what users see (when checks run), so it must never change.
fn stable_hash(host: &str, check: &str) -> u64 {
    let bytes = host.bytes().chain([0]).chain(check.bytes());
    let fnv = fnv1a(bytes);
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(mono_s: u64, wall_s: i64) -> Moment {
        Moment { mono_us: mono_s * 1_000_000, wall_ms: wall_s * 1000 }
    }

    #[test]
    fn the_hash_stays_what_it_is() {
        assert_eq!(stable_hash("db1", "load"), stable_hash("db1", "load"));
        assert_ne!(stable_hash("db1", "load"), stable_hash("db2", "load"));
        assert_eq!(format!("{:016x}", stable_hash("", "")), "25fc6dd36ce04b20");
    }

    #[test]
    fn a_restart_moves_no_slot() {
        let first = Schedule::of_check("db1", "load", MINUTE, at(1000, 50_000));
        let second = Schedule::of_check("db1", "load", MINUTE, at(7, 50_013));
        let wall_of = |slot_us: u64, now: Moment| now.wall_at(slot_us);
        let a = wall_of(first.next_after(1_013_000_000), at(1000, 50_000));
        let b = wall_of(second.next_after(7_000_000), at(7, 50_013));
        assert_eq!(a, b);
    }

    #[test]
    fn checks_spread_over_the_interval() {
        let now = at(100_000, 1_700_000_000);
        let mut tenths = [0; 10];
        for n in 0..1000 {
            let schedule = Schedule::of_check("db1", &format!("check{n}"), MINUTE, now);
            tenths[((schedule.next_after(now.mono_us) - now.mono_us - 1) / 6_000_000) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (60..140).contains(n)), "{tenths:?}");
    }

    #[test]
    fn slots_are_counted_half_open() {
        let schedule = Schedule::from_slot(100, Duration::from_micros(10));
        assert_eq!(schedule.count(100, 100), 0);
        assert_eq!(schedule.count(100, 101), 1);
        assert_eq!(schedule.count(101, 110), 0);
        assert_eq!(schedule.count(101, 111), 1);
        assert_eq!(schedule.count(50, 150), 10);
        assert_eq!(schedule.next_after(100), 110);
        assert_eq!(schedule.latest_at(109), 100);
        assert_eq!(schedule.first_from(100), 100);
        assert_eq!(schedule.first_from(101), 110);
        assert_eq!(schedule.first_from(-5), 0);
    }
}
