//! Memory and store as one source.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use custos_promql::{Matcher, NormalRange, Result, Samples, Source, SourceSeries, Summary};
use custos_store::Run;

use super::check::{LiveCheck, SeriesNumber};
use super::memory::Memory;
use super::older::{self, Look, Older, OlderSeries};
use super::selections::{Selection, Selections};
use crate::built_in::BuiltIn;
use crate::promql::bands::Bands;

/// The newest runs in memory, older ones in a store, as one source of series. What it says is what a
/// [`StoreSource::for_rules`](crate::StoreSource::for_rules) says of the same runs.
///
/// It keeps the runs of checks that were asked about, as far back as was asked, within limits.
pub struct LiveSource {
    memory: RwLock<Memory>,
    older: Mutex<Older>,
    bands: Mutex<Bands>,
}

impl LiveSource {
    /// Nothing in memory yet; `look` looks what is in the store.
    pub fn new(look: Look) -> LiveSource {
        LiveSource { memory: RwLock::default(), older: Mutex::new(Older::new(look)), bands: Mutex::default() }
    }

    /// The same, which keeps less of the past where it had to have more than about so many samples in memory.
    pub fn holding(look: Look, samples_max: usize) -> LiveSource {
        let memory = RwLock::new(Memory::holding(samples_max));
        LiveSource { memory, older: Mutex::new(Older::new(look)), bands: Mutex::default() }
    }

    /// Takes in a run that the store has under another name, such as one that was made while somebody watched. It counts where
    /// it is not older than what is in memory, and may be there already.
    pub fn join(&self, check: &Arc<str>, run: &Run) {
        self.write().join(check, run);
    }

    /// The names of the checks that have series which fulfil these conditions, and samples in these times (ms since the epoch,
    /// both included).
    pub fn checks_with(
        &self,
        matchers: &[Matcher],
        selections: &Selections,
        (from_ms, to_ms): (i64, i64),
    ) -> Vec<Arc<str>> {
        self.selection(matchers, from_ms, selections);
        self.read_memory().checks_with(matchers, from_ms, to_ms)
    }

    /// Takes in a run that is recorded.
    pub fn record(&self, check: &Arc<str>, run: &Arc<Run>) {
        self.write().record(check, run);
    }

    /// Takes in the metrics that a rule came to, before its run is recorded.
    pub fn judged(&self, check: &Arc<str>, run: &Run) {
        self.write().judged(check, run);
    }

    /// Takes note of the time (ms since the epoch) as of which is asked next: by it, it is known how far back questions look.
    pub fn as_of(&self, at_ms: i64) {
        let mut memory = self.write();
        memory.latest_ms = memory.latest_ms.max(at_ms);
    }

    /// Forgets what was asked, so that only what is asked from now on is kept in memory for long.
    pub fn forget_questions(&self) {
        self.write().forget_questions();
    }

    /// How many samples, of how many checks, are in memory.
    pub fn size(&self) -> (usize, usize) {
        self.read_memory().size()
    }

    /// The source for one expression, of which it is remembered what its selectors found.
    pub fn for_expression<'a>(&'a self, selections: &'a Selections) -> impl Source + 'a {
        Remembering { live: self, selections }
    }

    /// Has what fulfils these conditions in memory from now on, as far back as a value counts at a time (ms since the epoch).
    pub fn prepare(&self, matchers: &[Matcher], selections: &Selections, at_ms: i64) {
        self.selection(matchers, at_ms, selections);
    }

    /// Whether a series that fulfils all conditions has a sample, or its end, at one of these times (ms since the epoch). What is
    /// earlier than what is in memory counts as if it had.
    pub fn has_samples(&self, matchers: &[Matcher], selections: &Selections, times: &[i64]) -> bool {
        let Some(first_ms) = times.iter().min() else { return false };
        let selection = self.selection(matchers, *first_ms, selections);
        let memory = self.read_memory();
        selection.series.iter().any(|(number, series)| {
            let check = &memory.checks[*number as usize];
            let column = check.column(*series);
            times.iter().any(|time| *time < check.from_ms || column.is_at(*time))
        })
    }

    /// What a selector found before, or finds now.
    fn selection(&self, matchers: &[Matcher], from_ms: i64, selections: &Selections) -> Selection {
        let version = self.read_memory().version;
        if let Some(known) = selections.get(matchers).filter(|known| known.version == version) {
            return known;
        }
        let found = self.find(matchers, from_ms);
        selections.put(matchers, found.clone());
        found
    }

    fn read_memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn older(&self) -> MutexGuard<'_, Older> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds series, after what was not asked before was taken in from the store.
    fn find(&self, matchers: &[Matcher], from_ms: i64) -> Selection {
        let mut memory = self.write();
        memory.ask(matchers, from_ms, &mut self.older());
        Selection { version: memory.version, series: memory.select(matchers).into() }
    }

    fn described(&self, selection: &Selection, from_ms: i64, to_ms: i64) -> Vec<SourceSeries> {
        let memory = self.read_memory();
        let mut lookback = (u32::MAX, None);
        let mut found = Vec::with_capacity(selection.series.len());
        for (number, series) in selection.series.iter() {
            let check = &memory.checks[*number as usize];
            if lookback.0 != *number {
                lookback = (*number, check.lookback_ms());
            }
            let (first_ms, last_ms) = check.span_of(*series);
            if last_ms >= from_ms.saturating_sub(lookback.1.unwrap_or(0)) && first_ms <= to_ms {
                found.push(check.describe_series(*number, *series, lookback.1));
            }
        }
        found
    }

    /// The newest samples of a group at a time, if memory knows them: it has one of each, or a run without it.
    fn newest_in_memory(
        &self,
        series: &[&SourceSeries],
        from_ms: i64,
        moment_ms: i64,
    ) -> Option<Vec<Samples>> {
        let memory = self.read_memory();
        let (check, numbers) = group(&memory, series)?;
        let start_ms = from_ms.max(check.from_ms);
        let is_known = |number: &SeriesNumber| {
            start_ms == from_ms
                || check.column(*number).knows(start_ms, moment_ms)
                || check.first_run_ms(*number).is_some_and(|first_ms| first_ms <= moment_ms)
        };
        let newest = |number: &SeriesNumber| check.column(*number).newest(start_ms, moment_ms);
        numbers.iter().all(is_known).then(|| numbers.iter().map(newest).collect())
    }

    /// Reads the samples of a group, older ones from the store, the others from memory.
    fn read_group(&self, series: &[&SourceSeries], (from_ms, to_ms): (i64, i64)) -> Vec<Samples> {
        let memory = self.read_memory();
        let Some((check, numbers)) = group(&memory, series) else { return Vec::new() };
        if from_ms >= check.from_ms {
            return shared(numbers.iter().map(|number| check.column(*number).read(from_ms, to_ms)).collect());
        }
        let until_ms = to_ms.min(check.from_ms.saturating_sub(1));
        let snapshot = self.older().before(check.from_ms, memory.latest_ms, memory.is_late());
        let older = match snapshot {
            Some(snapshot) => {
                older::read_series(&snapshot, &check.name, &of_store(check, &numbers), (from_ms, until_ms))
            }
            None => vec![Samples::default(); numbers.len()],
        };
        let from_ms = from_ms.max(check.from_ms);
        let joined = numbers.iter().zip(older).map(|(number, older)| {
            check.column(*number).read_after(older, from_ms, to_ms, check.first_run_ms(*number))
        });
        joined.collect()
    }
}

/// The check of a group, and the numbers of its series.
fn group<'m>(memory: &'m Memory, series: &[&SourceSeries]) -> Option<(&'m LiveCheck, Vec<SeriesNumber>)> {
    let (number, _) = SeriesNumber::of_id(series.first()?.id);
    let numbers = series.iter().map(|series| SeriesNumber::of_id(series.id).1);
    Some((memory.checks.get(number)?, numbers.collect()))
}

/// The same series as the store knows them.
fn of_store(check: &LiveCheck, numbers: &[SeriesNumber]) -> Vec<OlderSeries> {
    let of_store = |number: &SeriesNumber| match number {
        SeriesNumber::Metric(index) => OlderSeries::Metric(check.series[*index as usize].key.clone()),
        SeriesNumber::BuiltIn(index) => OlderSeries::BuiltIn(BuiltIn::ALL[*index as usize]),
    };
    numbers.iter().map(of_store).collect()
}

/// The same, where series that have the same times share them.
fn shared(mut all: Vec<Samples>) -> Vec<Samples> {
    for at in 1..all.len() {
        if all[at].times == all[at - 1].times {
            all[at].times = all[at - 1].times.clone();
        }
    }
    all
}

impl Source for LiveSource {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        Ok(self.described(&self.find(matchers, from_ms), from_ms, to_ms))
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        Ok(self.read_group(series, (from_ms, to_ms)))
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        let to_ms = moments.last().copied().unwrap_or(from_ms);
        if let [moment_ms] = moments
            && let Some(newest) = self.newest_in_memory(series, from_ms, *moment_ms)
        {
            return Ok(newest);
        }
        Ok(self.read_group(series, (from_ms, to_ms)))
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        let memory = self.read_memory();
        let (Some(first_ms), Some((check, numbers))) = (bounds.first(), group(&memory, series)) else {
            return Ok(None);
        };
        if *first_ms >= check.from_ms.saturating_sub(1) {
            return Ok(None);
        }
        let Some(snapshot) = self.older().before(check.from_ms, memory.latest_ms, memory.is_late()) else {
            return Ok(None);
        };
        // The stretch in which memory begins has a part in each.
        let until_ms = check.from_ms.saturating_sub(1);
        let in_store = bounds.partition_point(|bound| *bound < until_ms);
        let mut of_store_bounds = bounds[..in_store].to_vec();
        of_store_bounds.extend((in_store < bounds.len()).then_some(until_ms));
        let wanted = of_store(check, &numbers);
        let Some(older) = older::summarize_series(&snapshot, &check.name, &wanted, &of_store_bounds) else {
            return Ok(None);
        };
        let joined = numbers.iter().zip(older).map(|(number, mut summaries)| {
            let column = check.column(*number);
            summaries.resize(bounds.len() - 1, Summary::NONE);
            for stretch in in_store.saturating_sub(1)..bounds.len() - 1 {
                let newer = column.summary(bounds[stretch].max(until_ms), bounds[stretch + 1]);
                summaries[stretch] = added(summaries[stretch], newer);
            }
            summaries
        });
        Ok(Some(joined.collect()))
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        let named = group(&self.read_memory(), &[series])
            .and_then(|(check, numbers)| Some((check.name.to_string(), check.bucketed(*numbers.first()?)?)));
        let Some((check, metric)) = named else { return Ok(vec![None; moments.len()]) };
        let latest_ms = self.read_memory().latest_ms;
        let mut bands = self.bands.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || self.older().now(latest_ms);
        Ok(bands.at((&check, &metric), moments, look, &mut |_| {}))
    }
}

/// What samples have in common with later ones.
fn added(older: Summary, newer: Summary) -> Summary {
    match (older.count, newer.count) {
        (_, 0) => older,
        (0, _) => newer,
        _ => Summary {
            count: older.count + newer.count,
            sum: older.sum + newer.sum,
            min: older.min.min(newer.min),
            max: older.max.max(newer.max),
            first: older.first,
            last: newer.last,
        },
    }
}

/// The source for one expression.
struct Remembering<'a> {
    live: &'a LiveSource,
    selections: &'a Selections,
}

impl Source for Remembering<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        let selection = self.live.selection(matchers, from_ms, self.selections);
        Ok(self.live.described(&selection, from_ms, to_ms))
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        self.live.read(series, from_ms, to_ms)
    }

    fn read_newest(&self, series: &[&SourceSeries], from_ms: i64, moments: &[i64]) -> Result<Vec<Samples>> {
        self.live.read_newest(series, from_ms, moments)
    }

    fn summarize(&self, series: &[&SourceSeries], bounds: &[i64]) -> Result<Option<Vec<Vec<Summary>>>> {
        self.live.summarize(series, bounds)
    }

    fn normal(&self, series: &SourceSeries, moments: &[i64]) -> Result<Vec<Option<NormalRange>>> {
        self.live.normal(series, moments)
    }
}
