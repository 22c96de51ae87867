//! A query, to both engines.

use crate::answer::Answer;
use crate::engines::Engines;

/// When a query is asked (s).
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Instant(f64),
    /// From, to, step.
    Range(f64, f64, u32),
}

/// A query, and what both make of it.
pub(crate) struct Asked {
    pub(crate) query: String,
    pub(crate) when: When,
    pub(crate) theirs: Answer,
    pub(crate) ours: Answer,
}

impl Asked {
    /// Asks both. What was renamed since 2.42 has its old name there.
    pub(crate) fn of(engines: &Engines, query: &str, when: When) -> Asked {
        let old = query.replace("double_exponential_smoothing(", "holt_winters(");
        let theirs = Answer::read(&ask(&engines.prometheus, &old, when, &[]));
        // What 2.42 always does.
        let ours = Answer::read(&ask(&engines.custos, query, when, &[("lookback_delta", "5m")]));
        Asked { query: query.to_owned(), when, theirs, ours }
    }
}

fn ask(
    connection: &crate::connection::Connection,
    query: &str,
    when: When,
    more: &[(&str, &str)],
) -> (u16, String) {
    let mut form = vec![("query", query.to_owned())];
    let target = match when {
        When::Instant(time) => {
            form.push(("time", time.to_string()));
            "/api/v1/query"
        }
        When::Range(start, end, step) => {
            form.extend([("start", start.to_string()), ("end", end.to_string()), ("step", step.to_string())]);
            "/api/v1/query_range"
        }
    };
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, &value[..])).collect();
    connection.post(target, &[&form[..], more].concat())
}
