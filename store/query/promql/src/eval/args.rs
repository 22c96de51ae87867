//! The arguments of a call.

use super::evaluator::Evaluator;
use super::grid::Grid;
use super::value::Row;
use crate::ast::{Call, Expr};
use crate::error::{Error, Result};

/// The arguments of a call, evaluated when they are asked for.
pub(super) struct Args<'a, 'e> {
    pub(super) evaluator: &'a Evaluator<'e>,
    pub(super) call: &'a Call,
    pub(super) grid: &'a Grid,
}

impl Args<'_, '_> {
    pub(super) fn expr(&self, index: usize) -> Result<&Expr> {
        self.call.args.get(index).ok_or_else(|| Error::execution(self.call.span, "too few arguments"))
    }

    pub(super) fn vector(&self, index: usize) -> Result<Vec<Row>> {
        self.evaluator.vector(self.expr(index)?, self.grid)
    }

    pub(super) fn scalar(&self, index: usize) -> Result<Vec<f64>> {
        self.evaluator.scalar(self.expr(index)?, self.grid)
    }

    pub(super) fn text(&self, index: usize) -> Result<String> {
        self.evaluator.text(self.expr(index)?)
    }
}
