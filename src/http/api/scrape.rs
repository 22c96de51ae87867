//! `/metrics`: the agent's own figures, and with `?checks` the newest value of every series.

use super::request::Request;
use super::{figures, newest};
use crate::http::openmetrics::{Families, Format};
use crate::http::params::Params;
use crate::http::reply::Reply;
use crate::limits::HTTP_ANSWER_MAX_BYTES;

/// The parameter that asks for the newest values.
const CHECKS: &str = "checks";

/// Whether a scrape reads more than the agent's figures, by the parameters of its address.
pub(in crate::http) fn asks_for_checks(query: Option<&str>) -> bool {
    query.and_then(|query| Params::of(query, b"").ok()).is_some_and(|params| params.has(CHECKS))
}

/// Answers a scrape.
pub(super) fn metrics(request: &Request<'_>) -> Result<Reply, Reply> {
    let mut families = Families::default();
    figures::add(&mut families, request);
    if request.params.has(CHECKS) {
        newest::add(&mut families, request)?;
    }
    let format = Format::of(request.accept);
    match families.text(format, HTTP_ANSWER_MAX_BYTES) {
        Some(body) => Ok(Reply { status: 200, content_type: format.content_type(), body }),
        None => Err(Reply::text(500, format!("The answer has more than {HTTP_ANSWER_MAX_BYTES} bytes.\n"))),
    }
}
