//! What the store has, under the names and labels under which the sink delivers it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use custos_query::{OutboundRuns, RunSample, RunSeries};
use custos_store::{Reader, Value};

use super::counts::Count;
use super::hours::Hours;
use crate::feed::read::Selection;
use crate::feed::sink::SinkSettings;

/// A store as a sink delivers it.
pub(super) struct Store {
    reader: Reader,
    selection: Selection,
    runs: OutboundRuns,
    samples: Vec<RunSample>,
}

/// What a store has in some hours.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// By number of the series and hour. Shorter than there are series where none of the last has anything.
    pub(super) counts: Vec<Vec<Count>>,
    pub(super) series: Vec<Arc<RunSeries>>,
    /// Checks and hours in which several runs were in one millisecond.
    pub(super) repeated: BTreeSet<(Arc<str>, usize)>,
    /// Samples that were left out since another run of their check was in the same millisecond.
    pub(super) left_out: u64,
    /// What cannot be read, by check.
    pub(super) damages: BTreeMap<String, Vec<String>>,
}

impl Stored {
    /// Each series with what it has.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, &Arc<RunSeries>, &[Count])> {
        let counts = self.counts.iter().map(Vec::as_slice);
        (0..).zip(&self.series).zip(counts).map(|((number, series), counts)| (number, series, counts))
    }
}

/// The samples of series and hours that are looked at exactly, with the times at which the series end.
pub(super) type Samples = HashMap<(u32, usize), Vec<RunSample>>;

/// Takes the samples of a run: its check, its hour, and how many were left out since another run was in the same millisecond.
type Take<'t> = dyn FnMut(&Arc<str>, usize, &[RunSample], u64) + 't;

impl Store {
    pub(super) fn open(dir: &Path, settings: &SinkSettings, selection: Selection) -> Result<Store, String> {
        let reader = Reader::open(dir).map_err(|error| format!("failed to {error}"))?;
        let runs = OutboundRuns::new(&settings.host, &settings.labels, Box::new(|_, _| true));
        Ok(Store { reader, selection, runs, samples: Vec::new() })
    }

    /// The time of the earliest run (ms since the epoch).
    pub(super) fn first_ms(&self) -> Option<i64> {
        let checks = self.reader.checks();
        let wanted = checks.iter().filter(|check| self.selection.has_check(&check.name));
        wanted.map(|check| check.first_ms).min()
    }

    /// Counts what there is in some hours.
    pub(super) fn count(&mut self, hours: Hours) -> Stored {
        let mut stored = Stored::default();
        for check in self.checks() {
            let mut counted = |check: &Arc<str>, hour: usize, samples: &[RunSample], repeated: u64| {
                stored.left_out += repeated;
                if repeated > 0 {
                    stored.repeated.insert((Arc::clone(check), hour));
                }
                for sample in samples {
                    let Some(value) = sample.value else { continue };
                    let series = sample.series as usize;
                    if stored.counts.len() <= series {
                        stored.counts.resize_with(series + 1, Vec::new);
                    }
                    let counts = &mut stored.counts[series];
                    if counts.is_empty() {
                        counts.resize(hours.count, Count::default());
                    }
                    counts[hour].add(sample.time_ms, Value::to_f64(value));
                }
            };
            let damages = self.walk(&check, hours, &mut counted);
            if !damages.is_empty() {
                stored.damages.insert(check.to_string(), damages);
            }
        }
        stored.series = self.runs.series().to_vec();
        stored
    }

    /// The samples of some series and hours, of the checks that these are of.
    pub(super) fn samples(&mut self, hours: Hours, wanted: &BTreeSet<(u32, usize)>) -> Samples {
        let series = self.runs.series().to_vec();
        let checks: BTreeSet<Arc<str>> =
            wanted.iter().map(|(number, _)| Arc::clone(&series[*number as usize].check)).collect();
        let mut found = Samples::new();
        for check in checks {
            let mut take = |_: &Arc<str>, hour: usize, samples: &[RunSample], _: u64| {
                for sample in samples.iter().filter(|sample| wanted.contains(&(sample.series, hour))) {
                    found.entry((sample.series, hour)).or_default().push(*sample);
                }
            };
            // What cannot be read was said when it was counted.
            let _ = self.walk(&check, hours, &mut take);
        }
        found
    }

    pub(super) fn series(&self) -> &[Arc<RunSeries>] {
        self.runs.series()
    }

    fn checks(&self) -> Vec<Arc<str>> {
        let checks = self.reader.checks().into_iter().map(|check| check.name);
        checks.filter(|check| self.selection.has_check(check)).map(Arc::from).collect()
    }

    /// Makes the samples of the runs of a check, by time; returns what cannot be read.
    fn walk(&mut self, check: &Arc<str>, hours: Hours, take: &mut Take<'_>) -> Vec<String> {
        let mut damages = Vec::new();
        let range = hours.range();
        self.runs.begin_again();
        let mut inside = self.reader.runs(check, range.clone()).peekable();
        // The run before says which series end with the first one. To find it costs as much as many runs.
        if inside.peek().is_some()
            && let Some(Ok(mut before)) = self.reader.runs_rev(check, i64::MIN..range.start).next()
        {
            self.selection.narrow(check, &mut before);
            self.runs.seed(check, &before);
        }
        for run in inside {
            let mut run = match run {
                Ok(run) => run,
                Err(error) => {
                    damages.push(error.to_string());
                    continue;
                }
            };
            let Some(hour) = hours.index(run.time_ms) else { continue };
            self.selection.narrow(check, &mut run);
            let before = self.runs.repeated();
            self.samples.clear();
            self.runs.take(check, &run, &mut self.samples);
            take(check, hour, &self.samples, self.runs.repeated() - before);
        }
        damages
    }
}
