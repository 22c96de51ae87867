//! How often and how long alerts fired.

use std::collections::BTreeMap;

use custos_promql::Labels;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::interval::Backtest;

/// An alert that begins so soon after the same one ended counts as a flap (ms).
const FLAP_MS: i64 = 600_000;

/// How often and how long alerts fired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Alerts.
    pub alerts: u64,
    /// For how long they fired, all together (ms).
    pub firing_ms: i64,
    /// The shortest that has ended (ms).
    pub shortest_ms: Option<i64>,
    /// The longest (ms).
    pub longest_ms: Option<i64>,
    /// Those that began within ten minutes after the end of one with the same labels.
    pub flaps: u64,
    /// How many began in each hour of the day.
    pub by_hour: [u64; 24],
    /// How many began on each day of the week, Monday first.
    pub by_weekday: [u64; 7],
    /// How many there were a week of observed time.
    pub per_week: Option<f64>,
}

/// The totals of a backtest, with hours and days of a zone.
pub fn totals(backtest: &Backtest, zone: &TimeZone) -> Totals {
    let mut totals = Totals { alerts: backtest.intervals.len() as u64, ..Totals::default() };
    let end_ms = backtest.end_ms();
    // Those that are the same alert follow one another.
    let mut ended: BTreeMap<(&str, &Labels), i64> = BTreeMap::new();
    for interval in &backtest.intervals {
        let length_ms = interval.span(end_ms).length_ms();
        totals.firing_ms = totals.firing_ms.saturating_add(length_ms);
        totals.longest_ms = totals.longest_ms.max(Some(length_ms));
        if interval.until_ms.is_some() {
            totals.shortest_ms = Some(totals.shortest_ms.map_or(length_ms, |least| least.min(length_ms)));
        }
        let before = match interval.until_ms {
            Some(until_ms) => ended.insert(interval.identity(), until_ms),
            None => ended.get(&interval.identity()).copied(),
        };
        let since_ms = before.map(|until_ms| interval.since_ms.saturating_sub(until_ms));
        totals.flaps += u64::from(since_ms.is_some_and(|since_ms| (0..=FLAP_MS).contains(&since_ms)));
        if let Ok(time) = Timestamp::from_millisecond(interval.since_ms) {
            let time = time.to_zoned(zone.clone());
            totals.by_hour[usize::from(time.hour().unsigned_abs()) % 24] += 1;
            totals.by_weekday[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs()) % 7] += 1;
        }
    }
    let weeks = backtest.observed_ms() as f64 / (7.0 * 86_400_000.0);
    totals.per_week = (weeks > 0.0).then(|| totals.alerts as f64 / weeks);
    totals
}

#[cfg(test)]
mod tests {
    use custos_store::State;

    use super::*;
    use crate::backtest::{AlertInterval, Span};

    #[test]
    fn alerts_are_counted_by_their_beginnings() {
        let minute = |minute: i64| 1_795_348_800_000 + minute * 60_000;
        let interval = |since: i64, until: Option<i64>| AlertInterval {
            check: "load".to_owned(),
            pending_since_ms: minute(since),
            since_ms: minute(since),
            until_ms: until.map(minute),
            state: State::Critical,
            labels: Labels::default(),
            peak: None,
            said: String::new(),
        };
        let backtest = Backtest {
            span: Some(Span { since_ms: minute(-1440), until_ms: minute(1440) }),
            intervals: vec![interval(0, Some(10)), interval(15, Some(16)), interval(130, None)],
            not_observed: vec![Span { since_ms: minute(-1440), until_ms: minute(0) }],
            ..Backtest::default()
        };
        // 2026-11-22 is a Sunday; noon in UTC.
        let totals = totals(&backtest, &TimeZone::UTC);
        assert_eq!((totals.alerts, totals.flaps), (3, 1));
        assert_eq!((totals.shortest_ms, totals.longest_ms), (Some(60_000), Some(1310 * 60_000)));
        assert_eq!((totals.by_hour[12], totals.by_hour[14], totals.by_weekday[6]), (2, 1, 3));
        assert_eq!(totals.per_week, Some(21.0));
    }
}
