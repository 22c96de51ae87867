//! Sealing: the runs of logs that are finished become one segment.

use std::collections::BTreeMap;

use super::Permit;
use crate::amendment::{self, Amendment, AmendmentKind};
use crate::aside::{copy_aside, move_aside};
use crate::chunk::{LogRows, encode};
use crate::column::Effort;
use crate::damage::Damage;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::AMENDMENTS_OF_REPAIR_MAX;
use crate::log::{End, LogImage, RowRef, ends};
use crate::names::{FileName, segment_name};
use crate::segment::{Catalogue, Segment, SegmentWriter};
use crate::survey::survey_now;

/// Seals the logs that start at these numbers, in order, the runs of the last of which end at `end`. The segment ends at the
/// next of `barriers`, where a log may begin that cannot be opened, if that is after all runs.
///
/// The logs are removed once the segment is durable and what its directory says is what they had. One with damage is set
/// aside before that, and it is noted which runs are lost.
pub(crate) fn seal(
    disk: &dyn Disk,
    (starts, barriers): (&[u64], &[u64]),
    end: End,
    permit: &Permit,
) -> Result<()> {
    let mut images = Vec::with_capacity(starts.len());
    for (start, end) in starts.iter().zip(ends_of(disk, starts, end)?) {
        let mut image = LogImage::open(disk, *start, end)?;
        image.extend(disk)?;
        images.push(image);
    }
    let damaged: Vec<&LogImage> = images.iter().filter(|image| !image.damages().is_empty()).collect();
    note_lost(disk, &damaged)?;
    let mut unsaved = Vec::new();
    for image in damaged {
        match copy_aside(disk, image.name()) {
            Ok(()) => {}
            // It is moved then, in the end.
            Err(error) if error.is_no_space() => unsaved.push(image.start()),
            Err(error) => return Err(error),
        }
    }
    if let Some(last) = images.iter().filter_map(LogImage::last_seq).max() {
        let after = barriers.iter().copied().filter(|barrier| *barrier > last && *barrier > starts[0]);
        let end = after.min().map_or(end.before, |barrier| barrier.min(end.before));
        keep_in_the_way(disk, &segment_name(starts[0], end))?;
        write(disk, &images, starts[0], end, permit)?;
        check_segment(disk, (starts[0], end), &extents(&images))?;
    }
    permit.check(disk)?;
    for image in &images {
        if unsaved.contains(&image.start()) {
            move_aside(disk, image.name())?;
        } else {
            disk.remove(image.name()).map_err(Error::io("remove", disk.path().join(image.name())))?;
        }
    }
    disk.sync_names().map_err(Error::io("sync directory", disk.path()))
}

/// A file that has the name of a segment that is about to be written is set aside.
pub(super) fn keep_in_the_way(disk: &dyn Disk, name: &str) -> Result<()> {
    if disk.id_at(name).map_err(Error::io("look for", disk.path().join(name)))?.is_none() {
        return Ok(());
    }
    move_aside(disk, name).map(drop)
}

/// What the runs of each check have in common, as far as a directory says it too: how many, the first and the last number.
pub(super) type Extents<'a> = BTreeMap<&'a str, (u64, u64, u64)>;

fn extents(images: &[LogImage]) -> Extents<'_> {
    let mut extents = Extents::new();
    for (check, rows) in images.iter().flat_map(LogImage::checks) {
        for row in rows.iter() {
            let (rows, least, greatest) = extents.entry(check).or_insert((0, u64::MAX, 0));
            (*rows, *least, *greatest) = (*rows + 1, row.seq.min(*least), row.seq.max(*greatest));
        }
    }
    extents
}

/// Reads a segment that has just been written back, before what it replaces is removed: it must have exactly these runs.
pub(super) fn check_segment(disk: &dyn Disk, (start, end): (u64, u64), expected: &Extents<'_>) -> Result<()> {
    let segment = Segment::open(disk, start, end)?;
    let found =
        segment.checks().map(|(check, extent)| (check, (extent.rows, extent.seq_min, extent.seq_max)));
    if found.eq(expected.iter().map(|(check, extent)| (*check, *extent))) {
        return Ok(());
    }
    Err(Error::damaged(segment.path(), 0, "it does not have the runs that were written to it"))
}

/// Notes which runs are lost with the damage of these logs.
fn note_lost(disk: &dyn Disk, damaged: &[&LogImage]) -> Result<()> {
    let lost = |damage: Damage| Amendment {
        kind: AmendmentKind::Lost,
        check: damage.check,
        start: damage.start,
        end: damage.end,
        runs: damage.runs,
        samples: None,
    };
    let damages = damaged.iter().flat_map(|image| image.damages_in(disk.path()));
    let lost: Vec<Amendment> = damages.filter(|damage| damage.start < damage.end).map(lost).collect();
    if lost.len() <= AMENDMENTS_OF_REPAIR_MAX {
        return amendment::note(disk, lost);
    }
    let (first, last) = (lost[0].clone(), &lost[lost.len() - 1]);
    let runs = lost.iter().map(|lost| lost.runs).sum();
    amendment::note(disk, vec![Amendment { check: None, end: last.end, runs, ..first }])
}

/// Where the runs of these logs end, by what all files say that come after them.
fn ends_of(disk: &dyn Disk, starts: &[u64], end: End) -> Result<Vec<End>> {
    let files = survey_now(disk)?.files;
    let ends = ends(disk, &files, End::OPEN)?;
    let of = |start: &u64| {
        let at = files.iter().position(|file| *file == FileName::Log { start: *start });
        at.and_then(|at| ends.get(at)).copied().filter(|found| found.before <= end.before).unwrap_or(end)
    };
    Ok(starts.iter().map(of).collect())
}

fn write(disk: &dyn Disk, images: &[LogImage], start: u64, end: u64, permit: &Permit) -> Result<()> {
    let mut by_check: BTreeMap<&str, Vec<(usize, RowRef)>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        for (check, rows) in image.checks() {
            by_check.entry(check).or_default().extend(rows.iter().map(|row| (index, *row)));
        }
    }
    let mut segment = SegmentWriter::create(disk, start, end)?;
    for (check, mut refs) in by_check {
        permit.goes_on()?;
        // Mostly in order already, which this sort is quick at.
        refs.sort_by_key(|(_, row)| (row.time_ms, row.seq));
        let (mut rows, mut catalogue) = (LogRows::default(), Catalogue::default());
        let mut flush = |rows: &mut LogRows| -> Result<()> {
            if let Some(rows) = rows.take() {
                catalogue.add_rows(&rows);
                let (header, bytes) = encode(check, &rows, Effort::Quick)?;
                segment.add(&header, &bytes)?;
            }
            Ok(())
        };
        for (index, row) in &refs {
            rows.push(disk, (*index, &images[*index]), row)?;
            if rows.is_full() {
                flush(&mut rows)?;
            }
        }
        flush(&mut rows)?;
        segment.end_check(check, &catalogue);
    }
    permit.check(disk)?;
    segment.finish()
}
