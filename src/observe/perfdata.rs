//! A run written as the output of a plugin, for runs that no plugin printed.

use std::fmt::Write as _;

use custos_store::Run;

/// The text, the metrics as perfdata, and further lines.
pub(super) fn output(run: &Run) -> String {
    // A `|` would begin perfdata.
    let mut output = run.text.replace('|', "/");
    for (position, metric) in run.metrics.iter().enumerate() {
        let labels =
            metric.labels.iter().fold(metric.label.clone(), |label, (_, value)| format!("{label}_{value}"));
        let label = labels.replace('\'', "''").replace(['=', '|'], "_");
        let value = metric.value.map_or("U".to_owned(), |value| value.to_string());
        let separator = if position == 0 { " | " } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(output, "{separator}'{label}'={value}{}", metric.unit);
    }
    output.push('\n');
    if !run.long_text.is_empty() {
        output += &run.long_text.replace('|', "/");
        output.push('\n');
    }
    output
}
