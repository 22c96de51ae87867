//! Which series were unlike their own past in a window of time.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use custos_memory::{Buckets, Shift, shift};
use custos_store::{Slots, Snapshot};

use crate::bucketed::{Bucketed, fill_buckets};
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::{
    SHIFT_GROUP_MAX, SHIFT_HISTORY_MS_MAX, SHIFT_HISTORY_MS_MIN, SHIFT_HISTORY_WINDOWS, SHIFT_POINTS,
    SHIFT_SPAN_HOURS_MAX, SIMILAR_DAMAGES_MAX, SIMILAR_SERIES_MAX,
};
use crate::promql::query_threads;
use crate::similar::SimilarSeries;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Widths of buckets that make up a day (s).
const WIDTHS_S: [i64; 15] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600];

/// What is asked.
#[derive(Clone, Debug)]
pub struct ShiftRequest<'a> {
    /// The series that are compared, those of one check behind each other.
    pub among: &'a [SimilarSeries],
    /// The window (ms since the epoch, end excluded).
    pub span: Range<i64>,
}

/// A series in the window against its own past.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesShift {
    /// Index of the series among those that were compared.
    pub series: usize,
    /// How unlike it is.
    pub shift: Shift,
    /// When it left where it was (ms since the epoch).
    pub onset_ms: i64,
}

/// All series that could be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifts {
    /// The most unlike first.
    pub ranked: Vec<SeriesShift>,
    /// Series that had too little history, or none in the window.
    pub not_compared: usize,
    /// From when on (ms since the epoch) the past counts.
    pub history_ms: i64,
}

/// Series of a check that are read at once.
struct Job<'a> {
    check: &'a str,
    series: Vec<(usize, Bucketed)>,
}

impl ShiftRequest<'_> {
    /// Compares each series with its own past.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Shifts> {
        if self.among.len() > SIMILAR_SERIES_MAX {
            let (asked, limit) = (self.among.len(), SIMILAR_SERIES_MAX);
            return Err(Error::TooLarge { what: "series", asked, limit });
        }
        let length_ms = self.span.end.saturating_sub(self.span.start).max(1);
        let hours = usize::try_from(length_ms / HOUR_MS).unwrap_or(usize::MAX);
        if hours > SHIFT_SPAN_HOURS_MAX {
            let (asked, limit) = (hours, SHIFT_SPAN_HOURS_MAX);
            return Err(Error::TooLarge { what: "hours", asked, limit });
        }
        let wanted_ms = length_ms.saturating_mul(SHIFT_HISTORY_WINDOWS);
        let past_ms = wanted_ms.clamp(SHIFT_HISTORY_MS_MIN, SHIFT_HISTORY_MS_MAX);
        let history_ms = self.span.start.saturating_sub(past_ms);
        let indexed: Vec<(usize, &SimilarSeries)> = self.among.iter().enumerate().collect();
        let of_checks = indexed.chunk_by(|(_, one), (_, other)| one.check == other.check);
        let jobs: Vec<Job<'_>> = of_checks
            .flat_map(|of_check| of_check.chunks(SHIFT_GROUP_MAX))
            .map(|group| Job {
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
                found.extend(self.compare(store, job, history_ms, length_ms, &mut on_damage));
            }
            found
        };
        let threads = query_threads().min(jobs.len()).max(1);
        let mut ranked = std::thread::scope(|scope| {
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
        ranked.sort_by(|one, other| {
            let by_rank = one.shift.rank().total_cmp(&other.shift.rank());
            let by_size = other.shift.away.total_cmp(&one.shift.away);
            by_rank.then(by_size).then(one.series.cmp(&other.series))
        });
        Ok(Shifts { not_compared: self.among.len() - ranked.len(), ranked, history_ms })
    }

    fn compare(
        &self,
        store: &Snapshot,
        job: &Job<'_>,
        history_ms: i64,
        length_ms: i64,
        on_damage: &mut dyn FnMut(custos_store::Error),
    ) -> Vec<SeriesShift> {
        let step_ms = match step_ms(store, job.check, self.span.end) {
            Ok(step_ms) => step_ms,
            Err(error) => {
                on_damage(error);
                return Vec::new();
            }
        };
        let least_ms = (length_ms / SHIFT_POINTS).max(step_ms);
        let width_ms = WIDTHS_S.iter().map(|width| width * 1000).find(|width| *width >= least_ms);
        let width_ms = width_ms.unwrap_or(WIDTHS_S[WIDTHS_S.len() - 1] * 1000);
        let window = (length_ms - 1) / width_ms + 1;
        // Buckets end where the window does.
        let len = window + (self.span.start.saturating_sub(history_ms)) / width_ms;
        let start_ms = self.span.end.saturating_sub(len * width_ms);
        let series: Vec<Bucketed> = job.series.iter().map(|(_, series)| series.clone()).collect();
        let mut buckets = vec![Buckets::new(start_ms, width_ms, len as usize); series.len()];
        fill_buckets(store, job.check, &series, self.span.end, &mut buckets, on_damage);
        let compared = job.series.iter().zip(&buckets).filter_map(|((index, _), buckets)| {
            let values: Vec<Option<f64>> = (0..buckets.len()).map(|at| buckets.mean(at)).collect();
            let first = values.iter().position(Option::is_some)?;
            let shift = shift(&values[first..], window as usize, (DAY_MS / width_ms) as usize)?;
            let onset_ms = start_ms.saturating_add((first + shift.onset) as i64 * width_ms);
            Some(SeriesShift { series: *index, shift, onset_ms })
        });
        compared.collect()
    }
}

/// The time between the newest runs of a check before a time, as it mostly is; a second if there are too few.
fn step_ms(store: &Snapshot, check: &str, until_ms: i64) -> std::result::Result<i64, custos_store::Error> {
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

#[cfg(test)]
mod tests {
    use custos_store::Reader;

    use super::*;

    #[test]
    fn a_window_of_ages_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        custos_store::Writer::open(directory.path(), custos_store::Options::default())
            .unwrap()
            .close()
            .unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        let ask = |span| {
            let mut ignored = |_: &custos_store::Error| {};
            ShiftRequest { among: &[], span }.read(&reader, &mut ReadContext::new(&mut ignored))
        };
        assert!(matches!(ask(i64::MIN..i64::MAX), Err(Error::TooLarge { .. })));
        assert!(ask(0..HOUR_MS).unwrap().ranked.is_empty());
    }
}
