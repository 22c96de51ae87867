//! Which series were unlike their own past in a window of time.

use std::ops::Range;

use custos_memory::{Buckets, Shift, shift};
use custos_store::Snapshot;

use crate::bucketed::{Bucketed, fill_buckets};
use crate::check_series::{CheckSeries, of_all, step_ms};
use crate::context::ReadContext;
use crate::error::{Error, Result};
use crate::limits::{
    SHIFT_HISTORY_MS_MAX, SHIFT_HISTORY_MS_MIN, SHIFT_HISTORY_WINDOWS, SHIFT_POINTS, SHIFT_SPAN_HOURS_MAX,
};
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

impl ShiftRequest<'_> {
    /// Compares each series with its own past.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Cancelled`]. What is damaged is reported to the context.
    pub fn read(&self, store: &Snapshot, context: &mut ReadContext<'_>) -> Result<Shifts> {
        let length_ms = self.span.end.saturating_sub(self.span.start).max(1);
        let hours = usize::try_from(length_ms / HOUR_MS).unwrap_or(usize::MAX);
        if hours > SHIFT_SPAN_HOURS_MAX {
            let (asked, limit) = (hours, SHIFT_SPAN_HOURS_MAX);
            return Err(Error::TooLarge { what: "hours", asked, limit });
        }
        let wanted_ms = length_ms.saturating_mul(SHIFT_HISTORY_WINDOWS);
        let past_ms = wanted_ms.clamp(SHIFT_HISTORY_MS_MIN, SHIFT_HISTORY_MS_MAX);
        let history_ms = self.span.start.saturating_sub(past_ms);
        let compare = |job: &CheckSeries<'_>, on_damage: &mut dyn FnMut(custos_store::Error)| {
            self.compare(store, job, history_ms, length_ms, on_damage)
        };
        let mut ranked = of_all(self.among, context, compare)?;
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
        job: &CheckSeries<'_>,
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
