//! Reading a segment: mapped whole, the directory in memory, entries and chunks checked as they are used.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::catalogue::SeriesSpan;
use super::directory::{self, Directory, Line};
use super::entry::{ChunkRef, get_chunks, get_series};
use super::extent::Extent;
use crate::chunk::{Bad, ChunkBytes};
use crate::damage::Damage;
use crate::disk::{Disk, DiskFile, Region};
use crate::error::{Error, Result};
use crate::log::SeriesDef;
use crate::names::segment_name;
use crate::own_name::{SERIES_NAME, own_name};

/// The index of a check, and the names that some of its series have of their own.
type OwnNames = (usize, Box<[String]>);

/// An open segment.
pub(crate) struct Segment {
    file: Box<dyn DiskFile>,
    region: Region,
    path: std::path::PathBuf,
    start: u64,
    end: u64,
    /// Where the entries end and the directory begins.
    directory_at: usize,
    /// Where the names of all checks stand.
    names: Range<usize>,
    lines: Vec<Line>,
    /// The chunks of each check once somebody has asked for them; none if the entry is damaged.
    chunks: Vec<OnceLock<Option<Box<[ChunkRef]>>>>,
    /// Whether the checksum of each entry has been found to hold.
    checked: Vec<AtomicBool>,
    /// The checks of which series have names of their own, by index, once somebody has asked.
    own_names: OnceLock<Box<[OwnNames]>>,
}

impl Segment {
    pub(crate) fn open(disk: &dyn Disk, start: u64, end: u64) -> Result<Segment> {
        let name = segment_name(start, end);
        let path = disk.path().join(&name);
        let file = disk.open(&name).map_err(Error::open(&path))?;
        let size = file.size().map_err(Error::io("read", &path))?;
        let region = file.map(size).map_err(Error::io("map", &path))?;
        if let Some(found) = directory::unknown_version(&region) {
            return Err(Error::Version { path, found });
        }
        if region.get(..directory::HEADER_LEN) != Some(&directory::put_header(start, end)[..]) {
            return Err(Error::damaged(path, 0, "the header of the segment is damaged"));
        }
        let trailer_at = region.len().saturating_sub(directory::TRAILER_LEN);
        let bad = |at: usize, what: &str| Error::damaged(&path, at as u64, what);
        let (at, len, crc) = directory::get_trailer(&region[trailer_at..])
            .map_err(|_| bad(trailer_at, "the trailer of the segment is damaged, or its end is missing"))?;
        let range = usize::try_from(at)
            .ok()
            .zip(usize::try_from(len).ok())
            .filter(|(at, len)| *at >= directory::HEADER_LEN && at.checked_add(*len) == Some(trailer_at));
        let Some((at, len)) = range else {
            return Err(bad(trailer_at, "the trailer of the segment does not fit its length"));
        };
        let bytes = &region[at..at + len];
        if crc32c::crc32c(bytes) != crc {
            return Err(bad(at, "the directory of the segment does not match its checksum"));
        }
        let Directory { names, lines } = directory::get_directory(bytes, (at - directory::HEADER_LEN) as u64)
            .map_err(|_| bad(at, "the directory of the segment is not well formed"))?;
        let chunks = lines.iter().map(|_| OnceLock::new()).collect();
        let checked = lines.iter().map(|_| AtomicBool::new(false)).collect();
        let names = at + names.start..at + names.end;
        let own_names = OnceLock::new();
        Ok(Segment {
            file,
            region,
            path,
            start,
            end,
            directory_at: at,
            names,
            lines,
            chunks,
            checked,
            own_names,
        })
    }

    /// First run number that it answers for.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// One past the last run number that it answers for.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The file's length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.region.len() as u64
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// All checks by name, each with what its runs have in common.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&str, &Extent)> {
        (0..self.lines.len()).map(|index| (self.name(index), self.extent(index)))
    }

    /// The index of a check among [`Segment::checks`].
    pub(crate) fn find(&self, check: &str) -> Option<usize> {
        self.lines.binary_search_by(|line| self.bytes_of(line).cmp(check.as_bytes())).ok()
    }

    fn bytes_of(&self, line: &Line) -> &[u8] {
        let at = |at: u32| self.directory_at + at as usize;
        &self.region[at(line.name.start)..at(line.name.end)]
    }

    /// The name of the check with this index, if there are so many: bytes in the order of names.
    pub(crate) fn name_bytes(&self, index: usize) -> Option<&[u8]> {
        self.lines.get(index).map(|line| self.bytes_of(line))
    }

    /// The name of the check with this index.
    pub(crate) fn name(&self, index: usize) -> &str {
        std::str::from_utf8(self.bytes_of(&self.lines[index]))
            .expect("names were found to be UTF-8 when the segment was opened")
    }

    /// The names of all checks: the same bytes where two segments have the same checks.
    pub(crate) fn names(&self) -> &[u8] {
        &self.region[self.names.clone()]
    }

    /// What the runs of the check with this index have in common.
    pub(crate) fn extent(&self, index: usize) -> &Extent {
        &self.lines[index].extent
    }

    /// What the runs of a check have in common, if there are some.
    pub(crate) fn extent_of(&self, check: &str) -> Option<&Extent> {
        self.find(check).map(|index| self.extent(index))
    }

    /// What tells whether segments name the same series of the check with this index.
    pub(crate) fn names_hash(&self, index: usize) -> u64 {
        self.lines[index].names_hash
    }

    /// `true` if every run of the check with this index has every series.
    pub(crate) fn is_whole(&self, index: usize) -> bool {
        self.lines[index].whole
    }

    /// Where the entry of a check is in the file.
    fn entry_range(&self, line: &Line) -> Range<usize> {
        let entries = self.lines.last().map_or(0, |last| last.entry.end);
        let start = self.directory_at - entries as usize;
        start + line.entry.start as usize..start + line.entry.end as usize
    }

    /// The entry of the check with this index, checked.
    fn entry(&self, index: usize) -> Option<&[u8]> {
        let (line, checked) = (&self.lines[index], &self.checked[index]);
        let entry = &self.region[self.entry_range(line)];
        if !checked.load(Ordering::Relaxed) {
            if crc32c::crc32c(entry) != line.crc {
                return None;
            }
            checked.store(true, Ordering::Relaxed);
        }
        Some(entry)
    }

    /// The error for an entry that cannot be read.
    pub(crate) fn damaged_entry(&self, index: usize) -> Error {
        let what = format!("what the segment says of the check {} is damaged", self.name(index));
        Error::damaged(&self.path, self.entry_range(&self.lines[index]).start as u64, what)
    }

    /// The chunks of a check by time.
    pub(crate) fn chunks(&self, check: &str) -> Result<&[ChunkRef]> {
        self.find(check).map_or(Ok(&[]), |index| self.chunks_at(index))
    }

    /// The chunks of the check with this index, by time.
    pub(crate) fn chunks_at(&self, index: usize) -> Result<&[ChunkRef]> {
        let chunks = match self.chunks[index].get() {
            Some(chunks) => chunks,
            None => {
                self.check_len()?;
                let limit = self.entry_range(&self.lines[0]).start as u64;
                let read = || get_chunks(self.entry(index)?, limit).ok().map(Vec::into_boxed_slice);
                self.chunks[index].get_or_init(read)
            }
        };
        chunks.as_deref().ok_or_else(|| self.damaged_entry(index))
    }

    /// The series of the check with this index, by name. The caller has checked the file's length.
    pub(crate) fn series_at(&self, index: usize) -> Result<Vec<(SeriesDef, SeriesSpan)>> {
        let line = &self.lines[index];
        let series = self.entry(index).and_then(|entry| get_series(entry, &line.extent, line.whole).ok());
        series.ok_or_else(|| self.damaged_entry(index))
    }

    /// The checks of which series have names of their own, with these names. What is damaged is left out.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = (&str, &[String])> {
        let known = self.own_names.get_or_init(|| self.find_own_names().unwrap_or_default());
        known.iter().map(|(index, names)| (self.name(*index), &**names))
    }

    fn find_own_names(&self) -> Option<Box<[OwnNames]>> {
        let has_label =
            |bytes: &[u8]| bytes.windows(SERIES_NAME.len()).any(|window| window == SERIES_NAME.as_bytes());
        self.check_len().ok()?;
        let entries = self.entry_range(self.lines.first()?).start..self.directory_at;
        // Mostly there are none, and then no entry is read.
        if !has_label(self.region.get(entries)?) {
            return None;
        }
        let of_check = |index: usize| {
            let series =
                self.entry(index).filter(|entry| has_label(entry)).and(self.series_at(index).ok())?;
            let names: BTreeSet<&str> =
                series.iter().filter_map(|(series, _)| own_name(&series.labels)).collect();
            (!names.is_empty()).then(|| (index, names.into_iter().map(str::to_owned).collect()))
        };
        Some((0..self.lines.len()).filter_map(of_check).collect())
    }

    /// What an error in reading the whole segment costs.
    pub(crate) fn damage(&self, error: &Error) -> Damage {
        self.damage_at(error, None, self.start, self.end)
    }

    /// What an error in reading the entry of the check with this index costs.
    pub(crate) fn damage_of(&self, index: usize, error: &Error) -> Damage {
        let Extent { seq_min, seq_max, .. } = *self.extent(index);
        self.damage_at(error, Some(index), seq_min, seq_max.saturating_add(1))
    }

    fn damage_at(&self, error: &Error, index: Option<usize>, start: u64, end: u64) -> Damage {
        Damage {
            check: index.map(|index| self.name(index).to_owned()),
            runs: index.map(|index| self.extent(index).rows),
            samples: index.map(|index| self.extent(index).samples),
            ..Damage::of(error, &self.path, start, end)
        }
    }

    /// What an error in reading a chunk of a check costs.
    pub(crate) fn damage_of_chunk(&self, check: &str, chunk: &ChunkRef, error: &Error) -> Damage {
        let lost = Damage::of(error, &self.path, chunk.seq_min, chunk.seq_max.saturating_add(1));
        let (check, runs, samples) = (Some(check.to_owned()), Some(chunk.rows), Some(chunk.samples));
        Damage { check, runs, samples, ..lost }
    }

    /// Asks for the file's length, so that a file that another program has cut short is an error rather than a signal,
    /// but for a race that no reader of a map can close.
    pub(crate) fn check_len(&self) -> Result<()> {
        let size = self.file.size().map_err(Error::io("read", &self.path))?;
        if size < self.region.len() as u64 {
            return Err(Error::damaged(&self.path, size, "the file has been cut short"));
        }
        Ok(())
    }

    /// The bytes of a chunk, after [`Segment::check_len`].
    pub(crate) fn chunk(&self, chunk: &ChunkRef) -> Result<ChunkBytes<'_>> {
        self.check_len()?;
        let range = chunk.at as usize..(chunk.at + chunk.len) as usize;
        let bytes =
            self.region.get(range).ok_or_else(|| self.damaged(chunk, 0, "a chunk reaches past the end"))?;
        Ok(ChunkBytes(bytes))
    }

    /// The error for a chunk that cannot be read.
    pub(crate) fn bad(&self, chunk: &ChunkRef) -> impl Fn(Bad) -> Error + '_ {
        let at = *chunk;
        move |bad| self.damaged(&at, bad.at, bad.what)
    }

    fn damaged(&self, chunk: &ChunkRef, at: usize, what: &str) -> Error {
        Error::damaged(&self.path, chunk.at + at as u64, what)
    }
}
