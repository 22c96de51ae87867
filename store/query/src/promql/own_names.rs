//! Who finds series that have a name of their own.

use custos_promql::{METRIC_NAME, Matcher};

/// Whether conditions reach series that have a name of their own, such as `ALERTS`: only those do that say something of the
/// name. What rules record keeps the labels of what it was recorded from, so that conditions on those alone, such as
/// `{check="c", metric="m"}`, would find the values of a rule, and the beginnings of its alerts, among the metrics that it
/// judges.
pub fn reaches_own_names(matchers: &[Matcher]) -> bool {
    matchers.iter().any(|matcher| matcher.name() == METRIC_NAME)
}
