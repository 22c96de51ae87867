//! Rules that compare series with a number: what becomes of other numbers, and the values themselves.

use std::collections::BTreeMap;

use custos_promql::{Compared, Expr, Labels, Operator, TimedRow, at};
use custos_store::Snapshot;

use super::alert_curve::AlertCurve;
use super::condition::Condition;
use super::curve_points::{CurvePoint, round_thresholds};
use super::interval::Span;
use super::stretches::{each_stretch, options, span_of};
use crate::limits::CURVE_VALUES_MAX;
use crate::rules::{Judge, RuleGroup, RuleKind};

/// A comparison that has a threshold: what lies on one side of it is beyond.
struct Threshold<'e> {
    compared: Compared<'e>,
    is_below: bool,
    or_equal: bool,
}

impl Threshold<'_> {
    /// None if the expression is not a comparison of series with a number, or by no order.
    fn of(expr: &Expr) -> Option<Threshold<'_>> {
        let compared = Compared::of(expr)?;
        let (is_below, or_equal) = match compared.operator {
            Operator::Less => (true, false),
            Operator::LessEqual => (true, true),
            Operator::Greater => (false, false),
            Operator::GreaterEqual => (false, true),
            _ => return None,
        };
        Some(Threshold { compared, is_below, or_equal })
    }
}

/// What a rule compares with a number, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedValues {
    /// When it is judged (ms since the epoch), ascending.
    pub times: Vec<i64>,
    /// The values of each series at each of these times; NaN where there is none.
    pub rows: Vec<(Labels, Vec<f64>)>,
    /// The number.
    pub limit: f64,
    /// Whether values below it are returned, not those above it.
    pub is_below: bool,
}

/// What the first rule of a group compares with a number; none if it does not, or reads nothing.
///
/// # Errors
/// It cannot be judged, or there are too many values.
pub fn compared_values(
    group: &RuleGroup,
    snapshot: &Snapshot,
    asked: Option<Span>,
) -> Result<Option<ComparedValues>, String> {
    let Some(Judge::Query { query, expr }) = group.rules.first().map(|rule| &rule.judge) else {
        return Ok(None);
    };
    let (Some(threshold), Some(span)) = (Threshold::of(expr), span_of(snapshot, asked)) else {
        return Ok(None);
    };
    let (times, rows) = rows(group, query, threshold.compared.vector, (snapshot, span))?;
    Ok(Some(ComparedValues { times, rows, limit: threshold.compared.number, is_below: threshold.is_below }))
}

/// For every threshold in place of the one that the first rule of a group compares with: what it would have come to. `attempts`
/// results in a row confirm an alert.
///
/// # Errors
/// The rule does not compare series with a number, or it cannot be judged.
pub fn rule_curve(
    group: &RuleGroup,
    snapshot: &Snapshot,
    asked: Option<Span>,
    attempts: usize,
) -> Result<(Vec<CurvePoint>, bool), String> {
    let Some(rule) = group.rules.first() else { return Ok((Vec::new(), false)) };
    let Judge::Query { query, expr } = &rule.judge else {
        return Err(format!("{} is a sequence, which has no threshold", rule.check));
    };
    let Threshold { compared, is_below, or_equal } =
        Threshold::of(expr).ok_or_else(|| not_compared(query, expr))?;
    let Some(span) = span_of(snapshot, asked) else {
        return Ok((Vec::new(), is_below));
    };
    let (times, rows) = rows(group, query, compared.vector, (snapshot, span))?;
    let finite = || rows.iter().flat_map(|(_, row)| row).copied().filter(|value| value.is_finite());
    let (least, most) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let mut thresholds = round_thresholds(least, most);
    if let (Err(place), false) =
        (thresholds.binary_search_by(|known| known.total_cmp(&compared.number)), thresholds.is_empty())
    {
        thresholds.insert(place, compared.number);
    }
    let (for_ms, keep_firing_ms) = match &rule.kind {
        RuleKind::Alert(alert) => (alert.for_ms, alert.keep_firing_ms),
        RuleKind::Record(_) => (0, 0),
    };
    let condition = Condition { is_below, or_equal, for_ms, keep_firing_ms, attempts };
    let mut curve = AlertCurve::new(&times, span.until_ms, condition, &thresholds);
    rows.iter().for_each(|(_, row)| curve.add(row));
    Ok((curve.points(), is_below))
}

/// Why an expression has no curve.
fn not_compared(query: &str, expr: &Expr) -> String {
    match expr.unwrapped() {
        Expr::Binary(binary) if binary.operator.is_set() => format!(
            "`{query}` joins its sides by `{}`, and a curve is of a single comparison of series with a number",
            binary.operator.text()
        ),
        _ => format!("`{query}` does not compare series with a number"),
    }
}

/// When a group is judged, and the values of each series at each of these times; NaN where there is none.
fn rows(
    group: &RuleGroup,
    query: &str,
    expr: &Expr,
    (snapshot, span): (&Snapshot, Span),
) -> Result<TimedValues, String> {
    let mut found = Rows::default();
    let mut times: Vec<i64> = Vec::new();
    each_stretch(group, snapshot, span, |source, stretch| {
        let asked: Vec<i64> =
            stretch.times.iter().map(|time| time.saturating_sub(group.query_offset_ms)).collect();
        at(expr, source, &asked, &options(), &mut |slab, rows| found.take(query, slab.len(), rows))
            .map_err(|error| error.one_line(query))?;
        times.extend_from_slice(&stretch.times);
        found.failure.take().map_or(Ok(()), Err)
    })?;
    let rows = found.rows.into_iter().map(|(labels, mut row)| {
        row.resize(times.len(), f64::NAN);
        (labels, row)
    });
    let rows = rows.collect();
    Ok((times, rows))
}

/// Times, and the values of each series at each of them.
type TimedValues = (Vec<i64>, Vec<(Labels, Vec<f64>)>);

/// The values of series on their way.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<Labels, Vec<f64>>,
    /// At how many times values are known.
    done: usize,
    /// How many values there are.
    held: usize,
    failure: Option<String>,
}

impl Rows {
    /// Takes in values at further times; false if that failed.
    fn take(&mut self, query: &str, count: usize, found: custos_promql::Result<Vec<TimedRow>>) -> bool {
        match found {
            Ok(found) => found.into_iter().for_each(|row| self.add(row)),
            Err(error) => self.failure = Some(error.one_line(query)),
        }
        self.done += count;
        if self.held > CURVE_VALUES_MAX {
            let why = format!("there are more than {CURVE_VALUES_MAX} values: a shorter time has fewer");
            self.failure.get_or_insert(why);
        }
        self.failure.is_none()
    }

    fn add(&mut self, row: TimedRow) {
        let all = self.rows.entry(row.labels).or_default();
        self.held = self.held.saturating_add(self.done + row.values.len() - all.len());
        all.resize(self.done, f64::NAN);
        all.extend_from_slice(&row.values);
    }
}
