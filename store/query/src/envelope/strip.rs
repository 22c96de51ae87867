//! A check over a span of time: its series in columns, and its states.
//!
//! Mostly the store knows what the samples of a column have in common, and only times and states are read one by one.
//! Rates, built-in series, and what cannot be read or summed up need run after run; the answer is the same. Memory
//! depends on the number of columns, cells and series only: a state that lasted for longer than a cell is remembered
//! until it is known what a usual interval is, and there is at most one such for each cell.

use std::ops::Range;

use custos_store::{Reason, Run, Snapshot, State, StateStretch};

use super::curve::Envelope;
use super::track::{Drawn, LookedUp, Track};
use crate::built_in::was_run;
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::intervals::Intervals;
use crate::limits::{ENVELOPE_COLUMNS_MAX, ENVELOPE_SERIES_MAX};
use crate::series::Series;
use crate::stand::Stand;
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
    /// Whether to give values or the change per second.
    pub drawn: Drawn,
    /// Until when a state holds that no run has changed, in ms since the epoch: of a check that has runs only when
    /// something is reported to it, such as traps. None if it runs on a schedule, and a state holds for an interval.
    pub holds_until_ms: Option<i64>,
}

/// A check over a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckEnvelope {
    /// The series, in the order in which they were asked for.
    pub series: Vec<Envelope>,
    /// The states.
    pub states: StateBar,
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
        if let Some(strip) = self.sum_up(store, context)? {
            return Ok(self.finish(strip, store));
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
        Ok(self.finish(strip, store))
    }

    fn finish(&self, mut strip: Strip, store: &Snapshot) -> CheckEnvelope {
        if self.holds_until_ms.is_some()
            && let Ok(Stand { judged: Some(run), .. }) =
                Stand::at(store, self.check, self.span.start.saturating_sub(1))
        {
            strip.before = Some(run.state);
        }
        strip.finish()
    }

    /// Reads all by what the store knows of columns and states. `None` if only the runs can tell.
    fn sum_up(&self, store: &Snapshot, context: &ReadContext<'_>) -> Result<Option<Strip>> {
        let mut strip = Strip::new(self);
        let Range { start, end } = self.span;
        let mut looked = LookedUp::new(self.check, store);
        for track in &mut strip.tracks {
            context.look()?;
            match &track.series {
                Series::Metric(key) if self.drawn != Drawn::Rates => {
                    let columns = self.columns.max(1);
                    let Ok(buckets) = store.envelope(self.check, key, start..end, columns) else {
                        return Ok(None);
                    };
                    let Ok(units) = store.units(self.check, key, start..end) else { return Ok(None) };
                    if track.sum_up(&mut looked, &units, &buckets).is_none() {
                        return Ok(None);
                    }
                }
                _ => return Ok(None),
            }
        }
        for batch in store.state_stretches(self.check, start..end) {
            context.look()?;
            let Ok(batch) = batch else { return Ok(None) };
            if batch.iter().all(|stretch| strip.can_note_all(stretch)) {
                batch.iter().for_each(|stretch| strip.note_all(stretch));
                continue;
            }
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { continue };
            // No other batch has runs of these times.
            for runs in store.states(self.check, first.first_ms..last.last_ms.saturating_add(1)) {
                let Ok(runs) = runs else { return Ok(None) };
                runs.iter().for_each(|run| strip.note(run.time_ms, run.state, run.reason));
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
    span: Range<i64>,
    holds_until_ms: Option<i64>,
    /// The state before the span, if that holds.
    before: Option<State>,
    first_ms: Option<i64>,
}

/// Runs of one state.
struct Stretch {
    first_ms: i64,
    last_ms: i64,
    state: State,
}

impl Strip {
    fn new(request: &EnvelopeRequest<'_>) -> Strip {
        let Range { start, end } = request.span;
        let track = |series: &Series| Track::new(series, &request.span, request.columns, request.drawn);
        Strip {
            tracks: request.series.iter().map(track).collect(),
            states: StateBar::new(start, end, request.cells),
            intervals: Intervals::default(),
            stretch: None,
            lasting: Vec::new(),
            cell_ms: end.saturating_sub(start) / request.cells.max(1) as i64,
            span: start..end,
            holds_until_ms: request.holds_until_ms,
            before: None,
            first_ms: None,
        }
    }

    /// Takes in the next run.
    fn add(&mut self, run: &Run) {
        self.note(run.time_ms, run.state, run.reason);
        for track in &mut self.tracks {
            track.add(run);
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
        self.first_ms.get_or_insert(time_ms);
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

    /// Whether a stretch of runs tells as much as each of them.
    fn can_note_all(&self, stretch: &StateStretch) -> bool {
        let (least_ms, greatest_ms) = stretch.apart_ms;
        stretch.runs == 1
            || !was_run(stretch.reason)
            || (greatest_ms <= self.cell_ms && Intervals::are_alike(least_ms, greatest_ms))
    }

    /// Takes in the states of the next runs, of which [`can_note_all`](Strip::can_note_all) says that they can be.
    fn note_all(&mut self, stretch: &StateStretch) {
        self.note(stretch.first_ms, stretch.state, stretch.reason);
        if stretch.runs > 1 && was_run(stretch.reason) {
            self.intervals.add_alike(stretch.runs - 1, stretch.apart_ms.0, stretch.last_ms);
            if let Some(known) = &mut self.stretch {
                known.last_ms = stretch.last_ms;
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
        if let (Some(until_ms), Some(state)) = (self.holds_until_ms, self.before) {
            self.states.cover(self.span.start, self.first_ms.unwrap_or(until_ms).min(until_ms), state);
        }
        for (since_ms, next_ms, state) in &self.lasting {
            let covered_ms = match self.holds_until_ms {
                Some(until_ms) => (*next_ms).min(until_ms),
                None if next_ms.saturating_sub(*since_ms) <= bridge_ms => *next_ms,
                None => since_ms.saturating_add(usual_ms),
            };
            self.states.cover(*since_ms, covered_ms, *state);
        }
        let series = self.tracks.into_iter().map(|track| track.finish(bridge_ms)).collect();
        CheckEnvelope { series, states: self.states }
    }
}

#[cfg(test)]
mod tests;
