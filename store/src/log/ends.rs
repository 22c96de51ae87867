//! Where the runs of each file of a store end, by what the logs after it say.
//!
//! A writer that fails to write a batch cannot know how much of it has reached the disk. So it gives the numbers of the
//! batch to no other run, and its next log says where the runs before it end. What lies between there and the next file's
//! start does not count, whoever finds it.

use super::frame::{self, Before, FileHeader};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::names::{FileName, log_name};

/// Where the runs of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Runs with this number or a greater one are not the file's.
    pub(crate) before: u64,
    /// The run numbered one less was in this file or in one before it.
    pub(crate) exact: bool,
    /// The first number of the next file. Runs from `before` on to before this were refused.
    pub(crate) next: u64,
}

impl End {
    /// Nothing is known to follow.
    pub(crate) const OPEN: End = End { before: u64::MAX, exact: false, next: u64::MAX };

    /// The runs end before the number of the next file.
    pub(crate) fn at(number: u64) -> End {
        End { before: number, exact: false, next: number }
    }
}

/// The ends of files that count, given in order, where the file after the last begins at `next`.
///
/// # Errors
/// [`Error::Io`] if a log cannot be read for a reason that lies with this process. One that is damaged says nothing.
pub(crate) fn ends(disk: &dyn Disk, files: &[FileName], next: End) -> Result<Vec<End>> {
    let mut end = next;
    let mut ends = vec![end; files.len()];
    for (index, file) in files.iter().enumerate().rev() {
        ends[index] = end;
        match *file {
            FileName::Segment { start, .. } => end = End::at(start),
            FileName::Log { start } => {
                let said = before_log(disk, start)?.filter(|said| said.end <= start);
                // Logs that follow each other say the same or, after more runs, a greater number.
                end = match said {
                    Some(said) => End { before: said.end.min(end.before), exact: said.exact, next: start },
                    None => End { next: start, ..End::at(start.min(end.before)) },
                };
            }
            FileName::Temporary => {}
        }
    }
    Ok(ends)
}

/// Whether a file begins with the header of the log that its name says. One that cannot be read for now counts as such.
///
/// # Errors
/// As of opening it.
pub(crate) fn has_good_header(disk: &dyn Disk, start: u64) -> Result<bool> {
    let name = log_name(start);
    let file = disk.open(&name).map_err(Error::open(disk.path().join(&name)))?;
    let mut header = [0; frame::FILE_HEADER_LEN];
    let Ok(len) = file.read_at(&mut header, 0) else { return Ok(true) };
    Ok(match frame::check_file_header(&header[..len], start) {
        // Who reads on says which version it is.
        FileHeader::Good | FileHeader::Version(_) => true,
        FileHeader::Unwritten | FileHeader::Damaged => false,
    })
}

/// What a log says of those before it.
fn before_log(disk: &dyn Disk, start: u64) -> Result<Option<Before>> {
    let name = log_name(start);
    let file = match disk.open(&name).map_err(Error::open(disk.path().join(&name))) {
        Ok(file) => file,
        Err(Error::Damaged { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut header = [0; frame::FILE_HEADER_LEN];
    match file.read_at(&mut header, 0) {
        Ok(len) => Ok(frame::before(&header[..len], start)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;

    fn log(start: u64) -> FileName {
        FileName::Log { start }
    }

    #[test]
    fn a_log_says_where_those_before_it_end() {
        let disk = SimDisk::new();
        let put = |start: u64, end: u64, exact: bool| {
            disk.put(&log_name(start), &frame::file_header(start, Before { end, exact }));
        };
        put(10, 10, true);
        put(30, 25, true);
        put(50, 40, false);
        // Created and never written to: it says nothing, the one after it does.
        disk.put(&log_name(70), &[0; 100]);
        put(90, 60, true);
        let files = [log(10), log(30), log(50), log(70), log(90)];
        let found = ends(&disk, &files, End::OPEN).unwrap();
        let at = |before, exact, next| End { before, exact, next };
        assert_eq!(
            found,
            [at(25, true, 30), at(40, false, 50), at(60, false, 70), at(60, true, 90), End::OPEN]
        );
        let segment = FileName::Segment { start: 20, end: 30 };
        assert_eq!(ends(&disk, &[log(10), segment, log(30)], End::at(99)).unwrap()[0], at(20, false, 20));
        // One that contradicts its own number says nothing.
        put(30, 31, true);
        assert_eq!(ends(&disk, &[log(10), log(30)], End::OPEN).unwrap()[0], at(30, false, 30));
    }
}
