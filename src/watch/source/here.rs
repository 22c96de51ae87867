//! The agent of this host, over its socket; and its store for what was before.

use std::ops::Range;

use custos_store::Reader;

use super::access::Access;
use super::inlet::Inlet;
use crate::clock;
use crate::control::{self, WatchedChannel};
use crate::live::{Queries, Wish, past, pump};

/// Hands on lines until that ends.
///
/// # Errors
/// Why it has ended.
pub(super) fn watch(access: &Access, inlet: &Inlet) -> Result<(), String> {
    let (asked, texts) = (inlet.asked(), inlet.asked_queries());
    let mut queries = match texts.is_empty() {
        true => None,
        false => Some(begin(access, inlet, &texts, &asked)?),
    };
    let checks = queries.as_ref().map_or_else(|| asked.clone(), Queries::checks);
    if checks.is_empty() {
        return Err("nothing is selected that could be watched".to_owned());
    }
    let wish = |check: &String| Wish { check: check.clone(), every_ms: access.every_ms };
    let watched = control::watch(&access.store, checks.iter().map(wish).collect());
    // What was before is there without an agent, too. Read last, it has no hole before what comes now.
    for line in stored(access, &asked, queries.as_mut()) {
        if !inlet.line(line.trim_end().to_owned()) {
            return Ok(());
        }
    }
    let mut watched = watched.map_err(|error| error.to_string())?;
    if let Some(queries) = queries {
        let watched = WatchedChannel::of(watched).map_err(|error| error.to_string())?;
        let mut goes_on = true;
        let ended = pump(queries, watched.lines(), |line| {
            goes_on = inlet.line(line.to_owned());
            goes_on
        });
        ended.map_err(|error| error.to_string())?;
        return if goes_on { Err(OVER.to_owned()) } else { Ok(()) };
    }
    loop {
        let line = watched.next_line().map_err(|error| error.to_string())?;
        if !inlet.line(line.ok_or(OVER)?) {
            return Ok(());
        }
    }
}

const OVER: &str = "nothing is watched any more";

/// Begins with expressions, and says so.
fn begin(access: &Access, inlet: &Inlet, texts: &[String], named: &[String]) -> Result<Queries, String> {
    let mut reader = Reader::open(&access.store).map_err(|error| error.to_string())?;
    let snapshot = reader.snapshot();
    let look = Box::new(move || {
        // As it was last, where it cannot be looked at.
        let _ = reader.refresh();
        Some(reader.snapshot())
    });
    let (queries, lines) = Queries::begin(texts, named.to_vec(), look, &snapshot);
    for line in lines {
        inlet.line(line.trim_end().to_owned());
    }
    Ok(queries)
}

/// The lines of what was before.
fn stored(access: &Access, checks: &[String], queries: Option<&mut Queries>) -> Vec<std::sync::Arc<str>> {
    let Ok(reader) = Reader::open(&access.store) else { return Vec::new() };
    let past_ms = i64::try_from(access.past.as_millis()).unwrap_or(i64::MAX);
    let span: Range<i64> = clock::now_ms().saturating_sub(past_ms)..i64::MAX;
    let mut lines = past(&reader.snapshot(), checks, span.clone());
    if let Some(queries) = queries {
        lines.extend(queries.past(&reader.snapshot(), span));
    }
    lines
}
