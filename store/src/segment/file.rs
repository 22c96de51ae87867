//! Reading a segment: mapped whole, the directory in memory, chunks checked as they are used.

use super::directory::{self, CheckChunks, ChunkRef};
use crate::chunk::{Bad, ChunkBytes};
use crate::disk::{Disk, DiskFile, Region};
use crate::error::{Error, Result};
use crate::names::segment_name;

/// An open segment.
pub(crate) struct Segment {
    file: Box<dyn DiskFile>,
    region: Region,
    path: std::path::PathBuf,
    start: u64,
    end: u64,
    checks: Vec<CheckChunks>,
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
        let checks = directory::get_directory(bytes, at as u64)
            .map_err(|_| bad(at, "the directory of the segment is not well formed"))?;
        Ok(Segment { file, region, path, start, end, checks })
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

    /// All checks by name.
    pub(crate) fn checks(&self) -> &[CheckChunks] {
        &self.checks
    }

    /// The chunks of a check by time.
    pub(crate) fn chunks(&self, check: &str) -> &[ChunkRef] {
        match self.checks.binary_search_by(|entry| entry.name.as_str().cmp(check)) {
            Ok(index) => &self.checks[index].chunks,
            Err(_) => &[],
        }
    }

    /// The bytes of a chunk. Asks for the file's length first, so that a file that another program has cut short is
    /// an error rather than a signal, but for a race that no reader of a map can close.
    pub(crate) fn chunk(&self, chunk: &ChunkRef) -> Result<ChunkBytes<'_>> {
        let size = self.file.size().map_err(Error::io("read", &self.path))?;
        if size < self.region.len() as u64 {
            return Err(Error::damaged(&self.path, size, "the file has been cut short"));
        }
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
