//! A query and its answer.

use std::cell::Cell;
use std::collections::HashMap;

use super::annotations::Annotations;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::select;
use super::sort;
use super::value::{Row, Value};
use crate::ast::Expr;
use crate::error::{Error, ErrorKind, Result};
use crate::labels::Labels;
use crate::limits::{STEPS_MAX, VALUES_MAX};
use crate::source::{Source, is_ended};
use crate::span::Span;

/// How long the newest value of a series counts where nothing else is given: five minutes.
pub(super) const LOOKBACK_MS: i64 = 300_000;

/// Step of a subquery that has none: a minute.
const SUBQUERY_STEP_MS: i64 = 60_000;

/// What may be set for a query.
pub struct Options<'a> {
    /// How long the newest value of a series counts (ms). `None` for five minutes, or longer where a series says so.
    pub lookback_ms: Option<i64>,
    /// Most values that one part of the query may have: series times steps, or samples of one read.
    pub values_max: usize,
    /// Step of a subquery that has none (ms).
    pub subquery_step_ms: i64,
    /// What `step()` means in an instant query (ms).
    pub instant_step_ms: i64,
    /// The end that was asked for, where the last step does not reach it (ms since the epoch).
    pub end_ms: Option<i64>,
    /// Asked again and again: whether to give up, and why.
    pub interrupt: &'a (dyn Fn() -> Option<ErrorKind> + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            lookback_ms: None,
            values_max: VALUES_MAX,
            subquery_step_ms: SUBQUERY_STEP_MS,
            instant_step_ms: 0,
            end_ms: None,
            interrupt: &|| None,
        }
    }
}

/// What a query comes to.
#[derive(Debug)]
pub struct Answer {
    /// The values.
    pub value: AnswerValue,
    /// What is probably not meant, as Prometheus words it.
    pub warnings: Vec<String>,
    /// What is worth knowing, as Prometheus words it.
    pub infos: Vec<String>,
    /// Samples that were read.
    pub samples: u64,
}

/// The values of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerValue {
    /// A number.
    Scalar(Point),
    /// A text, at a time.
    Text(i64, String),
    /// Series with one value; in the order that the query asks for.
    Vector(Vec<(Labels, Point)>),
    /// Series with values at several times, sorted by labels.
    Matrix(Vec<SeriesPoints>),
}

/// A value and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When (ms since the epoch).
    pub time_ms: i64,
    /// What.
    pub value: f64,
}

/// A series with values at several times.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesPoints {
    /// Which.
    pub labels: Labels,
    /// Its values by time.
    pub points: Vec<Point>,
}

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
    let evaluator = evaluator(source, options, grid);
    let value = match expr.unwrapped() {
        Expr::Range(_) | Expr::Subquery(_) => {
            let series = select::range(&evaluator, expr.unwrapped(), &grid)?;
            AnswerValue::Matrix(select::points(series))
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
    let grid = Grid::new(start_ms, end_ms, step_ms);
    if grid.count > STEPS_MAX + 1 {
        return refuse(format!("{} steps, of at most {STEPS_MAX}", grid.count));
    }
    let options = Options { end_ms: Some(end_ms), ..*options };
    let evaluator = evaluator(source, &options, grid);
    let rows = match evaluator.eval(expr, &grid)? {
        Value::Scalar(values) => vec![Row { labels: Labels::default(), drops_name: false, values }],
        Value::Vector(rows) => named(rows, expr.span())?,
        Value::Text(_) => {
            let message =
                "invalid expression type \"string\" for range query, must be Scalar or instant Vector";
            return Err(Error::parse(expr.span(), message));
        }
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

fn evaluator<'a>(source: &'a dyn Source, options: &'a Options<'a>, query: Grid) -> Evaluator<'a> {
    Evaluator { source, options, query, annotations: Annotations::default(), samples: Cell::new(0) }
}

fn answer(query: &str, value: AnswerValue, evaluator: Evaluator<'_>) -> Answer {
    let samples = evaluator.samples.get();
    let (warnings, infos) = evaluator.annotations.into_lines(query);
    Answer { value, warnings, infos, samples }
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

/// Makes one row of those that have the same labels.
pub(super) fn merged(rows: Vec<Row>, span: Span) -> Result<Vec<Row>> {
    let mut seen: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(first) = seen.get(&row.labels) else {
            seen.insert(row.labels.clone(), kept.len());
            kept.push(row);
            continue;
        };
        let first = &mut kept[*first];
        first.drops_name |= row.drops_name;
        for (value, other) in first.values.iter_mut().zip(&row.values) {
            match (is_ended(*value), is_ended(*other)) {
                (_, true) => {}
                (true, false) => *value = *other,
                (false, false) => {
                    let message = "vector cannot contain metrics with the same labelset";
                    return Err(Error::execution(span, message));
                }
            }
        }
    }
    Ok(kept)
}
