//! Times as people type them: `24h`, `-24h`, `2h ago`, `yesterday 03:00`, `2026-03-01 14:00`, RFC 3339, `@epoch`.
//!
//! Pure: now and the time zone are given. A time that a clock change skips is the moment after the gap, one that it
//! repeats is the first of the two.

use std::error::Error;
use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, Timestamp, ToSpan, Zoned};

use super::weekday::WEEKDAYS;

/// The forms, for messages and help texts.
pub const FORMS: &str = "now, 24h, '2h ago', today, 'yesterday 03:00', monday, 14:30, 2026-03-01, \
                         '2026-03-01 14:00', 2026-03-01T14:00:00Z, @1767225600";

/// Reads a time relative to `now`, in its time zone. Returns milliseconds since the epoch.
///
/// A day without a time is its beginning. A weekday is the latest one that has begun, today included. A time without a day is
/// the latest one that has been: at three in the morning `23:00` is last night's.
///
/// # Errors
/// [`TimeSpecError`] names the text and the forms that are accepted.
pub fn parse(text: &str, now: &Zoned) -> Result<i64, TimeSpecError> {
    let typed = text.trim();
    let lower = typed.to_ascii_lowercase();
    let found = if lower == "now" {
        Some(now.timestamp())
    } else if let Some(seconds) = typed.strip_prefix('@') {
        epoch(seconds)
    } else if let Ok(timestamp) = typed.parse::<Timestamp>() {
        Some(timestamp)
    } else if let Some(date_time) = civil(&lower, now) {
        date_time.to_zoned(now.time_zone().clone()).ok().map(|zoned| zoned.timestamp())
    } else {
        relative(&lower, now)
    };
    let timestamp = found.ok_or_else(|| TimeSpecError { text: typed.to_owned() })?;
    Ok(timestamp.as_millisecond())
}

/// Seconds since the epoch, with up to nine digits after the point.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole.strip_prefix('-').unwrap_or(whole)) || !all_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse::<i32>().ok()?;
    let signed = if whole.starts_with('-') { -nanoseconds } else { nanoseconds };
    Timestamp::new(whole.parse().ok()?, signed).ok()
}

/// A day, a time, or both, by the clock on the wall.
fn civil(lower: &str, now: &Zoned) -> Option<DateTime> {
    let today = now.date();
    if let Some(time) = time_of_day(lower) {
        let today = today.to_datetime(time);
        let is_ahead = today.to_zoned(now.time_zone().clone()).is_ok_and(|today| today > *now);
        return if is_ahead { today.checked_sub(1.day()).ok() } else { Some(today) };
    }
    let (day, time) = [' ', 't']
        .into_iter()
        .find_map(|between| day_and_time(lower, between))
        .unwrap_or((lower, Time::midnight()));
    let date = match day {
        "today" => today,
        "yesterday" => today.yesterday().ok()?,
        "tomorrow" => today.tomorrow().ok()?,
        _ => match weekday(day) {
            Some(weekday) => {
                let since = today.weekday().since(weekday);
                today.checked_sub(i64::from(since).days()).ok()?
            }
            None => calendar_date(day)?,
        },
    };
    Some(date.to_datetime(time))
}

fn day_and_time(lower: &str, between: char) -> Option<(&str, Time)> {
    let (day, time) = lower.rsplit_once(between)?;
    if day.is_empty() { None } else { Some((day, time_of_day(time.trim())?)) }
}

/// `14:30`, `14:30:05`, `3am`, `3:30pm`, `noon` or `midnight`, which begins a day.
fn time_of_day(text: &str) -> Option<Time> {
    match text {
        "midnight" => return Some(Time::midnight()),
        "noon" => return Some(Time::constant(12, 0, 0, 0)),
        _ => {}
    }
    let half =
        text.strip_suffix("am").map(|hours| (hours, 0)).or(text.strip_suffix("pm").map(|hours| (hours, 12)));
    if let Some((hours, noon)) = half {
        let hours = hours.trim_end();
        let time = clock_time(&if hours.contains(':') { hours.to_owned() } else { format!("{hours}:00") })?;
        // Midnight is 12am and noon 12pm.
        let hour = (1..=12).contains(&time.hour()).then_some(time.hour() % 12 + noon)?;
        return time.with().hour(hour).build().ok();
    }
    clock_time(text)
}

fn clock_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let mut next = |required: bool| match parts.next() {
        Some(part) if (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            part.parse::<i8>().ok()
        }
        None if !required => Some(0),
        _ => None,
    };
    let (hour, minute, second) = (next(true)?, next(true)?, next(false)?);
    if text.matches(':').count() > 2 {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// `2026-03-01` only: the other forms of ISO 8601 are too easily something else.
fn calendar_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    let named = WEEKDAYS.iter().find(|(name, _)| *name == text || name[..3] == *text);
    named.map(|&(_, weekday)| weekday)
}

/// `-24h`, `2h ago`, `1 day 2 hours ago`, `+5m`, and `24h` without a sign, which is in the past as well. Hours are
/// exact, days follow the calendar.
fn relative(lower: &str, now: &Zoned) -> Option<Timestamp> {
    let signed = lower.starts_with(['-', '+']) || lower.ends_with("ago");
    let span: Span = lower.parse().ok()?;
    let span = match signed {
        true => span,
        // With colons it would be a time of day that there is not.
        false if lower.starts_with(|first: char| first.is_ascii_digit()) && !lower.contains(':') => {
            span.negate()
        }
        false => return None,
    };
    Some(now.checked_add(span).ok()?.timestamp())
}

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSpecError {
    text: String,
}

impl fmt::Display for TimeSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a time; write one like: {FORMS}", self.text.escape_debug())
    }
}

impl Error for TimeSpecError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Wednesday, three days after the clocks of Berlin went forward.
    fn now() -> Zoned {
        "2026-04-01T15:20:30.5+02:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("now", "2026-04-01T15:20:30.5+02:00"),
            (" NOW ", "2026-04-01T15:20:30.5+02:00"),
            ("-24h", "2026-03-31T15:20:30.5+02:00"),
            ("-1h30m", "2026-04-01T13:50:30.5+02:00"),
            ("+5m", "2026-04-01T15:25:30.5+02:00"),
            ("2h ago", "2026-04-01T13:20:30.5+02:00"),
            ("24h", "2026-03-31T15:20:30.5+02:00"),
            ("15s", "2026-04-01T15:20:15.5+02:00"),
            ("1h30m", "2026-04-01T13:50:30.5+02:00"),
            ("3 days", "2026-03-29T15:20:30.5+02:00"),
            ("2 hours ago", "2026-04-01T13:20:30.5+02:00"),
            ("1 day 2 hours ago", "2026-03-31T13:20:30.5+02:00"),
            ("-90s", "2026-04-01T15:19:00.5+02:00"),
            // Five days by the calendar, though the hours are one short.
            ("-5d", "2026-03-27T15:20:30.5+01:00"),
            ("-120h", "2026-03-27T14:20:30.5+01:00"),
            ("-2w", "2026-03-18T15:20:30.5+01:00"),
            ("today", "2026-04-01T00:00:00+02:00"),
            ("yesterday", "2026-03-31T00:00:00+02:00"),
            ("Yesterday 03:00", "2026-03-31T03:00:00+02:00"),
            ("tomorrow 9:05:07", "2026-04-02T09:05:07+02:00"),
            ("wednesday", "2026-04-01T00:00:00+02:00"),
            ("thursday", "2026-03-26T00:00:00+01:00"),
            ("mon 12:00", "2026-03-30T12:00:00+02:00"),
            ("14:30", "2026-04-01T14:30:00+02:00"),
            // Ahead of now, so the last one that was.
            ("23:00", "2026-03-31T23:00:00+02:00"),
            ("15:20:31", "2026-03-31T15:20:31+02:00"),
            ("15:20:30", "2026-04-01T15:20:30+02:00"),
            ("today 23:00", "2026-04-01T23:00:00+02:00"),
            ("yesterday 3am", "2026-03-31T03:00:00+02:00"),
            ("12am", "2026-04-01T00:00:00+02:00"),
            ("12:05 pm", "2026-04-01T12:05:00+02:00"),
            ("11pm", "2026-03-31T23:00:00+02:00"),
            ("midnight", "2026-04-01T00:00:00+02:00"),
            ("Noon", "2026-04-01T12:00:00+02:00"),
            ("yesterday noon", "2026-03-31T12:00:00+02:00"),
            ("tuesday midnight", "2026-03-31T00:00:00+02:00"),
            ("2026-03-01 noon", "2026-03-01T12:00:00+01:00"),
            ("2026-03-01", "2026-03-01T00:00:00+01:00"),
            ("2026-03-01 14:00", "2026-03-01T14:00:00+01:00"),
            ("2026-03-01T14:00:05", "2026-03-01T14:00:05+01:00"),
            ("2026-03-01T14:00:00Z", "2026-03-01T14:00:00Z"),
            ("2026-03-01T14:00:00.25-05:00", "2026-03-01T14:00:00.25-05:00"),
            ("2026-03-01 14:00:00Z", "2026-03-01T14:00:00Z"),
            ("@0", "1970-01-01T00:00:00Z"),
            ("@1767225600.5", "2026-01-01T00:00:00.5Z"),
            ("@-1", "1969-12-31T23:59:59Z"),
            // Skipped by the clocks.
            ("2026-03-29 02:30", "2026-03-29T03:30:00+02:00"),
        ] {
            let expected: Timestamp = expected.parse().unwrap();
            assert_eq!(parse(text, &now()), Ok(expected.as_millisecond()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_forms() {
        for text in [
            "",
            "5",
            "24:00",
            "13pm",
            "0am",
            "am",
            "24:10:00",
            "1h 30:00",
            "pt5m",
            "-5",
            "-5x",
            "ago",
            "yesterday morning",
            "yesterday 25:00",
            "2026-02-30",
            "26-03-01",
            "03/01/2026",
            "1:2:3:4",
            "@",
            "@x",
            "@1.",
            "@99999999999999",
            "-99999999999h",
            "2026-03-01 xx",
            "mond",
            "tuesday wednesday",
            "é",
            "t14:00",
            "noonish",
            "after midnight",
        ] {
            let error = parse(text, &now()).expect_err(text).to_string();
            assert!(error.contains("is not a time; write one like: now, 24h"), "{error}");
        }
    }
}
