//! A note that somebody writes into the history.

use serde::Serialize;

use super::request::Request;
use super::times::time_or;
use crate::http::reply::{Failure, Reply};
use crate::limits::{NOTIFY_AUTHOR_MAX_BYTES, TIMELINE_NOTE_TEXT_MAX_BYTES};
use crate::timeline::{Marks, TimelineNote};

/// Whose it is where nobody says so.
const AUTHOR: &str = "page";

#[derive(Serialize)]
struct Answer {
    number: u64,
}

/// Writes a note: `text`, about `check` or the machine, of the time `at`, by `author`. Who may is known before.
pub(super) fn note(request: &Request<'_>) -> Result<Reply, Reply> {
    let given = |name: &str| Some(request.params.get(name).trim()).filter(|text| !text.is_empty());
    let Some(text) = given("text") else {
        return Err(Reply::invalid("text", "a note without a text says nothing"));
    };
    let author = given("author").unwrap_or(AUTHOR);
    for (name, written, most) in
        [("text", text, TIMELINE_NOTE_TEXT_MAX_BYTES), ("author", author, NOTIFY_AUTHOR_MAX_BYTES)]
    {
        if written.len() > most {
            return Err(Reply::invalid(name, &format!("it has more than {most} bytes")));
        }
    }
    let time_ms = time_or(&request.params, "at", request.now_ms)?;
    let (check, author, text) = (given("check").map(str::to_owned), author.to_owned(), text.to_owned());
    let of = |number| TimelineNote { number, time_ms, check, author, text };
    let number = Marks::add(request.stores.dir(), of)
        .map_err(|error| Reply::failure(Failure::Internal, &error.to_string()))?;
    Reply::json(&Answer { number })
}
