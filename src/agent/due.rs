//! The slots of a stretch in which a check was due: all of them, or those within its period.

use super::schedule::Schedule;
use crate::clock::Moment;
use crate::limits::PERIOD_CHANGES_MAX;
use crate::period::Period;

/// Slots in which a check was due, one after the other but for those outside of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The first of them, on the monotonic clock.
    pub(super) first_us: i64,
    /// The last of them.
    pub(super) last_us: i64,
    /// How many, from 1.
    pub(super) slots: u64,
}

/// The slots from one moment on and before another in which a check was due; none if there is no such slot.
pub(super) fn due_slots(
    schedule: &Schedule,
    period: Option<&Period>,
    from_us: i64,
    before_us: i64,
    now: Moment,
) -> Option<Due> {
    let Some(period) = period else { return stretch(schedule, from_us, before_us) };
    let mut due: Option<Due> = None;
    let mut at_us = schedule.first_from(from_us);
    for _ in 0..PERIOD_CHANGES_MAX {
        if at_us >= before_us {
            break;
        }
        let standing = period.at(wall_at(now, at_us));
        let until_us = standing.until_ms.map_or(before_us, |ms| mono_at(now, ms)).min(before_us);
        if standing.open
            && let Some(more) = stretch(schedule, at_us, until_us)
        {
            due = Some(match due {
                Some(due) => Due { last_us: more.last_us, slots: due.slots + more.slots, ..due },
                None => more,
            });
        }
        at_us = schedule.first_from(until_us.max(at_us.saturating_add(1)));
    }
    due
}

/// The first slot that is not earlier than a moment and in which the check is due; none within a year.
pub(super) fn next_due(schedule: &Schedule, period: &Period, from_us: u64, now: Moment) -> Option<i64> {
    let mut at_us = schedule.first_from(from_us as i64);
    for _ in 0..PERIOD_CHANGES_MAX {
        let standing = period.at(wall_at(now, at_us));
        if standing.open {
            return Some(at_us);
        }
        at_us = schedule.first_from(mono_at(now, standing.until_ms?).max(at_us.saturating_add(1)));
    }
    None
}

fn stretch(schedule: &Schedule, from_us: i64, before_us: i64) -> Option<Due> {
    let slots = schedule.count(from_us, before_us);
    let first_us = schedule.first_from(from_us);
    let last_us = first_us.checked_add((schedule.interval_us() as i64).checked_mul(slots as i64 - 1)?)?;
    (slots > 0).then_some(Due { first_us, last_us, slots })
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

    #[test]
    fn only_slots_within_the_period_count() {
        let schedule = Schedule::from_slot(NOW.mono_us, Duration::from_secs(1800));
        let midnight_us = NOW.mono_us as i64;
        let count = |period: Option<&Period>, from_h: i64, before_h: i64| {
            let due = due_slots(
                &schedule,
                period,
                midnight_us + from_h * HOUR_US,
                midnight_us + before_h * HOUR_US,
                NOW,
            );
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
        let next = |from_h: u64| next_due(&schedule, &morning(), NOW.mono_us + from_h * HOUR_US as u64, NOW);
        let slot = |h: i64| Some(NOW.mono_us as i64 + h * HOUR_US + 7_000_000);
        assert_eq!(next(0), slot(8));
        assert_eq!(next(9), slot(9));
        assert_eq!(next(10), slot(32));
        let never = Period { rules: Vec::new(), ..morning() };
        assert_eq!(next_due(&schedule, &never, 0, NOW), None);
    }
}
