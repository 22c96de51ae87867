//! Series over a span in columns, of which each has the least, the greatest and the mean value: what a graph draws, with no spike
//! averaged away. Mostly the store knows these without reading a sample.

use custos_query::{
    Column, ConsolidatedCurve, Drawn, DrawnCheck, Envelope, EnvelopeRequest, Error, EventRequest,
    ReadContext, Selector, Series, check_names, consolidated_check, drawable_checks, drawable_series,
};
use custos_store::{Bounds, State};
use serde::Serialize;

use super::request::Request;
use super::times::required_time;
use crate::http::reply::{Failure, Reply};
use crate::limits::{HTTP_ENVELOPE_COLUMNS_MAX, HTTP_ENVELOPE_SERIES_MAX, HTTP_EVENTS_MAX};
use crate::rules::selected_series;

#[derive(Serialize)]
struct Answer {
    start_ms: i64,
    end_ms: i64,
    columns: usize,
    series: Vec<Curve>,
    /// The states of each check, a character each: `O`, `W`, `C`, `U`, or `-` where none is known.
    states: Vec<(String, String)>,
    /// Whether there are more series than are answered.
    more: bool,
}

#[derive(Serialize)]
struct Curve {
    check: String,
    metric: String,
    /// What the metric is called, and its further labels, by which it is found in runs.
    label: String,
    labels: Vec<(String, String)>,
    unit: String,
    rate: bool,
    /// Column, least, greatest, mean and latest value, for each column with a sample.
    points: Vec<(usize, f64, f64, f64, f64)>,
    limits: Vec<(&'static str, f64, f64, bool)>,
    /// The longest time between two samples that is no gap (ms).
    bridge_ms: i64,
    /// Column, least, greatest and mean value of what was consolidated by an older system, for each column that has no sample.
    consolidated: Vec<(usize, f64, f64, Option<f64>)>,
    /// What is not drawn of it.
    note: Option<String>,
}

impl Curve {
    fn of(check: &str, mut envelope: Envelope, curve: ConsolidatedCurve) -> Curve {
        let (mut consolidated, mut note) = (Vec::new(), None);
        if curve.columns.iter().any(Option::is_some) {
            if envelope.adopt(&curve) {
                let columns = envelope.columns.iter().zip(&curve.columns).enumerate();
                let free = columns.filter(|(_, (samples, _))| samples.is_none());
                let known = free.filter_map(|(at, (_, column))| Some((at, (*column)?)));
                consolidated = known.map(|(at, column)| (at, column.low, column.high, column.mean)).collect();
            } else {
                let unit = if curve.unit.is_empty() { "no unit" } else { &curve.unit };
                note = Some(format!("consolidated values in {unit} not drawn"));
            }
        }
        let (label, labels) = match &envelope.series {
            Series::Metric(key) => (key.label.clone(), key.labels.clone()),
            Series::BuiltIn(one) => (one.name().to_owned(), Vec::new()),
        };
        let point = |(at, column): (usize, Option<Column>)| {
            let Column { min, max, mean, last, .. } = column?;
            Some((at, min, max, mean.value(), last))
        };
        let limits = envelope.limits.iter().map(|limit| {
            let Bounds { start, end, inside } = limit.bounds;
            (State::name(limit.state), start.max(f64::MIN), end.min(f64::MAX), inside)
        });
        Curve {
            check: check.to_owned(),
            metric: envelope.series.to_string(),
            label,
            labels,
            limits: limits.collect(),
            points: envelope.columns.into_iter().enumerate().filter_map(point).collect(),
            unit: envelope.unit,
            rate: envelope.rate,
            bridge_ms: envelope.bridge_ms,
            consolidated,
            note,
        }
    }
}

/// The span of a request (ms since the epoch, end excluded).
pub(super) fn span(request: &Request<'_>) -> Result<std::ops::Range<i64>, Reply> {
    let (start, end) = (required_time(&request.params, "start")?, required_time(&request.params, "end")?);
    if start < end { Ok(start..end) } else { Err(Reply::invalid("end", "it is not after the start")) }
}

pub(super) fn number(request: &Request<'_>, name: &str, default: usize, most: usize) -> Result<usize, Reply> {
    match request.params.get(name) {
        "" => Ok(default),
        text => text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| Reply::invalid(name, &format!("it is no number from 1 to {most}"))),
    }
}

pub(super) fn failed(error: &Error) -> Reply {
    let kind = match error {
        Error::Cancelled => {
            return Reply::failure(
                Failure::Timeout,
                "it took too long: ask for a shorter span, or fewer series",
            );
        }
        error if error.is_usage() => Failure::BadData,
        _ => Failure::Execution,
    };
    Reply::failure(kind, &error.to_string())
}

/// Each `series`, which is `CHECK` or `CHECK:METRIC` as `custos graph` takes it, in columns, with what was watched and what was
/// consolidated of it unless only its `own` runs are wanted.
pub(super) fn envelope(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let columns = number(request, "columns", 600, HTTP_ENVELOPE_COLUMNS_MAX)?;
    let drawn = match request.params.get("drawn") {
        "" | "usual" => Drawn::Usual,
        "values" => Drawn::Values,
        _ => return Err(Reply::invalid("drawn", "it is not usual or values")),
    };
    let is_own = match request.params.get("own") {
        "" | "0" => false,
        "1" => true,
        _ => return Err(Reply::invalid("own", "it is not 0 or 1")),
    };
    let names = drawable_checks(check_names(request.snapshot));
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored =
        |error: &custos_store::Error| tracing::debug!("an envelope passes over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let (start_ms, end_ms) = (span.start, span.end);
    let mut answer =
        Answer { start_ms, end_ms, columns, series: Vec::new(), states: Vec::new(), more: false };
    for text in request.params.all("series") {
        if answer.series.len() >= HTTP_ENVELOPE_SERIES_MAX {
            answer.more = true;
            break;
        }
        let selector = Selector::parse(text, &names).map_err(|error| failed(&error))?;
        let check = consolidated_check(selector.check()).map_or(selector.check(), |(check, _)| check);
        let known = drawable_series(request.snapshot, check);
        let known = known.map_err(|error| Reply::failure(Failure::Internal, &error.to_string()))?;
        let mut series = selected_series(&selector, &known).map_err(|error| failed(&error))?;
        let room = HTTP_ENVELOPE_SERIES_MAX.saturating_sub(answer.series.len());
        answer.more |= series.len() > room;
        series.truncate(room);
        let asked = EnvelopeRequest {
            check,
            series,
            span: span.clone(),
            columns,
            cells: columns,
            drawn,
            holds_until_ms: None,
        };
        let drawn = asked.read_drawn(is_own, request.snapshot, &mut context);
        let DrawnCheck { own: read, consolidated, .. } = drawn.map_err(|error| failed(&error))?;
        let both = read.series.into_iter().zip(consolidated);
        answer.series.extend(both.map(|(envelope, curve)| Curve::of(check, envelope, curve)));
        if !answer.states.iter().any(|(known, _)| known == check) {
            let states = read.states.cells().iter().map(|state| match state {
                Some(state) => &State::name(*state)[..1],
                None => "-",
            });
            answer.states.push((check.to_owned(), states.collect()));
        }
    }
    Reply::json(&answer)
}

/// Changes of state within a span, the newest of them; of each `check`, or of all.
pub(super) fn events(request: &Request<'_>) -> Result<Reply, Reply> {
    let span = span(request)?;
    let limit = number(request, "limit", HTTP_EVENTS_MAX, HTTP_EVENTS_MAX)?;
    let checks: Vec<String> = request.params.all("check").map(str::to_owned).collect();
    let interrupt = || (request.interrupt)(None).is_some();
    let mut ignored = |error: &custos_store::Error| tracing::debug!("events pass over damage: {error}");
    let mut context = ReadContext::new(&mut ignored).cancellable(&interrupt);
    let asked = EventRequest { checks: &checks, span, hard: request.params.has("hard"), limit };
    Reply::json(&asked.read(request.snapshot, &mut context).map_err(|error| failed(&error))?)
}
