//! An expression at times that are given one by one, however many they are.
//!
//! Each of them comes to what a query for that time alone comes to. They are evaluated in slabs, so that memory does not
//! grow with their number, and as many slabs at once as there are threads.

use super::grid::Grid;
use super::options::Options;
use super::parallel;
use super::query::{evaluator, named};
use super::reach::reach_ms;
use super::value::{Row, Value};
use crate::ast::{At, Expr, TimeShift};
use crate::error::{Error, ErrorKind, Result};
use crate::labels::Labels;
use crate::limits::{REACHES_PER_SLAB, SLAB_STEPS_MAX, SLAB_STEPS_MIN, SLABS_PER_THREAD};
use crate::source::Source;
use crate::value_type::ValueType;

/// A series with its values at given times.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedRow {
    /// Which.
    pub labels: Labels,
    /// A value for each of the times; [`ENDED`](crate::ENDED) where there is none.
    pub values: Vec<f64>,
}

/// Takes in stretches of the times, in their order, and what the expression comes to at them; returns whether to go on.
pub type TakeRows<'t> = dyn FnMut(&[i64], Result<Vec<TimedRow>>) -> bool + 't;

/// Evaluates an expression at times that ascend (ms since the epoch).
///
/// `each` is called with stretches of the times, in their order, and what the expression comes to at them: rows of which each
/// has at least one value, or what is wrong at the one time that is then given. A scalar is a row without labels. It stops
/// where `each` returns false.
///
/// # Errors
/// The expression has no value at each time, or the query is no longer wanted.
pub fn at(
    expr: &Expr,
    source: &dyn Source,
    times: &[i64],
    options: &Options<'_>,
    each: &mut TakeRows<'_>,
) -> Result<()> {
    if matches!(expr.value_type(), ValueType::Matrix | ValueType::Text) {
        return Err(Error::execution(expr.span(), "rule result is not a vector or scalar"));
    }
    let at = Given { expr, source, options };
    // To look at each value once costs less than a thread.
    let most_threads = if has_windows(expr) { options.threads } else { 1 };
    let mut rest = times;
    while !rest.is_empty() {
        let mut slabs = Vec::new();
        while !rest.is_empty() && slabs.len() < options.threads.max(1) * SLABS_PER_THREAD {
            let (slab, later) = rest.split_at(slab_len(expr, rest, options));
            slabs.push(slab);
            rest = later;
        }
        // Of a few times a thread would cost more than it does.
        let is_much = slabs.first().is_some_and(|slab| slab.len() >= SLAB_STEPS_MIN);
        let threads = if is_much { most_threads } else { 1 };
        let rows = parallel::map(threads, &slabs, |slab| Ok(at.rows(slab)))?;
        for (slab, rows) in slabs.into_iter().zip(rows) {
            if !at.give(slab, rows, each)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// How many of these times are evaluated at once. Rows of a few thousand steps stay in the cache of a processor; where windows are
/// long, so that the same samples would be read again and again, there are more.
fn slab_len(expr: &Expr, times: &[i64], options: &Options<'_>) -> usize {
    if refers_to_query(expr) {
        return 1;
    }
    let (Some(first), Some(reach_ms)) = (times.first(), reach_ms(expr, options.lookback_ms)) else {
        return times.len().min(SLAB_STEPS_MAX);
    };
    let until_ms = first.saturating_add(reach_ms.saturating_mul(REACHES_PER_SLAB));
    let by_reach = times.partition_point(|time| *time < until_ms);
    by_reach.clamp(SLAB_STEPS_MIN, SLAB_STEPS_MAX).min(times.len())
}

/// Whether an expression looks at each sample in many windows.
fn has_windows(expr: &Expr) -> bool {
    matches!(expr, Expr::Range(_) | Expr::Subquery(_)) || expr.children().into_iter().any(has_windows)
}

/// What an expression is evaluated by.
struct Given<'a> {
    expr: &'a Expr,
    source: &'a dyn Source,
    options: &'a Options<'a>,
}

impl Given<'_> {
    /// Gives what was evaluated at these times. What failed is tried in halves, so that it fails at the times at which it has to
    /// only.
    fn give(&self, times: &[i64], rows: Result<Vec<TimedRow>>, each: &mut TakeRows<'_>) -> Result<bool> {
        match rows {
            Ok(rows) => Ok(each(times, Ok(rows))),
            Err(error) if matches!(error.kind, ErrorKind::Timeout | ErrorKind::Canceled) => Err(error),
            Err(_) if times.len() > 1 => {
                let (earlier, later) = times.split_at(times.len() / 2);
                Ok(self.give(earlier, self.rows(earlier), each)?
                    && self.give(later, self.rows(later), each)?)
            }
            Err(error) => Ok(each(times, Err(error))),
        }
    }

    fn rows(&self, times: &[i64]) -> Result<Vec<TimedRow>> {
        let Some(grid) = Grid::given(times) else { return Ok(Vec::new()) };
        // For lengths that refer to the query each time is a query of its own.
        let evaluator = evaluator(self.source, self.options, Grid::at(grid.start_ms), grid.start_ms);
        let rows = match evaluator.eval(self.expr, &grid)? {
            Value::Scalar(values) => vec![Row { labels: Labels::default(), drops_name: false, values }],
            Value::Vector(rows) => named(rows, self.expr.span())?,
            Value::Text(_) => Vec::new(),
        };
        Ok(rows.into_iter().map(|row| TimedRow { labels: row.labels, values: row.values }).collect())
    }
}

/// Whether an expression refers to the beginning or the end of its query, so that at each time it is another one.
fn refers_to_query(expr: &Expr) -> bool {
    let refers = |time: &TimeShift| matches!(time.at, Some(At::Start | At::End));
    let itself = match expr {
        Expr::Selector(selector) => refers(&selector.time),
        Expr::Range(range) => refers(&range.selector.time),
        Expr::Subquery(subquery) => refers(&subquery.time),
        _ => false,
    };
    itself || expr.children().into_iter().any(refers_to_query)
}
