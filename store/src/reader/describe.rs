//! What a store holds, in names and numbers.

use std::collections::{BTreeMap, HashMap};

use super::series::{CheckInfo, SeriesInfo, SeriesKey, StoreInfo};
use super::snapshot::{Part, Snapshot};
use crate::error::{Error, Result};
use crate::log::{LogImage, RowRef, SeriesDef};

impl Snapshot {
    /// All checks by name.
    pub fn checks(&self) -> Vec<CheckInfo> {
        let mut checks: BTreeMap<&str, CheckInfo> = BTreeMap::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    for (name, rows) in image.checks() {
                        rows.iter().for_each(|row| count(&mut checks, name, 1, row.time_ms, row.time_ms));
                    }
                }
                Part::Segment(segment) => {
                    for check in segment.checks() {
                        let chunks = check.chunks.iter();
                        chunks.for_each(|chunk| {
                            count(&mut checks, &check.name, chunk.rows, chunk.first_ms, chunk.last_ms);
                        });
                    }
                }
            }
        }
        checks.into_values().collect()
    }

    /// All series of a check by name.
    pub fn series(&self, check: &str) -> Result<Vec<SeriesInfo>> {
        let mut series: BTreeMap<SeriesKey, SeriesInfo> = BTreeMap::new();
        let mut add = |name: &SeriesDef, unit: &str, samples: u64| {
            let key = SeriesKey { label: name.label.clone(), labels: name.labels.clone() };
            let empty = || SeriesInfo { key: key.clone(), unit: String::new(), samples: 0 };
            let info = series.entry(key.clone()).or_insert_with(empty);
            unit.clone_into(&mut info.unit);
            info.samples += samples;
        };
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    for (row, rows) in rows_by_schema(image, check) {
                        let metrics = &image.schema(&row).metrics;
                        metrics.iter().for_each(|(name, meta)| add(name, &meta.unit, rows));
                    }
                }
                Part::Segment(segment) => {
                    for chunk in segment.chunks(check) {
                        let header = segment.chunk(chunk)?.header().map_err(segment.bad(chunk))?;
                        for entry in &header.series {
                            let unit = header.metas.get(entry.last_meta).map_or("", |meta| &meta.unit);
                            add(&entry.series, unit, entry.rows as u64);
                        }
                    }
                }
            }
        }
        Ok(series.into_values().collect())
    }

    /// Bytes that each check takes in segments, and about what the runs that are not sealed yet will take.
    pub fn bytes_by_check(&self) -> BTreeMap<String, u64> {
        let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
        for part in self.parts() {
            match part {
                Part::Segment(segment) => {
                    for check in segment.checks() {
                        let sum: u64 = check.chunks.iter().map(|chunk| chunk.len).sum();
                        *bytes.entry(check.name.clone()).or_default() += sum;
                    }
                }
                // About what sealing will make of it.
                Part::Log(image) => {
                    for (check, rows) in image.checks() {
                        let samples: usize = rows.iter().map(|row| image.schema(row).metrics.len()).sum();
                        *bytes.entry(check.to_owned()).or_default() += (rows.len() + samples * 3 / 2) as u64;
                    }
                }
            }
        }
        bytes
    }

    /// Bytes that are free on the store's disk for an unprivileged process, where known.
    pub fn free_bytes(&self) -> Option<u64> {
        self.disk().free_bytes().ok()
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
        for name in self.disk().list().map_err(Error::io("list", self.disk().path()))? {
            // A file may be replaced between listing and asking.
            if let Ok(file) = self.disk().open(&name) {
                info.bytes += file.size().unwrap_or(0);
            }
        }
        Ok(info)
    }
}

fn count<'a>(
    checks: &mut BTreeMap<&'a str, CheckInfo>,
    name: &'a str,
    runs: u64,
    first_ms: i64,
    last_ms: i64,
) {
    let empty = || CheckInfo { name: name.to_owned(), runs: 0, first_ms: i64::MAX, last_ms: i64::MIN };
    let info = checks.entry(name).or_insert_with(empty);
    info.runs += runs;
    info.first_ms = info.first_ms.min(first_ms);
    info.last_ms = info.last_ms.max(last_ms);
}

/// For each schema that runs of the check have in a log, in order of first use: one of these runs, and their number.
fn rows_by_schema(image: &LogImage, check: &str) -> Vec<(RowRef, u64)> {
    let mut counts: Vec<(RowRef, u64)> = Vec::new();
    let mut indexes: HashMap<usize, usize> = HashMap::new();
    for row in image.rows(check).iter() {
        let next = counts.len();
        let index = *indexes.entry(image.schema_index(row)).or_insert(next);
        if index == next {
            counts.push((*row, 0));
        }
        counts[index].1 += 1;
    }
    counts
}
