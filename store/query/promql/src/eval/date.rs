//! Times in UTC, in parts and as text.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::functions::DatePart;

/// The part of a time in seconds since the epoch. Fractions are cut off; what is beyond the years -9999 to 9999 is NaN.
pub(super) fn part(part: DatePart, seconds: f64) -> f64 {
    // A number that no integer holds becomes the nearest, which is beyond any calendar.
    let Some(time) = utc(seconds.trunc() as i64).filter(|_| seconds.is_finite()) else { return f64::NAN };
    match part {
        DatePart::Year => f64::from(time.year()),
        DatePart::Month => f64::from(time.month()),
        DatePart::DayOfMonth => f64::from(time.day()),
        DatePart::DaysInMonth => f64::from(time.date().days_in_month()),
        DatePart::DayOfWeek => f64::from(time.weekday().to_sunday_zero_offset()),
        DatePart::DayOfYear => f64::from(time.day_of_year()),
        DatePart::Hour => f64::from(time.hour()),
        DatePart::Minute => f64::from(time.minute()),
    }
}

fn utc(seconds: i64) -> Option<DateTime> {
    let time = Timestamp::from_second(seconds).ok()?;
    Some(Zoned::new(time, TimeZone::UTC).datetime())
}

/// `2024-02-29T23:59:58Z`, with a fraction where there is one.
pub(super) fn rfc3339(time_ms: i64) -> String {
    Timestamp::from_millisecond(time_ms).map_or_else(|_| format!("{time_ms} ms"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for beyond in [f64::INFINITY, f64::NAN, 1e18, -1e300] {
            assert!(part(DatePart::Year, beyond).is_nan());
        }
        assert_eq!(rfc3339(1_709_251_198_900), "2024-02-29T23:59:58.9Z");
    }
}
