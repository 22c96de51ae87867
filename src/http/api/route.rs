//! Which request is answered by what.

use super::request::Request;
use super::{
    backtest, board, envelope, marks, note, past, query, rules, scrape, series, status, stream, watch, why,
};
use crate::http::counters::Handler;
use crate::http::reply::Reply;

/// Where series in columns are asked for.
const ENVELOPE_PATH: &str = "/api/envelope";
/// Where changes of state are asked for.
const EVENTS_PATH: &str = "/api/events";
/// Where it is asked what a check would have said.
const BACKTEST_PATH: &str = "/api/backtest";
/// Where it is asked what decides a state, and what else was unlike its past.
const WHY_PATH: &str = "/api/why";
/// Where stretches of history are searched for that are like one.
const SIMILAR_PATH: &str = "/api/similar";
/// Where it is asked when a metric reaches a limit.
const FORECAST_PATH: &str = "/api/forecast";
/// Where it is asked where a metric normally is.
const NORMAL_PATH: &str = "/api/normal";
/// Where notes are written, by those who may have checks run.
pub(in crate::http) const NOTE_PATH: &str = "/api/note";
/// Where it is asked what people marked.
const MARKS_PATH: &str = "/api/marks";

/// The answer to a request.
pub(in crate::http) fn answer(request: &Request<'_>) -> Reply {
    match route(request) {
        Ok(reply) | Err(reply) => reply,
    }
}

fn route(request: &Request<'_>) -> Result<Reply, Reply> {
    let is_post = request.method == "POST";
    match request.path.strip_prefix("/api/v1/") {
        Some(path) if is_post || is_read(request.method) => api(request, path, is_post),
        None if request.path == stream::STREAM_PATH && is_read(request.method) => stream::stream(request),
        None if request.path == "/api/board" && is_read(request.method) => board::board(request),
        None if request.path == "/api/run" && is_read(request.method) => board::newest_run(request),
        None if request.path == ENVELOPE_PATH && is_read(request.method) => envelope::envelope(request),
        None if request.path == EVENTS_PATH && is_read(request.method) => envelope::events(request),
        None if request.path == BACKTEST_PATH && (is_post || is_read(request.method)) => {
            backtest::backtest(request)
        }
        None if request.path == WHY_PATH && is_read(request.method) => why::why(request),
        None if request.path == SIMILAR_PATH && is_read(request.method) => past::similar(request),
        None if request.path == FORECAST_PATH && is_read(request.method) => past::forecast(request),
        None if request.path == NORMAL_PATH && is_read(request.method) => past::normal(request),
        None if request.path == NOTE_PATH && is_post => note::note(request),
        None if request.path == MARKS_PATH && is_read(request.method) => marks::marks(request),
        None if request.path == "/metrics" && is_read(request.method) => scrape::metrics(request),
        _ => Ok(page(request.method, request.path, None)),
    }
}

fn is_read(method: &str) -> bool {
    method == "GET" || method == "HEAD"
}

/// The answer to a request of [`Handler::Other`], which needs no store; `strain` is what there is to say of too much to do.
pub(in crate::http) fn page(method: &str, path: &str, strain: Option<String>) -> Reply {
    match path {
        _ if !is_read(method) => Reply::text(405, "Method Not Allowed\n"),
        "/-/healthy" => {
            let strain = strain.map(|said| format!("{said}.\n")).unwrap_or_default();
            Reply::text(200, format!("Custos is healthy.\n{strain}"))
        }
        "/-/ready" => Reply::text(200, "Custos is ready.\n"),
        _ => Reply::not_found(),
    }
}

fn api(request: &Request<'_>, path: &str, is_post: bool) -> Result<Reply, Reply> {
    match path {
        "query" => return query::at_once(request),
        "query_range" => return query::over_time(request),
        "format_query" => return query::format(request),
        "series" => return series::series(request),
        "labels" => return series::names(request),
        "query_exemplars" => return Ok(status::nothing("[]")),
        _ => {}
    }
    if is_post {
        return Err(Reply::text(405, "Method Not Allowed\n"));
    }
    match path {
        "metadata" => status::metadata(request),
        "rules" => rules::rules(request),
        "alerts" => Ok(rules::alerts(request)),
        "status/buildinfo" => Ok(status::build_info()),
        _ => match path.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) if !name.contains('/') => series::values(request, name),
            _ => Err(Reply::not_found()),
        },
    }
}

/// What a path asks for.
pub(in crate::http) fn handler(path: &str) -> Handler {
    match path {
        "/api/v1/query" => Handler::Query,
        "/api/v1/query_range"
        | ENVELOPE_PATH
        | EVENTS_PATH
        | BACKTEST_PATH
        | WHY_PATH
        | SIMILAR_PATH
        | FORECAST_PATH
        | NORMAL_PATH => Handler::QueryRange,
        "/metrics" => Handler::Metrics,
        "/api/board" | "/api/run" | MARKS_PATH | NOTE_PATH | stream::STREAM_PATH | watch::WATCH_PATH => {
            Handler::List
        }
        path if path.starts_with("/api/v1/") => Handler::List,
        _ => Handler::Other,
    }
}
