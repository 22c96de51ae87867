//! The samples of runs that come one by one, of many checks: what a sink delivers.
//!
//! A series has a sample for each run that has a value of it. Where a run does not have it any more, it ends: once, at the time
//! of that run. Times of one series ascend but where the clock was set back; of two runs in one millisecond the first counts,
//! since what was delivered cannot be replaced everywhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME};
use custos_store::{Run, SeriesKey, Value};

use super::series::outbound_labels;
use crate::built_in::BuiltIn;
use crate::promql::{CHECK, metric_labels};

/// A series under the labels under which it leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSeries {
    /// Its labels, the name of the metric and the host among them.
    pub labels: Labels,
    /// The base unit, such as `s` or `B`; empty if there is none.
    pub unit: String,
    /// The check whose series it is.
    pub check: Arc<str>,
    /// The metric; none for a built-in series.
    pub metric: Option<SeriesKey>,
}

/// A value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSample {
    /// The number of the series, by [`OutboundRuns::series`].
    pub series: u32,
    /// When (ms since the epoch).
    pub time_ms: i64,
    /// What; none where the series ends.
    pub value: Option<Value>,
}

/// Says of a metric of a check whether it is wanted.
pub type Wanted = Box<dyn Fn(&str, &SeriesKey) -> bool + Send>;

/// Makes samples of runs.
pub struct OutboundRuns {
    host: String,
    labels: Vec<(String, String)>,
    wanted: Wanted,
    series: Vec<Arc<RunSeries>>,
    ends: Vec<End>,
    checks: HashMap<Arc<str>, OfCheck>,
    /// Samples left out since the same series had one of the same time.
    repeated: u64,
}

/// Where a series ended last.
#[derive(Clone, Copy)]
struct End {
    time_ms: i64,
    has_value: bool,
    /// The run of its check that had it last.
    turn: u64,
}

#[derive(Default)]
struct OfCheck {
    /// The metrics; none for what is not wanted.
    metrics: Vec<(SeriesKey, Option<u32>)>,
    by_key: HashMap<SeriesKey, u32>,
    /// Which metrics the last run had, in its order.
    layout: Vec<u32>,
    built_in: [Option<u32>; BuiltIn::ALL.len()],
    turn: u64,
    /// Whether nothing is known of what came before.
    is_new: bool,
}

impl fmt::Debug for OutboundRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRuns").field("host", &self.host).field("series", &self.series.len()).finish()
    }
}

impl OutboundRuns {
    /// Nothing yet. Each series gets the label `host`, unless that is empty, and these further labels, which hide none that it has.
    pub fn new(host: &str, labels: &[(String, String)], wanted: Wanted) -> OutboundRuns {
        OutboundRuns {
            host: host.to_owned(),
            labels: labels.to_vec(),
            wanted,
            series: Vec::new(),
            ends: Vec::new(),
            checks: HashMap::new(),
            repeated: 0,
        }
    }

    /// Every series so far, by number.
    pub fn series(&self) -> &[Arc<RunSeries>] {
        &self.series
    }

    /// How many samples were left out since their series had one of the same time.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// What was delivered may be delivered again: times need not ascend from where they were, and what series there were before
    /// is not known any more.
    pub fn begin_again(&mut self) {
        self.ends.iter_mut().for_each(|end| (end.time_ms, end.has_value) = (i64::MIN, false));
        self.checks.values_mut().for_each(|check| check.is_new = true);
    }

    /// Whether nothing is known of a check yet: then [`OutboundRuns::seed`] can say what series it had.
    pub fn is_new(&self, check: &str) -> bool {
        self.checks.get(check).is_none_or(|check| check.is_new)
    }

    /// Notes the run before the first that is taken in, so that series which end with that one are known.
    pub fn seed(&mut self, check: &Arc<str>, run: &Run) {
        self.take(check, run, &mut Vec::new());
    }

    /// Adds the samples of a run.
    pub fn take(&mut self, check: &Arc<str>, run: &Run, samples: &mut Vec<RunSample>) {
        let mut of_check = self.checks.remove(check).unwrap_or_default();
        of_check.turn += 1;
        of_check.is_new = false;
        for (at, metric) in run.metrics.iter().enumerate() {
            let same = |index: &u32| of_check.metrics[*index as usize].0.names(metric);
            let index = match of_check.layout.get(at).copied().filter(same) {
                Some(index) => index,
                None => {
                    let key = SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
                    let index = self.metric(check, key, &metric.unit, &mut of_check);
                    of_check.layout.truncate(at);
                    of_check.layout.push(index);
                    index
                }
            };
            if let Some(series) = of_check.metrics[index as usize].1 {
                self.ends[series as usize].turn = of_check.turn;
                self.add(series, run.time_ms, metric.value, samples);
            }
        }
        if !run.partial {
            for series in of_check.metrics.iter().filter_map(|(_, series)| *series) {
                let end = self.ends[series as usize];
                if end.has_value && end.turn != of_check.turn {
                    self.add(series, run.time_ms, None, samples);
                }
            }
        }
        for (one, number) in BuiltIn::ALL.into_iter().zip(&mut of_check.built_in) {
            let value = one.value(run);
            if let Some(series) = number.or_else(|| value.map(|_| self.built_in(check, one))) {
                *number = Some(series);
                self.add(series, run.time_ms, value, samples);
            }
        }
        self.checks.insert(Arc::clone(check), of_check);
    }

    fn add(&mut self, series: u32, time_ms: i64, value: Option<Value>, samples: &mut Vec<RunSample>) {
        let end = &mut self.ends[series as usize];
        if value.is_none() && !end.has_value {
            return;
        }
        if end.time_ms == time_ms {
            self.repeated += 1;
            return;
        }
        (end.time_ms, end.has_value) = (time_ms, value.is_some());
        samples.push(RunSample { series, time_ms, value });
    }

    fn metric(&mut self, check: &Arc<str>, key: SeriesKey, unit: &str, of_check: &mut OfCheck) -> u32 {
        if let Some(index) = of_check.by_key.get(&key) {
            return *index;
        }
        let index = of_check.metrics.len() as u32;
        let series = (self.wanted)(check, &key).then(|| {
            let labels = metric_labels(check, &key);
            self.add_series(labels, unit, check, Some(key.clone()))
        });
        of_check.by_key.insert(key.clone(), index);
        of_check.metrics.push((key, series));
        index
    }

    fn built_in(&mut self, check: &Arc<str>, one: BuiltIn) -> u32 {
        let labels = Labels::new([(METRIC_NAME, one.name()), (CHECK, &**check)]);
        self.add_series(labels, one.unit(), check, None)
    }

    fn add_series(&mut self, labels: Labels, unit: &str, check: &Arc<str>, metric: Option<SeriesKey>) -> u32 {
        let mut labels = outbound_labels(&labels, &self.host);
        for (name, value) in &self.labels {
            if labels.get(name).is_empty() {
                labels = labels.with(name, value);
            }
        }
        let number = self.series.len() as u32;
        let check = Arc::clone(check);
        self.series.push(Arc::new(RunSeries { labels, unit: unit.to_owned(), check, metric }));
        self.ends.push(End { time_ms: i64::MIN, has_value: false, turn: 0 });
        number
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Reason};

    use super::*;

    fn run(time_ms: i64, metrics: &[(&str, Option<f64>)]) -> Run {
        let metrics = metrics.iter().map(|(label, value)| Metric::new(*label, value.map(Value::from)));
        Run { time_ms, metrics: metrics.collect(), ..Run::default() }
    }

    fn taken(runs: &mut OutboundRuns, run: &Run) -> Vec<(String, i64, Option<f64>)> {
        let mut samples = Vec::new();
        runs.take(&Arc::from("x"), run, &mut samples);
        let shown = |sample: RunSample| {
            let labels = runs.series()[sample.series as usize].labels.to_string();
            (labels, sample.time_ms, sample.value.map(Value::to_f64))
        };
        let is_metric = |(labels, _, _): &(String, _, _)| labels.starts_with("x{");
        samples.into_iter().map(shown).filter(is_metric).collect()
    }

    fn of_host() -> OutboundRuns {
        OutboundRuns::new(
            "web1",
            &[("site".to_owned(), "lab".to_owned())],
            Box::new(|_, key| key.label != "no"),
        )
    }

    #[test]
    fn a_series_that_a_run_does_not_have_ends_once() {
        let mut runs = of_host();
        let a = "x{check=\"x\", host=\"web1\", metric=\"a\", site=\"lab\"}".to_owned();
        let b = a.replace("\"a\"", "\"b\"");
        let both = run(1, &[("a", Some(1.0)), ("no", Some(7.0)), ("b", Some(2.0))]);
        assert_eq!(taken(&mut runs, &both), [(a.clone(), 1, Some(1.0)), (b.clone(), 1, Some(2.0))]);
        assert_eq!(taken(&mut runs, &run(2, &[("b", None)])), [(b.clone(), 2, None), (a.clone(), 2, None)]);
        assert_eq!(taken(&mut runs, &run(3, &[])), []);
        assert_eq!(taken(&mut runs, &run(4, &[("a", Some(3.0))])), [(a.clone(), 4, Some(3.0))]);
        let partial = Run { partial: true, ..run(5, &[("b", Some(4.0))]) };
        assert_eq!(taken(&mut runs, &partial), [(b.clone(), 5, Some(4.0))]);
        let missed = Run { reason: Reason::Missed, ..run(6, &[]) };
        assert_eq!(taken(&mut runs, &missed), [(a, 6, None), (b, 6, None)]);
    }

    #[test]
    fn of_two_runs_in_one_millisecond_the_first_counts() {
        let mut runs = of_host();
        assert_eq!(taken(&mut runs, &run(1, &[("a", Some(1.0))])).len(), 1);
        assert_eq!(taken(&mut runs, &run(1, &[("a", Some(2.0))])), []);
        assert!(runs.repeated() > 0);
    }

    #[test]
    fn the_run_before_says_what_ends_with_the_first() {
        let mut runs = of_host();
        let check: Arc<str> = Arc::from("x");
        assert!(runs.is_new("x"));
        runs.seed(&check, &run(1, &[("a", Some(1.0))]));
        assert!(!runs.is_new("x"));
        let ended = taken(&mut runs, &run(2, &[]));
        assert_eq!(
            ended.iter().map(|(_, time_ms, value)| (*time_ms, *value)).collect::<Vec<_>>(),
            [(2, None)]
        );
    }

    #[test]
    fn states_are_series_too_and_end_where_nothing_was_executed() {
        let mut runs = of_host();
        let mut samples = Vec::new();
        let check: Arc<str> = Arc::from("x");
        runs.take(&check, &run(1, &[]), &mut samples);
        let names = |samples: &[RunSample], runs: &OutboundRuns| -> Vec<String> {
            let name =
                |sample: &RunSample| runs.series()[sample.series as usize].labels.metric_name().to_owned();
            samples.iter().map(name).collect()
        };
        assert_eq!(names(&samples, &runs), ["check_state", "check_hard_state", "check_duration_seconds"]);
        samples.clear();
        runs.take(&check, &Run { reason: Reason::Skipped, ..run(2, &[]) }, &mut samples);
        assert!(samples.len() == 3 && samples.iter().all(|sample| sample.value.is_none()));
    }
}
