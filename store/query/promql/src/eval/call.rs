//! Calls of functions.

use super::args::Args;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::ranged::{self, Windows};
use super::value::{Row, Value};
use super::{date, elementwise, histogram, label_functions, select, sort, window};
use crate::ast::{Call, Expr};
use crate::error::{Error, Result};
use crate::functions::{DatePart, Kind, NormalEdge};
use crate::labels::Labels;
use crate::matcher::{METRIC_NAME, MatchOperator, Matcher};
use crate::source::{ENDED, is_ended};

/// What a call comes to.
pub(super) fn eval(evaluator: &Evaluator<'_>, call: &Call, grid: &Grid) -> Result<Value> {
    let args = Args { evaluator, call, grid };
    let constant = |value: f64| Ok(Value::Scalar(vec![value; grid.count]));
    let seconds = |ms: i64| ms as f64 / 1e3;
    match call.function.kind {
        Kind::Math(function) => args.mapped(elementwise::math(function)),
        Kind::Date(part) => args.date(part),
        Kind::Window(function) => window::eval(evaluator, call, function, grid).map(Value::Vector),
        Kind::Absent => args.absent(),
        Kind::AbsentOverTime => args.absent_over_time(),
        Kind::Clamp => args.clamped(Some(1), Some(2)),
        Kind::ClampMin => args.clamped(Some(1), None),
        Kind::ClampMax => args.clamped(None, Some(1)),
        Kind::HistogramQuantile => histogram::quantiles(&args, 1, &[0], None),
        Kind::HistogramQuantiles => {
            let label = args.text(1)?;
            let quantiles: Vec<usize> = (2..call.args.len()).collect();
            histogram::quantiles(&args, 0, &quantiles, Some(&label))
        }
        Kind::HistogramFraction => histogram::fraction(&args),
        Kind::LabelJoin => label_functions::join(&args),
        Kind::LabelReplace => label_functions::replace(&args),
        Kind::MaxOf => args.combined(elementwise::go_max),
        Kind::MinOf => args.combined(elementwise::go_min),
        Kind::Normal(edge) => args.normal(edge),
        Kind::Pi => constant(std::f64::consts::PI),
        Kind::Start => constant(seconds(evaluator.query.start_ms)),
        Kind::End => constant(seconds(evaluator.query.start_ms.saturating_add(evaluator.range_ms()))),
        Kind::Step => constant(seconds(evaluator.step_ms())),
        Kind::Range => constant(seconds(evaluator.range_ms())),
        Kind::Time => Ok(Value::Scalar(grid.times().map(seconds).collect())),
        Kind::Round => args.rounded(),
        Kind::Scalar => args.single(),
        Kind::Sort { descending } => {
            sort::warn_in_range(evaluator, call);
            Ok(Value::Vector(sort::by_value(args.vector(0)?, descending)))
        }
        Kind::SortByLabel { descending } => {
            sort::warn_in_range(evaluator, call);
            let labels = (1..call.args.len()).map(|index| args.text(index)).collect::<Result<Vec<_>>>()?;
            Ok(Value::Vector(sort::by_these_labels(args.vector(0)?, &labels, descending)))
        }
        Kind::Timestamp => args.timestamp(),
        Kind::Vector => {
            let values = args.scalar(0)?;
            Ok(Value::Vector(vec![Row { labels: Labels::default(), drops_name: false, values }]))
        }
        Kind::Unsupported(reason) => Err(Error::execution(call.span, reason)),
    }
}

impl Args<'_, '_> {
    fn mapped(&self, function: impl Fn(f64) -> f64) -> Result<Value> {
        let mut rows = self.vector(0)?;
        rows.iter_mut().for_each(|row| row.map(&function));
        Ok(Value::Vector(rows))
    }

    fn combined(&self, function: impl Fn(f64, f64) -> f64) -> Result<Value> {
        let (one, other) = (self.scalar(0)?, self.scalar(1)?);
        Ok(Value::Scalar(one.into_iter().zip(other).map(|(one, other)| function(one, other)).collect()))
    }

    fn date(&self, part: DatePart) -> Result<Value> {
        if self.call.args.is_empty() {
            let values = self.grid.times().map(|ms| date::part(part, ms.div_euclid(1_000) as f64)).collect();
            return Ok(Value::Vector(vec![Row { labels: Labels::default(), drops_name: false, values }]));
        }
        self.mapped(|seconds| date::part(part, seconds))
    }

    fn clamped(&self, least: Option<usize>, most: Option<usize>) -> Result<Value> {
        let bound = |index: Option<usize>, open: f64| match index {
            Some(index) => self.scalar(index),
            None => Ok(vec![open; self.grid.count]),
        };
        let (least, most) = (bound(least, f64::NEG_INFINITY)?, bound(most, f64::INFINITY)?);
        let mut rows = self.vector(0)?;
        for row in &mut rows {
            row.drops_name = true;
            for ((value, least), most) in row.values.iter_mut().zip(&least).zip(&most) {
                *value = match is_ended(*value) || most < least {
                    true => ENDED,
                    false => elementwise::clamp(*value, *least, *most),
                };
            }
        }
        Ok(Value::Vector(rows))
    }

    fn rounded(&self) -> Result<Value> {
        let to = if self.call.args.len() > 1 { self.scalar(1)? } else { vec![1.0; self.grid.count] };
        let mut rows = self.vector(0)?;
        for row in &mut rows {
            row.drops_name = true;
            for (value, to) in row.values.iter_mut().zip(&to) {
                if !is_ended(*value) {
                    *value = elementwise::round(*value, *to);
                }
            }
        }
        Ok(Value::Vector(rows))
    }

    /// The one value of a vector that has one; else NaN.
    fn single(&self) -> Result<Value> {
        let rows = self.vector(0)?;
        let single = |step: usize| {
            let mut values = rows.iter().filter_map(|row| row.get(step));
            match (values.next(), values.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        };
        Ok(Value::Scalar((0..self.grid.count).map(single).collect()))
    }

    /// When each value is of: of a plain selector its samples, of anything else the evaluation.
    fn timestamp(&self) -> Result<Value> {
        let mut rows = match self.expr(0)?.unwrapped() {
            Expr::Selector(selector) => select::instant_times(self.evaluator, selector, self.grid)?,
            _ => {
                let mut rows = self.vector(0)?;
                for row in &mut rows {
                    for (value, time) in row.values.iter_mut().zip(self.grid.times()) {
                        if !is_ended(*value) {
                            *value = time as f64 / 1e3;
                        }
                    }
                }
                rows
            }
        };
        rows.iter_mut().for_each(|row| row.drops_name = true);
        Ok(Value::Vector(rows))
    }

    /// Where the series of a selector normally are, where they have a value.
    fn normal(&self, edge: NormalEdge) -> Result<Value> {
        let Expr::Selector(selector) = self.expr(0)?.unwrapped() else {
            return Err(Error::execution(self.call.span, "what is normal is known of a plain selector only"));
        };
        let mut rows = select::instant_normal(self.evaluator, selector, self.grid, edge)?;
        rows.iter_mut().for_each(|row| row.drops_name = true);
        Ok(Value::Vector(rows))
    }

    fn absent(&self) -> Result<Value> {
        let rows = self.vector(0)?;
        let is_present = |step: usize| rows.iter().any(|row| row.get(step).is_some());
        Ok(self.one_where_not(is_present, self.expr(0)?))
    }

    fn absent_over_time(&self) -> Result<Value> {
        let expr = self.expr(0)?;
        let windows = Windows::of(self.evaluator, expr, self.grid)?;
        let ranged = ranged::ranged(self.evaluator, expr, &windows)?;
        let of_series = ranged::map_ranges(self.evaluator, &ranged, &windows, |series| {
            let times = &series.samples.times;
            let is_present = |step: usize| {
                let first = times.partition_point(|time| *time <= windows.start(step));
                times.get(first).is_some_and(|time| *time <= windows.end(step))
            };
            Ok((0..self.grid.count).map(is_present).collect::<Vec<bool>>())
        })?;
        let is_present = |step: usize| of_series.iter().any(|present| present[step]);
        let present: Vec<bool> = (0..self.grid.count).map(is_present).collect();
        Ok(self.one_where_not(|step| present[step], expr))
    }

    fn one_where_not(&self, is_present: impl Fn(usize) -> bool, expr: &Expr) -> Value {
        let one = |step| if is_present(step) { ENDED } else { 1.0 };
        let values = (0..self.grid.count).map(one).collect();
        Value::Vector(vec![Row { labels: labels_of_absent(expr), drops_name: false, values }])
    }
}

/// What is known of a series that is not there: the labels that its selector compares with one value. A further condition on
/// a label makes it unknown, but one before that is no comparison with a value does not, as in Prometheus.
fn labels_of_absent(expr: &Expr) -> Labels {
    let matchers: &[Matcher] = match expr.unwrapped() {
        Expr::Selector(selector) => &selector.matchers,
        Expr::Range(range) => &range.selector.matchers,
        _ => &[],
    };
    let known = matchers.iter().enumerate().filter(|(index, matcher)| {
        let same = |other: &&Matcher| other.name() == matcher.name();
        let is_equal = |matcher: &Matcher| matcher.operator() == MatchOperator::Equal;
        is_equal(matcher)
            && matcher.name() != METRIC_NAME
            && !matchers[..*index].iter().filter(same).any(is_equal)
            && !matchers[index + 1..].iter().any(|other| same(&other))
    });
    Labels::new(known.map(|(_, matcher)| (matcher.name(), matcher.value())))
}
