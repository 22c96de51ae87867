//! Writing one log file: batches of runs become frames, one write a batch.

use std::sync::Arc;

use crate::bytes::{put_varint, put_zigzag};
use crate::disk::{Disk, DiskFile, FileId};
use crate::error::{Error, Result};
use crate::limits::{
    DICTIONARY_BYTES, DICTIONARY_FACTOR, FRAME_BYTES, LOG_BYTES_GROWN_MAX, LOG_DEFINITIONS_FACTOR,
    RUN_BYTES_MAX,
};
use crate::log::dictionary::{Dictionary, TAG_RUN};
use crate::log::frame::Before;
use crate::log::{End, LogImage};
use crate::log::{frame, row};
use crate::names::log_name;
use crate::run::Run;

/// The log file that is being written.
pub(crate) struct LogWriter {
    file: Box<dyn DiskFile>,
    name: String,
    id: FileId,
    start: u64,
    at: u64,
    len: u64,
    next_seq: u64,
    dictionary: Dictionary,
    generation_at: u64,
    buffer: Vec<u8>,
    synced: bool,
    /// A write failed, and some of it may have reached the disk.
    refused: bool,
}

/// What became of a batch.
pub(crate) enum Appended {
    /// Written.
    Yes,
    /// It does not fit: a new log is needed.
    Full {
        /// Bytes that it needs at least.
        least: u64,
        /// Bytes with which it is not filled by definitions alone.
        room: u64,
    },
}

impl LogWriter {
    /// Creates a log with room for `len` bytes whose first run is number `start`, durably in the directory. Its header,
    /// which says what came `before`, is there as soon as its name is.
    pub(crate) fn create(disk: &dyn Disk, start: u64, before: Before, len: u64) -> Result<LogWriter> {
        let name = log_name(start);
        let path = disk.path().join(&name);
        let aside = format!("{name}.tmp");
        // Left over from a writer that ended in the middle of this.
        let _ = disk.remove(&aside);
        let file = disk.create(&aside, len).map_err(Error::io("create log", &path))?;
        let written = file
            .write_at(&frame::file_header(start, before), 0)
            .map_err(Error::io("write log", &path))
            .and_then(|()| file.sync().map_err(Error::io("sync log", &path)))
            .and_then(|()| disk.rename(&aside, &name).map_err(Error::io("rename log", &path)))
            .and_then(|()| disk.sync_names().map_err(Error::io("sync directory", disk.path())));
        if let Err(error) = written {
            // An empty log does no harm where it cannot be removed either.
            let _ = disk.remove(&aside).or_else(|_| disk.remove(&name));
            return Err(error);
        }
        let id = file.id().map_err(Error::io("look at log", &path))?;
        Ok(LogWriter {
            file,
            name,
            id,
            start,
            at: frame::FILE_HEADER_LEN as u64,
            len,
            next_seq: start,
            dictionary: Dictionary::default(),
            generation_at: 0,
            buffer: Vec::with_capacity(FRAME_BYTES),
            synced: true,
            refused: false,
        })
    }

    /// Number of the first run that this log can hold.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Number that the next run gets.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// `true` if nothing has been appended.
    pub(crate) fn is_empty(&self) -> bool {
        self.next_seq == self.start
    }

    /// `true` if a write failed, some of which may have reached the disk.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused
    }

    /// Which file it is.
    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    /// Its name in the store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What was written, read through the open file, wherever that is now.
    pub(crate) fn into_image(self) -> LogImage {
        let end = End { before: self.next_seq, exact: true, next: self.next_seq };
        LogImage::over(Arc::from(self.file), &self.name, self.start, end)
    }

    /// Writes a batch with one write. After an error the log takes no more, see [`LogWriter::finish`].
    pub(crate) fn append(&mut self, disk: &dyn Disk, batch: &[(&str, &Run)]) -> Result<Appended> {
        self.encode(batch)?;
        let need = self.buffer.len() as u64;
        if self.at + need > self.len {
            let least = need + DICTIONARY_BYTES + frame::FILE_HEADER_LEN as u64;
            let room = (self.dictionary.bytes() * LOG_DEFINITIONS_FACTOR).min(LOG_BYTES_GROWN_MAX);
            return Ok(Appended::Full { least, room });
        }
        self.synced = false;
        self.refused = true;
        self.file
            .write_at(&self.buffer, self.at)
            .map_err(Error::io("write log", disk.path().join(&self.name)))?;
        self.refused = false;
        self.at += need;
        self.next_seq += batch.len() as u64;
        Ok(Appended::Yes)
    }

    fn encode(&mut self, batch: &[(&str, &Run)]) -> Result<()> {
        self.buffer.clear();
        let written = self.at - self.generation_at;
        if written > DICTIONARY_BYTES.max(self.dictionary.bytes() * DICTIONARY_FACTOR) {
            self.dictionary.reset();
            self.generation_at = self.at;
        }
        let mut frame_at = 0;
        let mut frame_seq = self.next_seq;
        let mut time_ms = 0_i64;
        for (index, (check, run)) in batch.iter().enumerate() {
            if self.buffer.len() == frame_at {
                self.buffer.resize(frame_at + frame::HEADER_LEN, 0);
                put_varint(&mut self.buffer, self.dictionary.generation());
                frame_seq = self.next_seq + index as u64;
                time_ms = 0;
            }
            let before = self.buffer.len();
            let defined = self.dictionary.define(&mut self.buffer, check, run)?;
            self.buffer.push(TAG_RUN);
            put_varint(&mut self.buffer, defined.number);
            put_zigzag(&mut self.buffer, run.time_ms.wrapping_sub(time_ms));
            time_ms = run.time_ms;
            row::put(&mut self.buffer, run, &defined);
            let bytes = self.buffer.len() - before;
            if bytes > RUN_BYTES_MAX {
                return Err(Error::RunTooLarge { bytes, limit: RUN_BYTES_MAX });
            }
            if self.buffer.len() - frame_at >= FRAME_BYTES || index + 1 == batch.len() {
                frame::finish(&mut self.buffer, frame_at, frame_seq);
                frame_at = self.buffer.len();
            }
        }
        Ok(())
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self, disk: &dyn Disk) -> Result<()> {
        if !self.synced {
            self.file.sync().map_err(Error::io("sync log", disk.path().join(&self.name)))?;
            self.synced = true;
        }
        Ok(())
    }

    /// Gives back the room that was not used, and with it what was refused, and syncs.
    pub(crate) fn finish(&mut self, disk: &dyn Disk) -> Result<()> {
        if self.at < self.len {
            let path = disk.path().join(&self.name);
            self.file.set_len(self.at).map_err(Error::io("shorten log", path))?;
            self.len = self.at;
        }
        self.sync(disk)
    }
}
