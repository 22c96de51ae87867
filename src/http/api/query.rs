//! `query`, `query_range`, `format_query`.

use std::sync::atomic::{AtomicUsize, Ordering};

use custos_promql::{Answer, AnswerValue, Error, ErrorKind, Expr, Options, instant, parse, range};
use custos_query::{StoreSource, query_threads};

use super::json;
use super::request::Request;
use super::times::{duration, limit, optional_duration, required_time, time_or};
use crate::http::reply::{Failure, Notes, Reply, write_text};
use crate::limits::{HTTP_ANSWER_MAX_BYTES, HTTP_QUERY_STEPS_MAX};

/// An expression at one time.
pub(super) fn at_once(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?;
    let at_ms = time_or(&request.params, "time", request.now_ms)?;
    let (query, expr) = expression(request)?;
    answered(request, limit, |source, options| instant(query, &expr, source, at_ms, options))
}

/// An expression at many times.
pub(super) fn over_time(request: &Request<'_>) -> Result<Reply, Reply> {
    let limit = limit(&request.params)?;
    let start_ms = required_time(&request.params, "start")?;
    let end_ms = required_time(&request.params, "end")?;
    if end_ms < start_ms {
        return Err(Reply::invalid("end", "end timestamp must not be before start time"));
    }
    let step_ms = duration(&request.params, "step")?;
    if step_ms <= 0 {
        let what = "zero or negative query resolution step widths are not accepted. Try a positive integer";
        return Err(Reply::invalid("step", what));
    }
    if (end_ms.saturating_sub(start_ms)) / step_ms > HTTP_QUERY_STEPS_MAX {
        let what = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution \
                    (?step=XX)";
        return Err(Reply::failure(Failure::BadData, what));
    }
    let (query, expr) = expression(request)?;
    answered(request, limit, |source, options| {
        range(query, &expr, source, (start_ms, end_ms, step_ms), options)
    })
}

/// The expression in the form that Prometheus gives it.
pub(super) fn format(request: &Request<'_>) -> Result<Reply, Reply> {
    let (_, expr) = expression(request)?;
    let mut data = String::new();
    write_text(&mut data, &expr.to_string());
    Ok(Reply::success(&data, &Notes::default()))
}

fn expression<'a>(request: &'a Request<'_>) -> Result<(&'a str, Expr), Reply> {
    let query = request.params.get("query");
    match parse(query) {
        Ok(expr) => Ok((query, expr)),
        Err(error) => Err(Reply::invalid("query", &error.one_line(query))),
    }
}

fn answered(
    request: &Request<'_>,
    limit: Option<usize>,
    answer: impl FnOnce(&StoreSource<'_>, &Options<'_>) -> Result<Answer, Error>,
) -> Result<Reply, Reply> {
    let timeout_ms = optional_duration(&request.params, "timeout")?;
    let lookback_ms = optional_duration(&request.params, "lookback_delta")?.filter(|ms| *ms > 0);
    let source = StoreSource::new(request.snapshot);
    let interrupt = || (request.interrupt)(timeout_ms);
    let (_answering, threads) = Answering::begin();
    let options = Options { lookback_ms, threads, interrupt: &interrupt, ..Options::default() };
    let mut answer = answer(&source, &options).map_err(|error| failed(&error))?;
    let mut notes =
        Notes { warnings: std::mem::take(&mut answer.warnings), infos: std::mem::take(&mut answer.infos) };
    notes.warnings.extend(source.damages().into_iter().map(|what| format!("the store is damaged: {what}")));
    if let Some(limit) = limit {
        let cut = match &mut answer.value {
            AnswerValue::Vector(values) => truncated(values, limit),
            AnswerValue::Matrix(series) => truncated(series, limit),
            AnswerValue::Scalar(_) | AnswerValue::Text(..) => false,
        };
        if cut {
            notes.warnings.push("results truncated due to limit".to_owned());
        }
    }
    let bytes = json::bytes(&answer);
    if bytes > HTTP_ANSWER_MAX_BYTES {
        let what =
            format!("the answer has more than {HTTP_ANSWER_MAX_BYTES} bytes: ask for fewer series or steps");
        return Err(Reply::failure(Failure::Execution, &what));
    }
    let stats = stats(request, &answer);
    Ok(Reply::written(bytes, &notes, |body| json::write_answer(body, &answer, stats.as_deref(), threads)))
}

/// Queries that are being answered, among which the processors are shared.
static ANSWERING: AtomicUsize = AtomicUsize::new(0);

/// One of these, until it is dropped.
struct Answering;

impl Answering {
    /// With the number of threads that it may read series by.
    fn begin() -> (Answering, usize) {
        let queries = ANSWERING.fetch_add(1, Ordering::Relaxed) + 1;
        (Answering, (query_threads() / queries).max(1))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        ANSWERING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn truncated<T>(items: &mut Vec<T>, limit: usize) -> bool {
    let cut = items.len() > limit;
    items.truncate(limit);
    cut
}

fn failed(error: &Error) -> Reply {
    let kind = match error.kind {
        ErrorKind::Parse => return Reply::invalid("query", &error.message),
        ErrorKind::Execution | ErrorKind::Limit => Failure::Execution,
        ErrorKind::Canceled => Failure::Canceled,
        ErrorKind::Timeout => Failure::Timeout,
        ErrorKind::Source => Failure::Internal,
    };
    Reply::failure(kind, &error.message)
}

/// What the query took, if that is asked for.
fn stats(request: &Request<'_>, answer: &Answer) -> Option<String> {
    (!request.params.get("stats").is_empty()).then(|| {
        let samples = answer.samples;
        format!(
            "{{\"timings\":{{}},\"samples\":{{\"totalQueryableSamples\":{samples},\"samplesRead\":{samples},\
             \"peakSamples\":{samples}}}}}"
        )
    })
}
