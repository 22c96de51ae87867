//! One series on its way into columns.
//!
//! A metric may change its unit. What is drawn has the unit of the latest sample: those in other units are counted, and
//! drawn nowhere, as they are other quantities.

use std::collections::BTreeMap;
use std::ops::Range;

use custos_store::{Bucket, Metric, Run, Snapshot, State};

use super::curve::{Envelope, Limit, Others};
use crate::columns::{Column, Columns};
use crate::limits::UNITS_MAX;
use crate::mean::Mean;
use crate::rate::Rate;
use crate::series::{Reported, Series};

/// Whether values or their changes per second are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drawn {
    /// Counters as changes per second, all else as it is.
    #[default]
    Usual,
    /// Values, also those of counters.
    Values,
    /// Changes per second.
    Rates,
}

/// The runs in which series of one check had their latest sample. Mostly that is one for all of them, and looking one up takes decoding a
/// whole chunk, so each is looked up once.
pub(super) struct LookedUp<'a> {
    check: &'a str,
    store: &'a Snapshot,
    /// By time, the latest first; none for what cannot be read.
    runs: BTreeMap<i64, Vec<Option<Run>>>,
}

impl<'a> LookedUp<'a> {
    pub(super) fn new(check: &'a str, store: &'a Snapshot) -> LookedUp<'a> {
        LookedUp { check, store, runs: BTreeMap::new() }
    }

    /// The run with a sample of a series at a time.
    fn at(&mut self, series: &Series, time_ms: i64) -> Option<&Run> {
        let (check, store) = (self.check, self.store);
        let read = || {
            let runs = store.runs_rev(check, time_ms..time_ms.saturating_add(1));
            runs.map(custos_store::Result::ok).collect()
        };
        let runs = self.runs.entry(time_ms).or_insert_with(read);
        runs.iter().find(|run| run.as_ref().is_none_or(|run| series.of(run).is_some()))?.as_ref()
    }
}

/// One series on its way into columns.
pub(super) struct Track {
    pub(super) series: Series,
    span: Range<i64>,
    count: usize,
    drawn: Drawn,
    /// What has one unit, the one of the latest sample last.
    units: Vec<OneUnit>,
    /// Samples in units that there was no room for.
    forgotten: u64,
    /// A run without a value came before.
    gap: bool,
}

/// The samples of one unit.
struct OneUnit {
    unit: String,
    columns: Columns,
    limits: Vec<Limit>,
    rate: Rate,
    samples: u64,
}

impl OneUnit {
    fn new(unit: &str, columns: Columns) -> OneUnit {
        OneUnit { unit: unit.to_owned(), columns, limits: Vec::new(), rate: Rate::default(), samples: 0 }
    }

    /// Nothing is drawn across, and no rate computed, where there is no value.
    fn gap(&mut self) {
        self.columns.gap();
        self.rate.gap();
    }

    /// Takes the plugin's own ranges.
    fn limit(&mut self, metric: Option<&Metric>) {
        self.limits.clear();
        let sides = metric.map(|metric| [(State::Warning, metric.warn), (State::Critical, metric.crit)]);
        let limits = sides.into_iter().flatten();
        self.limits.extend(limits.filter_map(|(state, bounds)| Some(Limit { state, bounds: bounds? })));
    }
}

impl Track {
    pub(super) fn new(series: &Series, span: &Range<i64>, count: usize, drawn: Drawn) -> Track {
        Track {
            series: series.clone(),
            span: span.clone(),
            count,
            drawn,
            units: Vec::new(),
            forgotten: 0,
            gap: false,
        }
    }

    /// Samples that have a value.
    pub(super) fn samples(&self) -> u64 {
        self.forgotten + self.units.iter().map(|one| one.samples).sum::<u64>()
    }

    fn is_rate(&self, unit: &str) -> bool {
        match self.drawn {
            Drawn::Usual => Rate::is_of_counter(unit),
            Drawn::Values => false,
            Drawn::Rates => true,
        }
    }

    /// Takes the columns from the store, and unit and limits from the latest run that has a value. None if the samples
    /// themselves have to be looked at, as where there were several units.
    pub(super) fn sum_up(
        &mut self,
        looked: &mut LookedUp<'_>,
        units: &[String],
        buckets: &[Bucket],
    ) -> Option<()> {
        let known = buckets.iter().map(column).collect::<Option<Vec<_>>>()?;
        let start_ms = buckets.first()?.start_ms;
        let Some(last) = known.iter().rev().flatten().next() else { return Some(()) };
        let [unit] = units else { return None };
        if self.is_rate(unit) {
            return None;
        }
        let Reported { metric, .. } = self.series.of(looked.at(&self.series, last.last_ms)?)?;
        let samples = known.iter().flatten().map(|column| column.mean.count()).sum();
        let mut one = OneUnit::new(unit, Columns::known(start_ms, self.span.end, known));
        one.limit(metric);
        one.samples = samples;
        self.units = vec![one];
        Some(())
    }

    pub(super) fn gap(&mut self) {
        self.gap = true;
        self.units.iter_mut().for_each(OneUnit::gap);
    }

    pub(super) fn add(&mut self, run: &Run) {
        let Some(Reported { value, unit, metric }) = self.series.of(run) else {
            self.gap();
            return;
        };
        let is_rate = self.is_rate(unit);
        let one = self.in_unit(unit);
        one.samples += 1;
        if !is_rate {
            one.columns.add(run.time_ms, value.to_f64());
            one.limit(metric);
        } else if let Some(rate) = one.rate.add(run.time_ms, value, unit) {
            one.columns.add(run.time_ms, rate);
        }
    }

    /// What has this unit, which is that of the latest sample from now on.
    fn in_unit(&mut self, unit: &str) -> &mut OneUnit {
        if self.units.last().is_none_or(|last| last.unit != unit) {
            if !self.units.is_empty() {
                self.gap();
            }
            let known = self.units.iter().position(|one| one.unit == unit);
            let mut one = match known {
                Some(at) => self.units.remove(at),
                None => OneUnit::new(unit, Columns::new(self.span.start, self.span.end, self.count)),
            };
            if known.is_none() && self.gap {
                one.gap();
            }
            if self.units.len() == UNITS_MAX {
                self.forgotten += self.units.remove(0).samples;
            }
            self.units.push(one);
        }
        let last = self.units.len() - 1;
        &mut self.units[last]
    }

    /// The series, whose runs are joined if no more than `bridge_ms` are between them.
    pub(super) fn finish(mut self, bridge_ms: i64) -> Envelope {
        let empty = || OneUnit::new("", Columns::new(self.span.start, self.span.end, self.count));
        let latest = self.units.pop().unwrap_or_else(empty);
        let rate = self.is_rate(&latest.unit) && latest.samples > 0;
        Envelope {
            unit: if rate { Rate::unit(&latest.unit) } else { latest.unit },
            rate,
            others: Others {
                samples: self.samples(),
                units: self.units.into_iter().map(|one| one.unit).collect(),
            },
            // Neighbours are joined whatever the interval was at the time.
            bridge_ms: bridge_ms.max(latest.columns.column_ms().saturating_mul(2)),
            columns: latest.columns.into_vec(),
            limits: latest.limits,
            series: self.series,
        }
    }
}

/// A column as the store knows it. The outer `None` is for values that are no finite numbers, which are not drawn, or have no finite sum:
/// only the samples tell without them.
fn column(bucket: &Bucket) -> Option<Option<Column>> {
    let (Some(first), Some(last)) = (bucket.first, bucket.last) else { return Some(None) };
    let finite = [bucket.min, bucket.max, bucket.sum].iter().all(|number| number.is_finite());
    finite.then_some(Some(Column {
        min: bucket.min,
        max: bucket.max,
        first: first.value.to_f64(),
        last: last.value.to_f64(),
        first_ms: first.time_ms,
        last_ms: last.time_ms,
        mean: Mean::of(bucket.sum, bucket.count),
        after_gap: bucket.after_gap,
    }))
}
