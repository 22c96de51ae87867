//! Which request is answered by what.

use super::request::Request;
use super::{query, scrape, series, status};
use crate::http::counters::Handler;
use crate::http::reply::Reply;

/// What a browser shows of the server.
const FRONT: &str = "Custos answers the HTTP API of Prometheus here, below /api/v1/, from the history of this host.\n\
                     There are no pages: use Grafana, or any other client of Prometheus.\n";

/// The answer to a request.
pub(in crate::http) fn answer(request: &Request<'_>) -> Reply {
    match route(request) {
        Ok(reply) | Err(reply) => reply,
    }
}

fn route(request: &Request<'_>) -> Result<Reply, Reply> {
    let is_post = request.method == "POST";
    if !is_post && request.method != "GET" && request.method != "HEAD" {
        return Err(Reply::text(405, "Method Not Allowed\n"));
    }
    if let Some(path) = request.path.strip_prefix("/api/v1/") {
        return api(request, path, is_post);
    }
    match request.path {
        // Some clients ask for the front page to see whether there is a server.
        "/" if !is_post => Ok(Reply::text(200, FRONT)),
        _ if is_post => Err(Reply::text(405, "Method Not Allowed\n")),
        "/metrics" => scrape::metrics(request),
        "/-/healthy" => Ok(Reply::text(200, "Custos is healthy.\n")),
        "/-/ready" => Ok(Reply::text(200, "Custos is ready.\n")),
        _ => Err(Reply::not_found()),
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
        "rules" => Ok(status::nothing("{\"groups\":[]}")),
        "alerts" => Ok(status::nothing("{\"alerts\":[]}")),
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
        "/api/v1/query_range" => Handler::QueryRange,
        "/metrics" => Handler::Metrics,
        path if path.starts_with("/api/v1/") => Handler::List,
        _ => Handler::Other,
    }
}
