//! Functions of the samples of a stretch of time.

use std::iter;
use std::ops::Range;

use super::evaluator::Evaluator;
use super::extremes::{Extreme, TimeOf};
use super::grid::Grid;
use super::marks::Marks;
use super::moments::{Spread, Total};
use super::options::Options;
use super::quantile::{self, quantile};
use super::ranged::{self, RangeSeries, Windows};
use super::rate;
use super::regression::Line;
use super::rolling::Rolling;
use super::slice::Slice;
use super::slide::{Edges, Fold, slide};
use super::summary;
use super::value::Row;
use super::wanted::Wanted;
use crate::ast::Call;
use crate::error::{Error, Result};
use crate::functions::Window;
use crate::limits::STEPS_PER_LOOK;
use crate::source::{ENDED, Samples};
use crate::span::Span;
use crate::value_type::ValueType;

/// A window function over each series of a range expression.
pub(super) fn eval(evaluator: &Evaluator<'_>, call: &Call, window: Window, grid: &Grid) -> Result<Vec<Row>> {
    let wanted = evaluator.wanted.take().filter(|wanted| wanted.span == call.span);
    let range = call.args.iter().find(|arg| arg.value_type() == ValueType::Matrix);
    let Some(range) = range else { return Err(Error::execution(call.span, "expected a range vector")) };
    let mut params = Vec::new();
    for arg in call.args.iter().filter(|arg| arg.value_type() == ValueType::Scalar) {
        params.push(evaluator.scalar(arg, grid)?);
    }
    let windows = Windows::of(evaluator, range, grid)?;
    let ranged = ranged::ranged(evaluator, range, &windows)?;
    if let Some(rows) = summary::eval(evaluator, &ranged, window, &windows, grid)? {
        return Ok(rows);
    }
    let sliding = Sliding {
        window,
        windows: &windows,
        params: &params,
        wanted,
        options: evaluator.options,
        span: call.span,
    };
    let rows = ranged::map_ranges(evaluator, &ranged, &windows, |series| sliding.row(series))?;
    let mut kept = Vec::with_capacity(rows.len());
    for (row, is_counter) in rows.into_iter().filter(|(row, _)| !row.is_empty()) {
        inform_of_gauge(evaluator, &row, window, is_counter, range.span());
        kept.push(row);
    }
    if let (Window::Quantile, Some(arg)) = (window, call.args.first()) {
        let has_values = |step: usize| kept.iter().any(|row| row.get(step).is_some());
        let quantiles = params.first().into_iter().flatten().enumerate();
        for (_, wrong) in quantiles.filter(|(step, q)| !(0.0..=1.0).contains(*q) && has_values(*step)) {
            evaluator.warn_of_quantile(*wrong, arg);
        }
    }
    Ok(kept)
}

/// Refuses factors that do not smooth, once there is something to smooth.
fn check_factors(span: Span, smoothing: f64, trend: f64) -> Result<()> {
    for (name, value) in [("smoothing", smoothing), ("trend", trend)] {
        if !(value > 0.0 && value < 1.0) {
            let letter = &name[..1];
            let message = format!("invalid {name} factor. Expected: 0 < {letter}f < 1, got: {value:.6}");
            return Err(Error::execution(span, message));
        }
    }
    Ok(())
}

/// Says that a rate is taken of what does not look like a counter. Whether it is one the source may know.
fn inform_of_gauge(
    evaluator: &Evaluator<'_>,
    row: &Row,
    window: Window,
    is_counter: Option<bool>,
    span: Span,
) {
    if !matches!(window, Window::Rate | Window::Increase) {
        return;
    }
    let name = row.labels.metric_name();
    let named = ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix));
    if !name.is_empty() && !is_counter.unwrap_or(named) {
        let text = format!(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
        );
        evaluator.annotations.inform(span, text);
    }
}

/// So many steps are left out, or not, together.
const WANTED_STEPS: usize = 256;

/// A window function, and the windows that it slides over the samples of one series after the other.
struct Sliding<'a> {
    window: Window,
    windows: &'a Windows,
    /// For each step.
    params: &'a [Vec<f64>],
    /// What of the results is wanted, if that is not all.
    wanted: Option<Wanted>,
    options: &'a Options<'a>,
    /// Where the call stands.
    span: Span,
}

impl Sliding<'_> {
    /// The row of a series, and whether its source knows it to be a counter.
    fn row(&self, series: RangeSeries) -> Result<(Row, Option<bool>)> {
        let mut row = Row::empty(series.labels, self.windows.grid.count);
        row.drops_name = series.drops_name || !self.window.keeps_name();
        for steps in self.needed(&series.samples) {
            let edges = self.edges(&series.samples.times, steps.clone())?;
            self.fill(&mut row.values[steps.clone()], &series.samples, &edges, steps)?;
        }
        Ok((row, series.is_counter))
    }

    /// The steps that may come to something that is wanted: all, unless only some results are. Those of functions that need to
    /// know the step always are.
    fn needed(&self, samples: &Samples) -> Vec<Range<usize>> {
        let count = self.windows.grid.count;
        let Some(wanted) = self.wanted.filter(|wanted| wanted.is_among) else {
            return iter::once(0..count).collect();
        };
        let (mut needed, mut from, mut to): (Vec<Range<usize>>, _, _) = (Vec::new(), 0, 0);
        for first in (0..count).step_by(WANTED_STEPS) {
            let end = (first + WANTED_STEPS).min(count);
            from = forward(&samples.times, from, self.windows.start(first));
            to = forward(&samples.times, to, self.windows.end(end - 1));
            if from < to && wanted.may_be_of(&samples.values[from..to]) {
                match needed.last_mut() {
                    Some(last) if last.end == first => last.end = end,
                    _ => needed.push(first..end),
                }
            }
        }
        needed
    }

    /// The samples of the windows of some steps.
    fn edges(&self, times: &[i64], steps: Range<usize>) -> Result<Edges> {
        let steps_end = steps.end;
        let mut edges = Vec::with_capacity(steps.len());
        let first = self.windows.start(steps.start);
        let (mut from, mut to) = (times.partition_point(|time| *time <= first), 0);
        let (mut begins, mut ends) = (Strides::default(), Strides::default());
        for few in steps.step_by(STEPS_PER_LOOK).map(|first| first..(first + STEPS_PER_LOOK).min(steps_end)) {
            self.options.check_interrupt()?;
            self.windows.each(few, |start, end| {
                from = begins.forward(times, from, start);
                to = ends.forward(times, to.max(from), end);
                edges.push((from, to));
            });
        }
        Ok(edges)
    }

    fn fill(&self, values: &mut [f64], samples: &Samples, edges: &Edges, steps: Range<usize>) -> Result<()> {
        match self.window {
            Window::Avg => self.roll(values, samples, edges, Total::mean),
            Window::Sum => self.roll(values, samples, edges, Total::sum),
            Window::Min => self.slide(values, samples, edges, |_, _, least: &Extreme<false>| least.0),
            Window::Max => self.slide(values, samples, edges, |_, _, most: &Extreme<true>| most.0),
            Window::TimeOfMin => {
                self.slide(values, samples, edges, |_, _, least: &TimeOf<false>| seconds(least.time_ms))
            }
            Window::TimeOfMax => {
                self.slide(values, samples, edges, |_, _, most: &TimeOf<true>| seconds(most.time_ms))
            }
            Window::Stdvar => {
                self.slide(values, samples, edges, |_, slice, of: &Spread| of.variance(slice.values))
            }
            Window::Stddev => {
                self.slide(values, samples, edges, |_, slice, of: &Spread| of.variance(slice.values).sqrt())
            }
            Window::Deriv => self.slide(values, samples, edges, |_, slice, line: &Line| match slice.values {
                [_] => ENDED,
                _ => line.at(slice.times[0], slice).0,
            }),
            Window::PredictLinear => self.slide(values, samples, edges, |step, slice, line: &Line| {
                let (slope, intercept) = match slice.values {
                    [_] => return ENDED,
                    _ => line.at(self.windows.grid.time(step), slice),
                };
                slope * self.param(0, step) + intercept
            }),
            Window::Changes => self.marked(values, samples, edges, Marks::changes(samples)),
            Window::Resets => self.marked(values, samples, edges, Marks::falls(samples)),
            Window::Delta => self.grow(values, samples, (edges, steps), rate::Kind::Delta),
            Window::Increase => self.grow(values, samples, (edges, steps), rate::Kind::Increase),
            Window::Rate => self.grow(values, samples, (edges, steps), rate::Kind::Rate),
            Window::Quantile => {
                let mut keys = Vec::new();
                self.each(values, samples, edges, |step, slice| {
                    keys.clear();
                    keys.extend(slice.values.iter().copied().map(quantile::key));
                    quantile::of_keys(self.param(0, step), &mut keys)
                })
            }
            Window::Mad => {
                let mut scratch = Vec::new();
                self.each(values, samples, edges, |_, slice| deviation(slice.values, &mut scratch))
            }
            Window::DoubleExponentialSmoothing => {
                for step in (0..edges.len()).filter(|step| edges[*step].0 < edges[*step].1) {
                    check_factors(self.span, self.param(0, step), self.param(1, step))?;
                }
                self.each(values, samples, edges, |step, slice| {
                    smoothed(slice.values, self.param(0, step), self.param(1, step))
                })
            }
            _ => self.each(values, samples, edges, |_, slice| of_ends(self.window, slice)),
        }
    }

    fn param(&self, index: usize, step: usize) -> f64 {
        self.params.get(index).map_or(f64::NAN, |values| values[step])
    }

    /// What `value` makes of each window, of which what it has is put together from what parts of it have.
    fn slide<F: Fold>(
        &self,
        values: &mut [f64],
        samples: &Samples,
        edges: &Edges,
        value: impl Fn(usize, &Slice<'_>, &F) -> f64,
    ) -> Result<()> {
        slide(samples, edges, |step, slice, of| {
            self.options.check_at(step)?;
            values[step] = value(step, &slice, &of);
            Ok(())
        })
    }

    /// What `value` makes of the total of each window and its values.
    fn roll(
        &self,
        values: &mut [f64],
        samples: &Samples,
        edges: &Edges,
        value: impl Fn(&Total, &[f64]) -> f64,
    ) -> Result<()> {
        let of_samples = &*samples.values;
        let mut rolling = Rolling::new(of_samples);
        for (step, (from, to)) in edges.iter().copied().enumerate() {
            self.options.check_at(step)?;
            if from < to {
                values[step] = value(&rolling.window((from, to)), &of_samples[from..to]);
            }
        }
        Ok(())
    }

    /// What `value` makes of each window.
    fn each(
        &self,
        values: &mut [f64],
        samples: &Samples,
        edges: &Edges,
        mut value: impl FnMut(usize, &Slice<'_>) -> f64,
    ) -> Result<()> {
        for (step, (from, to)) in edges.iter().enumerate() {
            self.options.check_at(step)?;
            if from < to {
                values[step] = value(step, &samples.slice(*from, *to));
            }
        }
        Ok(())
    }

    /// How many marks each window has.
    fn marked(&self, values: &mut [f64], samples: &Samples, edges: &Edges, mut marks: Marks) -> Result<()> {
        self.each(values, samples, edges, |step, _| marks.within(edges[step]).len() as f64)
    }

    /// How much each window grows; `steps` are those of the windows.
    fn grow(
        &self,
        values: &mut [f64],
        samples: &Samples,
        (edges, steps): (&Edges, Range<usize>),
        kind: rate::Kind,
    ) -> Result<()> {
        let mut falls = if kind == rate::Kind::Delta { Marks::none() } else { Marks::falls(samples) };
        let wanted = self.wanted.filter(|wanted| !wanted.is_among);
        let mut bounds = Vec::with_capacity(edges.len());
        self.windows.each(steps, |start, end| bounds.push((start, end)));
        self.each(values, samples, edges, |step, slice| {
            let first = edges[step].0 + 1;
            let before = falls.within(edges[step]).iter().map(|fall| *fall as usize - first);
            rate::extrapolated(slice, before, bounds[step], kind, wanted)
        })
    }
}

/// By how many samples windows move on: mostly by as many as the last time.
#[derive(Default)]
struct Strides(usize);

impl Strides {
    /// See [`forward`].
    #[inline]
    fn forward(&mut self, times: &[i64], at: usize, time_ms: i64) -> usize {
        let guess = at + self.0;
        let is_first = match times.get(guess) {
            Some(time) if guess > at => *time > time_ms && times[guess - 1] <= time_ms,
            Some(time) => *time > time_ms,
            None => false,
        };
        if is_first {
            return guess;
        }
        let found = forward(times, at, time_ms);
        self.0 = found - at;
        found
    }
}

/// The first index from `at` on whose time is after `time_ms`. One by one as long as windows move on by little, then in steps that
/// double.
#[inline]
fn forward(times: &[i64], at: usize, time_ms: i64) -> usize {
    let is_after = |index: usize| times.get(index).is_none_or(|time| *time > time_ms);
    (at..at + 3).find(|index| is_after(*index)).unwrap_or_else(|| far_forward(times, at + 3, time_ms))
}

fn far_forward(times: &[i64], at: usize, time_ms: i64) -> usize {
    let mut step = 1;
    let mut low = at;
    while low + step <= times.len() && times[low + step - 1] <= time_ms {
        low += step;
        step *= 2;
    }
    let high = (low + step - 1).min(times.len());
    low + times[low..high].partition_point(|time| *time <= time_ms)
}

fn seconds(time_ms: i64) -> f64 {
    time_ms as f64 / 1e3
}

/// What only the number of samples, the first and the last ones tell; [`ENDED`] if that is nothing.
fn of_ends(window: Window, slice: &Slice<'_>) -> f64 {
    let last = slice.values.len() - 1;
    match window {
        Window::Count => slice.values.len() as f64,
        Window::Present => 1.0,
        Window::First => slice.values[0],
        Window::Last => slice.values[last],
        Window::Idelta => rate::last_two(slice, false),
        Window::Irate => rate::last_two(slice, true),
        Window::TimeOfFirst => seconds(slice.times[0]),
        Window::TimeOfLast => seconds(slice.times[last]),
        _ => ENDED,
    }
}

/// The median of the distances from the median.
fn deviation(values: &[f64], scratch: &mut Vec<f64>) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    scratch.clear();
    scratch.extend_from_slice(values);
    let median = quantile(0.5, scratch);
    scratch.iter_mut().for_each(|value| *value = (*value - median).abs());
    quantile(0.5, scratch)
}

/// Holt's double exponential smoothing: the level after the last value.
fn smoothed(values: &[f64], smoothing: f64, trend: f64) -> f64 {
    let [first, second, ..] = values else { return ENDED };
    let mut level = *first;
    let mut slope = second - first;
    for value in &values[1..] {
        let previous = level;
        level = smoothing * value + (1.0 - smoothing) * (previous + slope);
        slope = trend * (level - previous) + (1.0 - trend) * slope;
    }
    level
}
