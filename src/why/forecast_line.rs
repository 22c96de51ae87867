//! A forecast as data.

use custos_query::{ForecastSilent, Forecasted, SimilarSeries};
use serde::Serialize;

/// A forecast as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForecastLine {
    check: String,
    metric: String,
    at_ms: i64,
    limit: f64,
    value: Option<f64>,
    median_ms: Option<i64>,
    low_ms: Option<i64>,
    high_ms: Option<i64>,
    probability: Option<Probability>,
    since_ms: Option<i64>,
    per_day: Option<f64>,
    held: Option<(usize, usize)>,
    /// Why nothing is said.
    reason: Option<&'static str>,
}

/// How likely it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Probability {
    #[serde(rename = "7d")]
    week: f64,
    #[serde(rename = "30d")]
    month: f64,
}

impl ForecastLine {
    /// What was found of when a metric reaches a limit, as of a time (ms since the epoch).
    pub fn of(
        of: &SimilarSeries,
        limit: f64,
        at_ms: i64,
        found: &Result<Forecasted, ForecastSilent>,
    ) -> ForecastLine {
        let known = found.as_ref().ok();
        ForecastLine {
            check: of.check.clone(),
            metric: of.series.key.to_string(),
            at_ms,
            limit,
            value: known.map(|found| found.value),
            median_ms: known.and_then(|found| found.median_ms),
            low_ms: known.and_then(|found| found.low_ms),
            high_ms: known.and_then(|found| found.high_ms),
            probability: known
                .map(|found| Probability { week: found.probability[0], month: found.probability[1] }),
            since_ms: known.map(|found| found.since_ms),
            per_day: known.map(|found| found.per_day),
            held: known.map(|found| found.held),
            reason: match found {
                Ok(_) => None,
                Err(ForecastSilent::Short) => Some("short"),
                Err(ForecastSilent::Jumps) => Some("jumps"),
            },
        }
    }
}
