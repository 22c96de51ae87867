//! When nothing was seen of a check.

use custos_store::{Figure, Reason, RunFigure};

use super::view::{Found, View};

/// The stretches that begin in these times (both included) in which a check did not run, or its results are not known: the first
/// millisecond, and the one after the last. One ends with the slots that passed, or with the next run if that was earlier.
pub(super) fn stretches(view: &View<'_>, found: &Found, from_ms: i64, to_ms: i64) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = Vec::new();
    let mut is_open = false;
    for batch in view.snapshot().figures(found.check(), Figure::Duration, from_ms..to_ms.saturating_add(1)) {
        let runs = match batch {
            Ok(runs) => runs,
            Err(error) => {
                view.damage(&error);
                continue;
            }
        };
        for run in runs {
            let is_seen = !matches!(run.reason, Reason::Missed | Reason::NotFinished | Reason::Skipped);
            match all.last_mut() {
                Some(last) if is_open && is_seen => last.1 = last.1.min(run.time_ms),
                Some(last) if is_open => last.1 = last.1.max(end_ms(&run)),
                _ if !is_seen => all.push((run.time_ms, end_ms(&run))),
                _ => {}
            }
            is_open = !is_seen;
        }
    }
    all.retain(|(from_ms, to_ms)| from_ms < to_ms);
    all
}

/// When the slots end that a run stands for.
fn end_ms(run: &RunFigure) -> i64 {
    let lasted_ms = i64::try_from(run.number.unwrap_or(0) / 1000).unwrap_or(i64::MAX);
    run.time_ms.saturating_add(lasted_ms.max(1))
}
