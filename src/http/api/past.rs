//! What history says of one metric: stretches that are like one, where it normally is, and when it reaches a limit.

use std::ops::Range;

use custos_query::{
    Bucketed, ForecastRequest, NormalRequest, ReadContext, SimilarForm, SimilarRequest, SimilarSeries,
    day_and_hour,
};
use serde::Serialize;

use super::board::unreadable;
use super::envelope::{failed, number, span};
use super::request::Request;
use super::times::time_or;
use crate::backtest::Incidents;
use crate::config::{JudgedThreshold, label_matcher};
use crate::http::reply::{Failure, Reply};
use crate::limits::{HTTP_NORMAL_HOURS_MAX, HTTP_SIMILAR_DEFAULT, HTTP_SIMILAR_MAX};
use crate::why::{After, Alike, ForecastLine, Surroundings, metric_limit};

const HOUR_MS: i64 = 3_600_000;
const DAY_HOURS: usize = 24;

#[derive(Serialize)]
struct SimilarAnswer {
    check: String,
    metric: String,
    /// Stretches that are clearly nearer than the rest, the nearest first.
    matches: Vec<Match>,
    /// Separate stretches that were compared, and those of which too much is missing.
    stretches: u64,
    left_out: u64,
}

#[derive(Serialize)]
struct Match {
    #[serde(flatten)]
    alike: Alike,
    #[serde(flatten)]
    after: After,
}

/// Stretches of a metric that are like that from `start` to `end`, at most `limit`.
pub(super) fn similar(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let of = series(request)?;
    let limit = number(request, "limit", HTTP_SIMILAR_DEFAULT, HTTP_SIMILAR_MAX)?;
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("a search passes over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let until_ms = request.now_ms;
    let asked = SimilarRequest {
        of: &of,
        span,
        among: std::slice::from_ref(&of),
        until_ms,
        form: SimilarForm::default(),
        warp: false,
        full_resolution: false,
    };
    let found = asked.read(request.snapshot, &mut context).map_err(|error| failed(&error))?;
    let incidents = Incidents::read(request.stores.dir()).unwrap_or_default();
    let surroundings = Surroundings { reader: request.snapshot, incidents: &incidents, until_ms };
    let mut matches = Vec::new();
    for one in found.matches.iter().filter(|one| one.is_clear).take(limit) {
        let after = surroundings.after(&of.check, &one.span, &mut context).map_err(|error| failed(&error))?;
        matches.push(Match { alike: Alike::from(one), after });
    }
    Reply::json(&SimilarAnswer {
        metric: of.series.key.to_string(),
        check: of.check,
        matches,
        stretches: found.stretches,
        left_out: found.left_out,
    })
}

/// When a metric reaches `limit`, or the limit that its plugin or its definition names.
pub(super) fn forecast(request: &Request<'_>) -> Result<Reply, Reply> {
    let at_ms = time_or(&request.params, "at", request.now_ms)?;
    let of = series(request)?;
    if of.series.is_counter {
        return Err(Reply::invalid("metric", "a counter has no limit that it could reach"));
    }
    let limit = match request.params.get("limit") {
        "" => {
            let judged = request.checks.iter().find(|check| check.name == of.check);
            let own = judged.iter().flat_map(|check| &check.thresholds);
            let own = own.filter(|one| is_for(one, &of.series.key.label));
            let own = own.filter_map(|one| one.critical.as_ref()?.end);
            let found = metric_limit(request.snapshot, &of, at_ms, own).map(|limit| limit.value);
            found.ok_or_else(|| {
                Reply::invalid("limit", "neither the plugin nor the configuration names one")
            })?
        }
        text => {
            let given = text.parse::<f64>().ok().filter(|limit| limit.is_finite());
            given.ok_or_else(|| Reply::invalid("limit", "it is no number"))?
        }
    };
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("a forecast passes over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let asked = ForecastRequest { check: &of.check, series: &of.series, limit, at_ms };
    let found = asked.read(request.snapshot, &mut context).map_err(|error| failed(&error))?;
    Reply::json(&ForecastLine::of(&of, limit, at_ms, &found))
}

/// Whether a threshold is on a metric.
fn is_for(threshold: &JudgedThreshold, label: &str) -> bool {
    threshold.metric == label || label_matcher(&threshold.metric).is_ok_and(|glob| glob.is_match(label))
}

#[derive(Serialize)]
struct NormalAnswer {
    check: String,
    metric: String,
    /// Whether it is how fast a counter grows.
    rate: bool,
    /// Beginning (ms since the epoch), lowest, middle and greatest value of each hour that is known.
    hours: Vec<(i64, f64, f64, f64)>,
}

/// Where a metric normally is in each hour from `start` to `end`, by all that was known at the start.
pub(super) fn normal(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let of = series(request)?;
    let hours = whole_hours(&span)?;
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("what is normal lacks a part: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let asked =
        NormalRequest { check: &of.check, series: &of.series, until_ms: span.start, hour_of: &day_and_hour };
    let normal = asked.read(request.snapshot, &mut context).map_err(|error| failed(&error))?;
    let band = |hour: i64| {
        let (day, of_day) = day_and_hour(hour.saturating_mul(HOUR_MS));
        let band = normal.bands.get(day.rem_euclid(7) as usize * DAY_HOURS + of_day)?.as_ref()?;
        Some((hour.saturating_mul(HOUR_MS), band.low, band.middle, band.high))
    };
    Reply::json(&NormalAnswer {
        metric: of.series.key.to_string(),
        rate: of.series.is_counter,
        check: of.check,
        hours: hours.filter_map(band).collect(),
    })
}

/// The hours that a span touches, counted from the epoch.
fn whole_hours(span: &Range<i64>) -> Result<Range<i64>, Reply> {
    let hours =
        span.start.div_euclid(HOUR_MS)..span.end.saturating_sub(1).div_euclid(HOUR_MS).saturating_add(1);
    if hours.end.saturating_sub(hours.start) > HTTP_NORMAL_HOURS_MAX {
        let days = HTTP_NORMAL_HOURS_MAX / DAY_HOURS as i64;
        return Err(Reply::invalid("end", &format!("it is more than {days} days after the start")));
    }
    Ok(hours)
}

/// The metric that is asked for by `check` and `metric`.
fn series(request: &Request<'_>) -> Result<SimilarSeries, Reply> {
    let (check, metric) = (request.params.get("check"), request.params.get("metric"));
    let known = request.snapshot.check(check).map_err(|error| unreadable(&error))?;
    let Some(known) = known else {
        return Err(Reply::failure(Failure::BadData, "there is no such check"));
    };
    let found = known.series.into_iter().find(|info| info.key.to_string() == metric);
    let Some(info) = found else {
        return Err(Reply::failure(Failure::BadData, "the check has no such metric"));
    };
    let series = Bucketed::new(info.key, &info.unit);
    Ok(SimilarSeries { check: check.to_owned(), series })
}
