//! A run written as the output of a plugin, for runs that no plugin printed.

use std::fmt::Write as _;

use custos_compat::nagios::{Item, Range};
use custos_store::{Bounds, Metric, Run, SERIES_NAME};

/// The text, the metrics as perfdata, and further lines.
pub(super) fn output(run: &Run) -> String {
    // A `|` would begin perfdata.
    let mut output = run.text.replace('|', "/");
    let perfdata = perfdata(run);
    if !perfdata.is_empty() {
        output += " | ";
        output += &perfdata;
    }
    output.push('\n');
    if !run.long_text.is_empty() {
        output += &run.long_text.replace('|', "/");
        output.push('\n');
    }
    output
}

/// The metrics as perfdata, in one line. Series with names of their own, such as the `ALERTS` of a rule, are for queries only.
pub fn perfdata(run: &Run) -> String {
    let mut perfdata = String::new();
    let is_own = |metric: &&Metric| metric.labels.iter().all(|(name, _)| name != SERIES_NAME);
    for (position, metric) in run.metrics.iter().filter(is_own).enumerate() {
        let label =
            metric.labels.iter().fold(metric.label.clone(), |label, (_, value)| format!("{label}_{value}"));
        let range = |bounds: Bounds| Range::new(bounds.start, bounds.end, bounds.inside);
        let item = Item {
            label: &label,
            // The guideline has no words for what is not finite.
            value: metric.value.filter(|value| value.to_f64().is_finite()),
            unit: &metric.unit,
            warn: metric.warn.and_then(range),
            crit: metric.crit.and_then(range),
            min: metric.min,
            max: metric.max,
        };
        let separator = if position == 0 { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(perfdata, "{separator}{item}");
    }
    perfdata
}
