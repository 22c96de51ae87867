//! What a store has, in names and numbers: from the directories of segments and the definitions in logs, without a look
//! at any chunk.

use std::collections::BTreeMap;

use super::series::{Catalogue, CheckInfo, CheckSeries, SeriesInfo, SeriesKey, StoreInfo};
use super::snapshot::{Part, Snapshot};
use crate::damage::Damage;
use crate::error::{Error, Result};
use crate::log::{LogImage, Schema, SeriesDef, Use};
use crate::segment::{Catalogue as Merged, Extent, Segment, SeriesSpan};

/// What one file says of a check.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The check with this index.
    Segment(&'a Segment, usize),
    Log(&'a Schema, &'a Use),
}

impl Source<'_> {
    /// Files have numbers in order of age, and the definitions of a log come in order of use.
    fn age(&self) -> u64 {
        match self {
            Source::Segment(segment, _) => segment.start(),
            Source::Log(_, of_definition) => of_definition.seq_max,
        }
    }

    fn extent(&self) -> Extent {
        match *self {
            Source::Segment(segment, index) => *segment.extent(index),
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

/// The checks of some files, by name.
struct Lane<'a> {
    /// The next one.
    name: Option<&'a [u8]>,
    checks: LaneChecks<'a>,
}

enum LaneChecks<'a> {
    /// Those from this index on of segments that have the same checks.
    Segments(Vec<&'a Segment>, usize),
    /// By name, then use.
    Log(std::vec::IntoIter<(&'a str, Source<'a>)>),
}

impl<'a> Lane<'a> {
    fn new(checks: LaneChecks<'a>) -> Lane<'a> {
        let mut lane = Lane { name: None, checks };
        lane.look();
        lane
    }

    /// Adds a segment that has the same checks; `false` if it has others.
    fn add(&mut self, segment: &'a Segment) -> bool {
        let LaneChecks::Segments(segments, _) = &mut self.checks else { return false };
        let same = segments.first().is_some_and(|first| first.names() == segment.names());
        if same {
            segments.push(segment);
        }
        same
    }

    fn look(&mut self) {
        self.name = match &self.checks {
            LaneChecks::Segments(segments, index) => {
                segments.first().and_then(|first| first.name_bytes(*index))
            }
            LaneChecks::Log(checks) => checks.as_slice().first().map(|(name, _)| name.as_bytes()),
        };
    }

    /// Moves all that is said of a check.
    fn take(&mut self, name: &[u8], sources: &mut Vec<Source<'a>>) {
        while self.name == Some(name) {
            match &mut self.checks {
                LaneChecks::Segments(segments, index) => {
                    sources.extend(segments.iter().map(|segment| Source::Segment(segment, *index)));
                    *index += 1;
                }
                LaneChecks::Log(checks) => sources.extend(checks.next().map(|(_, source)| source)),
            }
            self.look();
        }
    }
}

/// Goes through all checks by name.
struct ByName<'a> {
    lanes: Vec<Lane<'a>>,
    sources: Vec<Source<'a>>,
}

impl<'a> ByName<'a> {
    /// The next check with all that is said of it, the oldest first.
    fn next(&mut self) -> Option<(&'a str, &[Source<'a>])> {
        let bytes = self.lanes.iter().filter_map(|lane| lane.name).min()?;
        self.sources.clear();
        self.lanes.iter_mut().for_each(|lane| lane.take(bytes, &mut self.sources));
        if self.lanes.len() > 1 {
            self.sources.sort_by_key(Source::age);
        }
        let name = std::str::from_utf8(bytes).expect("the names of files are UTF-8");
        Some((name, &self.sources))
    }
}

impl Snapshot {
    /// All that the files say of checks, by name, then age.
    fn sources(&self) -> ByName<'_> {
        let mut lanes: Vec<Lane<'_>> = Vec::new();
        for part in self.parts() {
            match part {
                Part::Segment(segment) => {
                    if !lanes.iter_mut().any(|lane| lane.add(segment)) {
                        lanes.push(Lane::new(LaneChecks::Segments(vec![segment], 0)));
                    }
                }
                Part::Log(image) => {
                    let mut checks = definitions(image, |_| true);
                    checks.sort_by_key(|(name, _)| *name);
                    lanes.push(Lane::new(LaneChecks::Log(checks.into_iter())));
                }
            }
        }
        ByName { lanes, sources: Vec::new() }
    }

    /// All checks by name.
    pub fn checks(&self) -> Vec<CheckInfo> {
        let (mut by_name, mut checks) = (self.sources(), Vec::new());
        while let Some((name, sources)) = by_name.next() {
            checks.push(check_info(name, sources));
        }
        checks
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
        let mut by_name = self.sources();
        while let Some((name, sources)) = by_name.next() {
            let series = series_of(sources, |segment, index, error| {
                damages.push(segment.damage_of(index, &error));
                Ok(())
            });
            let check = check_info(name, sources);
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
        series_of(&self.sources_of(check)?, |_, _, error| Err(error))
    }

    /// A check with all its series; none if it has no runs.
    ///
    /// # Errors
    /// [`Error::Damaged`] where what a segment says of the check is damaged.
    pub fn check(&self, name: &str) -> Result<Option<CheckSeries>> {
        let sources = self.sources_of(name)?;
        if sources.is_empty() {
            return Ok(None);
        }
        let series = series_of(&sources, |_, _, error| Err(error))?;
        Ok(Some(CheckSeries { check: check_info(name, &sources), series }))
    }

    /// All that the files say of a check, the oldest first.
    fn sources_of(&self, check: &str) -> Result<Vec<Source<'_>>> {
        let mut sources = Vec::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    let of_check = definitions(image, |name| name == check);
                    sources.extend(of_check.into_iter().map(|(_, source)| source));
                }
                Part::Segment(segment) => {
                    if let Some(index) = segment.find(check) {
                        segment.check_len()?;
                        sources.push(Source::Segment(segment, index));
                    }
                }
            }
        }
        Ok(sources)
    }

    /// Bytes that each check takes in segments, and about what the runs that are not sealed yet will take.
    pub fn bytes_by_check(&self) -> BTreeMap<String, u64> {
        let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_name = self.sources();
        while let Some((check, sources)) = by_name.next() {
            let of_source = |source: &Source<'_>| match *source {
                // A damaged entry keeps the lengths of its chunks to itself.
                Source::Segment(segment, index) => {
                    segment.chunks_at(index).unwrap_or_default().iter().map(|chunk| chunk.len).sum()
                }
                // About what sealing will make of it.
                Source::Log(schema, of_definition) => {
                    of_definition.runs * (2 + 3 * schema.metrics.len() as u64) / 2
                }
            };
            bytes.insert(check.to_owned(), sources.iter().map(of_source).sum());
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

/// The series of a check in all files, the oldest first. What is damaged is left out, or ends it.
fn series_of(
    sources: &[Source<'_>],
    mut damaged: impl FnMut(&Segment, usize, Error) -> Result<()>,
) -> Result<Vec<SeriesInfo>> {
    let mut known = match uniform(sources) {
        Some(known) => known,
        None => {
            let mut merged = Merged::default();
            for source in sources {
                let Source::Segment(segment, index) = *source else { continue };
                match segment.series_at(index) {
                    Ok(all) => all.into_iter().for_each(|(series, span)| merged.add(series, span)),
                    Err(error) => damaged(segment, index, error)?,
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

/// The series of all segments, if these name the same ones, and every run has them all, which is usual: then one segment
/// tells for all. None if not, or if that one is damaged.
fn uniform(sources: &[Source<'_>]) -> Option<Vec<(SeriesDef, SeriesSpan)>> {
    let (mut all, mut newest) = (Extent::EMPTY, None::<(&Segment, usize)>);
    for source in sources {
        let Source::Segment(segment, index) = *source else { continue };
        let same = newest.is_none_or(|(other, at)| other.names_hash(at) == segment.names_hash(index));
        if !same || !segment.is_whole(index) {
            return None;
        }
        all.add(segment.extent(index));
        newest = Some((segment, index));
    }
    let Some((segment, index)) = newest else { return Some(Vec::new()) };
    let mut known = segment.series_at(index).ok()?;
    for (_, span) in &mut known {
        (span.samples, span.first_ms, span.last_ms) = (all.rows, all.first_ms, all.last_ms);
    }
    Some(known)
}

fn series_info((series, span): (SeriesDef, SeriesSpan)) -> SeriesInfo {
    let key = SeriesKey { label: series.label, labels: series.labels };
    let SeriesSpan { unit, samples, first_ms, last_ms } = span;
    SeriesInfo { key, unit, samples, first_ms, last_ms }
}
