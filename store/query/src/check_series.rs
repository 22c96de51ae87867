//! Work on all series of a store, check by check, on as many threads as queries have.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use custos_store::{Slots, Snapshot};

use crate::bucketed::Bucketed;
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::{SHIFT_GROUP_MAX, SIMILAR_DAMAGES_MAX, SIMILAR_SERIES_MAX};
use crate::promql::query_threads;
use crate::similar::SimilarSeries;

const DAY_MS: i64 = 86_400_000;

/// Series of a check that are read at once.
pub(crate) struct CheckSeries<'a> {
    pub(crate) check: &'a str,
    /// Each with its index among all.
    pub(crate) series: Vec<(usize, Bucketed)>,
}

/// What `compare` finds in each group of series, in no order. Those of one check stand behind each other.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
pub(crate) fn of_all<T: Send>(
    among: &[SimilarSeries],
    context: &mut ReadContext<'_>,
    compare: impl Fn(&CheckSeries<'_>, &mut dyn FnMut(custos_store::Error)) -> Vec<T> + Sync,
) -> Result<Vec<T>> {
    if among.len() > SIMILAR_SERIES_MAX {
        let (asked, limit) = (among.len(), SIMILAR_SERIES_MAX);
        return Err(Error::TooLarge { what: "series", asked, limit });
    }
    let indexed: Vec<(usize, &SimilarSeries)> = among.iter().enumerate().collect();
    let of_checks = indexed.chunk_by(|(_, one), (_, other)| one.check == other.check);
    let jobs: Vec<CheckSeries<'_>> = of_checks
        .flat_map(|of_check| of_check.chunks(SHIFT_GROUP_MAX))
        .map(|group| CheckSeries {
            check: &group[0].1.check,
            series: group.iter().map(|(index, one)| (*index, one.series.clone())).collect(),
        })
        .collect();
    let (next, is_stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let damages = Mutex::new(Vec::new());
    let work = |is_cancelled: &dyn Fn() -> bool| {
        let mut found = Vec::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if is_cancelled() {
                is_stopped.store(true, Ordering::Relaxed);
            }
            if is_stopped.load(Ordering::Relaxed) {
                break;
            }
            let mut on_damage = |error: custos_store::Error| {
                let mut damages = damages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if damages.len() < SIMILAR_DAMAGES_MAX {
                    damages.push(error);
                }
            };
            found.extend(compare(job, &mut on_damage));
        }
        found
    };
    let threads = query_threads().min(jobs.len()).max(1);
    let found = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(&|| false))).collect();
        let mut found = work(&|| context.look().is_err());
        for other in others {
            match other.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    });
    if is_stopped.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    let damages = damages.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    damages.iter().for_each(|error| context.damage(error));
    Ok(found)
}

/// The time between the newest runs of a check before a time, as it mostly is; a second if there are too few.
pub(crate) fn step_ms(
    store: &Snapshot,
    check: &str,
    until_ms: i64,
) -> std::result::Result<i64, custos_store::Error> {
    let mut steps = Vec::new();
    for batch in store.scan(check, &[], until_ms.saturating_sub(DAY_MS)..until_ms) {
        match batch?.slots()? {
            Slots::Grid(stretches) => {
                stretches
                    .iter()
                    .for_each(|stretch| steps.resize(steps.len() + stretch.rows, stretch.step_ms));
            }
            Slots::Times(times) => steps.extend(times.windows(2).map(|pair| pair[1] - pair[0])),
        }
    }
    steps.retain(|step| *step > 0);
    let half = steps.len() / 2;
    Ok(if steps.is_empty() { 1000 } else { *steps.select_nth_unstable(half).1 })
}
