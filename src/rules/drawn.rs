//! Which series of a check are drawn where nobody names any.

use custos_query::{Result, Selector, Series};
use custos_store::{SERIES_NAME, SeriesInfo};

use super::outcome::{FIRING, PENDING, VALUE};

/// The series of a check that say something in a graph: none with a name of its own, such as the `ALERTS` of a rule, and of a rule
/// with values those, not how many fire.
fn usual_series(known: &[SeriesInfo]) -> Vec<SeriesInfo> {
    let has_values = known.iter().any(|series| series.key.label == VALUE);
    let is_count = |label: &str| has_values && [FIRING, PENDING].contains(&label);
    let is_own = |series: &SeriesInfo| series.key.labels.iter().all(|(name, _)| name != SERIES_NAME);
    known.iter().filter(|series| is_own(series) && !is_count(&series.key.label)).cloned().collect()
}

/// The series of a check that a selector has: of the usual ones, or where those have none, of all.
///
/// # Errors
/// As of [`Selector::series`].
pub fn selected_series(selector: &Selector, known: &[SeriesInfo]) -> Result<Vec<Series>> {
    match selector.series(&usual_series(known)) {
        Ok(usual) if !usual.is_empty() => Ok(usual),
        _ => selector.series(known),
    }
}

#[cfg(test)]
mod tests {
    use custos_store::SeriesKey;

    use super::*;

    #[test]
    fn the_value_of_a_rule_is_drawn() {
        let series = |label: &str, labels: &[(&str, &str)]| {
            let labels =
                labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let key = SeriesKey { label: label.to_owned(), labels };
            SeriesInfo { key, unit: String::new(), samples: 1, first_ms: 0, last_ms: 0 }
        };
        let known = [
            series("firing", &[]),
            series("pending", &[]),
            series("value", &[("check", "db")]),
            series("ALERTS", &[("__name__", "ALERTS")]),
        ];
        let labels = |known: &[SeriesInfo]| -> Vec<String> {
            usual_series(known).into_iter().map(|series| series.key.label).collect()
        };
        assert_eq!(labels(&known), ["value"]);
        assert_eq!(labels(&known[..2]), ["firing", "pending"]);
    }
}
