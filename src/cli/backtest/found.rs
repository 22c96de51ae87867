//! What one way of judging comes to.

use custos_store::{Reader, Reason, Run};

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

/// The words of the plugin when an alert began: of the newest run of the check that its labels name.
pub(super) fn words_at(reader: &Reader, interval: &AlertInterval) -> String {
    if !interval.said.is_empty() {
        return interval.said.clone();
    }
    let check = interval.labels.get("check");
    let until_ms = interval.since_ms.saturating_add(1);
    let mut runs = reader.runs_rev(check, i64::MIN..until_ms).filter_map(Result::ok);
    let told = |run: &Run| !matches!(run.reason, Reason::Missed | Reason::NotFinished | Reason::Skipped);
    if check.is_empty() { String::new() } else { runs.find(told).map_or_else(String::new, |run| run.text) }
}
