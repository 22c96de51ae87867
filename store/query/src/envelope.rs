//! A check over a span of time: its series in columns, and its states.
//!
//! Mostly the store knows what the samples of a column have in common, and only times and states are read one by one.
//! Rates, built-in series, and what cannot be read or summed up need run after run; the answer is the same. Memory
//! depends on the number of columns, cells and series only: a state that lasted for longer than a cell is remembered
//! until it is known what a usual interval is, and there is at most one such for each cell.

use std::ops::Range;

use custos_store::{Bounds, Bucket, Metric, Reason, Run, Snapshot, State};

use crate::built_in::was_run;
use crate::columns::{Column, Columns};
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::intervals::Intervals;
use crate::limits::{ENVELOPE_COLUMNS_MAX, ENVELOPE_SERIES_MAX};
use crate::rate::Rate;
use crate::series::Series;
use crate::state_bar::StateBar;

/// What to read of a check.
#[derive(Clone, Debug)]
pub struct EnvelopeRequest<'a> {
    /// The check.
    pub check: &'a str,
    /// Its series.
    pub series: Vec<Series>,
    /// The span, in ms since the epoch, end excluded.
    pub span: Range<i64>,
    /// Columns of each series.
    pub columns: usize,
    /// Cells of the state bar.
    pub cells: usize,
    /// Whether to give the change per second in the place of the values.
    pub rate: bool,
}

/// A check over a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckEnvelope {
    /// The series, in the order in which they were asked for.
    pub series: Vec<Envelope>,
    /// The states.
    pub states: StateBar,
}

/// A series in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Which series it is.
    pub series: Series,
    /// The base unit of the latest value, that of the rate if rates were asked for.
    pub unit: String,
    /// The columns; none where there was no sample.
    pub columns: Vec<Option<Column>>,
    /// The plugin's own ranges at the latest value. Rates have none.
    pub limits: Vec<Limit>,
    /// The longest time between two samples that is not a gap, in ms.
    pub bridge_ms: i64,
}

/// A threshold on a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The state it leads to.
    pub state: State,
    /// The range, in the series' unit.
    pub bounds: Bounds,
}

impl EnvelopeRequest<'_> {
    /// Reads the check.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<CheckEnvelope> {
        let bounded = |what, asked, limit| match asked <= limit {
            true => Ok(()),
            false => Err(Error::TooLarge { what, asked, limit }),
        };
        bounded("series", self.series.len(), ENVELOPE_SERIES_MAX)?;
        bounded("columns", self.columns.max(self.cells), ENVELOPE_COLUMNS_MAX)?;
        if let Some(summed_up) = self.sum_up(store, context)? {
            return Ok(summed_up.finish());
        }
        let mut strip = Strip::new(self);
        for run in store.runs(self.check, self.span.clone()) {
            context.count_run()?;
            match run {
                Ok(run) => strip.add(&run),
                Err(error) => {
                    context.damage(&error);
                    strip.gap();
                }
            }
        }
        Ok(strip.finish())
    }

    /// Reads all by what the store knows of columns and states. `None` if only the runs can tell.
    fn sum_up(&self, store: &Snapshot, context: &ReadContext<'_>) -> Result<Option<Strip>> {
        let mut strip = Strip::new(self);
        let Range { start, end } = self.span;
        for track in &mut strip.tracks {
            context.look()?;
            match &track.series {
                Series::Metric(key) if !self.rate => {
                    let columns = track.columns.count();
                    let Ok(buckets) = store.envelope(self.check, key, start..end, columns) else {
                        return Ok(None);
                    };
                    if track.sum_up(self.check, store, &buckets, end).is_none() {
                        return Ok(None);
                    }
                }
                _ => return Ok(None),
            }
        }
        for batch in store.states(self.check, start..end) {
            context.look()?;
            let Ok(batch) = batch else { return Ok(None) };
            for run in batch {
                strip.note(run.time_ms, run.state, run.reason);
            }
        }
        Ok(Some(strip))
    }
}

/// One check on its way into columns.
struct Strip {
    tracks: Vec<Track>,
    states: StateBar,
    intervals: Intervals,
    /// Runs of one state, none of them further than a cell from the next, up to the one before.
    stretch: Option<Stretch>,
    /// States that lasted for longer than a cell, as (from, to, state): at most one for each cell.
    lasting: Vec<(i64, i64, State)>,
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
    series: Series,
    columns: Columns,
    unit: String,
    limits: Vec<Limit>,
    rate: Rate,
}

impl Strip {
    fn new(request: &EnvelopeRequest<'_>) -> Strip {
        let Range { start, end } = request.span;
        let track = |series: &Series| Track {
            series: series.clone(),
            columns: Columns::new(start, end, request.columns),
            unit: String::new(),
            limits: Vec::new(),
            rate: Rate::default(),
        };
        Strip {
            tracks: request.series.iter().map(track).collect(),
            states: StateBar::new(start, end, request.cells),
            intervals: Intervals::default(),
            stretch: None,
            lasting: Vec::new(),
            cell_ms: end.saturating_sub(start) / request.cells.max(1) as i64,
            rate: request.rate,
        }
    }

    /// Takes in the next run.
    fn add(&mut self, run: &Run) {
        self.note(run.time_ms, run.state, run.reason);
        for track in &mut self.tracks {
            track.add(run, self.rate);
        }
    }

    /// Notes that runs may be missing here.
    fn gap(&mut self) {
        if let Some(last_ms) = self.stretch.as_ref().map(|stretch| stretch.last_ms) {
            self.end_stretch(last_ms);
        }
        for track in &mut self.tracks {
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

    /// A state lasts until the next run, if that is not too far away; how far is known only at the end.
    fn end_stretch(&mut self, next_ms: i64) {
        let Some(Stretch { first_ms, last_ms, state }) = self.stretch.take() else { return };
        self.states.cover(first_ms, last_ms.saturating_add(1), state);
        if next_ms.saturating_sub(last_ms) > self.cell_ms {
            self.lasting.push((last_ms, next_ms, state));
        }
    }

    fn finish(mut self) -> CheckEnvelope {
        self.end_stretch(i64::MAX);
        let usual_ms = self.intervals.usual_ms().unwrap_or(0);
        let bridge_ms = usual_ms.saturating_add(usual_ms / 2);
        for (since_ms, next_ms, state) in &self.lasting {
            let covered_ms = if next_ms.saturating_sub(*since_ms) <= bridge_ms {
                *next_ms
            } else {
                since_ms.saturating_add(usual_ms)
            };
            self.states.cover(*since_ms, covered_ms, *state);
        }
        let series = self.tracks.into_iter().map(|track| Envelope {
            series: track.series,
            unit: track.unit,
            // Neighbours are joined whatever the interval was at the time.
            bridge_ms: bridge_ms.max(track.columns.column_ms().saturating_mul(2)),
            columns: track.columns.into_vec(),
            limits: track.limits,
        });
        CheckEnvelope { series: series.collect(), states: self.states }
    }
}

impl Track {
    /// Takes the columns from the store, and unit and limits from the latest run that has a value.
    fn sum_up(&mut self, check: &str, store: &Snapshot, buckets: &[Bucket], end_ms: i64) -> Option<()> {
        let known = buckets.iter().map(column).collect::<Option<Vec<_>>>()?;
        let start_ms = buckets.first()?.start_ms;
        if let Some(last) = known.iter().rev().flatten().next() {
            let runs = store.runs_rev(check, last.last_ms..last.last_ms.saturating_add(1));
            let run = runs
                .map(|run| run.ok())
                .find(|run| run.as_ref().is_none_or(|run| self.series.of(run).is_some()))??;
            if let Some(reported) = self.series.of(&run) {
                self.describe(reported.unit, reported.metric);
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
        self.rate.gap();
    }

    fn add(&mut self, run: &Run, rate: bool) {
        let Some(reported) = self.series.of(run) else {
            self.gap();
            return;
        };
        if rate {
            self.unit = Rate::unit(reported.unit);
            if let Some(rate) = self.rate.add(run.time_ms, reported.value, reported.unit) {
                self.columns.add(run.time_ms, rate);
            }
            return;
        }
        self.columns.add(run.time_ms, reported.value.to_f64());
        self.describe(reported.unit, reported.metric);
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
mod tests;
