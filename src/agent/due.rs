//! The slots of a stretch in which a check was due: all of them, or those within its period.
//!
//! A slot that its period leaves out is made good: where the closed time before an opening has taken slots of the check, and
//! none lies within the opening itself, the check is due once in it, at a time that is as fixed and as spread as its
//! slots are. So a daily check with office hours runs every day, whatever its slot is, and a weekly one every week.
//!
//! An opening follows the clock on the wall, of which milliseconds are known, so the time of such a stand-in differs a
//! little from one look to the next. The opening that has had its own is therefore remembered by when it ends.

use super::schedule::Schedule;
use crate::clock::Moment;
use crate::limits::PERIOD_CHANGES_MAX;
use crate::period::Period;

/// How far a period that does not change any more is looked into: as far as a period is looked ahead for a change, a year.
const UNCHANGING_US: i64 = 366 * 86_400 * 1_000_000;

/// By how much the time of a stand-in may differ between two looks at it, as each reads the two clocks one after the other.
const STAND_IN_JITTER_US: i64 = 2000;

/// When a check is due: its slots, and the period that leaves some of them out.
#[derive(Clone, Copy, Debug)]
pub(super) struct DueTimes<'a> {
    /// All slots.
    pub(super) schedule: &'a Schedule,
    /// When they count; `None` for always.
    pub(super) period: Option<&'a Period>,
    /// When the opening ends that has had its stand-in already, in ms since the epoch.
    pub(super) stood_in_ms: Option<i64>,
}

/// Slots in which a check was due, one after the other but for those outside of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The first of them, on the monotonic clock.
    pub(super) first_us: i64,
    /// The last of them.
    pub(super) last_us: i64,
    /// How many, from 1.
    pub(super) slots: u64,
    /// When the opening ends in which the last of them stands in for slots that the period left out, in ms since the epoch.
    pub(super) stand_in_ms: Option<i64>,
}

impl DueTimes<'_> {
    /// The slots from one moment on and before another in which the check was due; `None` if there is no such slot.
    pub(super) fn between(&self, from_us: i64, before_us: i64, now: Moment) -> Option<Due> {
        let Some(period) = self.period else { return stretch(self.schedule, from_us, before_us) };
        let mut due: Option<Due> = None;
        for opening in Openings::around(self.schedule, period, from_us, now).take(PERIOD_CHANGES_MAX) {
            if opening.start_us >= before_us {
                break;
            }
            if let Some(more) = opening.due(self, from_us, before_us) {
                due = Some(match due {
                    Some(due) => Due { slots: due.slots + more.slots, first_us: due.first_us, ..more },
                    None => more,
                });
            }
        }
        due
    }

    /// The first slot that is not earlier than a moment and in which the check is due; `None` within a year.
    pub(super) fn next(&self, from_us: u64, now: Moment) -> Option<i64> {
        let from_us = from_us as i64;
        let Some(period) = self.period else { return Some(self.schedule.first_from(from_us)) };
        Openings::around(self.schedule, period, from_us, now)
            .take(PERIOD_CHANGES_MAX)
            .find_map(|opening| opening.due(self, from_us, opening.end_us))
            .map(|due| due.first_us)
    }
}

/// A stretch in which a period is open, on the monotonic clock.
#[derive(Clone, Copy, Debug)]
struct Opening {
    /// Since when it was closed before.
    closed_us: i64,
    start_us: i64,
    /// Excluded.
    end_us: i64,
    /// The same by the clock on the wall, which does not depend on when that is looked at; `None` if it is far away.
    end_ms: Option<i64>,
}

impl Opening {
    /// The slots in this opening, from one moment on and before another, in which the check is due.
    fn due(&self, times: &DueTimes<'_>, from_us: i64, before_us: i64) -> Option<Due> {
        let schedule = times.schedule;
        let (from_us, before_us) = (from_us.max(self.start_us), before_us.min(self.end_us));
        if from_us >= before_us {
            return None;
        }
        let regular = stretch(schedule, from_us, before_us);
        if regular.is_some()
            || schedule.count(self.start_us, self.end_us) > 0
            || schedule.count(self.closed_us, self.start_us) == 0
        {
            return regular;
        }
        let slot_us = self.start_us + schedule.spread_over(self.end_us - self.start_us);
        if times.stood_in_ms.is_some() && times.stood_in_ms == self.end_ms
            || !(from_us - STAND_IN_JITTER_US..before_us).contains(&slot_us)
        {
            return None;
        }
        let slot_us = slot_us.max(from_us);
        Some(Due { first_us: slot_us, last_us: slot_us, slots: 1, stand_in_ms: self.end_ms })
    }
}

/// The openings of a period, from the one on in which a moment lies or which follows it.
struct Openings<'a> {
    period: &'a Period,
    now: Moment,
    at_us: i64,
    closed_us: i64,
    from_us: i64,
    done: bool,
}

impl<'a> Openings<'a> {
    /// Looks back by two intervals: in one that is longer there is a slot in any case, be it open or closed.
    fn around(schedule: &Schedule, period: &'a Period, from_us: i64, now: Moment) -> Openings<'a> {
        let back_us = (schedule.interval_us() as i64).saturating_mul(2);
        let at_us = from_us.saturating_sub(back_us);
        Openings { period, now, at_us, closed_us: at_us, from_us, done: false }
    }
}

impl Iterator for Openings<'_> {
    type Item = Opening;

    fn next(&mut self) -> Option<Opening> {
        for _ in 0..PERIOD_CHANGES_MAX {
            if self.done {
                return None;
            }
            let standing = self.period.at(wall_at(self.now, self.at_us));
            let start_us = self.at_us;
            let end_us = match standing.until_ms {
                Some(until_ms) => mono_at(self.now, until_ms).max(start_us.saturating_add(1)),
                // Nothing is known of what comes then, which matters only where it is behind us.
                None => {
                    self.done = start_us >= self.from_us;
                    start_us.saturating_add(UNCHANGING_US)
                }
            };
            self.at_us = end_us;
            if standing.open {
                let opening =
                    Opening { closed_us: self.closed_us, start_us, end_us, end_ms: standing.until_ms };
                self.closed_us = end_us;
                if end_us > self.from_us {
                    return Some(opening);
                }
            }
        }
        None
    }
}

fn stretch(schedule: &Schedule, from_us: i64, before_us: i64) -> Option<Due> {
    let slots = schedule.count(from_us, before_us);
    let first_us = schedule.first_from(from_us);
    let last_us = first_us.checked_add((schedule.interval_us() as i64).checked_mul(slots as i64 - 1)?)?;
    (slots > 0).then_some(Due { first_us, last_us, slots, stand_in_ms: None })
}

/// The wall time at a monotonic time that may lie before boot.
pub(super) fn wall_at(now: Moment, mono_us: i64) -> i64 {
    now.wall_ms.saturating_add(mono_us.saturating_sub(now.mono_us as i64).div_euclid(1000))
}

fn mono_at(now: Moment, wall_ms: i64) -> i64 {
    (now.mono_us as i64).saturating_add(wall_ms.saturating_sub(now.wall_ms).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::period::{Days, Hours, Rule};

    /// Open from eight to ten each day, by UTC.
    fn morning() -> Period {
        let rule = Rule {
            days: Days::parse("monday - sunday").unwrap(),
            hours: Hours::parse("08:00-10:00").unwrap(),
        };
        Period { name: "morning".to_owned(), rules: vec![rule], exclude: Vec::new(), zone: TimeZone::UTC }
    }

    const HOUR_US: i64 = 3_600_000_000;
    /// Midnight.
    const NOW: Moment = Moment { mono_us: 100 * HOUR_US as u64, wall_ms: 1_790_035_200_000 };

    fn times<'a>(schedule: &'a Schedule, period: Option<&'a Period>) -> DueTimes<'a> {
        DueTimes { schedule, period, stood_in_ms: None }
    }

    fn always() -> Period {
        let rule = Rule { days: Days::parse("monday - sunday").unwrap(), hours: Hours::all() };
        Period { rules: vec![rule], ..morning() }
    }

    fn open(hours: &str, days: &str) -> Period {
        let ranges = hours.split(',').map(|hours| Hours::parse(hours).unwrap());
        let rule = |hours| Rule { days: Days::parse(days).unwrap(), hours };
        Period { rules: ranges.map(rule).collect(), ..morning() }
    }

    /// The due slots of twelve weeks, one by one, in hours since midnight of the first day.
    fn all_due(schedule: &Schedule, period: &Period) -> Vec<f64> {
        let (mut at_us, mut found) = (NOW.mono_us, Vec::new());
        while let Some(slot_us) = times(schedule, Some(period)).next(at_us, NOW) {
            if slot_us >= NOW.mono_us as i64 + 12 * 168 * HOUR_US {
                break;
            }
            found.push((slot_us - NOW.mono_us as i64) as f64 / HOUR_US as f64);
            at_us = (slot_us + STAND_IN_JITTER_US + 1) as u64;
        }
        found
    }

    #[test]
    fn every_check_runs_whatever_its_interval_and_period_are() {
        let intervals_h = [1, 5, 8, 12, 24, 36, 168, 500];
        let periods = [
            open("08:00-18:00", "monday - sunday"),
            open("23:00-23:01", "monday - sunday"),
            open("08:00-08:30,20:00-20:30", "monday - friday"),
            open("00:00-01:00", "sunday"),
            open("00:00-24:00", "monday"),
        ];
        for hours in intervals_h {
            let interval = Duration::from_secs(hours * 3600);
            for period in &periods {
                for n in 0..12 {
                    let schedule = Schedule::of_check("db1", &format!("check{n}"), interval, NOW);
                    let due = all_due(&schedule, period);
                    let (least, most) = (due.len() as u64 * hours.max(7 * 24), due.len() as u64 * hours);
                    assert!(least + 2 * hours.max(7 * 24) >= 12 * 168, "{hours} h, {}: {due:?}", due.len());
                    assert!(most <= 12 * 168 + hours, "{hours} h: more often than it is to be: {due:?}");
                    let from_us = NOW.mono_us as i64;
                    let before_us = from_us + 12 * 168 * HOUR_US;
                    let whole = times(&schedule, Some(period)).between(from_us, before_us, NOW);
                    assert_eq!(whole.map_or(0, |whole| whole.slots), due.len() as u64);
                    for slot in &due {
                        assert!(period.is_open(NOW.wall_ms + (slot * 3_600_000.0) as i64), "{slot}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_daily_check_with_office_hours_runs_once_a_day_at_a_time_of_its_own() {
        let office = open("08:00-18:00", "monday - sunday");
        let mut times = std::collections::BTreeSet::new();
        for n in 0..200 {
            let schedule = Schedule::of_check("db1", &format!("c{n}"), Duration::from_secs(86_400), NOW);
            let due = all_due(&schedule, &office);
            assert_eq!(due.len(), 84, "c{n}");
            assert!(due.windows(2).all(|pair| (pair[1] - pair[0] - 24.0).abs() < 1e-6), "c{n}: {due:?}");
            times.insert((due[0] * 60.0) as i64);
        }
        assert!(times.len() > 150, "{}", times.len());
    }

    #[test]
    fn only_slots_within_the_period_count() {
        let schedule = Schedule::from_slot(NOW.mono_us, Duration::from_secs(1800));
        let midnight_us = NOW.mono_us as i64;
        let count = |period: Option<&Period>, from_h: i64, before_h: i64| {
            let (from_us, before_us) = (midnight_us + from_h * HOUR_US, midnight_us + before_h * HOUR_US);
            let due = times(&schedule, period).between(from_us, before_us, NOW);
            due.map(|due| {
                ((due.first_us - midnight_us) / HOUR_US, (due.last_us - midnight_us) / HOUR_US, due.slots)
            })
        };
        assert_eq!(count(None, 0, 2), Some((0, 1, 4)));
        let morning = morning();
        assert_eq!(count(Some(&morning), 0, 8), None);
        assert_eq!(count(Some(&morning), 0, 9), Some((8, 8, 2)));
        assert_eq!(count(Some(&morning), 9, 24), Some((9, 9, 2)));
        assert_eq!(count(Some(&morning), -24, 24), Some((-16, 9, 8)));
        assert_eq!(count(Some(&morning), 5, 5), None);
    }

    #[test]
    fn the_next_due_slot_is_the_first_of_the_period() {
        let schedule = Schedule::from_slot(NOW.mono_us + 7_000_000, Duration::from_secs(600));
        let next =
            |from_h: u64| times(&schedule, Some(&morning())).next(NOW.mono_us + from_h * HOUR_US as u64, NOW);
        let slot = |h: i64| Some(NOW.mono_us as i64 + h * HOUR_US + 7_000_000);
        assert_eq!(next(0), slot(8));
        assert_eq!(next(9), slot(9));
        assert_eq!(next(10), slot(32));
        assert_eq!(
            times(&Schedule::from_slot(0, Duration::from_secs(60)), Some(&always())).next(NOW.mono_us, NOW),
            Some(NOW.mono_us as i64)
        );
        let never = Period { rules: Vec::new(), ..morning() };
        assert_eq!(times(&schedule, Some(&never)).next(0, NOW), None);
    }
}
