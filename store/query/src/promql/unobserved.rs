//! When nothing was seen of a check.

use custos_store::{Figure, RunFigure};

use super::view::{Found, View};

/// The stretches that begin in these times (both included) in which a check did not run, or its results are not known: the first
/// millisecond, and the one after the last. One ends with the slots that passed, or with the next run if that was earlier.
pub(super) fn stretches(view: &View<'_>, found: &Found, from_ms: i64, to_ms: i64) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = Vec::new();
    let Some(from_ms) = first_ms(view, found, from_ms, to_ms) else { return all };
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
            let is_seen = !run.reason.is_unobserved();
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

/// The time of the first of the runs of which nothing is known, by whole batches: in most there is none, which is told without
/// their times.
fn first_ms(view: &View<'_>, found: &Found, from_ms: i64, to_ms: i64) -> Option<i64> {
    let batches = view.snapshot().scan(found.check(), &[], from_ms..to_ms.saturating_add(1));
    let first = batches.map(|batch| {
        let batch = batch?;
        batch.unobserved()?.first().map(|row| batch.time(*row as usize)).transpose()
    });
    // What is damaged may have one.
    first.map(|first| first.unwrap_or(Some(from_ms))).find_map(|first| first)
}

/// When the slots end that a run stands for.
fn end_ms(run: &RunFigure) -> i64 {
    let lasted_ms = i64::try_from(run.number.unwrap_or(0) / 1000).unwrap_or(i64::MAX);
    run.time_ms.saturating_add(lasted_ms.max(1))
}
