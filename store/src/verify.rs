//! Checking a whole store, and reading what can be read out of damaged files.
//!
//! Nothing here changes a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc;

use crate::amendment::{self, AMENDMENTS_NAME};
use crate::chunk::{ChunkBytes, RowsIn, find_chunks};
use crate::cursor;
use crate::damage::Damage;
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::identity::{self, IDENTITY_NAME};
use crate::log::{End, LogImage, ends};
use crate::mark;
use crate::names::{CURSOR_SUFFIX, FileName, NOTE_SUFFIX};
use crate::note;
use crate::position::Position;
use crate::run::Run;
use crate::segment::{Catalogue, ChunkRef, Extent, Segment};
use crate::survey::survey_now;

/// A file that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its name in the store.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Runs that were read from it.
    pub runs: u64,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Bytes that are not what was written, and which runs are lost by that.
    Damage(Damage),
    /// A log that ends in the middle of a frame, as after a kill or a power cut.
    Torn {
        /// Offset in the file, in bytes.
        offset: u64,
        /// Bytes that are there of the frame.
        bytes: usize,
        /// The first run that may have been there.
        start: Position,
        /// The position after the last run that may have been there and is known to have been durable; `None` if that is
        /// not known of any.
        synced: Option<Position>,
    },
}

impl Finding {
    /// `true` for damage.
    pub fn is_damage(&self) -> bool {
        matches!(self, Finding::Damage(_))
    }

    /// The runs that had been durable and are missing where a log ends early, as far as that is known. A damaged last frame
    /// looks like one that was not written to its end, but for this.
    pub fn missing(&self) -> Option<Range<Position>> {
        match self {
            Finding::Damage(_) => None,
            Finding::Torn { start, synced, .. } => {
                synced.map(|synced| *start..synced).filter(|runs| !runs.is_empty())
            }
        }
    }

    /// Offset in the file, in bytes.
    pub fn offset(&self) -> u64 {
        match self {
            Finding::Damage(damage) => damage.offset,
            Finding::Torn { offset, .. } => *offset,
        }
    }

    /// What does not hold.
    pub fn what(&self) -> String {
        match self {
            Finding::Damage(damage) => damage.what.clone(),
            Finding::Torn { bytes, .. } => format!("{bytes} bytes at the end are no whole frame"),
        }
    }
}

/// What [`verify`] tells while it works, before each file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file.
    pub name: &'a str,
    /// Files done.
    pub done: usize,
    /// Files in all.
    pub total: usize,
}

/// Reads every byte of a store, checks every checksum and decodes every run.
///
/// # Errors
/// Only where the directory cannot be listed; what is wrong with files is in the reports.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<FileReport>> {
    verify_on(&RealDisk::new(dir), progress)
}

/// Whether a directory has any file of a store.
///
/// # Errors
/// It cannot be listed.
pub fn is_store(dir: &Path) -> Result<bool> {
    let disk = RealDisk::new(dir);
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    Ok(names.iter().any(|name| FileName::parse(name).is_some() || is_small(name)))
}

/// [`verify`] on any disk.
pub fn verify_on(disk: &dyn Disk, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<FileReport>> {
    // Before the files: they have at least what it says.
    let synced = mark::load(disk).unwrap_or(None).map(|marked| marked.synced);
    let survey = survey_now(disk)?;
    let files = &survey.files;
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    let small: Vec<&String> = names.iter().filter(|name| is_small(name)).collect();
    let total = files.len() + survey.replaced.len() + survey.strays.len() + small.len();
    let mut reports = Vec::new();
    let ends = ends(disk, files, End::OPEN)?;
    for (file, end) in files.iter().zip(ends) {
        let check = |report: &mut FileReport| match *file {
            FileName::Log { start } => check_log(disk, start, (end, synced), report),
            FileName::Segment { start, end } => check_segment(disk, start, end, report),
            FileName::Temporary => Ok(()),
        };
        let numbers = match *file {
            FileName::Log { start } => (start, end.before),
            FileName::Segment { start, end } => (start, end),
            FileName::Temporary => (0, 0),
        };
        progress(Progress { name: &file.name(), done: reports.len(), total });
        reports.extend(report(disk, file.name(), numbers, check));
    }
    for file in &survey.replaced {
        let (name, start) = (file.name(), file.start().unwrap_or(0));
        progress(Progress { name: &name, done: reports.len(), total });
        reports.extend(report(disk, name, (start, start), |_| survey.check_replaced(disk, *file)));
    }
    for stray in survey.strays {
        let numbers = (stray.start, stray.start);
        progress(Progress { name: &stray.name, done: reports.len(), total });
        reports.extend(report(disk, stray.name, numbers, |_| Err(stray.why)));
    }
    for name in small {
        progress(Progress { name, done: reports.len(), total });
        reports.extend(report(disk, name.clone(), (0, 0), |_| check_small(disk, name)));
    }
    Ok(reports)
}

/// Checks a file. What keeps it from being read at all costs all of these runs. None if it is gone: the writer has replaced
/// it meanwhile, and what replaced it is not old enough to doubt.
fn report(
    disk: &dyn Disk,
    name: String,
    (start, end): (u64, u64),
    check: impl FnOnce(&mut FileReport) -> Result<()>,
) -> Option<FileReport> {
    let bytes = disk.open(&name).and_then(|file| file.size()).unwrap_or(0);
    let mut report = FileReport { name, bytes, runs: 0, findings: Vec::new() };
    match check(&mut report) {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            let damage = Damage::of(&error, &disk.path().join(&report.name), start, end);
            report.findings.push(Finding::Damage(damage));
        }
        Ok(()) => {}
    }
    Some(report)
}

/// The files that are written as a whole, but for the mark, which may say nothing.
fn is_small(name: &str) -> bool {
    name == IDENTITY_NAME
        || name == AMENDMENTS_NAME
        || name.ends_with(CURSOR_SUFFIX)
        || name.ends_with(NOTE_SUFFIX)
}

fn check_small(disk: &dyn Disk, name: &str) -> Result<()> {
    match name {
        IDENTITY_NAME => identity::load(disk).map(drop),
        AMENDMENTS_NAME => amendment::load(disk).map(drop),
        _ if name.ends_with(NOTE_SUFFIX) => note::load(disk, name).map(drop),
        _ => cursor::load(disk, name).map(drop),
    }
}

fn check_log(
    disk: &dyn Disk,
    start: u64,
    (end, synced): (End, Option<Position>),
    report: &mut FileReport,
) -> Result<()> {
    let mut image = LogImage::open(disk, start, end)?;
    image.extend(disk)?;
    let path = disk.path().join(image.name());
    report.findings.extend(image.damages_in(&path).into_iter().map(Finding::Damage));
    if let Some((offset, bytes)) = image.torn_tail() {
        let start = Position(image.next_seq());
        let synced = synced.map(|synced| synced.min(Position(end.before)));
        report.findings.push(Finding::Torn { offset, bytes, start, synced });
    }
    for row in image.arrivals(0) {
        match image.run(disk, row) {
            Ok(_) => report.runs += 1,
            Err(error) => {
                let end = row.seq.saturating_add(1);
                let check = Some(image.check(row).to_string());
                let damage = Damage { check, runs: Some(1), ..Damage::of(&error, &path, row.seq, end) };
                report.findings.push(Finding::Damage(damage));
            }
        }
    }
    Ok(())
}

fn check_segment(disk: &dyn Disk, start: u64, end: u64, report: &mut FileReport) -> Result<()> {
    let segment = Segment::open(disk, start, end)?;
    for (index, (check, extent)) in segment.checks().enumerate() {
        if let Err(error) = check_check(&segment, index, check, extent, report) {
            report.findings.push(Finding::Damage(segment.damage_of(index, &error)));
        }
    }
    Ok(())
}

/// Checks all that a segment has of a check. Damaged chunks are reported by themselves.
fn check_check(
    segment: &Segment,
    index: usize,
    check: &str,
    extent: &Extent,
    report: &mut FileReport,
) -> Result<()> {
    let (mut found, mut whole) = (Extent::EMPTY, true);
    let mut catalogue = Catalogue::default();
    for chunk in segment.chunks_at(index)? {
        found.add(chunk);
        match check_chunk(segment, check, chunk) {
            Ok(rows) => {
                report.runs += rows.len() as u64;
                catalogue.add_decoded(&rows);
            }
            Err(error) => {
                whole = false;
                report.findings.push(Finding::Damage(segment.damage_of_chunk(check, chunk, &error)));
            }
        }
    }
    let series = segment.series_at(index)?;
    let listed = series.iter().map(|(series, span)| (series, span.samples, span.first_ms, span.last_ms));
    let there = catalogue.iter().map(|(series, span)| (series, span.samples, span.first_ms, span.last_ms));
    let fits = found == *extent && (!whole || listed.eq(there));
    if fits { Ok(()) } else { Err(segment.damaged_entry(index)) }
}

fn check_chunk(segment: &Segment, check: &str, chunk: &ChunkRef) -> Result<RowsIn> {
    let bytes = segment.chunk(chunk)?;
    let header = bytes.verify().map_err(segment.bad(chunk))?;
    let rows = bytes.rows(&header).map_err(segment.bad(chunk))?;
    for row in 0..rows.len() {
        rows.run(row).map_err(|_| segment.malformed(chunk))?;
    }
    let fits = header.check == check
        && (header.rows as u64, header.samples) == (chunk.rows, chunk.samples)
        && (header.first_ms, header.last_ms) == (chunk.first_ms, chunk.last_ms)
        && (header.seq_min, header.seq_max) == (chunk.seq_min, chunk.seq_max)
        && rows.times.first() == Some(&header.first_ms)
        && rows.times.last() == Some(&header.last_ms)
        && rows.times.is_sorted();
    if fits { Ok(rows) } else { Err(segment.malformed(chunk)) }
}

/// What [`salvage`] found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Runs handed out.
    pub runs: u64,
    /// Chunks or frames that could not be read at all.
    pub lost_parts: u64,
    /// Metrics that are missing from runs that were handed out, counted once a chunk; all their instances count as one.
    pub lost_series: u64,
}

/// The bytes of a file. One that is no regular file is an error, and not waited for.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads what can be read out of one file of a store, damaged or not, whatever its name: chunks and frames are looked
/// for at every byte. Hands out (check, run), in no particular order.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and the first error of `out`.
pub fn salvage(file: &Path, out: &mut dyn FnMut(&str, Run) -> Result<()>) -> Result<Salvaged> {
    let bytes = read_regular(file).map_err(Error::io("read", file))?;
    let mut salvaged = Salvaged::default();
    let (image, frames_lost) = LogImage::salvage(&bytes);
    salvaged.lost_parts += frames_lost;
    let here = RealDisk::new(file.parent().unwrap_or(Path::new(".")));
    for (check, rows) in image.checks() {
        for row in rows.iter() {
            out(check, image.run(&here, row)?)?;
            salvaged.runs += 1;
        }
    }
    for at in find_chunks(&bytes) {
        let chunk = ChunkBytes(&bytes[at..]);
        let Ok((check, rows, lost)) = chunk.header_alone().and_then(|header| {
            let (rows, lost) = chunk.salvage(&header)?;
            Ok((header.check, rows, lost))
        }) else {
            salvaged.lost_parts += 1;
            continue;
        };
        salvaged.lost_series += lost;
        for row in 0..rows.len() {
            if let Ok(run) = rows.run(row) {
                out(&check, run)?;
                salvaged.runs += 1;
            }
        }
    }
    Ok(salvaged)
}
