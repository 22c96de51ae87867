//! Queries within a graph.

use custos_promql::{AnswerValue, Expr, Options, range};
use custos_query::{StoreSource, unit_of};
use custos_store::Snapshot;

use crate::cli::query::{drawn, failed};
use crate::cli::read::{Damage, Failure, tell};
use crate::graph::Series;
use crate::limits::QUERY_STEPS_SHOWN;

/// Answers a query over a span (ms since the epoch, the end excluded) for so many columns: a series for each of its answer.
pub(super) fn series(
    (query, expr): (&str, &Expr),
    snapshot: &Snapshot,
    (start_ms, end_ms): (i64, i64),
    columns: usize,
    damage: &mut Damage,
) -> Result<Vec<Series>, Failure> {
    let source = StoreSource::new(snapshot);
    let steps = i64::try_from(columns.clamp(1, QUERY_STEPS_SHOWN)).unwrap_or(1);
    let step_ms = (end_ms.saturating_sub(start_ms) / steps).max(1);
    let answer = range(query, expr, &source, (start_ms, end_ms, step_ms), &Options::default())
        .map_err(|error| failed(&error, query))?;
    answer.warnings.iter().chain(&answer.infos).for_each(|line| tell(line));
    source.damages().iter().for_each(|text| damage.note_text(text));
    let AnswerValue::Matrix(found) = &answer.value else { return Ok(Vec::new()) };
    if found.is_empty() {
        tell(&format!("{query}: no series match, or none has a value then"));
    }
    let unit = unit_of(expr, &mut |selector| source.unit(&selector.matchers)).unwrap_or_default();
    let one = found.len() == 1;
    Ok(found
        .iter()
        .map(|series| {
            let drawn = drawn(series, (start_ms, end_ms, step_ms), columns, &unit);
            // What it is of says more than labels that may be none.
            if one { Series { name: query.to_owned(), ..drawn } } else { drawn }
        })
        .collect())
}
