//! What checks and rules would have said over the past, by the functions that judge now.

mod alert_curve;
mod changed;
mod compared;
mod condition;
mod curve_points;
mod difference;
mod fail_if;
mod incident;
mod interval;
mod kept_curve;
mod normal;
mod of_check;
mod of_rules;
mod stretches;
#[cfg(test)]
mod tests;
mod thresholds;
mod totals;
mod written;

pub use alert_curve::AlertCurve;
pub use changed::{Changed, written_range};
pub use compared::{ComparedValues, compared_values, rule_curve};
pub use condition::Condition;
pub use curve_points::{CurvePoint, knee, round_thresholds};
pub use difference::{Difference, difference};
pub use fail_if::FailIf;
pub use incident::{Incident, Incidents, Met, met};
pub use interval::{AlertInterval, Backtest, Span, Stood, overlap};
pub use normal::NormalPast;
pub use of_check::{backtest_rule_check, says_more};
pub use of_rules::{RuleBacktest, backtest_rules};
pub use stretches::within_stored;
pub use thresholds::backtest_check;
pub use totals::{Totals, totals};
pub use written::{json_of, json_of_interval, json_of_span};
