//! The only place where time is read. Everything else is given a [`Moment`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// One reading of both clocks: the schedule goes by the monotonic one, stamps by the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Time since the machine was booted, in microseconds, the time it was suspended included. Never goes back
    /// and is never set, so that a suspend shows as slots that passed and a clock change as nothing at all.
    pub mono_us: u64,
    /// Wall time in milliseconds since the epoch. May jump either way.
    pub wall_ms: i64,
}

impl Moment {
    /// The moment this much later on both clocks.
    pub fn after(self, wait: Duration) -> Moment {
        Moment {
            mono_us: self.mono_us.saturating_add(micros(wait)),
            wall_ms: self.wall_ms.saturating_add(wait.as_millis() as i64),
        }
    }

    /// The monotonic clock in whole seconds, by which the engines of SNMP 3 count.
    pub fn mono_s(self) -> u64 {
        self.mono_us / 1_000_000
    }

    /// The wall time at another reading of the monotonic clock, if the wall clock is not set in between.
    pub fn wall_at(self, mono_us: u64) -> i64 {
        let ahead_us = mono_us as i128 - self.mono_us as i128;
        let ahead_ms = ahead_us.div_euclid(1000);
        self.wall_ms.saturating_add(i64::try_from(ahead_ms).unwrap_or(i64::MAX))
    }
}

/// A duration in whole microseconds; half a million years at most.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Reads both clocks.
#[expect(clippy::disallowed_methods, reason = "the only place that reads the time")]
pub fn now() -> Moment {
    Moment { mono_us: mono_us(), wall_ms: wall_ms(SystemTime::now()) }
}

/// The monotonic clock alone (µs), for what only measures.
pub fn mono_us() -> u64 {
    micros(clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default())
}

/// The wall clock alone (µs since the epoch), for what compares it with that of others.
pub fn wall_us() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_REALTIME).map(Duration::from).unwrap_or_default();
    i64::try_from(micros(now)).unwrap_or(i64::MAX)
}

/// The processor time of this thread (µs).
pub fn thread_cpu_us() -> u64 {
    micros(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default())
}

/// The wall clock alone, for commands that need no monotonic time.
#[expect(clippy::disallowed_methods, reason = "the only place that reads the time")]
pub fn now_ms() -> i64 {
    wall_ms(SystemTime::now())
}

/// Lets some time pass. Only for commands that wait for another process to be done with something.
#[expect(clippy::disallowed_methods, reason = "the only place that lets time pass")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Milliseconds since the epoch, negative before it.
pub fn wall_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
