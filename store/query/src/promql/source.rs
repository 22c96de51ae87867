//! A store as PromQL sees it.

use std::sync::{Mutex, PoisonError};

use custos_promql::{Labels, Matcher, NormalRange, Result, Samples, Source, SourceSeries, Summary};
use custos_store::Snapshot;

use super::bands::Bands;
use super::select::Known;
use super::view::View;
use super::{read, select, summary, unit, unobserved};

/// A view of a store as PromQL sees it.
///
/// A metric of a check is a series with the check's name and the labels `check` and `metric`; one whose own name is empty has
/// neither. Its further labels are as they are. Each check also has its built-in series, such as `check_state`.
///
/// A run that does not have a metric ends its series, as does `U`; a partial run says nothing of the metrics that it lacks. A run
/// that was missed, skipped or not finished ends all series, but says nothing of any where rules are judged
/// ([`StoreSource::for_rules`]).
pub struct StoreSource<'a> {
    view: View<'a>,
    bands: Mutex<Bands>,
}

impl<'a> StoreSource<'a> {
    /// A view of a store.
    pub fn new(snapshot: &'a Snapshot) -> StoreSource<'a> {
        StoreSource { view: View::new(snapshot), bands: Mutex::new(Bands::keeping_history()) }
    }

    /// A view of a store as rules see it: where nobody looked, the value before counts, for as long as values do.
    pub fn for_rules(snapshot: &'a Snapshot) -> StoreSource<'a> {
        StoreSource { view: View::bridging(snapshot), bands: Mutex::new(Bands::keeping_history()) }
    }

    /// The unit that all series have that fulfil these conditions, empty if it is none; nothing if they have several.
    pub fn unit(&self, matchers: &[Matcher]) -> Option<String> {
        unit::unit(&self.view, matchers)
    }

    /// The labels of the series that fulfil all conditions and may have samples in these times (ms since the epoch, both
    /// included).
    pub fn labels(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Labels> {
        select::labels(&self.view, matchers, from_ms, to_ms)
    }

    /// What conditions select, if that is known without reading the store and without looking through more than so many
    /// series.
    pub fn known(&self, matchers: &[Matcher], series_max: usize) -> Option<Known> {
        select::known(&self.view, matchers, series_max)
    }

    /// What could not be read so far; values may be missing.
    pub fn damages(&self) -> Vec<String> {
        self.view.damages()
    }
}

impl Source for StoreSource<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        Ok(select::select(&self.view, matchers, from_ms, to_ms))
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let found = self.view.recall(series);
        Ok(read::read(&self.view, &found, from_ms, to_ms))
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        let found = self.view.recall(series);
        Ok(read::read_newest(&self.view, &found, from_ms, moments))
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        let found = self.view.recall(series);
        Ok(summary::summarize(&self.view, &found, bounds))
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        let found = self.view.recall(&[series]);
        let metric = found.first().and_then(|found| Some((found.check(), found.bucketed()?)));
        let Some((check, metric)) = metric else { return Ok(vec![None; moments.len()]) };
        let mut bands = self.bands.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || Some(self.view.snapshot().clone());
        Ok(bands.at((check, &metric), moments, look, &mut |error| self.view.damage(error)))
    }

    fn unobserved(&self, series: &SourceSeries, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, i64)>> {
        let found = self.view.recall(&[series]);
        Ok(found
            .first()
            .map_or_else(Vec::new, |found| unobserved::stretches(&self.view, found, from_ms, to_ms)))
    }
}
