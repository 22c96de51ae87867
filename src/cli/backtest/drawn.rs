//! The values of a rule that compares them with a number, to be drawn against it.

use custos_query::{Columns, Limit};
use custos_store::{Bounds, Snapshot};

use super::plan::{self, Subject, Variant};
use crate::backtest::{ComparedValues, Span, compared_values};
use crate::cli::read::Failure;
use crate::cli::style::Style;
use crate::graph::{Series, Threshold, columns};
use crate::limits::GRAPH_SERIES_MAX;
use crate::rules::{RuleCheck, RuleGroup, When, writer_for};

/// The values of a rule, and what an alert of it stands for.
pub(super) struct Drawn {
    /// The name of the rule.
    name: String,
    values: ComparedValues,
    state: custos_store::State,
    /// The longest time between two values that is not a gap (ms).
    bridge_ms: i64,
}

/// The values of the only rule that is backtested. None if there are more rules, if it reads what others of its group write, or if it
/// does not compare series with a number.
pub(super) fn of(
    subject: &Subject,
    variant: &Variant,
    snapshot: &Snapshot,
    asked: Option<Span>,
) -> Result<Option<Drawn>, Failure> {
    let (groups, wanted) = match subject {
        Subject::Check(..) => return Ok(None),
        Subject::Limited(_, _, group) => (std::slice::from_ref(&**group), None),
        Subject::Rules(groups, wanted) => (&groups[..], Some(wanted)),
    };
    let is_wanted = |rule: &RuleCheck| wanted.is_none_or(|wanted| wanted.contains(&*rule.check));
    let mut alerting = groups.iter().flat_map(|group| {
        let alerts = group.rules.iter().filter(|rule| rule.alerts() && is_wanted(rule));
        alerts.map(move |rule| (rule, group))
    });
    let (Some((rule, group)), None) = (alerting.next(), alerting.next()) else { return Ok(None) };
    if writer_for(rule, group).is_some() {
        return Ok(None);
    }
    let only = RuleGroup { rules: vec![rule.clone()], ..group.clone() };
    let only = plan::changed_group(&only, &variant.changed);
    let values = compared_values(&only, snapshot, asked).map_err(Failure::usage)?;
    let bridge_ms = match only.when {
        When::Samples { at_the_latest_ms } => at_the_latest_ms,
        When::Grid { interval_ms, .. } => interval_ms.saturating_mul(3) / 2,
    };
    let state = rule.state.of(&custos_promql::Labels::default());
    Ok(values.map(|values| Drawn { name: rule.name().to_owned(), values, state, bridge_ms }))
}

impl Drawn {
    /// A line for each series, the first of them only, with the number as its limit.
    pub(super) fn series(&self, span: Span, style: Style) -> Vec<Series> {
        let count = columns(style.width, style.glyphs);
        let ComparedValues { times, rows, limit, is_below } = &self.values;
        let bounds = match is_below {
            true => Bounds { start: *limit, end: f64::INFINITY, inside: false },
            false => Bounds { start: f64::NEG_INFINITY, end: *limit, inside: false },
        };
        let threshold = Threshold { limit: Limit { state: self.state, bounds }, of_plugin: false };
        let drawn = rows.iter().take(GRAPH_SERIES_MAX).map(|(labels, values)| {
            let mut columns = Columns::new(span.since_ms, span.until_ms, count);
            for (time_ms, value) in times.iter().zip(values).filter(|(_, value)| value.is_finite()) {
                columns.add(*time_ms, *value);
            }
            Series {
                name: if labels.iter().len() == 0 { self.name.clone() } else { labels.to_string() },
                columns: columns.into_vec(),
                thresholds: vec![threshold],
                bridge_ms: self.bridge_ms,
                ..Series::default()
            }
        });
        drawn.collect()
    }
}
