//! What a series normally is at each hour of the week, from all of its history.
//!
//! Robust without tuning: a week in which an hour was far from where it is in the others does not count for that hour, and of the rest
//! the lowest and the greatest twentieth are left out. So an incident of the past is not normal for long.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::limits::{
    NORMAL_DAYS_MAX, NORMAL_DAYS_MIN, NORMAL_ODD_DEVIATIONS, NORMAL_OUTER_SHARE, NORMAL_WEEKS_MIN,
};

/// Hours of a week.
pub const WEEK_HOURS: usize = 168;
/// Hours of a day.
pub const DAY_HOURS: usize = 24;

/// Where a series normally is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Lower it is only in one of twenty cases, ...
    pub low: f64,
    /// ... as often lower as higher than this, ...
    pub middle: f64,
    /// ... and higher than this only in one of twenty.
    pub high: f64,
    /// The weeks, or days, that it goes by.
    pub of: u32,
    /// Whether these are days: of too few weeks, all days count as the same.
    pub by_day: bool,
}

/// A value in its hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hourly {
    /// The day, counted from anywhere; weeks begin with days that are multiples of seven.
    pub day: i64,
    /// The hour of that day, 0 to 23.
    pub hour: usize,
    /// The value.
    pub value: f64,
}

/// Values by day and hour, of which the bands of any day can be asked.
///
/// A day is judged by what was before the day before it. So its bands are known a day ahead, and are the same whenever they are
/// worked out: by an agent that runs, and over the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hours {
    /// The values of each hour of each day.
    days: BTreeMap<i64, [Vec<f64>; DAY_HOURS]>,
}

impl Hours {
    /// Adds a value; one that is not finite, or of no hour, is left out.
    pub fn add(&mut self, one: Hourly) {
        if one.value.is_finite() && one.hour < DAY_HOURS {
            self.days.entry(one.day).or_default()[one.hour].push(one.value);
        }
    }

    /// The bands of the hours of a day, by at most two years that end a day before it begins.
    pub fn day(&self, day: i64) -> Vec<Option<Band>> {
        let before = day.saturating_sub(1);
        self.of_weekday(day.rem_euclid(7) as usize, before.saturating_sub(NORMAL_DAYS_MAX)..before)
    }

    /// The bands of the hours of a weekday, by what is known of these days.
    fn of_weekday(&self, weekday: usize, days: Range<i64>) -> Vec<Option<Band>> {
        let first = weekday * DAY_HOURS;
        let by_week = bands(first..first + DAY_HOURS, WEEK_HOURS, (NORMAL_WEEKS_MIN, false), |hour| {
            let of = self.days.range(days.clone());
            let same = of.filter(|(day, _)| day.rem_euclid(7) as usize == hour / DAY_HOURS);
            same.map(|(_, hours)| &hours[hour % DAY_HOURS][..]).filter(|values| !values.is_empty()).collect()
        });
        if by_week.iter().all(Option::is_some) {
            return by_week;
        }
        let by_day = bands(0..DAY_HOURS, DAY_HOURS, (NORMAL_DAYS_MIN, true), |hour| {
            let of = self.days.range(days.clone()).map(|(_, hours)| &hours[hour][..]);
            of.filter(|values| !values.is_empty()).collect()
        });
        by_week.into_iter().zip(by_day).map(|(band, by_day)| band.or(by_day)).collect()
    }
}

/// The band of each hour of the week, from the first of a day that is a multiple of seven on; none where too little is known.
pub fn normal(values: &[Hourly]) -> Vec<Option<Band>> {
    let mut hours = Hours::default();
    values.iter().for_each(|one| hours.add(*one));
    (0..WEEK_HOURS / DAY_HOURS).flat_map(|weekday| hours.of_weekday(weekday, i64::MIN..i64::MAX)).collect()
}

/// The bands of some of so many hours that go round, of at least so many weeks or days. `of_hour` gives the values of an hour, a
/// list for each of these.
fn bands<'v>(
    hours: Range<usize>,
    all: usize,
    (least, by_day): (usize, bool),
    of_hour: impl Fn(usize) -> Vec<&'v [f64]>,
) -> Vec<Option<Band>> {
    // What is normal does not jump at the full hour: the hours before and after count as well.
    let near: Vec<Vec<&[f64]>> =
        (hours.start + all - 1..=hours.end + all).map(|hour| ordinary(&of_hour(hour % all))).collect();
    let band = |near: &[Vec<&[f64]>]| {
        let of = near[1].len();
        if of < least {
            return None;
        }
        let mut values: Vec<f64> = near.iter().flatten().flat_map(|values| values.iter().copied()).collect();
        let mut at = |share| quantile(&mut values, share);
        let (low, middle, high) = (at(NORMAL_OUTER_SHARE), at(0.5), at(1.0 - NORMAL_OUTER_SHARE));
        Some(Band { low, middle, high, of: of as u32, by_day })
    };
    near.windows(3).map(band).collect()
}

/// The weeks or days in which an hour was as it mostly is.
fn ordinary<'v>(of: &[&'v [f64]]) -> Vec<&'v [f64]> {
    let at = |values: &[f64], share| quantile(&mut values.to_vec(), share);
    let middles: Vec<f64> = of.iter().map(|values| at(values, 0.5)).collect();
    let middle = at(&middles, 0.5);
    let apart: Vec<f64> = middles.iter().map(|own| (own - middle).abs()).collect();
    let within: Vec<f64> = of.iter().map(|values| at(values, 0.75) - at(values, 0.25)).collect();
    // As a deviation, each: between the weeks, and within one.
    let usual = (at(&apart, 0.5) * 1.4826).hypot(at(&within, 0.5) / 1.349);
    let is_ordinary = |own: f64| (own - middle).abs() <= NORMAL_ODD_DEVIATIONS * usual;
    of.iter().zip(middles).filter(|(_, own)| is_ordinary(*own)).map(|(values, _)| *values).collect()
}

/// The value below which this share of values lies; not a number of none.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let index = ((values.len() - 1) as f64 * share).round() as usize;
    *values.select_nth_unstable_by(index, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(at: i64) -> f64 {
        let mut bits = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    /// Twelve values an hour.
    fn days(count: i64, of: impl Fn(i64, usize) -> f64) -> Vec<Hourly> {
        let mut values = Vec::new();
        for day in 0..count {
            for hour in 0..24 {
                for part in 0..12 {
                    let at = (day * 24 + hour as i64) * 12 + part;
                    values.push(Hourly { day, hour, value: of(day, hour) + noise(at) });
                }
            }
        }
        values
    }

    #[test]
    fn each_hour_of_the_week_has_its_band() {
        // Busy on the first five days of a week, from nine to five.
        let busy = |day: i64, hour: usize| day % 7 < 5 && (9..17).contains(&hour);
        let bands = normal(&days(70, |day, hour| if busy(day, hour) { 50.0 } else { 10.0 }));
        let at = |day: usize, hour: usize| bands[day * 24 + hour].unwrap();
        assert!((at(2, 12).middle - 50.0).abs() < 0.2 && at(2, 12).low > 49.4 && at(2, 12).high < 50.6);
        assert!((at(6, 12).middle - 10.0).abs() < 0.2 && at(6, 12).of == 10 && !at(6, 12).by_day);
        // At the edge both are normal.
        assert!(at(2, 9).low < 11.0 && at(2, 9).high > 49.0);
    }

    #[test]
    fn incidents_of_the_past_are_not_normal() {
        let odd = |day: i64| if day == 15 || day == 36 || day == 43 { 500.0 } else { 0.0 };
        let bands = normal(&days(70, |day, _| 20.0 + odd(day)));
        for (hour, band) in bands.iter().enumerate() {
            let band = band.unwrap();
            assert!(band.high < 20.6 && band.low > 19.4, "{hour}: {band:?}");
        }
        assert_eq!(bands[24 + 12].unwrap().of, 7);
    }

    #[test]
    fn what_varies_from_week_to_week_is_normal() {
        let bands = normal(&days(70, |day, _| 20.0 + 8.0 * noise(day / 7 + 9000)));
        let band = bands[30].unwrap();
        assert!(band.high - band.low > 3.0 && band.of >= 9, "{band:?}");
    }

    #[test]
    fn with_few_weeks_days_count_and_with_few_days_nothing_is_said() {
        let bands = normal(&days(10, |_, hour| hour as f64));
        assert!(bands.iter().all(|band| band.is_some_and(|band| band.by_day)));
        assert!((bands[5 * 24 + 7].unwrap().middle - 7.0).abs() < 0.5);
        assert!(normal(&days(2, |_, _| 1.0)).iter().all(Option::is_none));
        assert!(normal(&[]).iter().all(Option::is_none));
        let odd = [Hourly { day: 3, hour: 99, value: 1.0 }, Hourly { day: 3, hour: 1, value: f64::NAN }];
        assert!(normal(&odd).iter().all(Option::is_none));
        let constant: Vec<Hourly> =
            days(70, |_, _| 0.0).into_iter().map(|one| Hourly { value: 4.0, ..one }).collect();
        assert!(
            normal(&constant).iter().all(|band| band.is_some_and(|band| (band.low, band.high) == (4.0, 4.0)))
        );
    }

    #[test]
    fn a_day_goes_by_what_was_before_the_day_before_it() {
        let of = |day: i64, hour: usize| (day % 7 * 100) as f64 + hour as f64;
        let mut hours = Hours::default();
        days(70, of).into_iter().for_each(|one| hours.add(one));
        for day in [4, 9, 30, 66] {
            let before: Vec<Hourly> = days(70, of).into_iter().filter(|one| one.day < day - 1).collect();
            let first = day.rem_euclid(7) as usize * 24;
            assert_eq!(hours.day(day), normal(&before)[first..first + 24], "{day}");
        }
        // With three days before it nothing is said of the fourth day, and something of the fifth.
        assert!(hours.day(3).iter().all(Option::is_none) && hours.day(4).iter().all(Option::is_some));
        // What was more than two years ago no longer counts.
        assert!(hours.day(70 + NORMAL_DAYS_MAX).iter().all(Option::is_none));
    }
}
