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
use crate::names::{FileName, live};
use crate::segment::{Catalogue, SegmentWriter};

/// Seals the logs that start at these numbers, in order, the runs of the last of which end at `end`.
///
/// The logs are removed once the segment is durable. One with damage is set aside before that, and it is noted which runs
/// are lost.
pub(crate) fn seal(disk: &dyn Disk, starts: &[u64], end: End, permit: &Permit) -> Result<()> {
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
    if images.iter().any(|image| image.last_seq().is_some()) {
        write(disk, &images, starts[0], end.before, permit)?;
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
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    let (files, _) = live(&names);
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
