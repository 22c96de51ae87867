//! What one way of judging comes to.

use custos_store::Reader;

use crate::backtest::{AlertInterval, Backtest, Difference, Met, Totals};

/// What one way of judging comes to.
pub(super) struct Found {
    /// How it is changed; empty if it is not.
    pub(super) words: String,
    pub(super) backtest: Backtest,
    pub(super) totals: Totals,
    /// Against the definition as it is, if it is changed.
    pub(super) difference: Option<Difference>,
    /// How it met the incidents of its time, if there are any.
    pub(super) met: Option<Met>,
}

/// The words when an alert began: those of the plugin, in the newest run of the check that its labels name, or else its own.
pub(super) fn words_at(reader: &Reader, interval: &AlertInterval) -> String {
    let check = interval.labels.get("check");
    if check.is_empty() || check == interval.check {
        return interval.said.clone();
    }
    let until_ms = interval.since_ms.saturating_add(1);
    let mut runs = reader.runs_rev(check, i64::MIN..until_ms).filter_map(Result::ok);
    let told = runs.find(|run| !run.reason.is_unobserved()).map(|run| run.text);
    told.filter(|text| !text.is_empty()).unwrap_or_else(|| interval.said.clone())
}
