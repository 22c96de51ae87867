//! How a series of an answer is called where it is shown.

use custos_promql::Labels;

use crate::printable::printable;

/// A series by its labels. That of a check has the name twice, of which once is enough.
pub fn series_title(labels: &Labels) -> String {
    let name = labels.metric_name();
    let is_told_twice = !name.is_empty() && labels.get("check") == name;
    let labels = if is_told_twice { labels.with("check", "") } else { labels.clone() };
    printable(&labels.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_check_stands_there_once_and_nothing_steers_a_terminal() {
        let title = |labels: &[(&str, &str)]| series_title(&Labels::new(labels.iter().copied()));
        assert_eq!(
            title(&[("__name__", "load"), ("check", "load"), ("metric", "load1")]),
            "load{metric=\"load1\"}"
        );
        assert_eq!(title(&[("check", "load")]), "{check=\"load\"}");
        assert!(
            !title(&[("__name__", "a"), ("metric", "\u{1b}[2J\u{202e}")]).contains(['\u{1b}', '\u{202e}'])
        );
    }
}
