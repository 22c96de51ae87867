//! Which files of a store count, by what is in them. A name says only where to look: a log counts if its header or a frame
//! checks out, and a segment takes the place of other files only if its header, trailer and directory do.
//!
//! What has the name of a log or segment and is none is damage. It hides nothing, and nothing is removed for it.

use std::collections::HashSet;

use crate::damage::Damage;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::{LISTINGS_MAX, SEQ_MAX};
use crate::log::{End, LogImage, ends, has_good_header};
use crate::names::{FileName, has_pattern};
use crate::segment::Segment;

/// The logs and segments of a store.
#[derive(Default)]
pub(crate) struct Survey {
    /// Those that count, in order of their start.
    pub(crate) files: Vec<FileName>,
    /// Those in the range of an intact segment, which has taken their place.
    pub(crate) replaced: Vec<FileName>,
    /// What has the name of one and is none.
    pub(crate) strays: Vec<Stray>,
}

/// A file with the name of a log or segment that is none of this store, or is not readable.
pub(crate) struct Stray {
    pub(crate) name: String,
    pub(crate) why: Error,
    /// The first number that the name claims.
    pub(crate) start: u64,
    /// It cannot be opened, so what is in it is not known: where its runs end at most.
    pub(crate) end: Option<u64>,
}

impl Stray {
    /// As damage. Which runs it costs is not known: what its name claims proves nothing.
    pub(crate) fn damage(&self, disk: &dyn Disk) -> Damage {
        Damage::of(&self.why, &disk.path().join(&self.name), self.start, self.start)
    }
}

/// Lists a store and surveys it.
pub(crate) fn survey_now(disk: &dyn Disk) -> Result<Survey> {
    for _ in 1..LISTINGS_MAX {
        let names = disk.list().map_err(Error::io("list", disk.path()))?;
        match survey(disk, &names) {
            // The writer has removed it meanwhile.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            surveyed => return surveyed,
        }
    }
    survey(disk, &disk.list().map_err(Error::io("list", disk.path()))?)
}

/// Surveys the files with these names. It reads the headers of logs. Segments are opened only where names contradict each
/// other, which they do after a crash or if somebody put a file there.
///
/// # Errors
/// [`Error::Io`] if a file is gone, or cannot be read for a reason that lies with this process, and [`Error::Version`].
pub(crate) fn survey(disk: &dyn Disk, names: &[String]) -> Result<Survey> {
    let mut survey = Survey::default();
    let mut found = Vec::new();
    for name in names {
        match FileName::parse(name) {
            Some(FileName::Temporary) => {}
            Some(FileName::Log { start: number } | FileName::Segment { end: number, .. })
                if number > SEQ_MAX =>
            {
                survey.stray(disk, name, "its name is of numbers that no run can have");
            }
            Some(FileName::Log { start }) => {
                let is_log = survey.is_log(disk, name, start)?;
                found.extend(is_log.then_some(FileName::Log { start }));
            }
            Some(file) => found.push(file),
            None if has_pattern(name) => {
                survey.stray(disk, name, "its name is none that the store gives to a file");
            }
            None => {}
        }
    }
    survey.sort(disk, found)?;
    Ok(survey)
}

fn in_order(file: &FileName) -> (u64, u64, u8) {
    match *file {
        FileName::Segment { start, end } => (start, u64::MAX - end, 0),
        FileName::Log { start } => (start, u64::MAX, 1),
        FileName::Temporary => (u64::MAX, u64::MAX, 2),
    }
}

impl Survey {
    fn stray(&mut self, disk: &dyn Disk, name: &str, what: &str) {
        let start = FileName::parse(name).and_then(|file| file.start()).unwrap_or(0);
        let why = Error::damaged(disk.path().join(name), 0, what);
        self.strays.push(Stray { name: name.to_owned(), why, start, end: None });
    }

    /// Whether a file with the name of a log is one. With a damaged header it still is, if there is a frame.
    fn is_log(&mut self, disk: &dyn Disk, name: &str, start: u64) -> Result<bool> {
        match has_good_header(disk, start) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why @ Error::Damaged { .. }) => {
                let end = Some(start.saturating_add(crate::limits::SEQ_GAP_ON_OPEN));
                self.strays.push(Stray { name: name.to_owned(), why, start, end });
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let mut image = LogImage::open(disk, start, End::OPEN)?;
        if image.extend(disk).is_err() || image.last_seq().is_some() {
            return Ok(true);
        }
        self.stray(disk, name, "it is no log: it has neither the header of one nor a frame");
        Ok(false)
    }

    /// Whether a file with the name of a segment is one.
    fn is_segment(&mut self, disk: &dyn Disk, start: u64, end: u64) -> Result<bool> {
        match Segment::open(disk, start, end) {
            Ok(_) => Ok(true),
            Err(why @ Error::Damaged { .. }) => {
                let name = FileName::Segment { start, end }.name();
                self.strays.push(Stray { name, why, start, end: Some(end) });
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn sort(&mut self, disk: &dyn Disk, mut found: Vec<FileName>) -> Result<()> {
        found.sort_unstable_by_key(in_order);
        let mut covered = 0;
        for (index, file) in found.iter().enumerate() {
            match *file {
                FileName::Segment { start, end } if start >= covered => {
                    // Where a log's runs end its name does not say.
                    let after_log = self.files.iter().any(|file| matches!(file, FileName::Log { .. }));
                    let around = found.get(index + 1).and_then(FileName::start);
                    let contradicted = after_log || around.is_some_and(|next| next < end);
                    if contradicted && !self.is_segment(disk, start, end)? {
                        continue;
                    }
                    covered = end;
                    self.files.push(*file);
                }
                FileName::Segment { end, .. } if end > covered => {
                    self.stray(disk, &file.name(), "it overlaps with the segment before it");
                }
                FileName::Segment { start, end } => {
                    let is_segment = self.is_segment(disk, start, end)?;
                    self.replaced.extend(is_segment.then_some(*file));
                }
                FileName::Log { start } if start >= covered => self.files.push(*file),
                _ => self.replaced.push(*file),
            }
        }
        Ok(())
    }

    /// The numbers at which logs may begin that cannot be opened: no segment is put around them.
    pub(crate) fn barriers(&self) -> Vec<u64> {
        self.strays.iter().filter(|stray| stray.end.is_some()).map(|stray| stray.start).collect()
    }

    /// Whether all runs of a file that was replaced are in the segment in its place. If not, it must not be removed.
    ///
    /// # Errors
    /// That of the file or the segment if one of them cannot be read, so that it is not known.
    pub(crate) fn check_replaced(&self, disk: &dyn Disk, file: FileName) -> Result<()> {
        let number = file.start().unwrap_or(0);
        let around = self.files.iter().find_map(|file| match *file {
            FileName::Segment { start, end } if (start..end).contains(&number) => Some((start, end)),
            _ => None,
        });
        let missing = || {
            let what = "its runs are not all in the segment that has taken its place";
            Err(Error::damaged(disk.path().join(file.name()), 0, what))
        };
        let Some((start, end)) = around else { return missing() };
        let segment = Segment::open(disk, start, end)?;
        let all = match file {
            FileName::Log { start } => {
                let mut image = LogImage::open(disk, start, self.end_of_replaced(disk, file, end)?)?;
                image.extend(disk)?;
                let among = |(check, rows): (&str, crate::log::CheckRows<'_>)| {
                    let there = runs_of(&segment, check)?;
                    Ok(rows.iter().all(|row| there.contains(&(row.seq, row.time_ms))))
                };
                !image.overlaps()
                    && image.checks().map(among).collect::<Result<Vec<bool>>>()?.iter().all(|all| *all)
            }
            FileName::Segment { start, end } => {
                let inner = Segment::open(disk, start, end)?;
                let among = |(check, _)| Ok(runs_of(&inner, check)?.is_subset(&runs_of(&segment, check)?));
                inner.checks().map(among).collect::<Result<Vec<bool>>>()?.iter().all(|all| *all)
            }
            FileName::Temporary => true,
        };
        if all { Ok(()) } else { missing() }
    }

    /// Where the runs of a log end that was replaced by a segment which ends there: refused ones do not count.
    fn end_of_replaced(&self, disk: &dyn Disk, log: FileName, end: u64) -> Result<End> {
        let mut all: Vec<FileName> = self.files.iter().chain(&self.replaced).copied().collect();
        all.retain(|file| *file == log || matches!(file, FileName::Log { .. }));
        all.sort_unstable_by_key(in_order);
        let at = all.iter().position(|file| *file == log).unwrap_or(0);
        let found = ends(disk, &all, End::at(end))?.get(at).copied().unwrap_or(End::at(end));
        Ok(if found.before <= end { found } else { End::at(end) })
    }
}

/// Number and time of each run of a check.
fn runs_of(segment: &Segment, check: &str) -> Result<HashSet<(u64, i64)>> {
    let mut runs = HashSet::new();
    for chunk in segment.chunks(check)? {
        let bytes = segment.chunk(chunk)?;
        let rows = bytes.header().and_then(|header| bytes.rows(&header)).map_err(segment.bad(chunk))?;
        runs.extend(rows.seqs.iter().map(|seq| *seq as u64).zip(rows.times.iter().copied()));
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use crate::log::{Before, LogWriter};
    use crate::names::segment_name;
    use crate::segment::SegmentWriter;

    #[test]
    fn what_an_intact_segment_covers_is_replaced() {
        let disk = SimDisk::new();
        let segment = |start, end| {
            SegmentWriter::create(&disk, start, end).unwrap().finish().unwrap();
            FileName::Segment { start, end }
        };
        let log = |start| {
            LogWriter::create(&disk, start, Before { end: start, exact: false }, 100).unwrap();
            FileName::Log { start }
        };
        let (small, large, later) = (segment(0, 10), segment(0, 20), segment(20, 30));
        let (within, at, after) = (log(5), log(20), log(30));
        let stray = segment_name(25, 40);
        disk.put(&stray, &[]);
        let found = survey_now(&disk).unwrap();
        assert_eq!(found.files, [large, later, after]);
        assert_eq!(found.replaced, [small, within, at]);
        assert_eq!(found.strays.iter().map(|stray| &stray.name).collect::<Vec<_>>(), [&stray]);
        // What is broken replaces nothing.
        disk.put(&large.name(), &[0; 5000]);
        let found = survey_now(&disk).unwrap();
        assert_eq!(found.files, [small, later, after]);
        assert_eq!(found.replaced, [within, at]);
    }
}
