//! How much is sent at once, and how long is waited after a failure.

use std::time::Duration;

use crate::clock::micros;
use crate::limits::{
    SINK_BUDGET_FIRST, SINK_BUDGET_MAX, SINK_BUDGET_MIN, SINK_BUDGET_STEP, SINK_LATENCY_HIGH,
    SINK_LATENCY_LOW, SINK_RETRY_MAX, SINK_RETRY_MIN,
};

/// How many samples a piece may have: more by a step while the receiver is quick, half as many when it is slow or fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    budget: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { budget: SINK_BUDGET_FIRST }
    }
}

impl Pace {
    pub(super) fn budget(self) -> usize {
        self.budget
    }

    /// Notes how long the receiver took for a request that it accepted.
    pub(super) fn took(&mut self, took: Duration) {
        if took <= SINK_LATENCY_LOW {
            self.budget = (self.budget + SINK_BUDGET_STEP).min(SINK_BUDGET_MAX);
        } else if took > SINK_LATENCY_HIGH {
            self.shrink();
        }
    }

    pub(super) fn shrink(&mut self) {
        self.budget = (self.budget / 2).max(SINK_BUDGET_MIN);
    }
}

/// Pauses that double, spread so that many senders do not come at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(super) const NONE: Backoff = Backoff { tries: 0 };

    pub(super) fn tries(self) -> u32 {
        self.tries
    }

    /// The pause after another failure (µs), between half and all of a time that doubles.
    pub(super) fn next_us(&mut self, random: &mut Random) -> u64 {
        let whole =
            micros(SINK_RETRY_MIN).saturating_mul(1 << self.tries.min(20)).min(micros(SINK_RETRY_MAX));
        self.tries = self.tries.saturating_add(1);
        random.spread_us(whole)
    }
}

/// Numbers that differ from host to host, and are the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64 of Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Between half and all of a time.
    pub(super) fn spread_us(&mut self, whole_us: u64) -> u64 {
        let half = whole_us / 2;
        half + self.next() % (whole_us - half + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_spread() {
        let (mut backoff, mut random) = (Backoff::NONE, Random::new(7));
        let mut whole = micros(SINK_RETRY_MIN);
        for _ in 0..40 {
            let pause = backoff.next_us(&mut random);
            assert!((whole / 2..=whole).contains(&pause), "{pause} of {whole}");
            whole = (whole * 2).min(micros(SINK_RETRY_MAX));
        }
        let mut other = Random::new(8);
        let (mut one, mut two) = (Backoff::NONE, Backoff::NONE);
        assert_ne!(one.next_us(&mut random), two.next_us(&mut other));
    }

    #[test]
    fn a_slow_receiver_halves_what_a_quick_one_adds_to() {
        let mut pace = Pace::default();
        let first = pace.budget();
        pace.took(Duration::ZERO);
        assert_eq!(pace.budget(), first + SINK_BUDGET_STEP);
        pace.took((SINK_LATENCY_LOW + SINK_LATENCY_HIGH) / 2);
        assert_eq!(pace.budget(), first + SINK_BUDGET_STEP);
        (0..100).for_each(|_| pace.took(SINK_LATENCY_HIGH * 2));
        assert_eq!(pace.budget(), SINK_BUDGET_MIN);
        (0..10_000).for_each(|_| pace.took(Duration::ZERO));
        assert_eq!(pace.budget(), SINK_BUDGET_MAX);
    }
}
