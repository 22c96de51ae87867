//! Writing a segment: aside, then put in its place with one rename.

use super::catalogue::Catalogue;
use super::directory;
use super::entry::{ChunkRef, Entry, put_entry};
use super::extent::Extent;
use crate::chunk::Header;
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::names::segment_name;

/// Bytes collected before a write.
const WRITE_BYTES: usize = 1 << 20;

/// A segment that is being written. Dropped without [`SegmentWriter::finish`], its file is removed.
pub(crate) struct SegmentWriter<'a> {
    disk: &'a dyn Disk,
    file: Box<dyn DiskFile>,
    temporary: String,
    name: String,
    buffer: Vec<u8>,
    written: u64,
    /// The chunks of the check that is being written.
    chunks: Vec<ChunkRef>,
    /// Name, extent and entry of each check that has been written.
    checks: Vec<(String, Extent, Entry)>,
    finished: bool,
}

impl<'a> SegmentWriter<'a> {
    /// Begins a segment for the runs numbered from `start` to before `end`.
    pub(crate) fn create(disk: &'a dyn Disk, start: u64, end: u64) -> Result<SegmentWriter<'a>> {
        let name = segment_name(start, end);
        let temporary = format!("{name}.tmp");
        // Left over from a writer that ended in the middle of this.
        let _ = disk.remove(&temporary);
        let file = disk.create(&temporary, 0).map_err(Error::io("create", disk.path().join(&temporary)))?;
        let buffer = directory::put_header(start, end).to_vec();
        Ok(SegmentWriter {
            disk,
            file,
            temporary,
            name,
            buffer,
            written: 0,
            chunks: Vec::new(),
            checks: Vec::new(),
            finished: false,
        })
    }

    /// Adds a chunk of the next check. They come by time.
    pub(crate) fn add(&mut self, header: &Header, bytes: &[u8]) -> Result<()> {
        let extent = Extent {
            rows: header.rows as u64,
            first_ms: header.first_ms,
            last_ms: header.last_ms,
            seq_min: header.seq_min,
            seq_max: header.seq_max,
            samples: header.samples,
        };
        let at = self.written + self.buffer.len() as u64;
        self.chunks.push(ChunkRef { at, len: bytes.len() as u64, extent });
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    /// Ends the check whose chunks have been added. Checks come by name; one without chunks is left out.
    pub(crate) fn end_check(&mut self, name: &str, catalogue: &Catalogue) {
        let chunks = std::mem::take(&mut self.chunks);
        if !chunks.is_empty() {
            let mut extent = Extent::EMPTY;
            chunks.iter().for_each(|chunk| extent.add(&chunk.extent));
            self.checks.push((name.to_owned(), extent, put_entry(&extent, &chunks, catalogue)));
        }
    }

    fn flush(&mut self) -> Result<()> {
        let failed = Error::io("write", self.disk.path().join(&self.temporary));
        self.file.write_at(&self.buffer, self.written).map_err(failed)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the directory, makes all durable and puts the segment in its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        for (_, _, entry) in &self.checks {
            self.buffer.extend_from_slice(&entry.bytes);
        }
        let at = self.written + self.buffer.len() as u64;
        let directory = directory::put_directory(&self.checks);
        self.buffer.extend_from_slice(&directory);
        self.buffer.extend_from_slice(&directory::put_trailer(at, &directory));
        self.flush()?;
        let path = self.disk.path().join(&self.temporary);
        self.file.sync().map_err(Error::io("sync", &path))?;
        self.disk.rename(&self.temporary, &self.name).map_err(Error::io("rename", &path))?;
        self.finished = true;
        self.disk.sync_names().map_err(Error::io("sync directory", self.disk.path()))
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let _ = self.disk.remove(&self.temporary);
        }
    }
}
