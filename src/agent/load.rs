//! Whether the machine keeps up: how late checks start, and how many slots pass while `max_concurrent_checks` run.

use crate::clock::Moment;
use crate::limits::OVERLOAD_LATENESS;

const TEN_US: u64 = 10_000_000;
const TENS: usize = 6;

/// Slots of the last minute that were run or missed.
#[derive(Debug)]
pub(super) struct Load {
    began_us: u64,
    /// The last six stretches of ten seconds, each at its number modulo six.
    tens: [Ten; TENS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Ten {
    number: u64,
    runs: u64,
    late_us: u64,
    late_max_us: u64,
    no_room: u64,
}

/// The figures of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Runs for their slots a second, by when they ended.
    pub(super) runs_per_s: f64,
    /// How late they began on the average, in seconds.
    pub(super) late_mean_s: f64,
    /// How late the latest was, in seconds.
    pub(super) late_max_s: f64,
    /// Slots that passed while their check waited to be started.
    pub(super) no_room: u64,
}

impl Load {
    pub(super) fn new(now: Moment) -> Load {
        Load { began_us: now.mono_us, tens: [Ten::default(); TENS] }
    }

    /// A check was run for its slot, and began so late.
    pub(super) fn ran(&mut self, late_us: u64, now: Moment) {
        let ten = self.ten(now);
        ten.runs += 1;
        ten.late_us += late_us;
        ten.late_max_us = ten.late_max_us.max(late_us);
    }

    /// Slots passed while their check waited.
    pub(super) fn no_room(&mut self, slots: u64, now: Moment) {
        self.ten(now).no_room += slots;
    }

    pub(super) fn figures(&self, now: Moment) -> Figures {
        let number = now.mono_us / TEN_US;
        let first = (number + 1).saturating_sub(TENS as u64);
        let recent = || self.tens.iter().filter(|ten| (first..=number).contains(&ten.number));
        let span_us = now.mono_us.saturating_sub((first * TEN_US).max(self.began_us)).max(1);
        let runs = recent().map(|ten| ten.runs).sum::<u64>();
        let late_us = recent().map(|ten| ten.late_us).sum::<u64>();
        let late_max_us = recent().map(|ten| ten.late_max_us).max().unwrap_or(0);
        Figures {
            runs_per_s: runs as f64 * 1e6 / span_us as f64,
            late_mean_s: late_us as f64 / runs.max(1) as f64 / 1e6,
            late_max_s: late_max_us as f64 / 1e6,
            no_room: recent().map(|ten| ten.no_room).sum(),
        }
    }

    fn ten(&mut self, now: Moment) -> &mut Ten {
        let number = now.mono_us / TEN_US;
        let ten = &mut self.tens[number as usize % TENS];
        if ten.number != number {
            *ten = Ten { number, ..Ten::default() };
        }
        ten
    }
}

impl Figures {
    /// Whether the machine does not keep up: slots passed because too many checks ran, or starts are late on the average.
    pub(super) fn is_overload(&self) -> bool {
        self.no_room > 0 || self.late_mean_s >= OVERLOAD_LATENESS.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Moment {
        Moment { mono_us: s * 1_000_000, wall_ms: 0 }
    }

    #[test]
    fn the_last_minute_counts() {
        let mut load = Load::new(at(1000));
        for s in 1000..1200 {
            load.ran(if s < 1100 { 2_000_000 } else { 500 }, at(s));
        }
        let figures = load.figures(at(1200));
        assert!((figures.runs_per_s - 1.0).abs() < 0.02, "{figures:?}");
        assert!((figures.late_max_s - 0.0005).abs() < 1e-9);
        assert!(!figures.is_overload());
        assert_eq!(load.figures(at(1300)), Figures::default());
    }

    #[test]
    fn the_first_minute_is_as_long_as_it_is() {
        let mut load = Load::new(at(1003));
        (1003..1013).for_each(|s| load.ran(1_500_000, at(s)));
        let figures = load.figures(at(1013));
        assert!((figures.runs_per_s - 1.0).abs() < 1e-9, "{figures:?}");
        assert!(figures.is_overload());
    }

    #[test]
    fn slots_without_a_place_are_overload() {
        let mut load = Load::new(at(0));
        load.no_room(3, at(5));
        assert!(load.figures(at(50)).is_overload());
        assert!(!load.figures(at(70)).is_overload());
    }
}
