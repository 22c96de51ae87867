//! Which series there are, with the labels under which they leave.

use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME};
use custos_store::{SeriesKey, Snapshot};

use crate::built_in::BuiltIn;
use crate::promql::{CHECK, metric_labels};
use crate::rate::COUNTER;

/// The label that has the name of the host.
const HOST: &str = "host";

/// A series of a store, for elsewhere.
#[derive(Clone, Debug)]
pub struct OutboundSeries {
    /// Its labels, the name of the metric and the host among them.
    pub labels: Labels,
    /// The base unit, such as `s` or `B`; empty if there is none.
    pub unit: String,
    /// The check whose series it is.
    pub check: Arc<str>,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Metric(SeriesKey),
    BuiltIn(BuiltIn),
}

impl OutboundSeries {
    /// Whether it only grows.
    pub fn is_counter(&self) -> bool {
        self.unit == COUNTER
    }
}

/// Labels with that of the host, unless its name is empty. A label of the series' own that would hide it gets another name.
pub fn outbound_labels(labels: &Labels, host: &str) -> Labels {
    if host.is_empty() {
        return labels.clone();
    }
    let own = labels.get(HOST);
    let labels = if own.is_empty() { labels.clone() } else { labels.with("exported_host", own) };
    labels.with(HOST, host)
}

/// The series of these checks, or of all if none is given, by check; and what cannot be read. `host` as for
/// [`outbound_labels`].
pub fn outbound_series(
    snapshot: &Snapshot,
    checks: &[String],
    host: &str,
) -> (Vec<OutboundSeries>, Vec<String>) {
    let catalogue = snapshot.catalogue();
    let mut all = Vec::new();
    for of_check in catalogue.checks {
        let name = of_check.check.name;
        if !checks.is_empty() && !checks.contains(&name) {
            continue;
        }
        let check: Arc<str> = Arc::from(name.as_str());
        let series = |labels: &Labels, unit: &str, what| OutboundSeries {
            labels: outbound_labels(labels, host),
            unit: unit.to_owned(),
            check: Arc::clone(&check),
            what,
        };
        for info in of_check.series {
            let labels = metric_labels(&name, &info.key);
            all.push(series(&labels, &info.unit, What::Metric(info.key)));
        }
        for one in BuiltIn::ALL {
            let labels = Labels::new([(METRIC_NAME, one.name()), (CHECK, &name)]);
            all.push(series(&labels, one.unit(), What::BuiltIn(one)));
        }
    }
    (all, catalogue.damages.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_a_label_and_hides_no_other() {
        let labels = Labels::new([("__name__", "x"), ("host", "own")]);
        assert_eq!(outbound_labels(&labels, "web1").to_string(), "x{exported_host=\"own\", host=\"web1\"}");
        assert_eq!(outbound_labels(&labels, ""), labels);
        let plain = Labels::new([("__name__", "x")]);
        assert_eq!(outbound_labels(&plain, "web1").to_string(), "x{host=\"web1\"}");
    }
}
