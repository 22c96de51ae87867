//! A series of a check with its title, and with the limits that are drawn.

use custos_query::{Envelope, Limit, Others, Series};
use custos_store::State;

use crate::config::{Threshold, UnitRange};
use crate::graph;
use crate::text::human::counted;

/// A series with its title, and with the thresholds of its check's definition behind the plugin's own.
pub fn titled(check: &str, envelope: Envelope, thresholds: &[Threshold]) -> graph::Series {
    let Envelope { series, unit, rate, others, columns, limits, bridge_ms } = envelope;
    let mut all: Vec<graph::Threshold> =
        limits.into_iter().map(|limit| graph::Threshold { limit, of_plugin: true }).collect();
    all.extend(configured(&series, (&unit, rate), thresholds));
    let (check, name) = (check.to_owned(), series.to_string());
    graph::Series {
        check,
        name,
        unit,
        columns,
        thresholds: all,
        bridge_ms,
        note: note(&others),
        band: Vec::new(),
        consolidated: Vec::new(),
    }
}

/// The thresholds of a check's definition that judge a series whose values have a unit and may be changes per second.
pub fn configured(
    series: &Series,
    (unit, rate): (&str, bool),
    thresholds: &[Threshold],
) -> Vec<graph::Threshold> {
    let judges = |threshold: &&Threshold| match series {
        Series::Metric(key) => threshold.is_for(&key.label),
        Series::BuiltIn(_) => false,
    };
    let mut all = Vec::new();
    for threshold in thresholds.iter().filter(judges).filter(|threshold| threshold.rate == rate) {
        let sides = [(State::Warning, &threshold.warning), (State::Critical, &threshold.critical)];
        for (state, range) in sides {
            let limit = |bounds| graph::Threshold { limit: Limit { state, bounds }, of_plugin: false };
            // A range in another unit says nothing about these values.
            let same = |range: &&UnitRange| rate || range.unit.as_ref().is_none_or(|other| other == unit);
            all.extend(range.iter().filter(same).map(|range| limit(range.bounds)));
        }
    }
    all
}

/// Remarks on samples that are not drawn.
fn note(others: &Others) -> Option<String> {
    let Others { samples, units } = others;
    let named = |unit: &String| if unit.is_empty() { "no unit".to_owned() } else { unit.clone() };
    let units: Vec<String> = units.iter().map(named).collect();
    (*samples > 0).then(|| format!("{} in {} not drawn", counted(*samples, "sample"), units.join(", ")))
}
