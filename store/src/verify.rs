//! Checking a whole store, and reading what can be read out of damaged files.
//!
//! Nothing here changes a file but [`repair`], and that never deletes: what it replaces is kept with the ending
//! `.damaged`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::chunk::{ChunkBytes, Rows, RowsIn, encode, find_chunks};
use crate::column::Effort;
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::log::{End, LogImage, ends};
use crate::names::{FileName, QUARANTINE_SUFFIX, live, log_name};
use crate::run::Run;
use crate::segment::{Catalogue, ChunkRef, Extent, Segment, SegmentWriter};
use crate::upkeep::seal;

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
pub struct Finding {
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// What does not hold.
    pub what: String,
    /// `true` for damage. `false` for a log that ends in the middle of a frame, as after a kill or a power cut.
    pub damage: bool,
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

fn finding(error: &Error) -> Finding {
    let offset = if let Error::Damaged { offset, .. } = error { *offset } else { 0 };
    let what = if let Error::Damaged { what, .. } = error { what.clone() } else { error.to_string() };
    Finding { offset, what, damage: true }
}

/// Reads every byte of a store, checks every checksum and decodes every run.
///
/// # Errors
/// Only where the directory cannot be listed; what is wrong with files is in the reports.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<FileReport>> {
    verify_on(&RealDisk::new(dir), progress)
}

/// [`verify`] on any disk.
pub fn verify_on(disk: &dyn Disk, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Vec<FileReport>> {
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    let (files, _) = live(&names);
    let mut reports = Vec::new();
    let ends = ends(disk, &files, End::OPEN)?;
    for (index, (file, end)) in files.iter().zip(ends).enumerate() {
        let name = file.name();
        progress(Progress { name: &name, done: index, total: files.len() });
        let bytes = disk.open(&name).and_then(|file| file.size()).unwrap_or(0);
        let mut report = FileReport { name, bytes, runs: 0, findings: Vec::new() };
        let checked = match *file {
            FileName::Log { start } => check_log(disk, start, end, &mut report),
            FileName::Segment { start, end } => check_segment(disk, start, end, &mut report),
            FileName::Temporary => Ok(()),
        };
        match checked {
            // The writer has replaced it meanwhile; what replaced it was not listed, and is not old enough to doubt.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => report.findings.push(finding(&error)),
            Ok(()) => {}
        }
        reports.push(report);
    }
    Ok(reports)
}

fn check_log(disk: &dyn Disk, start: u64, end: End, report: &mut FileReport) -> Result<()> {
    let mut image = LogImage::open(disk, start, end)?;
    image.extend(disk)?;
    for damage in image.damages() {
        report.findings.push(Finding { offset: damage.offset, what: damage.what.to_owned(), damage: true });
    }
    if let Some((offset, len)) = image.torn_tail() {
        let what = format!("{len} bytes at the end are no whole frame");
        report.findings.push(Finding { offset, what, damage: false });
    }
    for row in image.arrivals(0) {
        match image.run(disk, row) {
            Ok(_) => report.runs += 1,
            Err(error) => report.findings.push(finding(&error)),
        }
    }
    Ok(())
}

fn check_segment(disk: &dyn Disk, start: u64, end: u64, report: &mut FileReport) -> Result<()> {
    let segment = Segment::open(disk, start, end)?;
    for (index, (check, extent)) in segment.checks().enumerate() {
        if let Err(error) = check_check(&segment, index, check, extent, report) {
            report.findings.push(finding(&error));
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
                report.findings.push(finding(&error));
            }
        }
    }
    let series = segment.series_at(index)?.all().map_err(|_| segment.malformed_series(index))?;
    let listed = series.iter().map(|(series, span)| (series, span.samples, span.first_ms, span.last_ms));
    let there = catalogue.iter().map(|(series, span)| (series, span.samples, span.first_ms, span.last_ms));
    let fits = found == *extent && (!whole || listed.eq(there));
    if fits { Ok(()) } else { Err(segment.malformed_series(index)) }
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

/// Reads what can be read out of one file of a store, damaged or not, whatever its name: chunks and frames are looked
/// for at every byte. Hands out (check, run), in no particular order.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, and the first error of `out`.
pub fn salvage(file: &Path, out: &mut dyn FnMut(&str, Run) -> Result<()>) -> Result<Salvaged> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
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

/// What [`repair`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Damaged files, now kept with the ending `.damaged`.
    pub set_aside: Vec<String>,
    /// Runs that were carried over from them.
    pub kept_runs: u64,
    /// Chunks that could not be.
    pub lost_chunks: u64,
    /// Metrics missing from runs that were carried over, counted once a chunk; all their instances count as one.
    pub lost_series: u64,
    /// Files that this process has no permission to open. They stay where they are.
    pub forbidden: Vec<String>,
}

/// Sets damaged files aside and puts what can be read of them in their place. Deletes nothing.
///
/// # Errors
/// [`Error::Locked`] while somebody writes to the store.
pub fn repair(dir: &Path) -> Result<Repaired> {
    repair_on(Arc::new(RealDisk::new(dir)))
}

/// [`repair`] on any disk.
pub fn repair_on(disk: Arc<dyn Disk>) -> Result<Repaired> {
    let _lock = disk.lock()?;
    let mut repaired = Repaired::default();
    for report in verify_on(&*disk, &mut |_| {})? {
        if !report.findings.iter().any(|finding| finding.damage) {
            continue;
        }
        match disk.open(&report.name) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                repaired.forbidden.push(report.name);
                continue;
            }
            // No file at all: a directory, a link, a FIFO.
            Err(_) => {
                let aside = format!("{}{QUARANTINE_SUFFIX}", report.name);
                let path = disk.path().join(&report.name);
                disk.rename(&report.name, &aside).map_err(Error::io("rename", path))?;
                repaired.set_aside.push(aside);
                continue;
            }
        }
        match FileName::parse(&report.name) {
            Some(FileName::Segment { start, end }) => repair_segment(&*disk, start, end, &mut repaired)?,
            Some(FileName::Log { start }) => {
                let names = disk.list().map_err(Error::io("list", disk.path()))?;
                let (files, _) = live(&names);
                let starts = files.iter().filter_map(FileName::start);
                let end = starts.filter(|other| *other > start).min().unwrap_or_else(|| {
                    // The last file: its segment ends where its runs do.
                    let image = LogImage::open(&*disk, start, End::OPEN);
                    let last = image.and_then(|mut image| image.extend(&*disk).map(|()| image.last_seq()));
                    last.ok().flatten().map_or(start + 1, |last| last + 1)
                });
                // Sealing sets a damaged log aside.
                seal(&*disk, &[start], end, &AtomicBool::new(false))?;
                repaired.kept_runs += report.runs;
                repaired.set_aside.push(format!("{}{QUARANTINE_SUFFIX}", log_name(start)));
            }
            _ => {}
        }
    }
    Ok(repaired)
}

fn repair_segment(disk: &dyn Disk, start: u64, end: u64, repaired: &mut Repaired) -> Result<()> {
    let name = FileName::Segment { start, end }.name();
    let path = disk.path().join(&name);
    let file = disk.open(&name).map_err(Error::io("open", &path))?;
    let size = file.size().map_err(Error::io("read", &path))?;
    let region = file.map(size).map_err(Error::io("map", &path))?;
    // First the copy that is kept, whole and durable, then what takes its place.
    let aside = format!("{name}{QUARANTINE_SUFFIX}");
    let _ = disk.remove(&aside);
    let copy = disk.create(&aside, 0).map_err(Error::io("create", disk.path().join(&aside)))?;
    copy.write_at(&region, 0)
        .and_then(|()| copy.sync())
        .map_err(Error::io("write", disk.path().join(&aside)))?;
    disk.sync_names().map_err(Error::io("sync directory", disk.path()))?;
    let mut chunks = Vec::new();
    for at in find_chunks(&region) {
        let chunk = ChunkBytes(&region[at..]);
        match chunk.header_alone() {
            Ok(header) => chunks.push((header.check.clone(), header.first_ms, at)),
            Err(_) => repaired.lost_chunks += 1,
        }
    }
    chunks.sort();
    let mut segment = SegmentWriter::create(disk, start, end)?;
    for chunks in chunks.chunk_by(|one, other| one.0 == other.0) {
        let (check, mut catalogue) = (&chunks[0].0, Catalogue::default());
        for (_, _, at) in chunks {
            let chunk = ChunkBytes(&region[*at..]);
            let salvaged = chunk.header_alone().and_then(|header| chunk.salvage(&header));
            let Ok((rows, lost)) = salvaged else {
                repaired.lost_chunks += 1;
                continue;
            };
            let mut at = 0;
            while at < rows.len() {
                let mut part = Rows::default();
                let mut remap = part.remap(&rows);
                // What cannot be read has been left out.
                let Ok(taken) = part.append(&rows, &mut remap, at..rows.len()) else { break };
                at += taken;
                repaired.kept_runs += taken as u64;
                let (header, bytes) = encode(check, &part, Effort::Full)?;
                segment.add(&header, &bytes)?;
                catalogue.add_rows(&part);
            }
            repaired.lost_series += lost;
        }
        segment.end_check(check, &catalogue);
    }
    segment.finish()?;
    repaired.set_aside.push(aside);
    Ok(())
}
