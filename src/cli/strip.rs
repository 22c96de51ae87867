//! A check on its way from runs into the columns of a graph.
//!
//! Runs come in order of time. Memory depends on the number of columns and series only: a state that holds for
//! longer than a cell is remembered until it is known what a usual interval is, and there is at most one such for
//! each cell.

use std::fmt;

use custos_store::{Metric, Reason, Run, SeriesKey, State};

use super::intervals::Intervals;
use super::select::Own;
use crate::definition::{Config, Threshold};
use crate::graph::{Columns, Limit, Ribbon, Series};

/// A value that runs have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// A metric of the plugin.
    Metric(SeriesKey),
    /// What the agent noted itself.
    Own(Own),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Metric(key) => key.fmt(f),
            Source::Own(own) => f.write_str(own.name()),
        }
    }
}

/// One check on its way into columns.
pub(super) struct Strip {
    check: String,
    series: Vec<Track>,
    ribbon: Ribbon,
    intervals: Intervals,
    /// The state of the run before, since when.
    state: Option<(i64, State)>,
    /// States that held for longer than a cell, as (from, to, state): at most one for each cell.
    held: Vec<(i64, i64, State)>,
    cell_ms: i64,
    rate: bool,
}

/// One series on its way into columns.
struct Track {
    source: Source,
    columns: Columns,
    unit: String,
    limits: Vec<Limit>,
    /// The sample before, for rates.
    before: Option<(i64, f64)>,
}

impl Strip {
    pub(super) fn new(
        check: &str,
        sources: Vec<Source>,
        (start_ms, end_ms): (i64, i64),
        (columns, cells): (usize, usize),
        rate: bool,
    ) -> Strip {
        let track = |source| Track {
            source,
            columns: Columns::new(start_ms, end_ms, columns),
            unit: String::new(),
            limits: Vec::new(),
            before: None,
        };
        Strip {
            check: check.to_owned(),
            series: sources.into_iter().map(track).collect(),
            ribbon: Ribbon::new(check, start_ms, end_ms, cells),
            intervals: Intervals::new(),
            state: None,
            held: Vec::new(),
            cell_ms: end_ms.saturating_sub(start_ms) / cells as i64,
            rate,
        }
    }

    /// Takes in the next run.
    pub(super) fn add(&mut self, run: &Run) {
        self.hold_until(run.time_ms);
        let is_run = was_run(run);
        if is_run {
            self.intervals.add(run.time_ms);
            self.ribbon.cover(run.time_ms, run.time_ms, run.state);
            self.state = Some((run.time_ms, run.state));
        } else {
            self.state = None;
        }
        for track in &mut self.series {
            track.add(run, self.rate);
        }
    }

    /// Notes that runs may be missing here.
    pub(super) fn gap(&mut self) {
        self.state = None;
        for track in &mut self.series {
            track.gap();
        }
    }

    /// A state holds until the next run, if that is not too far away; how far is known only at the end.
    fn hold_until(&mut self, next_ms: i64) {
        let held = |(since_ms, _): &(i64, State)| next_ms.saturating_sub(*since_ms) > self.cell_ms;
        if let Some((since_ms, state)) = self.state.filter(held) {
            self.held.push((since_ms, next_ms, state));
        }
    }

    /// The series and the states. Thresholds come from the configuration, if there is one.
    pub(super) fn finish(mut self, config: Option<&Config>) -> (Vec<Series>, Ribbon) {
        self.hold_until(i64::MAX);
        let usual_ms = self.intervals.usual_ms().unwrap_or(0);
        let bridge_ms = usual_ms.saturating_add(usual_ms / 2);
        for (since_ms, next_ms, state) in &self.held {
            let covered_ms = if next_ms.saturating_sub(*since_ms) <= bridge_ms {
                *next_ms
            } else {
                since_ms.saturating_add(usual_ms)
            };
            self.ribbon.cover(*since_ms, covered_ms, *state);
        }
        let check = config.and_then(|config| config.checks.get(&self.check));
        let series = self.series.into_iter().map(|mut track| {
            if !self.rate {
                let own = check.iter().flat_map(|check| &check.thresholds);
                for threshold in own.filter(|threshold| track.source.judged_by(threshold)) {
                    let sides =
                        [(State::Warning, &threshold.warning), (State::Critical, &threshold.critical)];
                    for (state, range) in sides {
                        track.limits.extend(range.iter().map(|range| Limit { state, bounds: range.bounds }));
                    }
                }
            }
            Series {
                title: format!("{}:{}", self.check, track.source),
                unit: track.unit,
                // Neighbours are joined whatever the interval was at the time.
                bridge_ms: bridge_ms.max(track.columns.column_ms().saturating_mul(2)),
                columns: track.columns.into_vec(),
                limits: track.limits,
            }
        });
        (series.collect(), self.ribbon)
    }
}

impl Source {
    fn judged_by(&self, threshold: &Threshold) -> bool {
        matches!(self, Source::Metric(key) if threshold.matcher.is_match(&key.label))
    }

    /// The value of a run with its unit, and the metric that it came from, if that has one.
    fn value<'r>(&self, run: &'r Run) -> Option<(f64, &'r str, Option<&'r Metric>)> {
        match self {
            Source::Metric(key) => {
                let metric = run.metrics.iter().find(|metric| key.names(metric))?;
                Some((metric.value?.to_f64(), &metric.unit, Some(metric)))
            }
            Source::Own(own) => own.value(run).map(|(value, unit)| (value, unit, None)),
        }
    }
}

/// Whether something was executed, rather than noted as not being so.
fn was_run(run: &Run) -> bool {
    !matches!(run.reason, Reason::Missed | Reason::Skipped)
}

impl Track {
    /// Nothing is drawn across, and no rate computed, where there is no value.
    fn gap(&mut self) {
        self.columns.gap();
        self.before = None;
    }

    fn add(&mut self, run: &Run, rate: bool) {
        let Some((value, unit, metric)) = self.source.value(run) else {
            self.gap();
            return;
        };
        if rate {
            self.unit = if unit == "c" { "/s".to_owned() } else { format!("{unit}/s") };
            let Some((before_ms, before)) = self.before.replace((run.time_ms, value)) else { return };
            let seconds = run.time_ms.saturating_sub(before_ms) as f64 / 1000.0;
            let reset = unit == "c" && value < before;
            if seconds > 0.0 {
                self.columns.add(run.time_ms, (if reset { value } else { value - before }) / seconds);
            }
            return;
        }
        self.columns.add(run.time_ms, value);
        if self.unit != unit {
            unit.clone_into(&mut self.unit);
        }
        self.limits.clear();
        let sides = metric.map(|metric| [(State::Warning, metric.warn), (State::Critical, metric.crit)]);
        let limits = sides.into_iter().flatten();
        self.limits.extend(limits.filter_map(|(state, bounds)| Some(Limit { state, bounds: bounds? })));
    }
}
