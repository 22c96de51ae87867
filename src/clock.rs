//! The only place where time is read. Everything else is given a [`Moment`].

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks: the schedule goes by the monotonic one, stamps by the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Monotonic time since the clock was made, in microseconds. Does not go back, does not jump.
    pub mono_us: u64,
    /// Wall time in milliseconds since the epoch. May jump either way.
    pub wall_ms: i64,
}

impl Moment {
    /// The moment this much later on both clocks.
    pub fn after(self, wait: Duration) -> Moment {
        Moment {
            mono_us: self.mono_us.saturating_add(wait.as_micros() as u64),
            wall_ms: self.wall_ms.saturating_add(wait.as_millis() as i64),
        }
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts a monotonic clock at zero.
    #[allow(clippy::new_without_default, clippy::disallowed_methods)]
    pub fn new() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// Reads both clocks.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Moment {
        let mono_us = self.origin.elapsed().as_micros() as u64;
        Moment { mono_us, wall_ms: wall_ms(SystemTime::now()) }
    }

    /// The instant of a monotonic reading, for timers.
    pub fn instant(&self, mono_us: u64) -> Instant {
        self.origin + Duration::from_micros(mono_us)
    }
}

/// Milliseconds since the epoch, negative before it.
pub fn wall_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// The wall clock now, for commands that need no monotonic time.
#[allow(clippy::disallowed_methods)]
pub fn now_ms() -> i64 {
    wall_ms(SystemTime::now())
}
