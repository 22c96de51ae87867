//! Putting what can be read of damaged files in their place. Deletes nothing: what is replaced is kept with the ending
//! `.damaged`.

use std::path::Path;
use std::sync::Arc;

use crate::amendment::{self, Amendment, AmendmentKind};
use crate::aside::{aside_name, copy_aside, move_aside};
use crate::chunk::{ChunkBytes, Rows, encode, find_chunks};
use crate::column::Effort;
use crate::damage::Damage;
use crate::disk::{Disk, RealDisk, Region};
use crate::error::{Error, Result};
use crate::limits::AMENDMENTS_OF_REPAIR_MAX;
use crate::log::{End, LogImage};
use crate::mark;
use crate::names::FileName;
use crate::position::Position;
use crate::segment::{Catalogue, SegmentWriter};
use crate::survey::survey_now;
use crate::upkeep::{Permit, seal};
use crate::verify::{FileReport, Finding, verify_on};

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
    /// What became of which runs, as it was noted for consumers.
    pub amendments: Vec<Amendment>,
    /// Logs that end in the middle of a frame and have no other damage. They stay as they are: nothing of the frame can be
    /// read, and the next writer goes on behind it.
    pub torn: Vec<FileReport>,
    /// Files that this process has no permission to open. They stay where they are.
    pub forbidden: Vec<String>,
}

/// Sets damaged files aside and puts what can be read of them in their place. Deletes nothing. What it restored and what is
/// lost is noted for consumers that have passed it, see [`Amendment`].
///
/// # Errors
/// [`Error::Locked`] while somebody writes to the store.
pub fn repair(dir: &Path) -> Result<Repaired> {
    repair_on(Arc::new(RealDisk::new(dir)))
}

/// [`repair`] on any disk.
pub fn repair_on(disk: Arc<dyn Disk>) -> Result<Repaired> {
    let lock = disk.lock()?;
    let permit = Permit::new(lock.id());
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    amendment::note_repaired(&*disk, &names)?;
    // A list that is damaged is begun anew.
    let before = amendment::load(&*disk).map_or(0, |all| all.count());
    let counts = survey_now(&*disk)?.files;
    let mut repaired = Repaired::default();
    // First what does not count, so that nothing is put into its place before it is set aside.
    let mut reports = verify_on(&*disk, &mut |_| {})?;
    reports.sort_by_key(|report| FileName::parse(&report.name).is_none_or(|file| counts.contains(&file)));
    for report in reports {
        if report.findings.iter().any(Finding::is_damage) {
            repair_file(&*disk, (&report, &counts), &permit, &mut repaired)?;
        } else if !report.findings.is_empty() {
            repaired.torn.push(report);
        }
    }
    if !repaired.set_aside.is_empty() {
        repaired.amendments = amendment::load(&*disk)?.after(before).to_vec();
    }
    Ok(repaired)
}

fn repair_file(
    disk: &dyn Disk,
    (report, counts): (&FileReport, &[FileName]),
    permit: &Permit,
    repaired: &mut Repaired,
) -> Result<()> {
    match disk.open(&report.name) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            repaired.forbidden.push(report.name.clone());
            return Ok(());
        }
        // No file at all: a directory, a link, a FIFO.
        Err(_) => {
            repaired.set_aside.push(move_aside(disk, &report.name)?);
            return Ok(());
        }
    }
    let file = FileName::parse(&report.name).filter(|file| counts.contains(file));
    match file {
        Some(FileName::Segment { start, end }) => {
            copy_aside(disk, &report.name)?;
            let damages: Vec<&Damage> = report.findings.iter().filter_map(damage).collect();
            let restored = Restored::of(disk, start, end)?;
            amendment::note(disk, restored.amendments(&damages))?;
            repaired.kept_runs += restored.chunks.iter().map(|chunk| chunk.runs).sum::<u64>();
            repaired.lost_chunks += restored.lost_chunks;
            repaired.lost_series += restored.lost_series;
        }
        Some(FileName::Log { start }) => {
            // Sealing notes what is lost, and sets a damaged log aside.
            seal(disk, (&[start], &[]), end_of_log(disk, start)?, permit)?;
            repaired.kept_runs += report.runs;
        }
        // One that is written as a whole, which whoever needs it makes anew, or none of the store's.
        Some(FileName::Temporary) | None => {
            repaired.set_aside.push(move_aside(disk, &report.name)?);
            return Ok(());
        }
    }
    repaired.set_aside.push(aside_name(&report.name));
    Ok(())
}

fn damage(finding: &Finding) -> Option<&Damage> {
    match finding {
        Finding::Damage(damage) => Some(damage),
        Finding::Torn { .. } => None,
    }
}

/// Where the runs of a log end, and with them the segment in its place.
fn end_of_log(disk: &dyn Disk, start: u64) -> Result<End> {
    let files = survey_now(disk)?.files;
    if let Some(next) = files.iter().filter_map(FileName::start).filter(|other| *other > start).min() {
        return Ok(End::at(next));
    }
    // The last file: its segment ends where its runs do that can be read, or that were durable.
    let image = LogImage::open(disk, start, End::OPEN);
    let last = image.and_then(|mut image| image.extend(disk).map(|()| image.last_seq()));
    let readable = last.ok().flatten().unwrap_or(start).saturating_add(1);
    let synced = mark::load(disk)?.map(|marked| marked.synced).filter(|synced| synced.0 > readable);
    Ok(synced.map_or(End::at(readable), |synced| End { exact: true, ..End::at(synced.0) }))
}

/// A chunk that was carried over.
struct Carried {
    check: String,
    seq_min: u64,
    seq_max: u64,
    runs: u64,
}

/// What was carried over from a damaged segment into the one that has taken its place.
#[derive(Default)]
struct Restored {
    start: u64,
    end: u64,
    chunks: Vec<Carried>,
    lost_chunks: u64,
    lost_series: u64,
}

impl Restored {
    /// Writes the segment anew from the chunks of it that can be read.
    fn of(disk: &dyn Disk, start: u64, end: u64) -> Result<Restored> {
        let name = FileName::Segment { start, end }.name();
        let path = disk.path().join(&name);
        let file = disk.open(&name).map_err(Error::io("open", &path))?;
        let size = file.size().map_err(Error::io("read", &path))?;
        let region = file.map(size).map_err(Error::io("map", &path))?;
        let mut restored = Restored { start, end, ..Restored::default() };
        let mut chunks = Vec::new();
        for at in find_chunks(&region) {
            match ChunkBytes(&region[at..]).header_alone() {
                Ok(header) => chunks.push((header.check.clone(), header.first_ms, at)),
                Err(_) => restored.lost_chunks += 1,
            }
        }
        chunks.sort();
        let mut segment = SegmentWriter::create(disk, start, end)?;
        for chunks in chunks.chunk_by(|one, other| one.0 == other.0) {
            let check = &chunks[0].0;
            let mut catalogue = Catalogue::default();
            for (_, _, at) in chunks {
                restored.carry_over(&region, *at, check, (&mut segment, &mut catalogue))?;
            }
            segment.end_check(check, &catalogue);
        }
        segment.finish()?;
        Ok(restored)
    }

    fn carry_over(
        &mut self,
        region: &Region,
        at: usize,
        check: &str,
        (segment, catalogue): (&mut SegmentWriter<'_>, &mut Catalogue),
    ) -> Result<()> {
        let chunk = ChunkBytes(&region[at..]);
        let salvaged = chunk.header_alone().and_then(|header| chunk.salvage(&header));
        let Ok((rows, lost)) = salvaged else {
            self.lost_chunks += 1;
            return Ok(());
        };
        let mut at = 0;
        while at < rows.len() {
            let mut part = Rows::default();
            let mut remap = part.remap(&rows);
            // What cannot be read has been left out.
            let Ok(taken) = part.append(&rows, &mut remap, at..rows.len()) else { break };
            at += taken;
            let (header, bytes) = encode(check, &part, Effort::Full)?;
            segment.add(&header, &bytes)?;
            catalogue.add_rows(&part);
            let (seq_min, seq_max) = (header.seq_min, header.seq_max);
            self.chunks.push(Carried { check: check.to_owned(), seq_min, seq_max, runs: taken as u64 });
        }
        self.lost_series += lost;
        Ok(())
    }

    /// What became of the runs that the damages had cost.
    fn amendments(&self, damages: &[&Damage]) -> Vec<Amendment> {
        let whole = |damage: &&Damage| damage.check.is_none();
        let mut amendments = if damages.iter().any(whole) || damages.len() > AMENDMENTS_OF_REPAIR_MAX {
            vec![self.amendment(None, self.start, self.end, None)]
        } else {
            let each = |damage: &&Damage| {
                self.amendment(damage.check.as_deref(), damage.start.0, damage.end.0, damage.runs)
            };
            damages.iter().map(each).collect()
        };
        if self.lost_chunks > 0 && amendments.iter().all(|known| known.kind == AmendmentKind::Restored) {
            let (start, end) = (Position(self.start), Position(self.end));
            let kind = AmendmentKind::Lost;
            amendments.push(Amendment { kind, check: None, start, end, runs: None, samples: None });
        }
        amendments
    }

    /// What became of the runs with these numbers: restored, if any of them was.
    fn amendment(&self, check: Option<&str>, start: u64, end: u64, lost: Option<u64>) -> Amendment {
        let among = |chunk: &&Carried| {
            check.is_none_or(|check| check == chunk.check) && chunk.seq_min < end && start <= chunk.seq_max
        };
        let runs: u64 = self.chunks.iter().filter(among).map(|chunk| chunk.runs).sum();
        let (kind, runs) = match runs {
            0 => (AmendmentKind::Lost, lost),
            runs => (AmendmentKind::Restored, Some(runs)),
        };
        let (check, start, end) = (check.map(str::to_owned), Position(start), Position(end));
        Amendment { kind, check, start, end, runs, samples: None }
    }
}
