//! A period as a whole: rules, other periods taken out, and the clock on the wall.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::days::Days;
use super::hours::Hours;
use crate::limits::{PERIOD_LOOKAHEAD_DAYS, PERIOD_TRANSITIONS_MAX};

const MINUTE_MS: i64 = 60_000;

/// A named period.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Its name.
    pub name: String,
    /// When it is open.
    pub rules: Vec<Rule>,
    /// Periods that are taken out of it.
    pub exclude: Vec<Arc<Period>>,
    /// Where the clock hangs that it goes by.
    pub zone: TimeZone,
}

/// The open times of some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The days.
    pub days: Days,
    /// The times; none at all means that those days are closed.
    pub hours: Hours,
}

/// Whether a period is open, and for how long it stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is open.
    pub open: bool,
    /// When that changes, in ms since the epoch; `None` if that is more than a year away.
    pub until_ms: Option<i64>,
}

impl Period {
    /// Whether the period is open at a time in ms since the epoch.
    pub fn is_open(&self, wall_ms: i64) -> bool {
        Timestamp::from_millisecond(wall_ms).is_ok_and(|time| self.is_open_at(self.wall(time)))
    }

    /// Whether the period is open at a time in ms since the epoch, and until when.
    pub fn at(&self, wall_ms: i64) -> Standing {
        let Ok(mut time) = Timestamp::from_millisecond(wall_ms) else {
            return Standing { open: false, until_ms: None };
        };
        let open = self.is_open_at(self.wall(time));
        // From one change of the clocks to the next the wall clock runs like any other.
        for _ in 0..PERIOD_TRANSITIONS_MAX {
            let transition = self.zone.following(time).next().map(|transition| transition.timestamp());
            let change = self.next_change(time, open);
            match (change, transition) {
                (Some(change), transition) if transition.is_none_or(|transition| change < transition) => {
                    return Standing { open, until_ms: Some(change.as_millisecond()) };
                }
                (_, Some(transition)) => {
                    if self.is_open_at(self.wall(transition)) != open {
                        return Standing { open, until_ms: Some(transition.as_millisecond()) };
                    }
                    time = transition;
                }
                (_, None) => break,
            }
            let ahead_ms = time.as_millisecond().saturating_sub(wall_ms);
            if ahead_ms > PERIOD_LOOKAHEAD_DAYS * 24 * 60 * MINUTE_MS {
                break;
            }
        }
        Standing { open, until_ms: None }
    }

    fn wall(&self, time: Timestamp) -> DateTime {
        self.zone.to_offset(time).to_datetime(time)
    }

    fn is_open_at(&self, wall: DateTime) -> bool {
        self.hours(wall.date()).contains(minute_of(wall))
    }

    /// When the period opens or closes if the clocks do not change before.
    fn next_change(&self, time: Timestamp, open: bool) -> Option<Timestamp> {
        let offset = self.zone.to_offset(time);
        let wall = offset.to_datetime(time);
        let (mut date, mut after) = (wall.date(), Some(minute_of(wall)));
        for _ in 0..PERIOD_LOOKAHEAD_DAYS {
            let hours = self.hours(date);
            let minute = match after {
                Some(minute) => hours.next_change(minute),
                None if hours.contains(0) != open => Some(0),
                None => hours.next_change(0),
            };
            if let Some(minute) = minute {
                let (hour, minute) = ((minute / 60) as i8, (minute % 60) as i8);
                return offset.to_timestamp(date.at(hour, minute, 0, 0)).ok();
            }
            (date, after) = (date.tomorrow().ok()?, None);
        }
        None
    }

    /// The open times of a day: what the most specific rules say that are for it, without what is taken out.
    fn hours(&self, date: Date) -> Hours {
        let fitting = || self.rules.iter().filter(|rule| rule.days.contains(date));
        let rank = fitting().map(|rule| rule.days.rank()).min();
        let hours = fitting()
            .filter(|rule| Some(rule.days.rank()) == rank)
            .fold(Hours::default(), |hours, rule| hours.and(&rule.hours));
        self.exclude.iter().fold(hours, |hours, period| hours.without(&period.hours(date)))
    }
}

fn minute_of(wall: DateTime) -> u16 {
    // Neither is negative.
    wall.hour().unsigned_abs() as u16 * 60 + wall.minute().unsigned_abs() as u16
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;
    use proptest::prelude::*;

    use super::*;

    fn period(rules: &[(&str, &[&str])], exclude: &[Period]) -> Period {
        let hours = |ranges: &[&str]| {
            ranges.iter().fold(Hours::default(), |hours, range| hours.and(&Hours::parse(range).unwrap()))
        };
        let rule = |(days, ranges): &(&str, &[&str])| Rule {
            days: Days::parse(days).unwrap(),
            hours: hours(ranges),
        };
        Period {
            name: "p".to_owned(),
            rules: rules.iter().map(rule).collect(),
            exclude: exclude.iter().cloned().map(Arc::new).collect(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    /// Whether it is open at a local time (of two, the first), and until which.
    fn at(period: &Period, wall: &str) -> (bool, String) {
        let zoned: Zoned = wall.parse::<DateTime>().unwrap().to_zoned(period.zone.clone()).unwrap();
        let standing = period.at(zoned.timestamp().as_millisecond());
        assert_eq!(standing.open, period.is_open(zoned.timestamp().as_millisecond()));
        let until = standing.until_ms.map_or("never".to_owned(), |until_ms| {
            let until = Timestamp::from_millisecond(until_ms).unwrap().to_zoned(period.zone.clone());
            until.strftime("%Y-%m-%d %H:%M %Z").to_string()
        });
        (standing.open, until)
    }

    #[test]
    fn office_hours_open_and_close() {
        let office = period(&[("monday - friday", &["08:00-12:00", "13:00-18:00"])], &[]);
        assert_eq!(at(&office, "2026-11-20 07:59:59"), (false, "2026-11-20 08:00 CET".into()));
        assert_eq!(at(&office, "2026-11-20 08:00"), (true, "2026-11-20 12:00 CET".into()));
        assert_eq!(at(&office, "2026-11-20 12:30"), (false, "2026-11-20 13:00 CET".into()));
        assert_eq!(at(&office, "2026-11-20 18:00"), (false, "2026-11-23 08:00 CET".into()));
    }

    #[test]
    fn nights_run_through_midnight() {
        let night = period(&[("monday - sunday", &["22:00-24:00", "00:00-06:00"])], &[]);
        assert_eq!(at(&night, "2026-11-20 23:00"), (true, "2026-11-21 06:00 CET".into()));
        let always = period(&[("monday - sunday", &["00:00-24:00"])], &[]);
        assert_eq!(at(&always, "2026-11-20 23:00"), (true, "never".into()));
        assert_eq!(at(&period(&[], &[]), "2026-11-20 23:00"), (false, "never".into()));
    }

    #[test]
    fn the_most_specific_rule_wins_and_exclusions_take_away() {
        let holidays = period(&[("december 25 - 26", &["00:00-24:00"])], &[]);
        let rules: &[(&str, &[&str])] = &[
            ("monday - friday", &["08:00-18:00"]),
            ("monday 1", &["06:00-07:00"]),
            ("day 24", &[]),
            ("2026-12-24", &["08:00-12:00"]),
        ];
        let office = period(rules, &[holidays]);
        assert_eq!(at(&office, "2026-12-07 06:30"), (true, "2026-12-07 07:00 CET".into()));
        assert_eq!(at(&office, "2026-12-07 08:30"), (false, "2026-12-08 08:00 CET".into()));
        assert_eq!(at(&office, "2026-11-24 10:00"), (false, "2026-11-25 08:00 CET".into()));
        // Closed on Christmas, a Friday, and on the days after it.
        assert_eq!(at(&office, "2026-12-24 12:00"), (false, "2026-12-28 08:00 CET".into()));
    }

    #[test]
    fn an_hour_that_is_repeated_is_open_twice_and_one_that_is_skipped_is_not_there() {
        let early = period(&[("monday - sunday", &["02:00-03:00"])], &[]);
        // The clocks go back from 03:00 to 02:00.
        assert_eq!(at(&early, "2026-10-25 01:30"), (false, "2026-10-25 02:00 CEST".into()));
        assert_eq!(at(&early, "2026-10-25 02:30"), (true, "2026-10-25 03:00 CET".into()));
        // They go forward from 02:00 to 03:00.
        assert_eq!(at(&early, "2026-03-29 01:30"), (false, "2026-03-30 02:00 CEST".into()));
        let half = period(&[("monday - sunday", &["02:00-02:30"])], &[]);
        assert_eq!(at(&half, "2026-10-25 02:10"), (true, "2026-10-25 02:30 CEST".into()));
        assert_eq!(at(&half, "2026-10-25 02:40"), (false, "2026-10-25 02:00 CET".into()));
        let late = period(&[("monday - sunday", &["02:30-04:00"])], &[]);
        assert_eq!(at(&late, "2026-03-29 01:30"), (false, "2026-03-29 03:00 CEST".into()));
    }

    proptest! {
        /// Nothing changes before the time that was named, and it does then.
        #[test]
        fn until_is_when_it_changes(
            start_s in 1_760_000_000_i64..1_830_000_000,
            ranges in proptest::collection::vec((0_u16..1439, 1_u16..400), 0..3),
            day in prop::sample::select(vec!["monday - sunday", "sunday", "day -1", "october -7 - -1", "sunday -1"]),
        ) {
            let ranges: Vec<String> = ranges
                .into_iter()
                .map(|(start, length)| (start, (start + length).min(1440)))
                .map(|(start, end)| {
                    format!("{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
                })
                .collect();
            let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
            let period = period(&[(day, &ranges)], &[]);
            let wall_ms = start_s * 1000;
            let standing = period.at(wall_ms);
            // Clocks change and ranges begin at full minutes, so every minute tells all.
            let first = wall_ms - wall_ms.rem_euclid(MINUTE_MS) + MINUTE_MS;
            let end = standing.until_ms.unwrap_or(i64::MAX).min(first + 8 * 1440 * MINUTE_MS);
            for minute in (first..end).step_by(MINUTE_MS as usize) {
                prop_assert_eq!(period.is_open(minute), standing.open);
            }
            if let Some(until_ms) = standing.until_ms {
                prop_assert_eq!(period.is_open(until_ms), !standing.open);
            }
        }
    }
}
