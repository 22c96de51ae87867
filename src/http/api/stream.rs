//! Runs as lines, for programs elsewhere that take them from a position on.
//!
//! An answer has a bound, and says where to go on: so nothing is kept for a client between its requests, and a slow one costs
//! nothing. One that follows gets one such answer after the other (`follow.rs`).

use custos_store::{Position, Snapshot};

use super::request::Request;
use crate::feed::lines::{Form, Lines};
use crate::feed::read::{Budget, Selection, beyond, excerpt};
use crate::http::params::Params;
use crate::http::reply::{Failure, Reply};
use crate::limits::{HTTP_MATCH_SETS_MAX, STREAM_ANSWER_BYTES, STREAM_ANSWER_RUNS, STREAM_GLOB_MAX_BYTES};

/// What a client wants.
pub(in crate::http) struct StreamWish {
    pub(in crate::http) from: Position,
    pub(in crate::http) form: Form,
    selection: Selection,
    /// The store that its positions are of.
    store: String,
}

/// Some lines.
pub(in crate::http) struct Told {
    /// The lines, and behind them one that says where to go on.
    pub(in crate::http) text: String,
    /// Whether there are any but that.
    pub(in crate::http) has_lines: bool,
    /// Where to go on.
    pub(in crate::http) position: Position,
    /// Whether there is more already.
    pub(in crate::http) more: bool,
}

/// The runs after a position.
pub(super) fn stream(request: &Request<'_>) -> Result<Reply, Reply> {
    let wish = StreamWish::of(&request.params, request.snapshot)?;
    let budget = Budget { runs: STREAM_ANSWER_RUNS, bytes: STREAM_ANSWER_BYTES };
    let told = wish.lines(request.snapshot, wish.from, &mut Lines::new(wish.form), budget);
    let told = told.map_err(|why| Reply::failure(Failure::Internal, &why))?;
    Ok(Reply { status: 200, content_type: STREAM_CONTENT_TYPE, body: told.text })
}

/// Where it is asked for.
pub(in crate::http) const STREAM_PATH: &str = "/api/stream";
/// The type of lines of JSON.
pub(in crate::http) const STREAM_CONTENT_TYPE: &str = "application/x-ndjson";

impl StreamWish {
    /// What the parameters say.
    ///
    /// # Errors
    /// The answer where they say nothing that is possible.
    pub(in crate::http) fn of(params: &Params, snapshot: &Snapshot) -> Result<StreamWish, Reply> {
        let store = identity(snapshot);
        let expected = params.get("store");
        if !expected.is_empty() && expected != store {
            return Err(Reply::text(409, format!("The store is {store} now.\n")));
        }
        let from = match params.get("from") {
            "" | "start" => Position::START,
            "end" => snapshot.acknowledged(),
            text => Position(text.parse().map_err(|_| Reply::invalid("from", "it is no position"))?),
        };
        refuse_beyond(from, snapshot).map_err(|why| Reply::text(409, format!("{why}\n")))?;
        let form = match params.get("form") {
            "" | "runs" => Form::Runs,
            "samples" => Form::Samples,
            "events" => Form::Events,
            _ => return Err(Reply::invalid("form", "it is not runs, samples or events")),
        };
        let patterns: Vec<&str> = params.all("match[]").take(HTTP_MATCH_SETS_MAX + 1).collect();
        if patterns.len() > HTTP_MATCH_SETS_MAX
            || patterns.iter().any(|glob| glob.len() > STREAM_GLOB_MAX_BYTES)
        {
            let why = format!(
                "more than {HTTP_MATCH_SETS_MAX} of them, or one of more than {STREAM_GLOB_MAX_BYTES} bytes"
            );
            return Err(Reply::invalid("match[]", &why));
        }
        let selection =
            Selection::parse(&patterns).map_err(|error| Reply::invalid("match[]", &error.to_string()))?;
        Ok(StreamWish { from, form, selection, store })
    }

    /// The lines after a position, as many as a budget allows.
    ///
    /// # Errors
    /// The store cannot be read, or is another one by now.
    pub(in crate::http) fn lines(
        &self,
        snapshot: &Snapshot,
        from: Position,
        lines: &mut Lines,
        budget: Budget,
    ) -> Result<Told, String> {
        if identity(snapshot) != self.store {
            return Err("the store is another one now".to_owned());
        }
        refuse_beyond(from, snapshot)?;
        let found =
            excerpt(snapshot, from, &self.selection, budget).map_err(|error| format!("failed to {error}"))?;
        let mut out = Vec::new();
        if let Some(piece) = &found.piece {
            for gap in &piece.gaps {
                lines.gap(gap, &mut out).map_err(|error| error.to_string())?;
            }
            for fed in &piece.runs {
                lines.run(fed, false, snapshot, &mut out).map_err(|error| error.to_string())?;
            }
        }
        let mut text = String::from_utf8(out).map_err(|error| error.to_string())?;
        let has_lines = !text.is_empty();
        let (position, more, store) = (found.position, found.more, &self.store);
        text.push_str(&format!("{{\"position\":{position},\"store\":\"{store}\",\"more\":{more}}}\n"));
        Ok(Told { text, has_lines, position, more })
    }
}

/// A position behind the last run is none of this store as it is now: nothing would come until it is reached, and then other runs.
fn refuse_beyond(from: Position, snapshot: &Snapshot) -> Result<(), String> {
    let end = snapshot.acknowledged();
    if from > end { Err(format!("There is no position {from}: {}.", beyond(end))) } else { Ok(()) }
}

fn identity(snapshot: &Snapshot) -> String {
    snapshot.identity().map(|store| store.to_string()).unwrap_or_default()
}
