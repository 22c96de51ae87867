//! What a writer finds when it opens a store: where the runs end, and from which number on it may append.

use crate::amendment;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::{SEQ_CLAIM_MAX, SEQ_GAP_ON_OPEN};
use crate::log::{Before, End, LogImage};
use crate::names::{FileName, log_name};
use crate::segment::Segment;
use crate::survey::survey;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Where the runs end that are there.
    pub(crate) before: Before,
    /// The number of the next run. Numbers are left out, so that one which was read and then lost in a power cut is not
    /// given to another run.
    pub(crate) next: u64,
    /// Parts that cannot be read.
    pub(crate) damages: u64,
    /// Logs that wait to be sealed.
    pub(crate) logs: u64,
}

/// Reads the files of a store, makes the logs durable that its last writer left, and removes what that one did not finish.
pub(crate) fn recover(disk: &dyn Disk) -> Result<Recovered> {
    let names = disk.list().map_err(Error::io("list", disk.path()))?;
    for name in names.iter().filter(|name| name.ends_with(".log.tmp")) {
        let _ = disk.remove(name);
    }
    amendment::note_repaired(disk, &names)?;
    let survey = survey(disk, &names)?;
    let (files, mut damages) = (&survey.files, survey.strays.len() as u64);
    let mut found = None;
    for file in files.iter().chain(&survey.replaced) {
        if let FileName::Log { start } = *file {
            found = found.max(Some(end_of_log(disk, start, &mut damages)?));
        }
    }
    found = found.max(end_of_segments(disk, files, &mut damages)?);
    // What cannot be read may be read again one day.
    let claimed = files.iter().filter_map(segment_end);
    let claimed = claimed.chain(survey.strays.iter().filter_map(|stray| stray.end));
    let credible = found.map_or(0, |(end, _)| end).saturating_add(SEQ_CLAIM_MAX);
    found = found.max(claimed.filter(|end| *end <= credible).max().map(|end| (end, false)));
    let mut logs = 0;
    for file in files {
        if let FileName::Log { start } = *file {
            logs += 1;
            let name = log_name(start);
            if let Ok(file) = disk.open(&name) {
                file.sync().map_err(Error::io("sync log", disk.path().join(&name)))?;
            }
        }
    }
    let (end, exact) = found.unwrap_or((0, false));
    let next = if found.is_some() { end.saturating_add(SEQ_GAP_ON_OPEN) } else { 0 };
    Ok(Recovered { before: Before { end, exact }, next, damages, logs })
}

fn segment_end(file: &FileName) -> Option<u64> {
    match *file {
        FileName::Segment { end, .. } => Some(end),
        _ => None,
    }
}

/// Where the last segment ends that is what its name says.
fn end_of_segments(disk: &dyn Disk, files: &[FileName], damages: &mut u64) -> Result<Option<(u64, bool)>> {
    for file in files.iter().rev() {
        let FileName::Segment { start, end } = *file else { continue };
        match Segment::open(disk, start, end) {
            Ok(_) => return Ok(Some((end, false))),
            Err(Error::Damaged { .. }) => *damages += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The number after the last run that can be read in a log, and whether that run is there.
fn end_of_log(disk: &dyn Disk, start: u64, damages: &mut u64) -> Result<(u64, bool)> {
    let opened = LogImage::open(disk, start, End::OPEN);
    match opened.and_then(|mut image| image.extend(disk).map(|()| image)) {
        Ok(image) => {
            *damages += image.damages().len() as u64;
            Ok(image.last_seq().map_or((start, false), |last| (last.saturating_add(1), true)))
        }
        Err(error @ Error::Version { .. }) => Err(error),
        // It may be read again one day. A log has fewer runs than this.
        Err(_) => {
            *damages += 1;
            Ok((start.saturating_add(SEQ_GAP_ON_OPEN), false))
        }
    }
}
