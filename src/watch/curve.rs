//! The samples of one metric that are held to be drawn.
//!
//! Invariant: times never go back, and there are at most [`WATCH_POINTS_MAX`]; the oldest go first.

use std::collections::VecDeque;

use custos_query::{Columns, Intervals, Limit, Rate, Reported, Series};
use custos_store::{Metric, State};

use crate::config::Threshold;
use crate::graph;
use crate::limits::WATCH_POINTS_MAX;
use crate::picture::configured;

/// One sample.
#[derive(Clone, Copy, Debug)]
struct Point {
    time_ms: i64,
    value: f64,
    after_gap: bool,
    /// Whether the run was made because somebody watched.
    watched: bool,
}

/// The longest time between two runs that is no gap (ms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bridge {
    /// Between two that were made because somebody watched.
    pub(super) watched_ms: i64,
    /// Where one of the two is the check's own.
    pub(super) own_ms: i64,
}

impl Bridge {
    /// What is no gap among runs of a span, of which there are the times (ms) and whether each was made because somebody watched.
    /// A slot that a clone left to a run of the check itself is none.
    pub(super) fn of(
        runs: impl Iterator<Item = (i64, bool)> + Clone,
        span: (i64, i64),
        scheduled_ms: Option<i64>,
    ) -> Bridge {
        let usual_ms = |watched: bool| {
            let mut intervals = Intervals::default();
            let times = runs.clone().filter(|(_, by_watching)| *by_watching == watched);
            times
                .filter(|(time_ms, _)| (span.0..span.1).contains(time_ms))
                .for_each(|(time_ms, _)| intervals.add(time_ms));
            intervals.usual_ms().unwrap_or(0)
        };
        let own_ms = scheduled_ms.unwrap_or_else(|| usual_ms(false));
        let watched_ms = usual_ms(true);
        Bridge {
            watched_ms: watched_ms.saturating_mul(2).saturating_add(watched_ms / 2),
            own_ms: own_ms.saturating_add(own_ms / 2),
        }
    }

    /// How far the next run may be from one without a gap.
    pub(super) fn between(self, watched: bool, next_watched: bool) -> i64 {
        if watched && next_watched { self.watched_ms } else { self.own_ms.max(self.watched_ms) }
    }
}

/// The samples of a series of a check.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) series: Series,
    /// As it is printed.
    printed_unit: String,
    rate: Rate,
    points: VecDeque<Point>,
    gap: bool,
    /// The plugin's own ranges, of the last sample.
    limits: Vec<Limit>,
    /// Samples in other units that were held before, and are not any longer.
    dropped: u64,
}

impl Curve {
    pub(super) fn new(series: Series) -> Curve {
        Curve {
            series,
            printed_unit: String::new(),
            rate: Rate::default(),
            points: VecDeque::new(),
            gap: false,
            limits: Vec::new(),
            dropped: 0,
        }
    }

    /// A counter is drawn as its change per second.
    fn is_rate(&self) -> bool {
        Rate::is_of_counter(&self.printed_unit)
    }

    /// Takes in a sample of a run, which may have been made because somebody watched. One that is not finite is a gap.
    pub(super) fn add(&mut self, (time_ms, watched): (i64, bool), reported: &Reported<'_>) {
        if reported.unit != self.printed_unit {
            self.dropped += self.points.len() as u64;
            self.points.clear();
            self.rate = Rate::default();
            reported.unit.clone_into(&mut self.printed_unit);
        }
        let is_newest = self.points.back().is_none_or(|last| last.time_ms < time_ms);
        if is_newest {
            self.limits = reported.metric.map(limits).unwrap_or_default();
        }
        let value = match self.is_rate() {
            // What came too late to be in order says nothing of a change.
            true if !is_newest => return,
            true => match self.rate.add(time_ms, reported.value, &self.printed_unit) {
                Some(value) => value,
                None => return,
            },
            false => reported.value.to_f64(),
        };
        if !value.is_finite() {
            self.gap();
            return;
        }
        let at = self.points.partition_point(|point| point.time_ms < time_ms);
        let after_gap = is_newest && std::mem::take(&mut self.gap);
        if self.points.get(at).is_some_and(|point| point.time_ms == time_ms) {
            return;
        }
        self.points.insert(at, Point { time_ms, value, after_gap, watched });
        if self.points.len() > WATCH_POINTS_MAX {
            self.points.pop_front();
        }
    }

    /// There is no value here.
    pub(super) fn gap(&mut self) {
        self.gap = true;
        self.rate.gap();
    }

    /// The samples of a span, in so many columns; `shift_ms` is added to their times.
    pub(super) fn drawn(&self, of: &Drawing<'_>) -> graph::Series {
        let (start_ms, end_ms) = of.span;
        let mut columns = Columns::new(start_ms, end_ms, of.columns);
        let first = self.points.partition_point(|point| point.time_ms.saturating_add(of.shift_ms) < start_ms);
        let mut before: Option<&Point> = None;
        for point in self.points.range(first..) {
            let time_ms = point.time_ms.saturating_add(of.shift_ms);
            if time_ms >= end_ms {
                break;
            }
            let is_far = |before: &Point| {
                let bridge_ms = of.bridge.between(before.watched, point.watched);
                point.time_ms.saturating_sub(before.time_ms) > bridge_ms
            };
            if point.after_gap || before.is_some_and(is_far) {
                columns.gap();
            }
            before = Some(point);
            columns.add(time_ms, point.value);
        }
        let is_rate = self.is_rate();
        let unit = if is_rate { Rate::unit(&self.printed_unit) } else { self.printed_unit.clone() };
        let own = self.limits.iter().filter(|_| !is_rate);
        let mut thresholds: Vec<graph::Threshold> =
            own.map(|limit| graph::Threshold { limit: *limit, of_plugin: true }).collect();
        thresholds.extend(configured(&self.series, (&unit, is_rate), of.thresholds));
        let note = (self.dropped > 0).then(|| format!("the unit changed; {} left out", self.dropped));
        graph::Series {
            check: of.title.to_owned(),
            name: self.series.to_string(),
            unit,
            columns: columns.into_vec(),
            thresholds,
            note,
            // The gaps are marked.
            bridge_ms: i64::MAX,
            band: Vec::new(),
            consolidated: Vec::new(),
        }
    }
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing<'a> {
    /// The check, with its host if that is another.
    pub(super) title: &'a str,
    /// From when until when (ms since the epoch).
    pub(super) span: (i64, i64),
    pub(super) columns: usize,
    /// What is added to the times.
    pub(super) shift_ms: i64,
    pub(super) bridge: Bridge,
    /// Those of the check's definition.
    pub(super) thresholds: &'a [Threshold],
}

/// The ranges that a plugin printed beside a value.
fn limits(metric: &Metric) -> Vec<Limit> {
    let of = |state, bounds: Option<_>| bounds.map(|bounds| Limit { state, bounds });
    [of(State::Warning, metric.warn), of(State::Critical, metric.crit)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use custos_store::{SeriesKey, Value};

    use super::*;

    const BRIDGE: Bridge = Bridge { watched_ms: 10, own_ms: 100 };

    fn curve() -> Curve {
        Curve::new(Series::Metric(SeriesKey { label: "m".to_owned(), labels: Vec::new() }))
    }

    fn add(curve: &mut Curve, time_ms: i64, value: f64, unit: &str) {
        curve.add((time_ms, true), &Reported { value: Value::from(value), unit, metric: None });
    }

    fn values(curve: &Curve, span: (i64, i64), columns: usize, shift_ms: i64) -> Vec<Option<f64>> {
        let of = Drawing { title: "x", span, columns, shift_ms, bridge: BRIDGE, thresholds: &[] };
        curve.drawn(&of).columns.iter().map(|column| column.map(|column| column.last)).collect()
    }

    #[test]
    fn samples_are_drawn_where_they_belong_whenever_they_came() {
        let mut curve = curve();
        for (time_ms, value) in [(0, 1.0), (20, 3.0), (10, 2.0), (20, 9.0), (90, 4.0)] {
            add(&mut curve, time_ms, value, "");
        }
        assert_eq!(values(&curve, (0, 30), 3, 0), [Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(values(&curve, (0, 30), 3, 10), [None, Some(1.0), Some(2.0)]);
        assert_eq!(values(&curve, (5, 35), 3, 0), [Some(2.0), Some(3.0), None]);
    }

    #[test]
    fn runs_of_the_check_itself_may_be_further_apart() {
        let mut curve = curve();
        let mut run = |time_ms, watched| {
            curve.add((time_ms, watched), &Reported { value: Value::from(1.0), unit: "", metric: None });
        };
        [(0, false), (90, false), (150, true), (160, true), (180, true), (250, false), (400, false)]
            .into_iter()
            .for_each(|(time_ms, watched)| run(time_ms, watched));
        let of =
            Drawing { title: "x", span: (0, 500), columns: 50, shift_ms: 0, bridge: BRIDGE, thresholds: &[] };
        let columns = curve.drawn(&of).columns;
        let gaps = columns.iter().flatten().filter(|column| column.after_gap).map(|column| column.first_ms);
        assert_eq!(gaps.collect::<Vec<_>>(), [180, 400]);
    }

    #[test]
    fn a_counter_is_drawn_as_a_rate_that_knows_gaps() {
        let mut curve = curve();
        add(&mut curve, 0, 100.0, "c");
        add(&mut curve, 1000, 300.0, "c");
        curve.gap();
        add(&mut curve, 2000, 900.0, "c");
        add(&mut curve, 3000, 901.0, "c");
        assert_eq!(values(&curve, (0, 4000), 4, 0), [None, Some(200.0), None, Some(1.0)]);
    }

    #[test]
    fn another_unit_begins_anew() {
        let mut curve = curve();
        add(&mut curve, 0, 100.0, "B");
        add(&mut curve, 1, 5.0, "s");
        assert_eq!(values(&curve, (0, 2), 2, 0), [None, Some(5.0)]);
        let of =
            Drawing { title: "x", span: (0, 2), columns: 2, shift_ms: 0, bridge: BRIDGE, thresholds: &[] };
        assert_eq!(curve.drawn(&of).note.as_deref(), Some("the unit changed; 1 left out"));
    }

    #[test]
    fn the_oldest_samples_go_first() {
        let mut curve = curve();
        for time_ms in 0..WATCH_POINTS_MAX as i64 + 3 {
            add(&mut curve, time_ms, 1.0, "");
        }
        assert_eq!(curve.points.len(), WATCH_POINTS_MAX);
        assert_eq!(curve.points[0].time_ms, 3);
    }
}
