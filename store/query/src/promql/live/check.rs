//! The newest runs of one check as samples.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME, Matcher, SourceSeries, reaches_own_names};
use custos_store::{CheckSeries, Run, SeriesKey};

use super::column::Column;
use crate::bucketed::Bucketed;
use crate::built_in::BuiltIn;
use crate::intervals::Intervals;
use crate::limits::INTERVAL_RUNS;
use crate::promql::index::{CHECK, SPARSE_MS, metric_labels};
use crate::promql::interval::SLACK;
use crate::rate::COUNTER;

/// The newest runs of one check.
pub(super) struct LiveCheck {
    pub(super) name: Arc<str>,
    /// From here on all runs are in memory (ms since the epoch).
    pub(super) from_ms: i64,
    /// How long runs are kept (ms).
    pub(super) keep_ms: i64,
    /// The time of each run that says something of a series, and whether it speaks of all; by time.
    rows: Vec<(i64, bool)>,
    /// Metrics in the order in which they became known.
    pub(super) series: Vec<LiveSeries>,
    by_key: HashMap<SeriesKey, u32>,
    /// The metrics by their keys.
    pub(super) in_order: Vec<u32>,
    pub(super) built_in: Vec<(Labels, Column)>,
    /// Which metrics the last run had, in its order.
    layout: Vec<u32>,
    turn: u64,
    /// All runs that there are, also those in the store alone.
    runs: u64,
    first_ms: i64,
    pub(super) last_ms: i64,
    /// When the newest runs were, by arrival.
    recent: VecDeque<i64>,
}

/// A metric of a check.
pub(super) struct LiveSeries {
    pub(super) key: SeriesKey,
    pub(super) labels: Labels,
    is_counter: bool,
    first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) column: Column,
    /// The run that had it last.
    turn: u64,
}

/// What came of taking in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TakenIn {
    /// Whether there is a series that was not there before.
    pub(super) is_new: bool,
    /// About how many samples were added.
    pub(super) samples: usize,
}

/// Whether a run is one that the agent recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// It is.
    Yes,
    /// It was read from the store, where it is counted already.
    Before,
    /// It will be: a rule was judged. Where its check stands is not known yet.
    Soon,
}

impl LiveCheck {
    /// A metric, as what compares long spans reads it; none if the number is that of a built-in series.
    pub(super) fn bucketed(&self, number: SeriesNumber) -> Option<Bucketed> {
        let SeriesNumber::Metric(index) = number else { return None };
        let series = self.series.get(index as usize)?;
        Some(Bucketed { key: series.key.clone(), is_counter: series.is_counter })
    }

    /// A check of which nothing is in memory yet.
    pub(super) fn new(name: &Arc<str>) -> LiveCheck {
        let built_in =
            |one: BuiltIn| (Labels::new([(METRIC_NAME, one.name()), (CHECK, &**name)]), Column::default());
        LiveCheck {
            name: Arc::clone(name),
            from_ms: i64::MAX,
            keep_ms: 0,
            rows: Vec::new(),
            series: Vec::new(),
            by_key: HashMap::new(),
            in_order: Vec::new(),
            built_in: BuiltIn::ALL.into_iter().map(built_in).collect(),
            layout: Vec::new(),
            turn: 0,
            runs: 0,
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            recent: VecDeque::new(),
        }
    }

    /// Takes in what the store knows of the check, of which no run is in memory yet; `recent` are the times of its newest runs,
    /// the latest arrival first.
    pub(super) fn describe(&mut self, known: CheckSeries, recent: impl Iterator<Item = i64>) {
        (self.runs, self.first_ms, self.last_ms) =
            (known.check.runs, known.check.first_ms, known.check.last_ms);
        self.recent = recent.take(INTERVAL_RUNS).collect();
        self.recent.make_contiguous().reverse();
        for info in known.series {
            let index = self.add_series(info.key) as usize;
            let series = &mut self.series[index];
            (series.first_ms, series.last_ms) = (info.first_ms, info.last_ms);
            series.is_counter = info.unit == COUNTER;
        }
    }

    fn add_series(&mut self, key: SeriesKey) -> u32 {
        let index = self.series.len() as u32;
        let place = self.in_order.partition_point(|other| self.series[*other as usize].key < key);
        self.in_order.insert(place, index);
        self.by_key.insert(key.clone(), index);
        self.series.push(LiveSeries {
            labels: metric_labels(&self.name, &key),
            key,
            is_counter: false,
            first_ms: i64::MAX,
            last_ms: i64::MIN,
            column: Column::default(),
            turn: 0,
        });
        index
    }

    /// The time of the first run in memory that says something of a series.
    pub(super) fn first_run_ms(&self, number: SeriesNumber) -> Option<i64> {
        let is_built_in = matches!(number, SeriesNumber::BuiltIn(_));
        self.rows.iter().find(|(_, speaks)| *speaks || is_built_in).map(|(time_ms, _)| *time_ms)
    }

    /// The first run after a time that speaks of all series.
    fn next_full_ms(&self, time_ms: i64) -> Option<i64> {
        let after = self.rows.partition_point(|(time, _)| *time <= time_ms);
        self.rows[after..].iter().find(|(_, speaks)| *speaks).map(|(time, _)| *time)
    }

    /// Takes in a run.
    pub(super) fn take(&mut self, run: &Run, recorded: Recorded) -> TakenIn {
        let time_ms = run.time_ms;
        if recorded == Recorded::Yes {
            self.count(time_ms);
        }
        if run.reason.is_unobserved() {
            return TakenIn::default();
        }
        let place = self.rows.partition_point(|(time, _)| *time <= time_ms);
        let following_ms = self.rows.get(place).map(|(time, _)| *time);
        let next_ms = following_ms.and_then(|_| self.next_full_ms(time_ms));
        self.rows.insert(place, (time_ms, !run.partial));
        let is_new = self.take_metrics(run, next_ms);
        if recorded != Recorded::Soon {
            for (one, (_, column)) in BuiltIn::ALL.into_iter().zip(&mut self.built_in) {
                column.take(time_ms, one.value(run), following_ms);
            }
        }
        TakenIn { is_new, samples: self.layout.len() + self.built_in.len() }
    }

    fn count(&mut self, time_ms: i64) {
        self.first_ms = self.first_ms.min(time_ms);
        self.last_ms = self.last_ms.max(time_ms);
        self.runs += 1;
        self.recent.push_back(time_ms);
        if self.recent.len() > INTERVAL_RUNS {
            self.recent.pop_front();
        }
    }

    /// Takes in the metrics of a run; returns whether one of them is new.
    fn take_metrics(&mut self, run: &Run, next_ms: Option<i64>) -> bool {
        self.turn += 1;
        let (turn, time_ms) = (self.turn, run.time_ms);
        let mut is_new = false;
        for (at, metric) in run.metrics.iter().enumerate() {
            let same = |index: &u32| self.series[*index as usize].key.names(metric);
            let index = match self.layout.get(at).copied().filter(same) {
                Some(index) => index,
                None => {
                    let key = SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
                    let known = self.by_key.get(&key).copied();
                    is_new |= known.is_none();
                    let index = known.unwrap_or_else(|| self.add_series(key));
                    self.layout.truncate(at);
                    self.layout.push(index);
                    index
                }
            };
            let series = &mut self.series[index as usize];
            series.turn = turn;
            series.is_counter = metric.unit == COUNTER;
            series.first_ms = series.first_ms.min(time_ms);
            series.last_ms = series.last_ms.max(time_ms);
            series.column.take(time_ms, metric.value, next_ms);
        }
        if !run.partial {
            for series in self.series.iter_mut().filter(|series| series.turn != turn) {
                series.column.take(time_ms, None, None);
            }
        }
        is_new
    }

    /// Forgets what is earlier than that.
    pub(super) fn forget_before(&mut self, time_ms: i64) {
        if time_ms <= self.from_ms {
            return;
        }
        self.from_ms = time_ms;
        let old = self.rows.partition_point(|(time, _)| *time < time_ms);
        self.rows.drain(..old);
        self.series.iter_mut().for_each(|series| series.column.forget_before(time_ms));
        self.built_in.iter_mut().for_each(|(_, column)| column.forget_before(time_ms));
    }

    pub(super) fn samples(&self) -> usize {
        let metrics = self.series.iter().map(|series| series.column.len()).sum::<usize>();
        metrics + self.built_in.iter().map(|(_, column)| column.len()).sum::<usize>()
    }

    /// How long the newest value of a series counts, if that may be longer than usual.
    pub(super) fn lookback_ms(&self) -> Option<i64> {
        if self.distance_ms() <= SPARSE_MS {
            return None;
        }
        let mut times: Vec<i64> = self.recent.iter().copied().collect();
        times.sort_unstable();
        let mut intervals = Intervals::default();
        times.into_iter().for_each(|time_ms| intervals.add(time_ms));
        intervals.usual_ms().map(|usual_ms| (usual_ms as f64 * SLACK) as i64)
    }

    /// How far apart the runs are on average (ms).
    fn distance_ms(&self) -> i64 {
        let span = self.last_ms.saturating_sub(self.first_ms);
        span / i64::try_from(self.runs.saturating_sub(1)).unwrap_or(i64::MAX).max(1)
    }

    /// The numbers of the series that fulfil all conditions: metrics by their keys, then built-in ones.
    pub(super) fn select<'a>(&'a self, matchers: &'a [Matcher]) -> impl Iterator<Item = SeriesNumber> + 'a {
        let fulfils =
            |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())));
        let reaches_all = reaches_own_names(matchers);
        let is_reached = move |series: &LiveSeries| reaches_all || series.key.own_name().is_none();
        let metrics = self.in_order.iter().copied().filter(move |index| {
            let series = &self.series[*index as usize];
            is_reached(series) && fulfils(&series.labels)
        });
        let built_in = (0..self.built_in.len()).filter(move |index| fulfils(&self.built_in[*index].0));
        metrics.map(SeriesNumber::Metric).chain(built_in.map(|index| SeriesNumber::BuiltIn(index as u32)))
    }

    /// When the first and the last run with a series were.
    pub(super) fn span_of(&self, number: SeriesNumber) -> (i64, i64) {
        match number {
            SeriesNumber::Metric(index) => {
                let series = &self.series[index as usize];
                (series.first_ms, series.last_ms)
            }
            // A rule that was just judged is not recorded yet.
            SeriesNumber::BuiltIn(_) => (self.first_ms, self.last_ms),
        }
    }

    pub(super) fn column(&self, number: SeriesNumber) -> &Column {
        match number {
            SeriesNumber::Metric(index) => &self.series[index as usize].column,
            SeriesNumber::BuiltIn(index) => &self.built_in[index as usize].1,
        }
    }

    /// What a query is told of a series. `check` is the number of this check, `lookback_ms` what [`LiveCheck::lookback_ms`] says.
    pub(super) fn describe_series(
        &self,
        check: u32,
        number: SeriesNumber,
        lookback_ms: Option<i64>,
    ) -> SourceSeries {
        let (labels, is_counter) = match number {
            SeriesNumber::Metric(index) => {
                let series = &self.series[index as usize];
                (series.labels.clone(), series.is_counter.then_some(true))
            }
            SeriesNumber::BuiltIn(index) => (self.built_in[index as usize].0.clone(), None),
        };
        let is_built_in = matches!(number, SeriesNumber::BuiltIn(_));
        SourceSeries {
            labels,
            id: number.id(check),
            group: u64::from(check) << 1 | u64::from(is_built_in),
            lookback_ms,
            distance_ms: self.distance_ms(),
            samples_max: self.runs,
            is_counter,
        }
    }
}

/// Which series of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeriesNumber {
    Metric(u32),
    BuiltIn(u32),
}

/// Set in the number of a built-in series.
const BUILT_IN_BIT: u64 = 1 << 31;

impl SeriesNumber {
    /// The number of a series among those of all checks.
    fn id(self, check: u32) -> u64 {
        let own = match self {
            SeriesNumber::Metric(index) => u64::from(index),
            SeriesNumber::BuiltIn(index) => BUILT_IN_BIT | u64::from(index),
        };
        u64::from(check) << 32 | own
    }

    /// The check, and which of its series has this number.
    pub(super) fn of_id(id: u64) -> (usize, SeriesNumber) {
        let own = (id & (BUILT_IN_BIT - 1)) as u32;
        let number =
            if id & BUILT_IN_BIT == 0 { SeriesNumber::Metric(own) } else { SeriesNumber::BuiltIn(own) };
        ((id >> 32) as usize, number)
    }
}
