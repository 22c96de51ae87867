//! A query and its answer.

use std::cell::{Cell, RefCell};

use super::annotations::Annotations;
use super::answer::{Answer, AnswerValue, Point, SeriesPoints};
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::merge::merged;
use super::options::Options;
use super::ranged::{self, RangeSeries};
use super::sort;
use super::value::{Row, Value};
use super::walk::walk;
use crate::ast::Expr;
use crate::error::{Error, ErrorKind, Result};
use crate::labels::Labels;
use crate::limits::STEPS_MAX;
use crate::source::{Source, is_ended};
use crate::span::Span;
use crate::value_type::ValueType;

/// Answers a query for one time (ms since the epoch). `query` is the text that `expr` was read from.
///
/// # Errors
/// What is wrong with the query over these series, or what stopped it.
pub fn instant(
    query: &str,
    expr: &Expr,
    source: &dyn Source,
    at_ms: i64,
    options: &Options<'_>,
) -> Result<Answer> {
    let grid = Grid::at(at_ms);
    let evaluator = evaluator(source, options, grid.clone(), at_ms);
    let value = match expr.unwrapped() {
        Expr::Range(_) | Expr::Subquery(_) => {
            let series = ranged::range(&evaluator, expr.unwrapped(), &grid)?;
            AnswerValue::Matrix(points(series))
        }
        _ => match evaluator.eval(expr, &grid)? {
            Value::Scalar(values) => AnswerValue::Scalar(Point { time_ms: at_ms, value: values[0] }),
            Value::Text(text) => AnswerValue::Text(at_ms, text),
            Value::Vector(rows) => {
                let rows = named(rows, expr.span())?;
                let rows = if sort::is_ordered(expr) { rows } else { sort::by_labels(rows) };
                let point = |value| Point { time_ms: at_ms, value };
                let values =
                    rows.into_iter().filter_map(|row| Some((row.labels.clone(), point(row.get(0)?))));
                AnswerValue::Vector(values.collect())
            }
        },
    };
    Ok(answer(query, value, evaluator))
}

/// Answers a query for many times: from `start_ms` to `end_ms` (ms since the epoch) every `step_ms`.
///
/// # Errors
/// What is wrong with the query over these series, or what stopped it.
pub fn range(
    query: &str,
    expr: &Expr,
    source: &dyn Source,
    (start_ms, end_ms, step_ms): (i64, i64, i64),
    options: &Options<'_>,
) -> Result<Answer> {
    let refuse = |message: String| Err(Error { kind: ErrorKind::Limit, span: None, message });
    if step_ms < 1 || end_ms < start_ms {
        return refuse(
            "a range query needs a positive step and an end that is not before its start".to_owned(),
        );
    }
    let value_type = expr.value_type();
    if matches!(value_type, ValueType::Matrix | ValueType::Text) {
        let message = format!(
            "invalid expression type {:?} for range query, must be Scalar or instant Vector",
            value_type.name()
        );
        return Err(Error::parse(expr.span(), message));
    }
    let grid = Grid::new(start_ms, end_ms, step_ms);
    if grid.count > STEPS_MAX + 1 {
        return refuse(format!("{} steps, of at most {STEPS_MAX}", grid.count));
    }
    let evaluator = evaluator(source, options, grid.clone(), end_ms);
    let rows = match evaluator.eval(expr, &grid)? {
        Value::Scalar(values) => vec![Row { labels: Labels::default(), drops_name: false, values }],
        Value::Vector(rows) => named(rows, expr.span())?,
        Value::Text(_) => Vec::new(),
    };
    let points = |row: &Row| {
        let present = row.values.iter().zip(grid.times()).filter(|(value, _)| !is_ended(**value));
        present.map(|(value, time_ms)| Point { time_ms, value: *value }).collect()
    };
    let mut series: Vec<SeriesPoints> =
        rows.iter().map(|row| SeriesPoints { labels: row.labels.clone(), points: points(row) }).collect();
    series.retain(|series| !series.points.is_empty());
    series.sort_by(|left, right| left.labels.cmp(&right.labels));
    Ok(answer(query, AnswerValue::Matrix(series), evaluator))
}

pub(super) fn evaluator<'a>(
    source: &'a dyn Source,
    options: &'a Options<'a>,
    query: Grid,
    end_ms: i64,
) -> Evaluator<'a> {
    Evaluator {
        source,
        options,
        query,
        end_ms,
        annotations: Annotations::default(),
        reads: RefCell::default(),
        taken: RefCell::default(),
        held: Cell::new(0),
        label_bytes: Cell::new(0),
        wanted: Cell::new(None),
        walk,
    }
}

fn answer(query: &str, value: AnswerValue, evaluator: Evaluator<'_>) -> Answer {
    let reads = evaluator.reads.into_inner();
    let samples = reads.iter().map(|read| read.samples).sum();
    let (warnings, infos) = evaluator.annotations.into_lines(query);
    Answer { value, warnings, infos, samples, reads, taken: evaluator.taken.into_inner() }
}

/// Drops the names that are to be dropped. Series that are then the same become one, unless they have a value at the same
/// step.
pub(super) fn named(rows: Vec<Row>, span: Span) -> Result<Vec<Row>> {
    let dropped = rows.into_iter().map(|row| match row.drops_name {
        true => Row { labels: row.labels.without_name(), ..row },
        false => row,
    });
    merged(dropped.filter(|row| !row.is_empty()).collect(), span)
}

/// These series as an answer.
fn points(series: Vec<RangeSeries>) -> Vec<SeriesPoints> {
    let mut answer: Vec<SeriesPoints> = series
        .into_iter()
        .filter(|series| !series.samples.times.is_empty())
        .map(|series| SeriesPoints {
            labels: if series.drops_name { series.labels.without_name() } else { series.labels },
            points: series
                .samples
                .times
                .iter()
                .zip(&series.samples.values)
                .map(|(time_ms, value)| Point { time_ms: *time_ms, value: *value })
                .collect(),
        })
        .collect();
    answer.sort_by(|left, right| left.labels.cmp(&right.labels));
    answer
}
