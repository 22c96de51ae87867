//! The newest value of every series, as a query would have it now.

use custos_promql::{Labels, METRIC_NAME, MatchOperator, Matcher, Samples, Source, SourceSeries, is_ended};
use custos_query::{BuiltIn, StoreSource, outbound_labels};

use super::request::Request;
use crate::http::openmetrics::{Families, Family, Kind};
use crate::http::reply::Reply;

/// How long a value counts (ms), if its series says nothing else.
const LOOKBACK_MS: i64 = 300_000;
/// Series that are read at once.
const READ_AT_ONCE: usize = custos_promql::limits::READ_SERIES_MAX;

/// Adds all series, each with its newest value, the time of that, and the label of the host.
pub(super) fn add(families: &mut Families, request: &Request<'_>) -> Result<(), Reply> {
    let source = StoreSource::new(request.snapshot);
    let failed = |error: custos_promql::Error| Reply::text(500, format!("{}\n", error.message));
    let any = Matcher::new(METRIC_NAME, MatchOperator::NotEqual, "")
        .map_err(|error| Reply::text(500, error.to_string()))?;
    let now_ms = request.now_ms;
    let series = source.select(&[any], now_ms.saturating_sub(LOOKBACK_MS), now_ms).map_err(failed)?;
    for group in series.chunk_by(|one, other| one.group == other.group) {
        for some in group.chunks(READ_AT_ONCE) {
            if (request.interrupt)(None).is_some() {
                return Err(Reply::text(503, "The newest values could not be read in time.\n"));
            }
            let lookback_ms = some.iter().filter_map(|series| series.lookback_ms).fold(LOOKBACK_MS, i64::max);
            let read: Vec<&SourceSeries> = some.iter().collect();
            let samples = source.read(&read, now_ms.saturating_sub(lookback_ms), now_ms).map_err(failed)?;
            for (series, samples) in some.iter().zip(samples) {
                add_one(families, &outbound_labels(&series.labels, request.host), &samples);
            }
        }
    }
    Ok(())
}

fn add_one(families: &mut Families, labels: &Labels, samples: &Samples) {
    let (Some(time_ms), Some(value)) = (samples.times.last(), samples.values.last()) else { return };
    if is_ended(*value) {
        return;
    }
    let name = labels.metric_name();
    let others = labels.iter().filter(|label| &*label.name != METRIC_NAME);
    let others = others.map(|label| (label.name.to_string(), label.value.to_string())).collect();
    let family = families.family(name, || match BuiltIn::named(name) {
        Some(built_in) => Family::new(Kind::Gauge, built_in.help()),
        None => Family::new(Kind::Unknown, "Newest values of a check."),
    });
    family.add_at(others, *value, *time_ms);
}
