//! Of which check and metric a series of Prometheus' kind is.

use custos_query::BuiltIn;
use custos_store::{Metric, SERIES_NAME};

/// The check of series that say nothing of where they are from.
const CHECK: &str = "prometheus";

/// Of what a series is: its host, its check, and its metric without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesNames {
    /// The host, if a label has it.
    pub host: Option<String>,
    /// The check.
    pub check: String,
    /// The metric.
    pub metric: Metric,
}

impl SeriesNames {
    /// By its labels, of which `__name__` is the name of its metric. `check` is the check, whatever they say. None for a series that every
    /// check has by itself, as `check_state`.
    ///
    /// A series that has a label `check` was written by this program, and is what it was. Any other is of the check that its `job` names,
    /// and has all of its labels and its own name, so that a query selects it as it did before.
    pub fn of(labels: &[(String, String)], check: Option<&str>) -> Option<SeriesNames> {
        let label = |name: &str| labels.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str());
        let name = label(SERIES_NAME).unwrap_or_default();
        let instance =
            label("instance").map(|instance| instance.rsplit_once(':').map_or(instance, |(host, _)| host));
        let host = label("host").or_else(|| label("hostname")).or(instance).map(str::to_owned);
        if let Some(of) = label("check") {
            if BuiltIn::named(name).is_some() {
                return None;
            }
            let own = [SERIES_NAME, "check", "metric", "host"];
            let rest = labels.iter().filter(|(name, _)| !own.contains(&name.as_str()));
            let metric = of_labels(label("metric").unwrap_or_default(), rest.cloned().collect());
            return Some(SeriesNames { host, check: check.unwrap_or(of).to_owned(), metric });
        }
        let check = check.or_else(|| label("job")).unwrap_or(CHECK).to_owned();
        let mut metric = of_labels(name, labels.to_vec());
        if name.ends_with("_total") || name.ends_with("_bucket") {
            metric.unit = "c".to_owned();
            metric.printed_unit = "c".to_owned();
        }
        Some(SeriesNames { host, check, metric })
    }
}

fn of_labels(label: &str, mut labels: Vec<(String, String)>) -> Metric {
    labels.sort();
    labels.dedup_by(|one, other| one.0 == other.0);
    Metric { labels, ..Metric::new(label, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_this_program_wrote_is_what_it_was() {
        let own = labels(&[
            ("__name__", "net"),
            ("check", "net"),
            ("host", "web1"),
            ("if", "eth0"),
            ("metric", "in"),
        ]);
        let names = SeriesNames::of(&own, None).unwrap();
        assert_eq!(
            (names.host.as_deref(), names.check.as_str(), names.metric.label.as_str()),
            (Some("web1"), "net", "in")
        );
        assert_eq!(names.metric.labels, labels(&[("if", "eth0")]));
        assert_eq!(SeriesNames::of(&labels(&[("__name__", "check_state"), ("check", "net")]), None), None);
    }

    #[test]
    fn what_others_wrote_keeps_its_name_and_its_labels() {
        let other =
            labels(&[("__name__", "node_cpu_seconds_total"), ("instance", "web1:9100"), ("job", "node")]);
        let names = SeriesNames::of(&other, None).unwrap();
        assert_eq!((names.host.as_deref(), names.check.as_str()), (Some("web1"), "node"));
        assert_eq!((names.metric.unit.as_str(), &names.metric.labels), ("c", &other));
        assert_eq!(SeriesNames::of(&other, Some("host")).unwrap().check, "host");
        assert_eq!(SeriesNames::of(&labels(&[("__name__", "up")]), None).unwrap().check, "prometheus");
    }
}
