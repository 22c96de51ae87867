//! The reader: a consistent view of all files as they were at the last refresh.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::series::{Bucket, CheckInfo, SeriesInfo, SeriesKey, StoreInfo};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::limits::LISTINGS_MAX;
use crate::log::{LogImage, RowRef};
use crate::names::{FileName, live};
use crate::position::Position;
use crate::run::Run;
use crate::value::Value;

/// A run as [`Reader::since`] hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// The position after this run: where to go on.
    pub position: Position,
    /// Name of the check.
    pub check: String,
    /// The run.
    pub run: Run,
}

/// A view of a store. It does not change until [`Reader::refresh`], whatever the writer does meanwhile.
pub struct Reader {
    disk: Arc<dyn Disk>,
    logs: Vec<LogImage>,
}

impl Reader {
    /// Opens a store for reading, whether or not somebody writes to it.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be read, [`Error::Version`] if a newer version wrote it.
    pub fn open(dir: &Path) -> Result<Reader> {
        Reader::open_on(Arc::new(RealDisk::new(dir)))
    }

    /// Opens a store on any disk.
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Reader> {
        let mut reader = Reader { disk, logs: Vec::new() };
        reader.refresh()?;
        Ok(reader)
    }

    /// Takes in what has been written since.
    pub fn refresh(&mut self) -> Result<()> {
        let list = || self.disk.list().map_err(Error::io("list", self.disk.path()));
        let mut names = list()?;
        for _ in 0..LISTINGS_MAX {
            names.sort_unstable();
            match self.open_files(&names) {
                Ok(logs) => {
                    // Two equal listings show that no file was replaced by another while being listed.
                    let mut again = list()?;
                    again.sort_unstable();
                    if again == names {
                        self.logs = logs;
                        return Ok(());
                    }
                    names = again;
                }
                Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    names = list()?
                }
                Err(error) => return Err(error),
            }
        }
        let busy = std::io::Error::other("the directory changes faster than it can be read");
        Err(Error::io("list", self.disk.path())(busy))
    }

    fn open_files(&self, names: &[String]) -> Result<Vec<LogImage>> {
        let (files, _) = live(names);
        let mut logs = Vec::new();
        for (index, file) in files.iter().enumerate() {
            if let FileName::Log { start } = *file {
                let end = match files.get(index + 1) {
                    Some(FileName::Log { start } | FileName::Segment { start, .. }) => *start,
                    _ => u64::MAX,
                };
                let mut image = LogImage::open(&*self.disk, start, end)?;
                image.extend(&*self.disk)?;
                logs.push(image);
            }
        }
        Ok(logs)
    }

    fn refs(&self, check: &str, range: &Range<i64>) -> Vec<(usize, RowRef)> {
        let mut refs: Vec<(usize, RowRef)> = Vec::new();
        for (index, log) in self.logs.iter().enumerate() {
            let rows = log.rows(check).iter().filter(|row| range.contains(&row.time_ms));
            refs.extend(rows.map(|row| (index, *row)));
        }
        refs.sort_unstable_by_key(|(_, row)| (row.time_ms, row.seq));
        refs
    }

    /// All checks by name.
    pub fn checks(&self) -> Vec<CheckInfo> {
        let mut checks: BTreeMap<&str, CheckInfo> = BTreeMap::new();
        for (name, rows) in self.logs.iter().flat_map(LogImage::checks) {
            for row in rows {
                let empty =
                    || CheckInfo { name: name.clone(), runs: 0, first_ms: i64::MAX, last_ms: i64::MIN };
                let info = checks.entry(name).or_insert_with(empty);
                info.runs += 1;
                info.first_ms = info.first_ms.min(row.time_ms);
                info.last_ms = info.last_ms.max(row.time_ms);
            }
        }
        checks.into_values().collect()
    }

    /// All series of a check by name.
    pub fn series(&self, check: &str) -> Result<Vec<SeriesInfo>> {
        let mut series: BTreeMap<SeriesKey, SeriesInfo> = BTreeMap::new();
        for run in self.runs(check, i64::MIN..i64::MAX) {
            for metric in run?.metrics {
                let key = SeriesKey { label: metric.label, labels: metric.labels };
                let empty = SeriesInfo { key: key.clone(), unit: String::new(), samples: 0 };
                let info = series.entry(key).or_insert(empty);
                info.unit = metric.unit;
                info.samples += 1;
            }
        }
        Ok(series.into_values().collect())
    }

    /// The runs of a check whose time is in the range (ms since the epoch, end excluded), by time, then arrival.
    pub fn runs(&self, check: &str, range: Range<i64>) -> impl DoubleEndedIterator<Item = Result<Run>> + '_ {
        self.refs(check, &range).into_iter().map(|(log, row)| self.logs[log].run(&*self.disk, &row))
    }

    /// The same, latest first.
    pub fn runs_rev(&self, check: &str, range: Range<i64>) -> impl Iterator<Item = Result<Run>> + '_ {
        self.runs(check, range).rev()
    }

    /// The latest run of a check by time, then arrival.
    pub fn last(&self, check: &str) -> Result<Option<Run>> {
        self.runs_rev(check, i64::MIN..i64::MAX).next().transpose()
    }

    /// The samples of a series in a range of time, in batches of (ms since the epoch, value; none for `U`).
    pub fn samples(
        &self,
        check: &str,
        key: &SeriesKey,
        range: Range<i64>,
    ) -> impl Iterator<Item = Result<Vec<(i64, Option<Value>)>>> + '_ {
        let key = key.clone();
        self.runs(check, range).map(move |run| {
            let run = run?;
            let metric = run.metrics.iter().find(|metric| key.names(metric));
            Ok(metric.map(|metric| (run.time_ms, metric.value)).into_iter().collect())
        })
    }

    /// The samples of a series summed up in `n` stretches of equal length (±1 ms) that make up the range.
    pub fn envelope(&self, check: &str, key: &SeriesKey, range: Range<i64>, n: usize) -> Result<Vec<Bucket>> {
        let span = (i128::from(range.end) - i128::from(range.start)).max(0);
        let count = n as i128;
        let start = |index: i128| (i128::from(range.start) + span * index / count) as i64;
        let mut buckets: Vec<Bucket> = (0..count).map(|index| Bucket::empty(start(index))).collect();
        for batch in self.samples(check, key, range.clone()) {
            for (time_ms, value) in batch? {
                let at = buckets.partition_point(|bucket| bucket.start_ms <= time_ms);
                if let (Some(value), Some(bucket)) =
                    (value, at.checked_sub(1).and_then(|at| buckets.get_mut(at)))
                {
                    bucket.add(value);
                }
            }
        }
        Ok(buckets)
    }

    /// The store in numbers.
    pub fn info(&self) -> Result<StoreInfo> {
        let mut info = StoreInfo::default();
        for check in self.checks() {
            info.checks += 1;
            info.runs += check.runs;
            info.first_ms = Some(info.first_ms.map_or(check.first_ms, |first| first.min(check.first_ms)));
            info.last_ms = info.last_ms.max(Some(check.last_ms));
            for series in self.series(&check.name)? {
                info.series += 1;
                info.samples += series.samples;
            }
        }
        for name in self.disk.list().map_err(Error::io("list", self.disk.path()))? {
            // A file may be replaced between listing and asking.
            if let Ok(file) = self.disk.open(&name) {
                info.bytes += file.size().unwrap_or(0);
            }
        }
        Ok(info)
    }

    /// The runs after a position, in order of arrival.
    pub fn since(&self, position: Position) -> impl Iterator<Item = Result<Arrived>> + '_ {
        let mut refs: Vec<(usize, &str, RowRef)> = Vec::new();
        for (index, log) in self.logs.iter().enumerate() {
            for (check, rows) in log.checks() {
                let rows = rows.iter().filter(|row| row.seq >= position.0);
                refs.extend(rows.map(|row| (index, check.as_str(), *row)));
            }
        }
        refs.sort_unstable_by_key(|(_, _, row)| row.seq);
        refs.into_iter().map(|(log, check, row)| {
            let run = self.logs[log].run(&*self.disk, &row)?;
            Ok(Arrived { position: Position(row.seq + 1), check: check.to_owned(), run })
        })
    }
}
