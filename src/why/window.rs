//! What stretch of time a question is about.

use std::ops::Range;

use custos_query::{ReadContext, is_judged};
use custos_store::{Run, Snapshot, State};

use crate::limits::{WHY_LEAD_MS, WHY_RUNS_BACK_MAX, WHY_WINDOW_MS, WHY_WINDOW_MS_MAX};

/// How a check stood: its last run that was judged, and since when it has had its state.
pub struct Standing {
    /// Its last run that was judged.
    pub run: Run,
    /// When the state began that it has (ms since the epoch).
    pub since_ms: i64,
}

/// How a check stood at a time.
pub fn standing(
    store: &Snapshot,
    check: &str,
    at_ms: i64,
    context: &mut ReadContext<'_>,
) -> Option<Standing> {
    let mut found: Option<Standing> = None;
    for run in store.runs_rev(check, i64::MIN..at_ms).take(WHY_RUNS_BACK_MAX) {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                context.damage(&error);
                continue;
            }
        };
        if !is_judged(run.reason) {
            continue;
        }
        match &mut found {
            None => found = Some(Standing { since_ms: run.time_ms, run }),
            // One problem, whether it got worse meanwhile or not.
            Some(known) if (known.run.state == State::Ok) == (run.state == State::Ok) => {
                known.since_ms = run.time_ms;
            }
            Some(_) => break,
        }
    }
    found
}

/// The stretch that is compared: from a little before a problem began, at most some hours of it; else the last hour.
pub fn window(standing: Option<&Standing>, at_ms: i64) -> Range<i64> {
    match standing {
        Some(standing) if standing.run.state != State::Ok => {
            let start_ms = standing.since_ms.saturating_sub(WHY_LEAD_MS);
            start_ms..at_ms.min(start_ms.saturating_add(WHY_WINDOW_MS_MAX))
        }
        _ => at_ms.saturating_sub(WHY_WINDOW_MS)..at_ms,
    }
}
