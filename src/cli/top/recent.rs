//! The last minutes of a check's main metric, or of its states if it has none, in slots of equal length that are the same for all checks: what happened at one
//! time stands in one column.

use std::collections::VecDeque;

use custos_query::{COUNTER, is_judged};
use custos_store::{Metric, Run, SeriesKey, State, Value};

use crate::graph::{Glyphs, state_mark};
use crate::limits::{TOP_RECENT, TOP_RECENT_SLOT};

const SLOT_MS: i64 = TOP_RECENT_SLOT.as_millis() as i64;
const SLOTS: usize = (TOP_RECENT.as_millis() / TOP_RECENT_SLOT.as_millis()) as usize;
/// A value holds up to the next one if that comes within so many of the intervals before.
const GAP_INTERVALS: i64 = 2;

/// The last minutes of a series.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// None for the states.
    key: Option<SeriesKey>,
    /// Counters are shown as what they grew by per second.
    is_counter: bool,
    /// The greatest value of each slot, the last of them `newest`. Not a number where there is none.
    slots: VecDeque<f32>,
    newest: i64,
    /// Time and number of the last sample.
    last: Option<(i64, f64)>,
    /// What is shown of it.
    shown: f32,
    interval_ms: Option<i64>,
}

impl Recent {
    /// The series of a check that matters most, by its newest run: the first with limits, else the first. `is_judged` tells
    /// whether the definition has a threshold on a metric of that label.
    pub(super) fn of(metrics: &[Metric], is_judged: impl Fn(&str) -> bool) -> Recent {
        let has_limits =
            |metric: &&Metric| metric.warn.is_some() || metric.crit.is_some() || is_judged(&metric.label);
        match metrics.iter().find(has_limits).or(metrics.first()) {
            Some(main) => Recent {
                key: Some(SeriesKey { label: main.label.clone(), labels: main.labels.clone() }),
                is_counter: main.unit == COUNTER,
                ..Recent::of_states()
            },
            None => Recent::of_states(),
        }
    }

    /// The states of a check: of each slot the worst.
    pub(super) fn of_states() -> Recent {
        Recent {
            key: None,
            is_counter: false,
            slots: VecDeque::from(vec![f32::NAN; SLOTS]),
            newest: i64::MIN,
            last: None,
            shown: f32::NAN,
            interval_ms: None,
        }
    }

    /// Whether it shows states.
    pub(super) fn is_of_states(&self) -> bool {
        self.key.is_none()
    }

    /// Takes in a run.
    pub(super) fn take(&mut self, run: &Run) {
        let value = match &self.key {
            Some(key) => {
                let metric = run.metrics.iter().find(|metric| key.names(metric));
                metric.and_then(|metric| metric.value).map(Value::to_f64)
            }
            None => is_judged(run.reason).then(|| f64::from(run.state.severity())),
        };
        if let Some(value) = value {
            self.add(run.time_ms, value);
        }
    }

    fn add(&mut self, time_ms: i64, value: f64) {
        let before = self.last.replace((time_ms, value));
        let passed_ms = before.map(|(before_ms, _)| time_ms.saturating_sub(before_ms)).filter(|ms| *ms > 0);
        let held = self.shown;
        self.shown = match (self.is_counter, before, passed_ms) {
            (false, ..) => value as f32,
            // A counter that falls was reset.
            (true, Some((_, before)), Some(ms)) if value >= before => {
                ((value - before) * 1000.0 / ms as f64) as f32
            }
            (true, ..) => f32::NAN,
        };
        let is_gap = match (passed_ms, self.interval_ms) {
            (Some(passed_ms), Some(interval_ms)) => {
                passed_ms > interval_ms.saturating_mul(GAP_INTERVALS).saturating_add(SLOT_MS)
            }
            _ => false,
        };
        self.interval_ms = passed_ms.or(self.interval_ms);
        let slot = time_ms.div_euclid(SLOT_MS);
        // What a counter came to is known at its end: it holds for the time before.
        let between = if is_gap {
            f32::NAN
        } else if self.is_counter {
            self.shown
        } else {
            held
        };
        self.move_to(slot, between);
        let Some(at) = self.index(slot) else { return };
        // The greatest of a slot, but for what was held into it.
        let first_of_slot = before.is_none_or(|(before_ms, _)| before_ms.div_euclid(SLOT_MS) != slot);
        self.slots[at] = if first_of_slot { self.shown } else { self.slots[at].max(self.shown) };
    }

    /// Makes a slot the newest, if it is later.
    fn move_to(&mut self, slot: i64, between: f32) {
        if self.newest == i64::MIN {
            self.newest = slot;
        }
        let steps = slot.saturating_sub(self.newest).clamp(0, SLOTS as i64);
        for _ in 0..steps {
            self.slots.pop_front();
            self.slots.push_back(between);
        }
        self.newest = self.newest.max(slot);
    }

    fn index(&self, slot: i64) -> Option<usize> {
        let back = usize::try_from(self.newest.saturating_sub(slot)).ok()?;
        SLOTS.checked_sub(back + 1)
    }

    /// The greatest value in each of so many columns of the last minutes.
    fn columns(&self, now_ms: i64, columns: usize) -> Vec<f32> {
        let slots_each = SLOTS.div_ceil(columns.max(1)) as i64;
        // Columns begin at multiples of their length, so that none changes but the last.
        let last_column = now_ms.div_euclid(SLOT_MS).div_euclid(slots_each);
        let hold_until_ms = match (self.last, self.interval_ms) {
            (Some((last_ms, _)), Some(interval_ms)) => {
                last_ms.saturating_add(interval_ms.saturating_mul(GAP_INTERVALS))
            }
            (Some((last_ms, _)), None) => last_ms,
            _ => i64::MIN,
        };
        let slot_value = |slot: i64| match self.index(slot) {
            Some(at) => self.slots[at],
            // Later than the last sample, which holds for an interval.
            None if slot > self.newest && slot.saturating_mul(SLOT_MS) <= hold_until_ms => self.shown,
            None => f32::NAN,
        };
        let column = |column: i64| {
            (column * slots_each..(column + 1) * slots_each).map(slot_value).fold(f32::NAN, f32::max)
        };
        (0..columns as i64).map(|at| column(last_column - (columns as i64 - 1) + at)).collect()
    }

    /// The last minutes in so many characters; blank where there is no value. Bars stand on zero.
    pub(super) fn sparkline(&self, now_ms: i64, columns: usize, glyphs: Glyphs) -> String {
        let values = self.columns(now_ms, columns);
        if self.is_of_states() {
            let of = |value: f32| State::ALL.into_iter().find(|state| f32::from(state.severity()) == value);
            return values
                .into_iter()
                .map(|value| of(value).map_or(' ', |state| state_mark(glyphs, state)))
                .collect();
        }
        let low = values.iter().copied().fold(0.0, f32::min);
        let high = values.iter().copied().fold(0.0, f32::max);
        let bars: &[char] = match glyphs {
            Glyphs::Braille => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Glyphs::Blocks => &['▄', '█'],
            Glyphs::Ascii => &['_', '.', ':', '-', '=', '+', '*', '#'],
        };
        let bar = |value: f32| {
            if value.is_nan() {
                return ' ';
            }
            let part = if high > low { (value - low) / (high - low) } else { 0.0 };
            bars[((part * bars.len() as f32) as usize).min(bars.len() - 1)]
        };
        values.into_iter().map(bar).collect()
    }
}

#[cfg(test)]
mod tests {
    use custos_store::Reason;

    use super::*;

    fn recent(unit: &str, samples: &[(i64, f64)]) -> Recent {
        let mut metric = Metric::new("x", Value::from(0.0));
        metric.unit = unit.to_owned();
        let mut recent = Recent::of(&[metric], |_| false);
        for (second, value) in samples {
            recent.add(second * 1000, *value);
        }
        recent
    }

    fn shown(recent: &Recent, now_s: i64, columns: usize) -> String {
        recent.sparkline(now_s * 1000, columns, Glyphs::Ascii)
    }

    #[test]
    fn values_hold_until_the_next_and_gaps_stay_blank() {
        // Columns of a minute.
        let every_minute = recent("", &[(0, 1.0), (60, 1.0), (120, 8.0), (180, 1.0), (540, 4.0)]);
        assert_eq!(shown(&every_minute, 599, 10), "..#.     =");
        assert_eq!(shown(&every_minute, 10_000, 10), " ".repeat(10));
        let seldom = recent("", &[(0, 1.0), (300, 8.0)]);
        assert_eq!(shown(&seldom, 599, 10), ".....#####");
    }

    #[test]
    fn a_spike_within_a_column_is_seen() {
        let samples: Vec<(i64, f64)> =
            (0..600).map(|second| (second, if second == 333 { 8.0 } else { 1.0 })).collect();
        assert_eq!(shown(&recent("", &samples), 599, 10), ".....#....");
    }

    #[test]
    fn a_counter_is_shown_by_what_it_grows() {
        let counter = recent("c", &[(0, 5.0), (60, 65.0), (120, 545.0), (180, 3.0), (240, 63.0)]);
        assert_eq!(shown(&counter, 299, 10), "     .##..");
    }

    #[test]
    fn the_metric_with_limits_is_the_main_one() {
        let mut metrics = ["a", "b", "c"].map(|label| Metric::new(label, Value::from(1.0)));
        metrics[2].crit = Some(custos_store::Bounds { start: 0.0, end: 5.0, inside: false });
        let main = |judged: &str| Recent::of(&metrics, |label| label == judged).key.map(|key| key.label);
        assert_eq!([main("b"), main("")], [Some("b".to_owned()), Some("c".to_owned())]);
    }

    #[test]
    fn without_metrics_it_is_the_states_that_are_shown() {
        let mut recent = Recent::of(&[], |_| true);
        let run = |second: i64, state: State, reason: Reason| Run {
            time_ms: second * 1000,
            state,
            reason,
            ..Run::default()
        };
        for (second, state) in
            [(0, State::Ok), (60, State::Warning), (130, State::Critical), (160, State::Ok)]
        {
            recent.take(&run(second, state, Reason::Exited));
        }
        recent.take(&run(200, State::Critical, Reason::Skipped));
        recent.take(&run(230, State::Unknown, Reason::Timeout));
        assert_eq!(shown(&recent, 299, 10), "     .wC?.".replace("?.", "??").as_str());
    }
}
