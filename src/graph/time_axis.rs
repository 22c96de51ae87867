//! The axis of time: ticks at round local times, with labels that fit.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// A tick between the start and the end of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// Its time, in ms since the epoch.
    pub(super) time_ms: i64,
    /// Its label.
    pub(super) label: String,
}

/// The distance between two ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A divisor of a day.
    Seconds(i64),
    Days(i64),
    Months(i64),
    Years(i64),
}

impl Step {
    /// The steps from the shortest.
    const ALL: [Step; 27] = {
        use Step::{Days, Months, Seconds, Years};
        [
            Seconds(1),
            Seconds(2),
            Seconds(5),
            Seconds(10),
            Seconds(15),
            Seconds(30),
            Seconds(60),
            Seconds(120),
            Seconds(300),
            Seconds(600),
            Seconds(900),
            Seconds(1800),
            Seconds(3600),
            Seconds(7200),
            Seconds(10_800),
            Seconds(21_600),
            Seconds(43_200),
            Days(1),
            Days(2),
            Days(7),
            Months(1),
            Months(3),
            Months(6),
            Years(1),
            Years(5),
            Years(10),
            Years(100),
        ]
    };

    /// About how long it is, in seconds.
    fn seconds(self) -> i64 {
        match self {
            Step::Seconds(seconds) => seconds,
            Step::Days(days) => days * 86_400,
            Step::Months(months) => months * 30 * 86_400,
            Step::Years(years) => years * 365 * 86_400,
        }
    }

    /// Characters of its longest label, with a blank on each side.
    fn label_len(self) -> i64 {
        match self {
            Step::Seconds(seconds) if seconds < 60 => 10,
            Step::Seconds(_) | Step::Days(_) => 8,
            Step::Months(_) | Step::Years(_) => 6,
        }
    }

    /// The latest round time that is not after a moment.
    fn floor(self, moment: &DateTime) -> Option<DateTime> {
        let date = moment.date();
        let midnight = |date: jiff::civil::Date| date.to_datetime(Time::midnight());
        Some(match self {
            Step::Seconds(seconds) => {
                let of_day = i64::from(moment.hour()) * 3600
                    + i64::from(moment.minute()) * 60
                    + i64::from(moment.second());
                midnight(date).checked_add((of_day - of_day % seconds).seconds()).ok()?
            }
            Step::Days(7) => {
                let since_monday = date.weekday().to_monday_zero_offset();
                midnight(date.checked_sub(i64::from(since_monday).days()).ok()?)
            }
            Step::Days(days) => {
                let past = i64::from(date.day() - 1) % days;
                midnight(date.checked_sub(past.days()).ok()?)
            }
            Step::Months(months) => {
                let past = i64::from(date.month() - 1) % months;
                midnight(date.first_of_month().checked_sub(past.months()).ok()?)
            }
            Step::Years(years) => {
                let past = i64::from(date.year()).rem_euclid(years);
                midnight(date.first_of_year().checked_sub(past.years()).ok()?)
            }
        })
    }

    fn after(self, moment: DateTime) -> Option<DateTime> {
        let span = match self {
            Step::Seconds(seconds) => seconds.seconds(),
            Step::Days(days) => days.days(),
            Step::Months(months) => months.months(),
            Step::Years(years) => years.years(),
        };
        let next = moment.checked_add(span).ok()?;
        // Every other day starts anew each month.
        match self {
            Step::Days(2) if next.month() != moment.month() => {
                Some(next.first_of_month().with().time(Time::midnight()).build().ok()?)
            }
            _ => Some(next),
        }
    }

    fn label(self, moment: &Zoned) -> String {
        let midnight = moment.time() == Time::midnight();
        let new_year = moment.day() == 1 && moment.month() == 1;
        let format = match self {
            Step::Seconds(_) | Step::Days(_) if midnight && new_year => "%Y",
            Step::Seconds(_) | Step::Days(_) if midnight => "%b %-d",
            Step::Seconds(seconds) if seconds < 60 => "%H:%M:%S",
            Step::Seconds(_) | Step::Days(_) => "%H:%M",
            Step::Months(_) if !new_year => "%b",
            Step::Months(_) | Step::Years(_) => "%Y",
        };
        moment.strftime(format).to_string()
    }
}

/// Most ticks of an axis, whatever its width.
const TICKS_MAX: usize = 200;

/// The ticks of a span that is `cells` characters wide.
pub(super) fn ticks(start_ms: i64, end_ms: i64, zone: &TimeZone, cells: usize) -> Vec<Tick> {
    let span_s = (i128::from(end_ms) - i128::from(start_ms)).max(1) as f64 / 1000.0;
    let fits = |step: &&Step| step.seconds() as f64 / span_s * cells as f64 >= step.label_len() as f64;
    let step = Step::ALL.iter().find(fits).copied().unwrap_or(Step::Years(100));
    let mut ticks: Vec<Tick> = Vec::new();
    let Ok(start) = Timestamp::from_millisecond(start_ms) else { return ticks };
    let mut next = step.floor(&start.to_zoned(zone.clone()).datetime());
    while let Some(moment) = next.filter(|_| ticks.len() < TICKS_MAX) {
        let Ok(zoned) = moment.to_zoned(zone.clone()) else { break };
        let time_ms = zoned.timestamp().as_millisecond();
        if time_ms >= end_ms {
            break;
        }
        // A time that the clocks skip is a tick already.
        let is_new = ticks.last().is_none_or(|last| last.time_ms < time_ms);
        if time_ms >= start_ms && is_new {
            ticks.push(Tick { time_ms, label: step.label(&zoned) });
        }
        next = step.after(moment);
    }
    ticks
}

/// A span in words, such as `2026-11-22 12:00 to 13:00 UTC`. Where the clocks change within it, both ends have their zone.
pub(super) fn span(start_ms: i64, end_ms: i64, zone: &TimeZone) -> String {
    let zoned = |ms| Timestamp::from_millisecond(ms).ok().map(|time| time.to_zoned(zone.clone()));
    let (Some(start), Some(end)) = (zoned(start_ms), zoned(end_ms)) else { return String::new() };
    let clock = if end_ms.saturating_sub(start_ms) < 10 * 60_000 { "%H:%M:%S" } else { "%H:%M" };
    let from_zone = if start.offset() == end.offset() { "" } else { " %Z" };
    let to = if start.date() == end.date() { clock.to_owned() } else { format!("%Y-%m-%d {clock}") };
    let from = start.strftime(&format!("%Y-%m-%d {clock}{from_zone}")).to_string();
    format!("{from} to {}", end.strftime(&format!("{to} %Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(start: &str, end: &str, cells: usize) -> Vec<String> {
        let (start, end): (Zoned, Zoned) = (start.parse().unwrap(), end.parse().unwrap());
        let (start_ms, end_ms) = (start.timestamp().as_millisecond(), end.timestamp().as_millisecond());
        ticks(start_ms, end_ms, start.time_zone(), cells).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_at_round_local_times() {
        for (start, end, expected) in [
            (
                "2026-11-22T12:00:03+01:00[Europe/Berlin]",
                "2026-11-22T12:01:03+01:00[Europe/Berlin]",
                "12:00:10 12:00:20 12:00:30 12:00:40 12:00:50 12:01:00",
            ),
            (
                "2026-11-22T12:03:00+01:00[Europe/Berlin]",
                "2026-11-22T13:03:00+01:00[Europe/Berlin]",
                "12:10 12:20 12:30 12:40 12:50 13:00",
            ),
            (
                "2026-11-21T18:30:00+01:00[Europe/Berlin]",
                "2026-11-22T18:30:00+01:00[Europe/Berlin]",
                "21:00 Nov 22 03:00 06:00 09:00 12:00 15:00 18:00",
            ),
            (
                "2026-11-16T10:00:00+01:00[Europe/Berlin]",
                "2026-11-23T10:00:00+01:00[Europe/Berlin]",
                "Nov 17 Nov 18 Nov 19 Nov 20 Nov 21 Nov 22 Nov 23",
            ),
            (
                "2026-11-16T10:00:00+01:00[Europe/Berlin]",
                "2027-01-16T10:00:00+01:00[Europe/Berlin]",
                "Nov 23 Nov 30 Dec 7 Dec 14 Dec 21 Dec 28 Jan 4 Jan 11",
            ),
            (
                "2025-11-16T10:00:00+01:00[Europe/Berlin]",
                "2026-11-16T10:00:00+01:00[Europe/Berlin]",
                "2026 Apr Jul Oct",
            ),
            (
                "2020-03-01T00:00:00+00:00[UTC]",
                "2026-03-01T00:00:00+00:00[UTC]",
                "2021 2022 2023 2024 2025 2026",
            ),
        ] {
            assert_eq!(labels(start, end, 70).join(" "), expected);
        }
    }

    #[test]
    fn clock_changes_keep_ticks_on_round_hours() {
        // 02:00 to 03:00 does not exist on this day.
        let found = labels(
            "2026-03-29T00:00:00+01:00[Europe/Berlin]",
            "2026-03-29T12:00:00+02:00[Europe/Berlin]",
            70,
        );
        assert_eq!(found.join(" "), "Mar 29 03:00 04:00 06:00 08:00 10:00");
    }

    #[test]
    fn extreme_spans_end() {
        for (start_ms, end_ms) in
            [(i64::MIN, i64::MAX), (0, i64::MAX), (0, 1), (5, 5), (253_402_000_000_000, i64::MAX)]
        {
            assert!(ticks(start_ms, end_ms, &TimeZone::UTC, 500).len() <= TICKS_MAX);
            span(start_ms, end_ms, &TimeZone::UTC);
        }
    }

    #[test]
    fn spans_are_told_in_words() {
        assert_eq!(span(0, 3_600_000, &TimeZone::UTC), "1970-01-01 00:00 to 01:00 UTC");
        assert_eq!(span(0, 60_000, &TimeZone::UTC), "1970-01-01 00:00:00 to 00:01:00 UTC");
        assert_eq!(span(0, 86_400_000, &TimeZone::UTC), "1970-01-01 00:00 to 1970-01-02 00:00 UTC");
        let berlin = |start: &str, end: &str| {
            let ms = |time: &str| time.parse::<Timestamp>().unwrap().as_millisecond();
            span(ms(start), ms(end), &TimeZone::get("Europe/Berlin").unwrap())
        };
        assert_eq!(
            berlin("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            "2026-10-25 00:00 CEST to 2026-10-26 00:00 CET"
        );
        assert_eq!(
            berlin("2026-03-28T23:00:00Z", "2026-03-29T06:00:00Z"),
            "2026-03-29 00:00 CET to 08:00 CEST"
        );
        assert_eq!(berlin("2026-06-01T00:00:00Z", "2026-06-01T06:00:00Z"), "2026-06-01 02:00 to 08:00 CEST");
    }
}
