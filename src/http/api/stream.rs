//! Runs as lines, for programs elsewhere that take them from a position on.
//!
//! An answer has a bound, and says where to go on: so nothing is kept for a client between its requests, and a slow one costs
//! nothing.

use custos_store::Position;

use super::request::Request;
use crate::feed::lines::{Form, Lines};
use crate::feed::read::{Budget, Excerpt, Selection, excerpt};
use crate::http::reply::{Failure, Reply};
use crate::limits::{STREAM_ANSWER_BYTES, STREAM_ANSWER_RUNS};

/// The runs after a position.
pub(super) fn stream(request: &Request<'_>) -> Result<Reply, Reply> {
    let store = request.snapshot.identity().map(|store| store.to_string()).unwrap_or_default();
    let expected = request.params.get("store");
    if !expected.is_empty() && expected != store {
        return Err(Reply::text(409, format!("The store is {store} now.\n")));
    }
    let from = match request.params.get("from") {
        "" | "start" => Position::START,
        "end" => request.snapshot.acknowledged(),
        text => Position(text.parse().map_err(|_| Reply::invalid("from", "it is no position"))?),
    };
    let form = match request.params.get("form") {
        "" | "runs" => Form::Runs,
        "samples" => Form::Samples,
        "events" => Form::Events,
        _ => return Err(Reply::invalid("form", "it is not runs, samples or events")),
    };
    let patterns: Vec<&str> = request.params.all("match[]").collect();
    let selection =
        Selection::parse(&patterns).map_err(|error| Reply::invalid("match[]", &error.to_string()))?;
    let budget = Budget { runs: STREAM_ANSWER_RUNS, bytes: STREAM_ANSWER_BYTES };
    let failed = |what: String| Reply::failure(Failure::Internal, &what);
    let found = excerpt(request.snapshot, from, &selection, budget)
        .map_err(|error| failed(format!("failed to {error}")))?;
    written(request, &found, form, &store).map_err(|error| failed(error.to_string()))
}

fn written(request: &Request<'_>, found: &Excerpt, form: Form, store: &str) -> std::io::Result<Reply> {
    let (mut lines, mut out) = (Lines::new(form), Vec::new());
    if let Some(piece) = &found.piece {
        for gap in &piece.gaps {
            lines.gap(gap, &mut out)?;
        }
        for fed in &piece.runs {
            lines.run(fed, false, request.snapshot, &mut out)?;
        }
    }
    let mut body = String::from_utf8(out).map_err(std::io::Error::other)?;
    let (position, more) = (found.position, found.more);
    body.push_str(&format!("{{\"position\":{position},\"store\":\"{store}\",\"more\":{more}}}\n"));
    Ok(Reply { status: 200, content_type: "application/x-ndjson", body })
}
