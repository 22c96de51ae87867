//! An expression of PromQL that is watched.

use custos_promql::{
    AnswerValue, Error, ErrorKind, Expr, Labels, Options, Selector, ValueType, instant, parse,
};
use custos_query::{LiveSource, Selections, StoreSource, unit_of};
use custos_store::Snapshot;

use crate::clock;
use crate::limits::{WATCH_ANSWER_TIME_MAX, WATCH_QUERY_SELECTS_MS};

/// An expression. What its selectors found goes with it.
pub(super) struct Query {
    pub(super) text: String,
    expr: Expr,
    selections: Selections,
    /// The checks that it selects.
    pub(super) checks: Vec<String>,
}

/// What an expression comes to, series by series.
pub(super) type Values = Vec<(Labels, f64)>;

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    /// Why it cannot be watched.
    pub(super) fn read(text: &str) -> Result<Query, String> {
        let expr = parse(text).map_err(|error| error.one_line(text))?;
        match expr.value_type() {
            ValueType::Vector | ValueType::Scalar => {}
            ValueType::Matrix => {
                return Err("it has many values at one time, as rate(...) would not".to_owned());
            }
            ValueType::Text => return Err("it has no value that can be drawn".to_owned()),
        }
        if expr.selectors().is_empty() {
            return Err("it selects no series of any check".to_owned());
        }
        Ok(Query { text: text.to_owned(), expr, selections: Selections::default(), checks: Vec::new() })
    }

    fn selectors(&self) -> Vec<&Selector> {
        self.expr.selectors()
    }

    /// Has what it selects in memory from now on, and finds the checks that this is of.
    pub(super) fn select(&mut self, live: &LiveSource, now_ms: i64) {
        let mut checks: Vec<String> = Vec::new();
        for selector in self.selectors() {
            let times = (now_ms.saturating_sub(WATCH_QUERY_SELECTS_MS), now_ms);
            let found = live.checks_with(&selector.matchers, &self.selections, times);
            checks.extend(found.iter().map(|check| (**check).to_owned()));
        }
        checks.sort();
        checks.dedup();
        self.checks = checks;
    }

    /// The unit of its values; empty where there is none, or several.
    pub(super) fn unit(&self, snapshot: &Snapshot) -> String {
        let source = StoreSource::new(snapshot);
        unit_of(&self.expr, &mut |selector| source.unit(&selector.matchers)).unwrap_or_default()
    }

    /// What it comes to at a time (ms since the epoch).
    ///
    /// # Errors
    /// Why it cannot be answered then.
    pub(super) fn answer(&self, live: &LiveSource, at_ms: i64) -> Result<Values, String> {
        let until_us = clock::mono_us().saturating_add(clock::micros(WATCH_ANSWER_TIME_MAX));
        let interrupt = || (clock::mono_us() > until_us).then_some(ErrorKind::Timeout);
        let options = Options { interrupt: &interrupt, ..Options::default() };
        let source = live.for_expression(&self.selections);
        let answer = instant(&self.text, &self.expr, &source, at_ms, &options);
        let values = match answer.map_err(|error| self.told(&error))?.value {
            AnswerValue::Scalar(point) => vec![(Labels::default(), point.value)],
            AnswerValue::Vector(values) => {
                values.into_iter().map(|(labels, point)| (labels, point.value)).collect()
            }
            AnswerValue::Text(..) | AnswerValue::Matrix(_) => Vec::new(),
        };
        Ok(values)
    }

    fn told(&self, error: &Error) -> String {
        error.one_line(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_refused_with_the_reason() {
        for (text, why) in [
            ("net[5m]", "it has many values at one time, as rate(...) would not"),
            ("\"text\"", "it has no value that can be drawn"),
            ("time() + 1", "it selects no series of any check"),
            ("sum(", "1:4: parse error: unclosed left parenthesis"),
        ] {
            let refused = Query::read(text).err();
            assert!(refused.as_deref().is_some_and(|told| told.starts_with(why)), "{text}: {refused:?}");
        }
        assert!(Query::read("rate(net[5m]) / scalar(load)").is_ok());
    }
}
