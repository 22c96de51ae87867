//! Aggregations: many series become one for each group.

use std::collections::HashMap;

use super::evaluator::Evaluator;
use super::grid::Grid;
use super::groups::groups;
use super::pick;
use super::quantile::quantile;
use super::sum::{Mean, Sum};
use super::value::Row;
use crate::ast::{Aggregation, Aggregator, Expr, Grouping};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::number::plain_number;
use crate::source::{ENDED, is_ended};

/// What an aggregation comes to.
pub(super) fn eval(evaluator: &Evaluator<'_>, aggregation: &Aggregation, grid: &Grid) -> Result<Vec<Row>> {
    let rows = evaluator.vector(&aggregation.expr, grid)?;
    let param = || match &aggregation.param {
        Some(param) => evaluator.scalar(param, grid),
        None => Err(Error::execution(aggregation.span, "expected a parameter")),
    };
    let folding = Folding { grouping: &aggregation.grouping, steps: grid.count };
    Ok(match aggregation.operator {
        Aggregator::Sum => folding.fold(rows, Sum::of, Sum::add, Sum::value),
        Aggregator::Avg => {
            let first = |value| {
                let mut mean = Mean::default();
                mean.add(value);
                mean
            };
            folding.fold(rows, first, Mean::add, Mean::value)
        }
        Aggregator::Count => folding.fold(rows, |_| 1.0, |count, _| *count += 1.0, |count| count),
        Aggregator::Group => folding.fold(rows, |_| 1.0, |_, _| {}, |one| one),
        Aggregator::Min => folding.fold(
            rows,
            |value| value,
            |least, value| better(least, value, value < *least),
            |least| least,
        ),
        Aggregator::Max => {
            folding.fold(rows, |value| value, |most, value| better(most, value, value > *most), |most| most)
        }
        Aggregator::Stdvar => folding.fold(rows, Variance::of, Variance::add, Variance::value),
        Aggregator::Stddev => {
            folding.fold(rows, Variance::of, Variance::add, |variance| variance.value().sqrt())
        }
        Aggregator::Quantile => {
            let quantiles = param()?;
            if let Some(param) = &aggregation.param {
                warn_of_quantiles(evaluator, &quantiles, param);
            }
            folding.quantiles(evaluator, rows, &quantiles)?
        }
        Aggregator::CountValues => {
            let label = match &aggregation.param {
                Some(param) => evaluator.text(param)?,
                None => String::new(),
            };
            if label.is_empty() {
                return Err(Error::execution(aggregation.span, format!("invalid label name {label:?}")));
            }
            count_values(evaluator, aggregation, rows, &label, grid.count)?
        }
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk | Aggregator::LimitRatio => {
            pick::eval(evaluator, aggregation, rows, &param()?, grid)?
        }
    })
}

/// Warns of the worst of what are no quantiles.
fn warn_of_quantiles(evaluator: &Evaluator<'_>, quantiles: &[f64], param: &Expr) {
    if quantiles.iter().any(|quantile| quantile.is_nan()) {
        return evaluator.warn_of_quantile(f64::NAN, param);
    }
    let most = quantiles.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = quantiles.iter().copied().fold(f64::INFINITY, f64::min);
    for (value, is_wrong) in [(most, most > 1.0), (least, least < 0.0)] {
        if is_wrong {
            evaluator.warn_of_quantile(value, param);
        }
    }
}

fn better(kept: &mut f64, value: f64, is_better: bool) {
    if is_better || kept.is_nan() {
        *kept = value;
    }
}

struct Folding<'a> {
    grouping: &'a Grouping,
    steps: usize,
}

impl Folding<'_> {
    /// One row for each group, from a state for each step.
    fn fold<S: Copy>(
        &self,
        rows: Vec<Row>,
        first: impl Fn(f64) -> S,
        add: impl Fn(&mut S, f64),
        finish: impl Fn(S) -> f64,
    ) -> Vec<Row> {
        let one = |(labels, members): (Labels, Vec<usize>)| {
            let mut states: Vec<Option<S>> = vec![None; self.steps];
            for member in &members {
                for (state, value) in states.iter_mut().zip(&rows[*member].values) {
                    if is_ended(*value) {
                        continue;
                    }
                    match state {
                        Some(state) => add(state, *value),
                        None => *state = Some(first(*value)),
                    }
                }
            }
            let values = states.into_iter().map(|state| state.map_or(ENDED, &finish)).collect();
            let drops_name = members.iter().any(|member| rows[*member].drops_name);
            Row { labels, drops_name, values }
        };
        groups(&rows, self.grouping).into_iter().map(one).collect()
    }

    fn quantiles(&self, evaluator: &Evaluator<'_>, rows: Vec<Row>, quantiles: &[f64]) -> Result<Vec<Row>> {
        let mut values = Vec::new();
        let one = |(labels, members): (Labels, Vec<usize>)| {
            let mut row = Row::empty(labels, self.steps);
            row.drops_name = members.iter().any(|member| rows[*member].drops_name);
            for (step, slot) in row.values.iter_mut().enumerate() {
                evaluator.check_at(step)?;
                values.clear();
                values.extend(members.iter().filter_map(|member| rows[*member].get(step)));
                if !values.is_empty() {
                    *slot = quantile(quantiles[step], &values);
                }
            }
            Ok(row)
        };
        groups(&rows, self.grouping).into_iter().map(one).collect()
    }
}

/// Welford's variance.
#[derive(Clone, Copy)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    fn of(value: f64) -> Variance {
        Variance { count: 1.0, mean: value, squares: if value.is_finite() { 0.0 } else { f64::NAN } }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn value(self) -> f64 {
        self.squares / self.count
    }
}

/// How many series of a group have each value; the value becomes a label.
fn count_values(
    evaluator: &Evaluator<'_>,
    aggregation: &Aggregation,
    rows: Vec<Row>,
    label: &str,
    steps: usize,
) -> Result<Vec<Row>> {
    // `without` the label of the values drops it again, and all values of a group are one.
    let grouping = &aggregation.grouping;
    let is_dropped = grouping.without && grouping.labels.iter().any(|name| name == label);
    let mut counts: Vec<Row> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for (group, members) in groups(&rows, grouping) {
        for member in members {
            for step in 0..steps {
                evaluator.check_at(step)?;
                let Some(value) = rows[member].get(step) else { continue };
                let labels = match is_dropped {
                    true => group.clone(),
                    false => group.with(label, &plain_number(value)),
                };
                let index = match known.get(&labels) {
                    Some(index) => *index,
                    None => {
                        evaluator.check_room(counts.len() + 1, steps, aggregation.span)?;
                        counts.push(Row::empty(labels.clone(), steps));
                        known.insert(labels, counts.len() - 1);
                        counts.len() - 1
                    }
                };
                let slot = &mut counts[index].values[step];
                *slot = if is_ended(*slot) { 1.0 } else { *slot + 1.0 };
            }
        }
    }
    Ok(counts)
}
