//! The agent of this host, over its socket; and its store for what was before.

use custos_store::Reader;

use super::access::Access;
use super::inlet::Inlet;
use crate::clock;
use crate::control;
use crate::live::{Wish, past};

/// Hands on lines until that ends.
///
/// # Errors
/// Why it has ended.
pub(super) fn watch(access: &Access, inlet: &Inlet) -> Result<(), String> {
    let asked = inlet.asked();
    let wish = |check: &String| Wish { check: check.clone(), every_ms: access.every_ms };
    let watched = control::watch(&access.store, asked.iter().map(wish).collect());
    // What was before is there without an agent, too. Read last, it has no hole before what comes now.
    for line in stored(access, &asked) {
        if !inlet.line(line.trim_end().to_owned()) {
            return Ok(());
        }
    }
    let mut watched = watched.map_err(|error| error.to_string())?;
    loop {
        let line = watched.next_line().map_err(|error| error.to_string())?;
        if !inlet.line(line.ok_or("nothing is watched any more")?) {
            return Ok(());
        }
    }
}

fn stored(access: &Access, checks: &[String]) -> Vec<std::sync::Arc<str>> {
    let Ok(reader) = Reader::open(&access.store) else { return Vec::new() };
    let now_ms = clock::now_ms();
    let past_ms = i64::try_from(access.past.as_millis()).unwrap_or(i64::MAX);
    past(&reader.snapshot(), checks, now_ms.saturating_sub(past_ms)..i64::MAX)
}
