//! Aggregations that pick series rather than make new ones: `topk`, `bottomk`, `limitk`, `limit_ratio`.

use super::evaluator::Evaluator;
use super::grid::Grid;
use super::groups::groups;
use super::hash;
use super::heap;
use super::value::Row;
use crate::ast::{Aggregation, Aggregator};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::number::short_number;
use crate::span::Span;

/// The greatest float that an integer of 64 bits holds: as many series are too many.
const COUNT_MAX: f64 = 9_223_372_036_854_774_784.0;

/// The rows with the values that are picked. With one step they are in the order of their values.
pub(super) fn eval(
    evaluator: &Evaluator<'_>,
    aggregation: &Aggregation,
    rows: Vec<Row>,
    params: &[f64],
    grid: &Grid,
) -> Result<Vec<Row>> {
    let span = aggregation.param.as_ref().map_or(aggregation.span, crate::ast::Expr::span);
    if !picks_any(aggregation.operator, params) {
        return Ok(Vec::new());
    }
    check(evaluator, aggregation, params, span)?;
    let groups = groups(&rows, &aggregation.grouping);
    let mut picked: Vec<Row> = rows
        .iter()
        .map(|row| Row { drops_name: row.drops_name, ..Row::empty(row.labels.clone(), grid.count) })
        .collect();
    let mut order = Vec::new();
    for (_, members) in &groups {
        for (step, param) in params.iter().enumerate().take(grid.count) {
            evaluator.check_at(step)?;
            let present = members.iter().filter_map(|member| Some((*member, rows[*member].get(step)?)));
            let chosen = choose(aggregation.operator, present.collect(), *param, &rows);
            for (member, value) in &chosen {
                picked[*member].values[step] = *value;
            }
            if grid.count == 1 {
                order.extend(chosen.into_iter().map(|(member, _)| member));
            }
        }
    }
    if grid.count == 1 {
        let mut picked: Vec<Option<Row>> = picked.into_iter().map(Some).collect();
        return Ok(order.into_iter().filter_map(|member| picked[member].take()).collect());
    }
    picked.retain(|row| !row.is_empty());
    Ok(picked)
}

/// Whether any step asks for any series. If not, nothing is said of the parameter either.
fn picks_any(operator: Aggregator, params: &[f64]) -> bool {
    match operator {
        Aggregator::LimitRatio => params.iter().any(|param| *param != 0.0),
        _ => params.iter().any(|param| *param >= 1.0 || param.is_nan()),
    }
}

fn check(evaluator: &Evaluator<'_>, aggregation: &Aggregation, params: &[f64], span: Span) -> Result<()> {
    let is_ratio = aggregation.operator == Aggregator::LimitRatio;
    if params.iter().any(|param| param.is_nan()) {
        let what = if is_ratio { "Ratio" } else { "Parameter" };
        return Err(Error::execution(span, format!("{what} value is NaN")));
    }
    let most = params.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = params.iter().copied().fold(f64::INFINITY, f64::min);
    if is_ratio {
        for (beyond, capped) in [(most > 1.0, 1.0), (least < -1.0, -1.0)] {
            if beyond {
                let found = short_number(if capped > 0.0 { most } else { least });
                let capped = short_number(capped);
                let text =
                    format!("ratio value should be between -1 and 1, got {found}, capping to {capped}");
                evaluator.annotations.warn(span, text);
            }
        }
        return Ok(());
    }
    for (beyond, value, what) in
        [(least <= i64::MIN as f64, least, "underflows"), (most >= COUNT_MAX, most, "overflows")]
    {
        if beyond {
            let message = format!("Scalar value {} {what} int64", short_number(value));
            return Err(Error::execution(span, message));
        }
    }
    Ok(())
}

/// Which rows are picked of those that have a value, and in which order.
fn choose(
    operator: Aggregator,
    mut present: Vec<(usize, f64)>,
    param: f64,
    rows: &[Row],
) -> Vec<(usize, f64)> {
    let count = if param < 1.0 { 0 } else { param as usize };
    match operator {
        Aggregator::Topk | Aggregator::Bottomk => {
            let descending = operator == Aggregator::Topk;
            present = heap::best(present.into_iter(), count, descending);
        }
        Aggregator::Limitk => present.truncate(count),
        _ => present.retain(|(member, _)| is_sampled(&rows[*member].labels, param)),
    }
    present
}

/// Whether a series is among a share of all; `-0.3` picks those that `0.7` does not.
fn is_sampled(labels: &Labels, ratio: f64) -> bool {
    let place = place(labels);
    if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
}

/// Where labels lie between 0 and 1: as Prometheus has it.
fn place(labels: &Labels) -> f64 {
    hash::of_labels(labels) as f64 / u64::MAX as f64
}
