//! What is asked of a receiver, and how its windows of time count.

use super::hours::{HOUR_MS, Hours};
use crate::feed::sink::{About, Kind, matcher, seconds};

/// What is asked of each series and hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Samples,
    First,
    Last,
    Least,
    Greatest,
}

/// How a receiver is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// All series at once, by functions that keep the names of metrics, and with first and last.
    VictoriaMetrics,
    /// Name by name, since functions take the names away. The window is closed at both ends up to version 2, later open at its
    /// beginning.
    Prometheus {
        /// Whether a sample at the beginning of a window is in it.
        is_closed: bool,
    },
}

impl Manner {
    /// How a receiver is asked, if it is known.
    pub(super) fn of(about: &About) -> Option<Manner> {
        match about.kind() {
            Kind::VictoriaMetrics => Some(Manner::VictoriaMetrics),
            Kind::Prometheus => Some(Manner::Prometheus { is_closed: !about.is_from(3) }),
            Kind::Other => None,
        }
    }

    /// What it says of each series and hour.
    pub(super) fn figures(self) -> &'static [Figure] {
        match self {
            Manner::VictoriaMetrics => {
                &[Figure::Samples, Figure::First, Figure::Last, Figure::Least, Figure::Greatest]
            }
            Manner::Prometheus { .. } => &[Figure::Samples, Figure::Least, Figure::Greatest],
        }
    }

    /// A window of an hour that ends a millisecond before the next one begins.
    pub(super) fn window(self) -> &'static str {
        match self {
            Manner::Prometheus { is_closed: true } => "[3599999ms]",
            _ => "[1h]",
        }
    }

    /// The query for a figure of the series that a selector names.
    pub(super) fn query(self, figure: Figure, selector: &str) -> String {
        let function = match figure {
            Figure::Samples => "count_over_time",
            Figure::First => "tfirst_over_time",
            Figure::Last => "tlast_over_time",
            Figure::Least => "min_over_time",
            Figure::Greatest => "max_over_time",
        };
        let keeps = if self == Manner::VictoriaMetrics { " keep_metric_names" } else { "" };
        format!("{function}({selector}{}){keeps}", self.window())
    }
}

/// The form of a query over some hours: each is told at its last millisecond.
pub(super) fn range_form(hours: Hours, query: &str) -> [(&'static str, String); 5] {
    let range = hours.range();
    [
        ("query", query.to_owned()),
        ("start", seconds(range.start + HOUR_MS - 1)),
        ("end", seconds(range.end - 1)),
        ("step", "3600".to_owned()),
        // VictoriaMetrics else moves the times to multiples of the step, and hides the newest samples.
        ("nocache", "1".to_owned()),
    ]
}

/// What selects series by their labels.
pub(super) fn selector<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let matchers: Vec<String> = labels.into_iter().map(|(name, value)| matcher(name, "=", value)).collect();
    format!("{{{}}}", matchers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_is_told_at_its_last_millisecond() {
        let hours = Hours { first_ms: 2 * HOUR_MS, count: 3 };
        let form = range_form(hours, "x");
        assert_eq!((&*form[1].1, &*form[2].1), ("10799.999", "17999.999"));
    }

    #[test]
    fn queries_are_those_of_the_receiver() {
        let all = selector([("host", "a\"b\\c")]);
        let query = Manner::VictoriaMetrics.query(Figure::First, &all);
        assert_eq!(query, r#"tfirst_over_time({host="a\"b\\c"}[1h]) keep_metric_names"#);
        let query = Manner::Prometheus { is_closed: true }.query(Figure::Samples, "x");
        assert_eq!(query, "count_over_time(x[3599999ms])");
    }
}
