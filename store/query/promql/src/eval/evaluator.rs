//! What all nodes of a query share, and how a node asks for the value of another.

use std::cell::{Cell, RefCell};

use super::annotations::Annotations;
use super::answer::{Reading, Taken};
use super::grid::Grid;
use super::invariant::is_invariant;
use super::options::Options;
use super::room::Room;
use super::value::{Row, Value};
use super::wanted::Wanted;
use crate::ast::{At, Expr, Length, TimeShift};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LABEL_BYTES_MAX, LABELS_BYTES_MAX};
use crate::number::short_number;
use crate::source::Source;
use crate::span::Span;

/// Evaluates one node, for which it asks the evaluator for those below it.
pub(super) type Walk = fn(&Evaluator<'_>, &Expr, &Grid) -> Result<Value>;

/// What all nodes of a query share.
pub(super) struct Evaluator<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) options: &'a Options<'a>,
    /// The times of the query itself, which those of subqueries differ from.
    pub(super) query: Grid,
    /// The end that was asked for, which the last step may not reach (ms since the epoch).
    pub(super) end_ms: i64,
    pub(super) annotations: Annotations,
    /// What was read so far.
    pub(super) reads: RefCell<Vec<Reading>>,
    /// How long parts of the query took so far.
    pub(super) taken: RefCell<Vec<Taken>>,
    /// Values of what is held while something else is evaluated.
    pub(super) held: Cell<usize>,
    /// Bytes of the labels that were made.
    pub(super) label_bytes: Cell<usize>,
    /// What a comparison that is being evaluated lets through of one of its sides.
    pub(super) wanted: Cell<Option<Wanted>>,
    pub(super) walk: Walk,
}

impl Evaluator<'_> {
    /// An expression at each time of a grid.
    pub(super) fn eval(&self, expr: &Expr, grid: &Grid) -> Result<Value> {
        self.check_interrupt()?;
        let Some(clock) = self.options.clock else { return self.eval_untimed(expr, grid) };
        let begun_us = clock();
        let value = self.eval_untimed(expr, grid)?;
        let us = clock().saturating_sub(begun_us);
        let mut taken = self.taken.borrow_mut();
        match taken.iter_mut().find(|known| known.span == expr.span()) {
            Some(known) => known.us += us,
            None => taken.push(Taken { span: expr.span(), us }),
        }
        Ok(value)
    }

    fn eval_untimed(&self, expr: &Expr, grid: &Grid) -> Result<Value> {
        let is_literal = matches!(expr, Expr::Number(_) | Expr::Text(_));
        if grid.count > 1 && !is_literal && is_invariant(expr) {
            let once = (self.walk)(self, expr, &grid.first())?;
            return self.spread(once, grid.count, expr.span());
        }
        (self.walk)(self, expr, grid)
    }

    /// A vector.
    pub(super) fn vector(&self, expr: &Expr, grid: &Grid) -> Result<Vec<Row>> {
        match self.eval(expr, grid)? {
            Value::Vector(rows) => Ok(rows),
            _ => Err(Error::execution(expr.span(), "expected an instant vector")),
        }
    }

    /// A number for each step.
    pub(super) fn scalar(&self, expr: &Expr, grid: &Grid) -> Result<Vec<f64>> {
        match self.eval(expr, grid)? {
            Value::Scalar(values) => Ok(values),
            _ => Err(Error::execution(expr.span(), "expected a scalar")),
        }
    }

    /// A text.
    pub(super) fn text(&self, expr: &Expr) -> Result<String> {
        match expr.unwrapped() {
            Expr::Text(text) => Ok(text.value.clone()),
            other => Err(Error::execution(other.span(), "expected a string")),
        }
    }

    /// The same value at each of so many steps.
    fn spread(&self, value: Value, count: usize, span: Span) -> Result<Value> {
        let repeated = |values: &[f64]| vec![values[0]; count];
        Ok(match value {
            Value::Scalar(values) => Value::Scalar(repeated(&values)),
            Value::Vector(rows) => {
                self.check_room(rows.len(), count, span)?;
                let spread = |row: Row| Row { values: repeated(&row.values), ..row };
                Value::Vector(rows.into_iter().map(spread).collect())
            }
            text => text,
        })
    }

    /// A length of time (ms), whose step and range are those of the query.
    pub(super) fn length(&self, length: &Length) -> Result<i64> {
        length.positive_ms(self.step_ms(), self.range_ms())
    }

    /// The step of the query (ms); 0 for an instant query.
    pub(super) fn step_ms(&self) -> i64 {
        if self.query.count > 1 { self.query.step_ms } else { self.options.instant_step_ms }
    }

    /// From the first to the last time of the query (ms).
    pub(super) fn range_ms(&self) -> i64 {
        self.end_ms.saturating_sub(self.query.start_ms)
    }

    pub(super) fn offset(&self, time: &TimeShift) -> Result<i64> {
        time.offset.as_ref().map_or(Ok(0), |offset| offset.ms(self.step_ms(), self.range_ms()))
    }

    /// The time that `@` gives.
    pub(super) fn fixed(&self, time: &TimeShift) -> Option<i64> {
        time.at.map(|at| match at {
            At::Time(ms) => ms,
            At::Start => self.query.start_ms,
            At::End => self.end_ms,
        })
    }

    /// Warns of a quantile that is none.
    pub(super) fn warn_of_quantile(&self, value: f64, arg: &Expr) {
        let text = format!("quantile value should be between 0 and 1, got {}", short_number(value));
        self.annotations.warn(arg.span(), text);
    }

    /// Notes that a selector read something.
    pub(super) fn note(&self, reading: Reading) {
        let mut reads = self.reads.borrow_mut();
        match reads.iter_mut().find(|known| known.span == reading.span) {
            Some(known) => {
                known.series = known.series.max(reading.series);
                known.samples += reading.samples;
                known.summed_up += reading.summed_up;
            }
            None => reads.push(reading),
        }
    }

    /// Refuses what would take more values than are allowed.
    pub(super) fn check_room(&self, rows: usize, steps: usize, span: Span) -> Result<()> {
        self.room(span).check(rows, rows.saturating_mul(steps))
    }

    /// What is left for values.
    pub(super) fn room(&self, span: Span) -> Room {
        Room { held: self.held.get(), values_max: self.options.values_max, span }
    }

    /// Does something while a value is held, whose room counts.
    pub(super) fn holding<T>(&self, value: &Value, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let before = self.held.get();
        let values = match value {
            Value::Scalar(values) => values.len(),
            Value::Vector(rows) => rows.iter().map(|row| row.values.len()).sum(),
            Value::Text(_) => 0,
        };
        self.held.set(before.saturating_add(values));
        let done = part();
        self.held.set(before);
        done
    }

    /// Refuses a value of a label that is too long, or one too many.
    pub(super) fn check_label(&self, bytes: usize, span: Span) -> Result<()> {
        let all = self.label_bytes.get().saturating_add(bytes);
        self.label_bytes.set(all);
        let message = match () {
            () if bytes > LABEL_BYTES_MAX => {
                format!("the value of a label has more than {LABEL_BYTES_MAX} bytes")
            }
            () if all > LABELS_BYTES_MAX => {
                format!("the labels that the query makes have more than {LABELS_BYTES_MAX} bytes")
            }
            () => return Ok(()),
        };
        Err(Error { kind: ErrorKind::Limit, span: Some(span), message })
    }

    /// The same as [`Self::check_interrupt`], at one of many steps.
    pub(super) fn check_at(&self, step: usize) -> Result<()> {
        self.options.check_at(step)
    }

    pub(super) fn check_interrupt(&self) -> Result<()> {
        self.options.check_interrupt()
    }
}
