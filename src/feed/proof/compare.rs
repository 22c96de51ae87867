//! Both sides beside each other.

use super::answers::Found;
use super::counts::Count;
use super::questions::{Figure, Manner};
use super::stored::Stored;
use crate::limits::PROOF_TOLERANCE;

/// A series and an hour in which both sides differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Differing {
    pub(super) series: u32,
    pub(super) hour: usize,
    pub(super) stored: Count,
    pub(super) there: Count,
}

/// Where both sides differ. What a receiver has under the host's name and is no series of the store is somebody else's.
pub(super) fn compare(stored: &Stored, found: &Found, manner: Manner) -> Vec<Differing> {
    let nothing = Vec::new();
    let mut all = Vec::new();
    for (series, of, counts) in stored.each() {
        let there = found.get(&of.labels).unwrap_or(&nothing);
        let both = counts.iter().enumerate().map(|(hour, count)| (hour, *count, there.get(hour)));
        for (hour, stored, there) in both {
            let there = there.copied().unwrap_or_default();
            if !agree(&stored, &there, manner) {
                all.push(Differing { series, hour, stored, there });
            }
        }
    }
    all
}

/// How many samples a receiver should have.
pub(super) fn expected(stored: &Count, manner: Manner) -> u64 {
    match manner {
        // It drops what is no number.
        Manner::VictoriaMetrics => stored.samples,
        Manner::Prometheus { .. } => stored.samples + stored.nans,
    }
}

fn agree(stored: &Count, there: &Count, manner: Manner) -> bool {
    if expected(stored, manner) != there.samples {
        return false;
    }
    let tells_times = manner.figures().contains(&Figure::First);
    if tells_times && (stored.first_ms, stored.last_ms) != (there.first_ms, there.last_ms) {
        return false;
    }
    // Without a number in the hour there is neither a least nor a greatest.
    let are_equal = |one, other| is_equal(one, other, manner);
    stored.samples == 0
        || (are_equal(stored.least, there.least) && are_equal(stored.greatest, there.greatest))
}

/// Whether a value is the one that was sent, as far as a receiver keeps it.
pub(super) fn is_equal(sent: f64, there: f64, manner: Manner) -> bool {
    if sent == there || (sent.is_nan() && there.is_nan()) {
        return true;
    }
    manner == Manner::VictoriaMetrics && (sent - there).abs() <= sent.abs() * PROOF_TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMETHEUS: Manner = Manner::Prometheus { is_closed: true };

    fn count(samples: &[(i64, f64)]) -> Count {
        let mut count = Count::default();
        samples.iter().for_each(|(time_ms, value)| count.add(*time_ms, *value));
        count
    }

    #[test]
    fn counts_times_and_values_all_have_to_agree() {
        let stored = count(&[(1, 0.1), (2, 7.0), (3, f64::NAN)]);
        assert!(agree(&stored, &count(&[(1, 0.1 + 1e-14), (2, 7.0)]), Manner::VictoriaMetrics));
        for there in [
            count(&[(1, 0.1)]),
            count(&[(1, 0.1), (1, 0.1), (2, 7.0)]),
            count(&[(1, 0.1), (4, 7.0)]),
            count(&[(0, 0.1), (2, 7.0)]),
            count(&[(1, 0.1), (2, 7.1)]),
            count(&[(1, 0.11), (2, 7.0)]),
        ] {
            assert!(!agree(&stored, &there, Manner::VictoriaMetrics), "{there:?}");
        }
    }

    #[test]
    fn prometheus_keeps_what_is_no_number_and_every_bit_and_tells_no_times() {
        let stored = count(&[(1, 0.1), (2, f64::NAN)]);
        let there = Count { samples: 2, least: 0.1, greatest: 0.1, ..Count::default() };
        assert!(agree(&stored, &there, PROMETHEUS));
        assert!(!agree(&stored, &Count { samples: 1, ..there }, PROMETHEUS));
        assert!(!agree(&stored, &Count { least: 0.1 + 1e-14, ..there }, PROMETHEUS));
    }
}
