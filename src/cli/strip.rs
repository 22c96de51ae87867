//! A check on its way from the store into the columns of a graph.
//!
//! Mostly the store knows what the samples of a column have in common, and only times and states are read one by one.
//! Rates, what the agent noted itself, and what cannot be read or summed up need run after run; the graph is the
//! same. Memory depends on the number of columns and series only: a state that holds for longer than a cell is
//! remembered until it is known what a usual interval is, and there is at most one such for each cell.

use std::fmt;

use custos_store::{Bucket, Metric, Reader, Reason, Run, SeriesKey, State, Value};

use super::intervals::Intervals;
use super::select::Own;
use crate::config::{Config, Threshold};
use crate::graph::{Column, Columns, Limit, Ribbon, Series};

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
    /// Runs of one state, none of them further than a cell from the next, up to the one before.
    stretch: Option<Stretch>,
    /// States that held for longer than a cell, as (from, to, state): at most one for each cell.
    held: Vec<(i64, i64, State)>,
    span_ms: (i64, i64),
    cell_ms: i64,
    rate: bool,
}

/// Runs of one state.
struct Stretch {
    first_ms: i64,
    last_ms: i64,
    state: State,
}

/// One series on its way into columns.
struct Track {
    source: Source,
    columns: Columns,
    unit: String,
    limits: Vec<Limit>,
    /// The sample before, for rates.
    before: Option<(i64, Value)>,
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
            stretch: None,
            held: Vec::new(),
            span_ms: (start_ms, end_ms),
            cell_ms: end_ms.saturating_sub(start_ms) / cells as i64,
            rate,
        }
    }

    /// Reads all by what the store knows of columns and states. `None` if only the runs can tell.
    pub(super) fn summed_up(mut self, reader: &Reader) -> Option<Strip> {
        let (start_ms, end_ms) = self.span_ms;
        for track in self.series.iter_mut() {
            match &track.source {
                Source::Metric(key) if !self.rate => {
                    let columns = track.columns.count();
                    let buckets = reader.envelope(&self.check, key, start_ms..end_ms, columns).ok()?;
                    track.sum_up(&self.check, reader, &buckets, end_ms)?;
                }
                _ => return None,
            }
        }
        for batch in reader.states(&self.check, start_ms..end_ms) {
            for run in batch.ok()? {
                self.note(run.time_ms, run.state, run.reason);
            }
        }
        Some(self)
    }

    /// Takes in the next run.
    pub(super) fn add(&mut self, run: &Run) {
        self.note(run.time_ms, run.state, run.reason);
        for track in &mut self.series {
            track.add(run, self.rate);
        }
    }

    /// Notes that runs may be missing here.
    pub(super) fn gap(&mut self) {
        if let Some(last_ms) = self.stretch.as_ref().map(|stretch| stretch.last_ms) {
            self.end_stretch(last_ms);
        }
        for track in &mut self.series {
            track.gap();
        }
    }

    /// Takes in the state of the next run.
    fn note(&mut self, time_ms: i64, state: State, reason: Reason) {
        if !was_run(reason) {
            self.end_stretch(time_ms);
            return;
        }
        self.intervals.add(time_ms);
        match &mut self.stretch {
            // Within a stretch, every cell has a run.
            Some(stretch)
                if stretch.state == state && time_ms.saturating_sub(stretch.last_ms) <= self.cell_ms =>
            {
                stretch.last_ms = time_ms;
            }
            _ => {
                self.end_stretch(time_ms);
                self.stretch = Some(Stretch { first_ms: time_ms, last_ms: time_ms, state });
            }
        }
    }

    /// A state holds until the next run, if that is not too far away; how far is known only at the end.
    fn end_stretch(&mut self, next_ms: i64) {
        let Some(Stretch { first_ms, last_ms, state }) = self.stretch.take() else { return };
        self.ribbon.cover(first_ms, last_ms.saturating_add(1), state);
        if next_ms.saturating_sub(last_ms) > self.cell_ms {
            self.held.push((last_ms, next_ms, state));
        }
    }

    /// The series and the states. Thresholds come from the configuration, if there is one.
    pub(super) fn finish(mut self, config: Option<&Config>) -> (Vec<Series>, Ribbon) {
        self.end_stretch(i64::MAX);
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
    fn value<'r>(&self, run: &'r Run) -> Option<(Value, &'r str, Option<&'r Metric>)> {
        match self {
            Source::Metric(key) => {
                let metric = run.metrics.iter().find(|metric| key.names(metric))?;
                Some((metric.value?, &metric.unit, Some(metric)))
            }
            Source::Own(own) => own.value(run).map(|(value, unit)| (value.into(), unit, None)),
        }
    }
}

/// Whether something was executed, rather than noted as not being so.
fn was_run(reason: Reason) -> bool {
    !matches!(reason, Reason::Missed | Reason::Skipped)
}

impl Track {
    /// Takes the columns from the store, and unit and limits from the latest run that has a value.
    fn sum_up(&mut self, check: &str, reader: &Reader, buckets: &[Bucket], end_ms: i64) -> Option<()> {
        let known = buckets.iter().map(column).collect::<Option<Vec<_>>>()?;
        let start_ms = buckets.first()?.start_ms;
        if let Some(last) = known.iter().rev().flatten().next() {
            let runs = reader.runs_rev(check, last.last_ms..last.last_ms.saturating_add(1));
            let run = runs
                .map(|run| run.ok())
                .find(|run| run.as_ref().is_none_or(|run| self.source.value(run).is_some()))??;
            if let Some((_, unit, metric)) = self.source.value(&run) {
                self.describe(unit, metric);
            }
        }
        self.columns = Columns::known(start_ms, end_ms, known);
        Some(())
    }

    /// Takes unit and limits of a run that has a value.
    fn describe(&mut self, unit: &str, metric: Option<&Metric>) {
        if self.unit != unit {
            unit.clone_into(&mut self.unit);
        }
        self.limits.clear();
        let sides = metric.map(|metric| [(State::Warning, metric.warn), (State::Critical, metric.crit)]);
        let limits = sides.into_iter().flatten();
        self.limits.extend(limits.filter_map(|(state, bounds)| Some(Limit { state, bounds: bounds? })));
    }

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
            let change = value.minus(before);
            let reset = unit == "c" && change < 0.0;
            if seconds > 0.0 {
                self.columns.add(run.time_ms, (if reset { value.to_f64() } else { change }) / seconds);
            }
            return;
        }
        self.columns.add(run.time_ms, value.to_f64());
        self.describe(unit, metric);
    }
}

/// A column as the store knows it. The outer `None` is for values that are no finite numbers, which are not drawn:
/// only the samples tell without them.
fn column(bucket: &Bucket) -> Option<Option<Column>> {
    let (Some(first), Some(last)) = (bucket.first, bucket.last) else { return Some(None) };
    let finite = [bucket.min, bucket.max, bucket.sum].iter().all(|number| number.is_finite());
    finite.then_some(Some(Column {
        min: bucket.min,
        max: bucket.max,
        first: first.value.to_f64(),
        last: last.value.to_f64(),
        first_ms: first.time_ms,
        last_ms: last.time_ms,
        count: bucket.count,
        sum: bucket.sum,
        after_gap: bucket.after_gap,
    }))
}

#[cfg(test)]
mod tests {
    use custos_store::{Options, Writer};

    use super::*;

    /// A metric that comes and goes, is `U` at times, and of runs that are missed, late or several at a time.
    fn run(n: i64) -> Run {
        let metric = |label: &str, value: Option<Value>| Metric {
            label: label.to_owned(),
            labels: Vec::new(),
            value,
            unit: if n < 4000 { "B".to_owned() } else { "c".to_owned() },
            printed_unit: String::new(),
            warn: None,
            crit: None,
            min: None,
            max: None,
        };
        let missed = n % 700 == 50;
        let mut run = Run {
            time_ms: n * 10_000 + n * 7 % 13 + if n % 900 > 880 { 70_000 } else { 0 },
            state: State::ALL[if n % 333 < 5 { (n % 4) as usize } else { 0 }],
            reason: if missed { Reason::Missed } else { Reason::Exited },
            ..Run::default()
        };
        if !missed {
            run.metrics.push(metric("always", Some(Value::from(n * 31 % 1000))));
            let absent = n % 500 < 20;
            run.metrics.push(metric("u", if absent { None } else { Some(Value::from(n as f64 / 7.0)) }));
            if n % 800 > 30 {
                run.metrics.push(metric("partly", Some(Value::from(n % 3))));
            }
        }
        run
    }

    #[test]
    fn what_the_store_knows_is_what_its_runs_tell() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { log_bytes: 64 << 10, ..Options::default() };
        let mut writer = Writer::open(directory.path(), options).unwrap();
        for n in 0..6000 {
            writer.append(&[("x", &run(n))]).unwrap();
            if n == 5000 {
                writer.compact().unwrap();
            }
        }
        let reader = Reader::open(directory.path()).unwrap();
        let keys = ["always", "u", "partly"].map(|label| Source::Metric(SeriesKey::new(label)));
        for (start_ms, end_ms) in [(0, 60_000_000), (1_234_567, 51_000_001), (39_000_000, 41_000_000)] {
            for cells in [20, 80, 777] {
                let empty = || Strip::new("x", keys.to_vec(), (start_ms, end_ms), (cells * 2, cells), false);
                let (series, ribbon) = empty().summed_up(&reader).unwrap().finish(None);
                let mut slow = empty();
                reader.runs("x", start_ms..end_ms).for_each(|run| slow.add(&run.unwrap()));
                let (mut expected, ribbon_expected) = slow.finish(None);
                assert_eq!(ribbon, ribbon_expected);
                for (one, other) in series.iter().zip(&mut expected) {
                    // Sums are subject to rounding.
                    for (one, other) in one.columns.iter().flatten().zip(other.columns.iter_mut().flatten()) {
                        assert!((one.sum - other.sum).abs() <= one.sum.abs() * 1e-9);
                        other.sum = one.sum;
                    }
                }
                assert_eq!(series, expected);
            }
        }
    }
}
