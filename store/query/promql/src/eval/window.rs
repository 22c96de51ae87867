//! Functions of the samples of a stretch of time.

use super::evaluator::Evaluator;
use super::grid::Grid;
use super::quantile::quantile;
use super::rate;
use super::regression;
use super::select::{self, Windows};
use super::slice::Slice;
use super::sum::{Mean, Sum};
use super::summary;
use super::value::Row;
use crate::ast::Call;
use crate::error::{Error, Result};
use crate::functions::Window;
use crate::source::{ENDED, Samples};
use crate::span::Span;
use crate::value_type::ValueType;

/// A window function over each series of a range expression.
pub(super) fn eval(evaluator: &Evaluator<'_>, call: &Call, window: Window, grid: &Grid) -> Result<Vec<Row>> {
    let range = call.args.iter().find(|arg| arg.value_type() == ValueType::Matrix);
    let Some(range) = range else { return Err(Error::execution(call.span, "expected a range vector")) };
    let mut params = Vec::new();
    for arg in call.args.iter().filter(|arg| arg.value_type() == ValueType::Scalar) {
        params.push(evaluator.scalar(arg, grid)?);
    }
    let windows = Windows::of(evaluator, range, grid)?;
    let ranged = select::ranged(evaluator, range, &windows)?;
    if let Some(rows) = summary::eval(evaluator, &ranged, window, &windows, grid)? {
        return Ok(rows);
    }
    let mut scratch = Vec::new();
    let mut rows = Vec::new();
    select::each_range(evaluator, &ranged, &windows, |series| {
        evaluator.check_room(rows.len() + 1, grid.count, call.span)?;
        let mut row = Row::empty(series.labels, grid.count);
        row.drops_name = series.drops_name || !window.keeps_name();
        let mut bounds = Bounds::new(&series.samples.times);
        for (step, slot) in row.values.iter_mut().enumerate() {
            evaluator.check_at(step)?;
            let (start_ms, end_ms) = (windows.start(step), windows.end(step));
            let (from, to) = bounds.advance(start_ms, end_ms);
            if from == to {
                continue;
            }
            let slice = slice(&series.samples, from, to, start_ms, end_ms);
            let param = |index: usize| params.get(index).map_or(f64::NAN, |values: &Vec<f64>| values[step]);
            *slot = match window {
                Window::PredictLinear => match slice.values {
                    [_] => ENDED,
                    _ => {
                        let (slope, intercept) = regression::line(slice.times, slice.values, grid.time(step));
                        slope * param(0) + intercept
                    }
                },
                Window::DoubleExponentialSmoothing => {
                    check_factors(call.span, param(0), param(1))?;
                    smoothed(slice.values, param(0), param(1))
                }
                Window::Quantile => {
                    if let (false, Some(arg)) = ((0.0..=1.0).contains(&param(0)), call.args.first()) {
                        evaluator.warn_of_quantile(param(0), arg);
                    }
                    scratch.clear();
                    scratch.extend_from_slice(slice.values);
                    quantile(param(0), &mut scratch)
                }
                Window::Mad => deviation(slice.values, &mut scratch),
                _ => of(window, &slice),
            };
        }
        if !row.is_empty() {
            inform_of_gauge(evaluator, &row, window, series.is_counter, range.span());
            rows.push(row);
        }
        Ok(())
    })?;
    Ok(rows)
}

fn slice(samples: &Samples, from: usize, to: usize, start_ms: i64, end_ms: i64) -> Slice<'_> {
    Slice {
        times: &samples.times[from..to],
        values: &samples.values[from..to],
        integers: samples.integers.as_ref().map(|integers| &integers[from..to]),
        start_ms,
        end_ms,
    }
}

/// First and last sample of windows that only move on.
struct Bounds<'t> {
    times: &'t [i64],
    from: usize,
    to: usize,
}

impl<'t> Bounds<'t> {
    fn new(times: &'t [i64]) -> Bounds<'t> {
        Bounds { times, from: 0, to: 0 }
    }

    /// The samples after `start_ms` and up to `end_ms`.
    fn advance(&mut self, start_ms: i64, end_ms: i64) -> (usize, usize) {
        self.from = forward(self.times, self.from, start_ms);
        self.to = forward(self.times, self.to, end_ms);
        (self.from, self.to)
    }
}

/// The first index from `at` on whose time is after `time_ms`. In steps that double, since windows may lie far apart.
fn forward(times: &[i64], at: usize, time_ms: i64) -> usize {
    let mut step = 1;
    let mut low = at;
    while low + step <= times.len() && times[low + step - 1] <= time_ms {
        low += step;
        step *= 2;
    }
    let high = (low + step - 1).min(times.len());
    low + times[low..high].partition_point(|time| *time <= time_ms)
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

/// The value of a function of one window; [`ENDED`] if there is none.
fn of(window: Window, slice: &Slice<'_>) -> f64 {
    let values = slice.values;
    let seconds = |time: i64| time as f64 / 1e3;
    match window {
        Window::Avg => {
            let mut mean = Mean::default();
            values.iter().for_each(|value| mean.add(*value));
            mean.value()
        }
        Window::Sum => {
            let mut sum = Sum::default();
            values.iter().for_each(|value| sum.add(*value));
            sum.value()
        }
        Window::Count => values.len() as f64,
        Window::Present => 1.0,
        Window::First => values[0],
        Window::Last => values[values.len() - 1],
        Window::Min => extreme(values, |new, old| new < old),
        Window::Max => extreme(values, |new, old| new > old),
        Window::Stdvar => variance(values),
        Window::Stddev => variance(values).sqrt(),
        Window::Changes => changes(slice),
        Window::Resets => resets(slice),
        Window::Delta => rate::extrapolated(slice, rate::Kind::Delta),
        Window::Increase => rate::extrapolated(slice, rate::Kind::Increase),
        Window::Rate => rate::extrapolated(slice, rate::Kind::Rate),
        Window::Idelta => rate::last_two(slice, false),
        Window::Irate => rate::last_two(slice, true),
        Window::Deriv => match values {
            [_] => ENDED,
            _ => regression::line(slice.times, values, slice.times[0]).0,
        },
        Window::TimeOfFirst => seconds(slice.times[0]),
        Window::TimeOfLast => seconds(slice.times[values.len() - 1]),
        Window::TimeOfMax => seconds(slice.times[last_extreme(values, |new, old| new >= old)]),
        Window::TimeOfMin => seconds(slice.times[last_extreme(values, |new, old| new <= old)]),
        // These have parameters, see `eval`.
        Window::PredictLinear | Window::DoubleExponentialSmoothing | Window::Quantile | Window::Mad => ENDED,
    }
}

/// The first value that no other is better than; NaN only if there is nothing else.
fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> f64 {
    values[1..].iter().fold(
        values[0],
        |best, value| {
            if better(*value, best) || best.is_nan() { *value } else { best }
        },
    )
}

/// The index of the last value that is as good as any.
fn last_extreme(values: &[f64], as_good: impl Fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if as_good(*value, values[best]) || values[best].is_nan() {
            best = index;
        }
    }
    best
}

/// Welford's variance, compensated.
fn variance(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for (index, value) in values.iter().enumerate() {
        let delta = value - mean.value();
        mean.add(delta / (index + 1) as f64);
        squares.add(delta * (value - mean.value()));
    }
    squares.value() / values.len() as f64
}

/// How often the value is another than before.
fn changes(slice: &Slice<'_>) -> f64 {
    let count = match slice.integers {
        Some(integers) => integers.windows(2).filter(|pair| pair[0] != pair[1]).count(),
        None => {
            let differ = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
            slice.values.windows(2).filter(differ).count()
        }
    };
    count as f64
}

/// How often the value is less than before.
fn resets(slice: &Slice<'_>) -> f64 {
    let count = match slice.integers {
        Some(integers) => integers.windows(2).filter(|pair| pair[1] < pair[0]).count(),
        None => slice.values.windows(2).filter(|pair| pair[1] < pair[0]).count(),
    };
    count as f64
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
