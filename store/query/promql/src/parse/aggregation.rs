//! `sum by (job) (…)`.

use super::parser::Parser;
use crate::ast::{AGGREGATORS, Aggregation, Aggregator, Expr, Grouping};
use crate::error::{Error, Result};

/// The aggregation of that name.
pub(super) fn named(word: &str) -> Option<Aggregator> {
    AGGREGATORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, aggregator)| *aggregator)
}

impl Parser<'_> {
    /// An aggregation, whose name comes next.
    pub(super) fn aggregation(&mut self, operator: Aggregator) -> Result<Expr> {
        let name = self.take()?;
        let before = self.grouping()?;
        let mut args = self.arguments("aggregation")?;
        let after = if before.is_none() { self.grouping()? } else { None };
        let span = self.since(name.span);
        let expected = 1 + usize::from(operator.has_param());
        if args.is_empty() {
            return Err(Error::parse(span, "no arguments for aggregate expression provided"));
        }
        if args.len() != expected {
            let found = args.len();
            return Err(Error::parse(
                span,
                format!(
                    "wrong number of arguments for aggregate expression provided, expected {expected}, got {found}"
                ),
            ));
        }
        let Some(expr) = args.pop() else { return Err(self.unexpected("aggregation", "")) };
        let grouping = before.or(after).unwrap_or_default();
        let param = args.pop();
        let depth = self.above(param.iter().chain([&expr]))?;
        Ok(Expr::Aggregation(Box::new(Aggregation { operator, expr, param, grouping, span, depth })))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>> {
        let without = self.take_word("without")?.is_some();
        if !without && self.take_word("by")?.is_none() {
            return Ok(None);
        }
        Ok(Some(Grouping { without, labels: self.label_names()? }))
    }
}
