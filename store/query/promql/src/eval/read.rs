//! Reading series: which are read together, and by how many threads.

use super::evaluator::Evaluator;
use super::options::Options;
use super::parallel;
use super::room::Room;
use crate::error::Result;
use crate::limits::{PARALLEL_SAMPLES_MIN, READ_SAMPLES_MAX, READ_SERIES_MAX};
use crate::source::{Samples, Source, SourceSeries};
use crate::span::Span;

/// What a thread needs to read series.
pub(super) struct Reader<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) options: &'a Options<'a>,
    pub(super) room: Room,
}

impl<'a> Reader<'a> {
    /// For the selector at a place of the query.
    pub(super) fn new(evaluator: &Evaluator<'a>, span: Span) -> Reader<'a> {
        Reader { source: evaluator.source, options: evaluator.options, room: evaluator.room(span) }
    }

    /// Does something with each group of series, in their order. `span_ms` is how much time is read of each series.
    pub(super) fn each_group<R: Send>(
        &self,
        found: &[SourceSeries],
        span_ms: i64,
        work: impl Fn(&[&SourceSeries]) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let all: u64 = found.iter().map(|series| expected(series, span_ms)).sum();
        let threads = if all < PARALLEL_SAMPLES_MIN { 1 } else { self.options.threads };
        let most = READ_SAMPLES_MAX.min(self.room.values_max as u64 / 2);
        let fits = |group: &[&SourceSeries], next: &SourceSeries| {
            group.iter().map(|one| expected(one, span_ms)).sum::<u64>() + expected(next, span_ms) <= most
        };
        parallel::map(threads, &groups(found, fits), |group| {
            self.options.check_interrupt()?;
            work(group)
        })
    }

    /// The samples of a group in these times (both included), and how many they are.
    pub(super) fn read(&self, group: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let span_ms = to_ms.saturating_sub(from_ms);
        let expected: u64 = group.iter().map(|series| expected(series, span_ms)).sum();
        // Half as many again may be there, if they come in bursts; what is read is looked at again.
        self.room.check(2, usize::try_from(expected / 3 * 2).unwrap_or(usize::MAX))?;
        let samples = self.source.read(group, from_ms, to_ms)?;
        self.room.check(1, count(&samples))?;
        Ok(samples)
    }
}

/// How many samples there are.
pub(super) fn count(samples: &[Samples]) -> usize {
    samples.iter().map(|samples| samples.values.len()).sum()
}

/// About how many samples of a series there are in a stretch of time (ms).
fn expected(series: &SourceSeries, span_ms: i64) -> u64 {
    let by_distance = span_ms.checked_div(series.distance_ms).and_then(|count| u64::try_from(count).ok());
    by_distance.unwrap_or(0).min(series.samples_max)
}

/// Series that are read together, in the order of the first of each: no more than may be held at once.
fn groups<'s>(
    found: &'s [SourceSeries],
    fits: impl Fn(&[&'s SourceSeries], &'s SourceSeries) -> bool,
) -> Vec<Vec<&'s SourceSeries>> {
    let mut groups: Vec<Vec<&SourceSeries>> = Vec::new();
    for series in found {
        match groups.last_mut() {
            Some(group)
                if group[0].group == series.group && group.len() < READ_SERIES_MAX && fits(group, series) =>
            {
                group.push(series);
            }
            _ => groups.push(vec![series]),
        }
    }
    groups
}
