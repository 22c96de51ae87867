//! What rules wrote, over what is stored.

use custos_promql::{
    Matcher, Memory, NormalRange, Result, Samples, Source, SourceSeries, Summary, reaches_own_names,
};

/// The highest bit of numbers of series and groups that are those of what rules wrote.
const WRITTEN: u64 = 1 << 63;

/// A source, and series that rules wrote while it was read. Where rules would have written a series, that of the source does not
/// count: it is what they wrote when it was live.
pub(super) struct Overlay<'a> {
    pub(super) stored: &'a dyn Source,
    pub(super) written: &'a Memory,
    /// Whether rules write a series of these labels.
    pub(super) is_written: &'a (dyn Fn(&custos_promql::Labels) -> bool + Sync),
}

impl Overlay<'_> {
    /// The series as its own source knows them, and which that is. Those of a group have one source.
    fn of(&self, series: &[&SourceSeries]) -> (&dyn Source, Vec<SourceSeries>) {
        let is_written = series.first().is_some_and(|one| one.group & WRITTEN != 0);
        let own = series.iter().map(|one| SourceSeries {
            id: one.id & !WRITTEN,
            group: one.group & !WRITTEN,
            ..(*one).clone()
        });
        (if is_written { self.written } else { self.stored }, own.collect())
    }
}

impl Source for Overlay<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        let mut all = self.stored.select(matchers, from_ms, to_ms)?;
        all.retain(|series| !(self.is_written)(&series.labels));
        if !reaches_own_names(matchers) {
            return Ok(all);
        }
        let written = self.written.select(matchers, from_ms, to_ms)?;
        all.extend(written.into_iter().map(|series| SourceSeries {
            id: series.id | WRITTEN,
            group: series.group | WRITTEN,
            ..series
        }));
        Ok(all)
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let (source, own) = self.of(series);
        source.read(&own.iter().collect::<Vec<_>>(), from_ms, to_ms)
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        let (source, own) = self.of(series);
        source.read_newest(&own.iter().collect::<Vec<_>>(), from_ms, moments)
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        let (source, own) = self.of(series);
        source.summarize(&own.iter().collect::<Vec<_>>(), bounds)
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        let (source, own) = self.of(&[series]);
        own.first().map_or_else(|| Ok(vec![None; moments.len()]), |one| source.normal(one, moments))
    }

    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        let (source, own) = self.of(&[series]);
        own.first().map_or_else(|| Ok(Vec::new()), |one| source.unobserved(one, from_ms, to_ms))
    }
}
