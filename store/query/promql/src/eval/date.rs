//! Parts of a time in UTC.

use crate::functions::DatePart;

/// The part of a time in seconds since the epoch. Fractions are cut off; what is beyond any calendar is NaN.
pub(super) fn part(part: DatePart, seconds: f64) -> f64 {
    if !seconds.is_finite() || seconds.abs() > SECONDS_MAX {
        return f64::NAN;
    }
    let seconds = seconds.trunc() as i64;
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    let value = match part {
        DatePart::Year => year,
        DatePart::Month => month,
        DatePart::DayOfMonth => day,
        DatePart::DaysInMonth => {
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            days_of(next_year, next_month, 1) - days_of(year, month, 1)
        }
        // The epoch was a Thursday.
        DatePart::DayOfWeek => (days + 4).rem_euclid(7),
        DatePart::DayOfYear => days - days_of(year, 1, 1) + 1,
        DatePart::Hour => of_day / 3_600,
        DatePart::Minute => of_day / 60 % 60,
    };
    value as f64
}

/// Some 30 million years, far from any overflow.
const SECONDS_MAX: f64 = 1e15;

/// Days of an era of 400 years, after which the Gregorian calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Year, month and day of a day since the epoch. Years are counted from March, so that the leap day is their last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(ERA_DAYS);
    let of_era = shifted.rem_euclid(ERA_DAYS);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since the epoch of a date.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_the_one_after_the_day_before() {
        let mut expected = (1600, 1, 1);
        for days in days_of(1600, 1, 1)..days_of(2500, 1, 1) {
            assert_eq!(civil(days), expected);
            assert_eq!(days_of(expected.0, expected.1, expected.2), days);
            let (year, month, day) = expected;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day == length) {
                (_, false) => (year, month, day + 1),
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
            };
        }
    }

    #[test]
    fn parts_are_those_of_utc() {
        // 2024-02-29 23:59:58, a Thursday.
        let time = 1_709_251_198.9;
        let parts = [
            (DatePart::Year, 2024.0),
            (DatePart::Month, 2.0),
            (DatePart::DayOfMonth, 29.0),
            (DatePart::DaysInMonth, 29.0),
            (DatePart::DayOfWeek, 4.0),
            (DatePart::DayOfYear, 60.0),
            (DatePart::Hour, 23.0),
            (DatePart::Minute, 59.0),
        ];
        for (which, value) in parts {
            assert_eq!(part(which, time), value, "{which:?}");
        }
        assert_eq!(part(DatePart::Hour, -1.0), 23.0);
        assert!(part(DatePart::Year, f64::INFINITY).is_nan());
    }
}
