//! Which days a rule of a period is for.

use std::fmt;

use jiff::civil::{Date, Weekday};

use crate::text::weekday::WEEKDAYS;

/// The months by their names.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Any year in which February is at its longest.
const LEAP_YEAR: i16 = 2024;

/// A set of days, from the most specific kind to the least: where several rules are for a day, the most specific wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// `2026-12-24 - 2027-01-01`: these dates, both included.
    Dates(Date, Date),
    /// `december 24 - january 2`: each year, as (month, day); a negative day counts from the end of the month.
    OfYear((i8, i8), (i8, i8)),
    /// `day 1 - 15`: each month; negative ones count from its end.
    OfMonth(i8, i8),
    /// `monday -1 may`: the nth of a month, from its end if negative.
    NthOfMonth(Weekday, i8, i8),
    /// `monday 1`: the nth of each month, from its end if negative.
    Nth(Weekday, i8),
    /// `monday - friday`: each week.
    Weekly(Weekday, Weekday),
}

impl Days {
    /// Reads a day or a range of days; `None` if it is neither.
    pub fn parse(text: &str) -> Option<Days> {
        let lower = text.trim().to_ascii_lowercase();
        let (first, last) = match lower.split_once(" - ") {
            Some((first, last)) => (first, Some(last.trim())),
            None => (lower.as_str(), None),
        };
        let words: Vec<&str> = first.split_whitespace().collect();
        match words[..] {
            ["day", day] => {
                let first = month_day(day)?;
                Some(Days::OfMonth(first, last.map_or(Some(first), month_day)?))
            }
            [one] if one.starts_with(|c: char| c.is_ascii_digit()) => {
                let first = date(one)?;
                let last = last.map_or(Some(first), date)?;
                (first <= last).then_some(Days::Dates(first, last))
            }
            [one] => {
                let first = weekday(one)?;
                Some(Days::Weekly(first, last.map_or(Some(first), weekday)?))
            }
            [day, nth] if weekday(day).is_some() && last.is_none() => {
                Some(Days::Nth(weekday(day)?, nth_of(nth)?))
            }
            [day, nth, of] if last.is_none() => {
                Some(Days::NthOfMonth(weekday(day)?, nth_of(nth)?, month(of)?))
            }
            [of, day] => {
                let first = day_of_month(month(of)?, day)?;
                Some(Days::OfYear(first, last.map_or(Some(first), |last| end_of_year_range(last, first.0))?))
            }
            _ => None,
        }
    }

    /// How specific the days are: 0 wins over 1.
    pub fn rank(&self) -> u8 {
        match self {
            Days::Dates(..) => 0,
            Days::OfYear(..) => 1,
            Days::OfMonth(..) => 2,
            Days::NthOfMonth(..) => 3,
            Days::Nth(..) => 4,
            Days::Weekly(..) => 5,
        }
    }

    /// Whether a date is one of the days.
    pub fn contains(&self, date: Date) -> bool {
        match self {
            Days::Dates(first, last) => (*first..=*last).contains(&date),
            Days::OfYear(first, last) => {
                let of_year = |(month, day): (i8, i8)| {
                    let length = Date::new(date.year(), month, 1).map_or(31, Date::days_in_month);
                    (month, counted(day, length))
                };
                within((date.month(), date.day()), of_year(*first), of_year(*last))
            }
            Days::OfMonth(first, last) => {
                let length = date.days_in_month();
                (counted(*first, length)..=counted(*last, length)).contains(&date.day())
            }
            Days::NthOfMonth(weekday, nth, month) => {
                date.month() == *month
                    && date.nth_weekday_of_month(*nth, *weekday).is_ok_and(|that| that == date)
            }
            Days::Nth(weekday, nth) => {
                date.nth_weekday_of_month(*nth, *weekday).is_ok_and(|that| that == date)
            }
            Days::Weekly(first, last) => {
                let number = Weekday::to_monday_zero_offset;
                within(number(date.weekday()), number(*first), number(*last))
            }
        }
    }
}

/// Whether something lies between two others, both included, on a circle.
fn within<T: PartialOrd>(one: T, first: T, last: T) -> bool {
    if first <= last { first <= one && one <= last } else { first <= one || one <= last }
}

/// A day of a month of that length; -1 is the last.
fn counted(day: i8, length: i8) -> i8 {
    if day < 0 { length + 1 + day } else { day }
}

/// The end of a range within the year: `january 2`, or a day of the month in which it began.
fn end_of_year_range(text: &str, began: i8) -> Option<(i8, i8)> {
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [day] => day_of_month(began, day),
        [of, day] => day_of_month(month(of)?, day),
        _ => None,
    }
}

/// A day that the month has, in leap years at least.
fn day_of_month(month: i8, day: &str) -> Option<(i8, i8)> {
    let length = Date::new(LEAP_YEAR, month, 1).ok()?.days_in_month();
    month_day(day).filter(|day| day.unsigned_abs() <= length.unsigned_abs()).map(|day| (month, day))
}

fn weekday(text: &str) -> Option<Weekday> {
    WEEKDAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}

fn weekday_name(weekday: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(_, day)| *day == weekday).map_or("", |(name, _)| name)
}

fn month(text: &str) -> Option<i8> {
    MONTHS.iter().position(|name| *name == text).and_then(|index| i8::try_from(index + 1).ok())
}

fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or("")
}

fn month_day(text: &str) -> Option<i8> {
    text.parse().ok().filter(|day: &i8| (1..=31).contains(&day.unsigned_abs()))
}

fn nth_of(text: &str) -> Option<i8> {
    text.parse().ok().filter(|nth: &i8| (1..=5).contains(&nth.unsigned_abs()))
}

fn date(text: &str) -> Option<Date> {
    // Nothing but a plain date: the parser would take a time behind it, too.
    text.parse().ok().filter(|_| text.len() == "2026-12-24".len())
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Days::Dates(first, last) if first == last => write!(f, "{first}"),
            Days::Dates(first, last) => write!(f, "{first} - {last}"),
            Days::OfYear(first, last) => {
                write!(f, "{} {}", month_name(first.0), first.1)?;
                if first == last { Ok(()) } else { write!(f, " - {} {}", month_name(last.0), last.1) }
            }
            Days::OfMonth(first, last) if first == last => write!(f, "day {first}"),
            Days::OfMonth(first, last) => write!(f, "day {first} - {last}"),
            Days::NthOfMonth(day, nth, month) => {
                write!(f, "{} {nth} {}", weekday_name(*day), month_name(*month))
            }
            Days::Nth(day, nth) => write!(f, "{} {nth}", weekday_name(*day)),
            Days::Weekly(first, last) if first == last => f.write_str(weekday_name(*first)),
            Days::Weekly(first, last) => write!(f, "{} - {}", weekday_name(*first), weekday_name(*last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days among these that a rule is for.
    fn chosen<'d>(rule: &str, dates: &[&'d str]) -> Vec<&'d str> {
        let days = Days::parse(rule).unwrap();
        assert_eq!(Days::parse(&days.to_string()), Some(days.clone()), "{rule} is shown as it is read");
        dates.iter().filter(|text| days.contains(date(text).unwrap())).copied().collect()
    }

    #[test]
    fn each_kind_of_days_is_known() {
        let dates = [
            "2026-11-30",
            "2026-12-24",
            "2026-12-31",
            "2027-01-02",
            "2027-02-28",
            "2028-02-28",
            "2028-02-29",
        ];
        assert_eq!(chosen("2026-12-24", &dates), ["2026-12-24"]);
        assert_eq!(chosen("2026-12-01 - 2026-12-31", &dates), ["2026-12-24", "2026-12-31"]);
        assert_eq!(chosen("December 24 - January 2", &dates), ["2026-12-24", "2026-12-31", "2027-01-02"]);
        assert_eq!(chosen("december 20 - 26", &dates), ["2026-12-24"]);
        assert_eq!(chosen("february -1", &dates), ["2027-02-28", "2028-02-29"]);
        assert_eq!(chosen("day 1 - 2", &dates), ["2027-01-02"]);
        assert_eq!(
            chosen("day -2 - -1", &dates),
            ["2026-11-30", "2026-12-31", "2027-02-28", "2028-02-28", "2028-02-29"]
        );
        assert_eq!(chosen("monday", &dates), ["2026-11-30", "2028-02-28"]);
        assert_eq!(chosen("monday -1", &dates), ["2026-11-30", "2028-02-28"]);
        assert_eq!(chosen("monday -1 november", &dates), ["2026-11-30"]);
        assert_eq!(
            chosen("saturday - monday", &dates),
            ["2026-11-30", "2027-01-02", "2027-02-28", "2028-02-28"]
        );
        assert_eq!(chosen("tuesday 5", &dates), ["2028-02-29"]);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for wrong in [
            "",
            "mondays",
            "day",
            "day 0",
            "day 32",
            "monday 6",
            "monday 1 - 2",
            "may",
            "may 5 2026",
            "2026-02-30",
            "2026-12-24T10:00",
            "2027-01-01 - 2026-01-01",
            "5 may",
            "monday 1 2",
            "february 30",
            "april -31",
            "january 5 - february 30",
            "april 5 - 31",
        ] {
            assert_eq!(Days::parse(wrong), None, "{wrong}");
        }
    }
}
