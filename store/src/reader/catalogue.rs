//! What a store has, in names and numbers: from the directories of segments and the definitions in logs, without a look
//! at any chunk.

use std::collections::BTreeMap;

use super::series::{Catalogue, CheckInfo, CheckSeries, SeriesInfo, SeriesKey, StoreInfo};
use super::snapshot::{Part, Snapshot};
use crate::damage::Damage;
use crate::error::{Error, Result};
use crate::log::{LogImage, Schema, SeriesDef, Use};
use crate::segment::{Catalogue as Merged, Extent, Segment, SeriesList, SeriesSpan};

/// What one file says of a check.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The check with this index.
    Segment(&'a Segment, usize, &'a Extent),
    Log(&'a Schema, &'a Use),
}

impl Source<'_> {
    fn extent(&self) -> Extent {
        match *self {
            Source::Segment(_, _, extent) => *extent,
            Source::Log(schema, Use { runs, first_ms, last_ms, seq_min, seq_max }) => Extent {
                rows: *runs,
                first_ms: *first_ms,
                last_ms: *last_ms,
                seq_min: *seq_min,
                seq_max: *seq_max,
                samples: runs.saturating_mul(schema.metrics.len() as u64),
            },
        }
    }
}

fn check_info(name: &str, sources: &[Source<'_>]) -> CheckInfo {
    let mut all = Extent::EMPTY;
    sources.iter().for_each(|source| all.add(&source.extent()));
    CheckInfo { name: name.to_owned(), runs: all.rows, first_ms: all.first_ms, last_ms: all.last_ms }
}

/// The definitions of a log that are asked for, the one used last at the end.
fn definitions(image: &LogImage, wanted: impl Fn(&str) -> bool) -> Vec<(&str, Source<'_>)> {
    let mut used: Vec<_> = image.definitions().filter(|(check, ..)| wanted(check)).collect();
    used.sort_by_key(|(.., of_definition)| of_definition.seq_max);
    used.into_iter()
        .map(|(check, schema, of_definition)| (check, Source::Log(schema, of_definition)))
        .collect()
}

impl Snapshot {
    /// All that the files say of checks, by name, then age.
    fn sources(&self) -> Vec<(&str, Source<'_>)> {
        let mut sources = Vec::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => sources.extend(definitions(image, |_| true)),
                Part::Segment(segment) => {
                    let checks = segment.checks().enumerate();
                    sources.extend(
                        checks.map(|(index, (name, extent))| (name, Source::Segment(segment, index, extent))),
                    );
                }
            }
        }
        // Those of a segment are in order, which this sort makes use of.
        sources.sort_by_key(|(name, _)| *name);
        sources
    }

    /// All checks by name.
    pub fn checks(&self) -> Vec<CheckInfo> {
        let by_check = self.sources();
        let checks = by_check.chunk_by(|one, other| one.0 == other.0);
        checks.map(|of_check| check_info(of_check[0].0, &sources_of(of_check))).collect()
    }

    /// All checks with all their series, by name. It takes no look at the chunks of history.
    pub fn catalogue(&self) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut damages: Vec<Damage> = Vec::new();
        for part in self.parts() {
            if let Part::Segment(segment) = part
                && let Err(error) = segment.check_len()
            {
                damages.push(segment.damage(&error));
                return Catalogue { checks: Vec::new(), damages };
            }
        }
        let by_check = self.sources();
        for of_check in by_check.chunk_by(|one, other| one.0 == other.0) {
            let (name, sources) = (of_check[0].0, sources_of(of_check));
            let series = series_of(&sources, |segment, index, error| {
                damages.push(segment.damage_of(index, &error));
                Ok(())
            });
            let check = check_info(name, &sources);
            catalogue.checks.push(CheckSeries { check, series: series.unwrap_or_default() });
        }
        catalogue.damages = damages;
        catalogue
    }

    /// All series of a check by name.
    ///
    /// # Errors
    /// [`Error::Damaged`] where what a segment says of the check is damaged.
    pub fn series(&self, check: &str) -> Result<Vec<SeriesInfo>> {
        let mut sources = Vec::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    let of_check = definitions(image, |name| name == check);
                    sources.extend(of_check.into_iter().map(|(_, source)| source));
                }
                Part::Segment(segment) => {
                    if let (Some(index), Some(extent)) = (segment.find(check), segment.extent(check)) {
                        segment.check_len()?;
                        sources.push(Source::Segment(segment, index, extent));
                    }
                }
            }
        }
        series_of(&sources, |_, _, error| Err(error))
    }

    /// Bytes that each check takes in segments, and about what the runs that are not sealed yet will take.
    pub fn bytes_by_check(&self) -> BTreeMap<String, u64> {
        let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
        for (check, source) in self.sources() {
            *bytes.entry(check.to_owned()).or_default() += match source {
                // A damaged entry keeps the lengths of its chunks to itself.
                Source::Segment(segment, index, _) => {
                    segment.chunks_at(index).unwrap_or_default().iter().map(|chunk| chunk.len).sum()
                }
                // About what sealing will make of it.
                Source::Log(schema, of_definition) => {
                    of_definition.runs * (2 + 3 * schema.metrics.len() as u64) / 2
                }
            };
        }
        bytes
    }

    /// Bytes that are free on the store's disk for an unprivileged process, where known.
    pub fn free_bytes(&self) -> Option<u64> {
        self.disk().free_bytes().ok()
    }

    /// The store in numbers.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be listed, [`Error::Damaged`] where what a segment says of a check is damaged.
    pub fn info(&self) -> Result<StoreInfo> {
        let mut info = StoreInfo::default();
        let catalogue = self.catalogue();
        if let Some(damage) = catalogue.damages.into_iter().next() {
            return Err(damage.into());
        }
        for CheckSeries { check, series } in catalogue.checks {
            info.checks += 1;
            info.runs += check.runs;
            info.first_ms = Some(info.first_ms.map_or(check.first_ms, |first| first.min(check.first_ms)));
            info.last_ms = info.last_ms.max(Some(check.last_ms));
            info.series += series.len() as u64;
            info.samples += series.iter().map(|series| series.samples).sum::<u64>();
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

fn sources_of<'a>(of_check: &[(&'a str, Source<'a>)]) -> Vec<Source<'a>> {
    of_check.iter().map(|(_, source)| *source).collect()
}

/// The series of a check in all files, the oldest first. What is damaged is left out, or ends it.
fn series_of(
    sources: &[Source<'_>],
    mut damaged: impl FnMut(&Segment, usize, Error) -> Result<()>,
) -> Result<Vec<SeriesInfo>> {
    let mut lists: Vec<(&Segment, usize, SeriesList<'_>)> = Vec::new();
    for source in sources {
        if let Source::Segment(segment, index, _) = *source {
            match segment.series_at(index) {
                Ok(list) => lists.push((segment, index, list)),
                Err(error) => damaged(segment, index, error)?,
            }
        }
    }
    let mut known = match joined(&lists) {
        Some(known) => known,
        None => {
            let mut merged = Merged::default();
            for (segment, index, list) in lists {
                match list.all() {
                    Ok(all) => all.into_iter().for_each(|(series, span)| merged.add(series, span)),
                    Err(_) => damaged(segment, index, segment.malformed_series(index))?,
                }
            }
            merged.into_series()
        }
    };
    let mut new = Merged::default();
    for source in sources {
        if let Source::Log(schema, of_definition) = source {
            for (series, meta) in &schema.metrics {
                let Use { runs, first_ms, last_ms, .. } = **of_definition;
                let span = SeriesSpan { unit: meta.unit.clone(), samples: runs, first_ms, last_ms };
                match known.binary_search_by(|(known, _)| known.cmp(series)) {
                    Ok(at) => known[at].1.add(span),
                    Err(_) => new.add(series.clone(), span),
                }
            }
        }
    }
    if new.len() > 0 {
        known.extend(new.into_series());
        known.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    Ok(known.into_iter().map(series_info).collect())
}

/// What lists have in common that name the same series; none if they don't, or if they are malformed.
fn joined(lists: &[(&Segment, usize, SeriesList<'_>)]) -> Option<Vec<(SeriesDef, SeriesSpan)>> {
    let Some(((.., first), others)) = lists.split_first() else { return Some(Vec::new()) };
    if !others.iter().all(|(.., list)| list.has_the_names_of(first)) {
        return None;
    }
    let mut known = first.all().ok()?;
    for (.., list) in others {
        let mut spans = list.spans();
        for (_, known) in &mut known {
            let (samples, first_ms, last_ms) = spans.next()?.ok()?;
            known.add_span(samples, first_ms, last_ms);
        }
        if spans.next().is_some() {
            return None;
        }
    }
    Some(known)
}

fn series_info((series, span): (SeriesDef, SeriesSpan)) -> SeriesInfo {
    let key = SeriesKey { label: series.label, labels: series.labels };
    let SeriesSpan { unit, samples, first_ms, last_ms } = span;
    SeriesInfo { key, unit, samples, first_ms, last_ms }
}
