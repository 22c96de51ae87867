//! Reading a log, by a reader that follows the writer, by recovery and by sealing alike.
//!
//! What a checksum does not confirm is stepped over: at the end of the file that is a torn tail, elsewhere damage.

use std::collections::HashMap;
use std::sync::Arc;

use super::dictionary::{TAG_CHECK, TAG_INSTANCES_SCHEMA, TAG_RUN, TAG_SCHEMA};
use super::ends::End;
use super::frame::{self, FileHeader, Header};
use super::image::{LogImage, RowRef};
use super::prefixes::Prefixes;
use super::row::RowView;
use super::schema::Schema;
use crate::bytes::{Cursor, Short};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::limits::FRAME_BYTES_MAX;

/// Bytes read at a time at most, and looked at behind the end of what was written before it is taken for the end.
const READ_BYTES: usize = 1 << 20;

/// Bytes read first where a writer is followed: mostly there is little new.
const FOLLOW_BYTES: usize = 4 << 10;

/// How far a log has been read, and what its definitions mean there.
#[derive(Clone, Default)]
pub(super) struct Reading {
    /// Offset in the file up to which frames have been taken.
    parsed: u64,
    checked_header: bool,
    pub(super) last_seq: Option<u64>,
    pub(super) last_frame: Option<u64>,
    /// Counts up where something is missing, or definitions are forgotten: instances do not go on from before that.
    epoch: u64,
    generation: Option<u64>,
    /// Check number and schema number in this generation to index.
    checks: Arc<HashMap<u64, u32>>,
    schemas: Arc<HashMap<u64, u32>>,
    /// Check and checksum of a definition to its index: every generation defines the same again.
    known: Arc<HashMap<(u32, u32), u32>>,
}

/// Bytes of the file that have been read but not taken.
#[derive(Default)]
struct Window {
    /// Offset in the file of the first one.
    at: u64,
    bytes: Vec<u8>,
    /// So many at the start are whole frames, or were stepped over.
    parsed: usize,
    /// Once something was searched for frames.
    prefixes: Prefixes,
}

enum Step {
    Frame(Header),
    /// To where, what is in between, and the number of the run there.
    Skip(usize, &'static str, u64),
}

impl Window {
    /// Reads the next piece; `false` at the end of what has been written.
    fn read(&mut self, file: &dyn DiskFile, want: usize) -> std::io::Result<bool> {
        let at = self.bytes.len();
        let want = want.max(self.frame_left());
        self.bytes.reserve_exact(want);
        self.bytes.resize(at + want, 0);
        let got = file.read_at(&mut self.bytes[at..], self.at + at as u64)?;
        self.bytes.truncate(at + got);
        // A piece of zeros after the parsed part is preallocated room.
        Ok(got == want && self.bytes[at..].iter().any(|byte| *byte != 0))
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.parsed..).unwrap_or_default()
    }

    /// Offset in the file of what is to be parsed next.
    fn offset(&self) -> u64 {
        self.at + self.parsed as u64
    }

    /// Bytes that the frame at the parse position still lacks.
    fn frame_left(&self) -> usize {
        match Header::read(self.rest()) {
            Some(header) if header.len <= FRAME_BYTES_MAX => {
                (frame::HEADER_LEN + header.len).saturating_sub(self.rest().len())
            }
            _ => 0,
        }
    }

    /// Reads the bytes up to `to` once more: what looked damaged may have been a write under way. `true` if they changed.
    fn reread(&mut self, file: &dyn DiskFile, to: usize) -> std::io::Result<bool> {
        let mut again = vec![0; to - self.parsed];
        let got = file.read_at(&mut again, self.offset())?;
        let old = &mut self.bytes[self.parsed..to];
        if got < again.len() || old == again {
            return Ok(false);
        }
        old.copy_from_slice(&again);
        self.prefixes.clear();
        Ok(true)
    }

    fn payload(&self, at: usize, header: &Header) -> Option<&[u8]> {
        let start = at + frame::HEADER_LEN;
        self.bytes.get(start..start.checked_add(header.len)?)
    }

    /// Whether its checksum confirms the payload of a frame that was come upon in a search.
    fn found_is_good(&mut self, at: usize, header: &Header) -> bool {
        let start = at + frame::HEADER_LEN;
        let end = start.checked_add(header.len).filter(|end| *end <= self.bytes.len());
        end.is_some_and(|end| self.prefixes.crc(&self.bytes, start, end) == header.payload_crc)
    }

    /// The same of the frame at the parse position; none if bytes of it are missing.
    fn next_is_good(&mut self, header: &Header) -> Option<bool> {
        let payload = self.payload(self.parsed, header)?;
        if self.prefixes.is_empty() {
            return Some(crc32c::crc32c(payload) == header.payload_crc);
        }
        Some(self.found_is_good(self.parsed, header))
    }

    /// What stands at the parse position; none if that is the end, or more bytes are needed.
    fn next_frame(&mut self, last: bool, follows: impl Fn(u64) -> bool) -> Option<Step> {
        let header = Header::read(self.rest());
        if let Some(header) = header {
            match self.next_is_good(&header) {
                Some(true) => return Some(Step::Frame(header)),
                None if !last && header.len <= FRAME_BYTES_MAX => return None,
                _ => {}
            }
        }
        // Resynchronise only once the whole file is read; usually this is the clean end of the log.
        if !last || self.rest().iter().all(|byte| *byte == 0) {
            return None;
        }
        let what = if header.is_some() {
            "a frame does not match its checksum"
        } else {
            "a frame header is damaged"
        };
        (self.parsed + 1..self.bytes.len()).find_map(|at| {
            let header = self.bytes.get(at..).and_then(Header::read)?;
            let good = follows(header.seq) && self.found_is_good(at, &header);
            good.then_some(Step::Skip(at, what, header.seq))
        })
    }

    /// Where it ends in bytes that are not zeros: (offset, length).
    fn torn(&self) -> Option<(u64, usize)> {
        let len = self.rest().iter().rposition(|byte| *byte != 0).map(|at| at + 1)?;
        Some((self.offset(), len))
    }
}

impl LogImage {
    /// Reads whatever frames there are in these bytes, wherever they begin; also how many stretches between them
    /// could not be read.
    pub(crate) fn salvage(bytes: &[u8]) -> (LogImage, u64) {
        let mut image = LogImage::empty("", 0, End::OPEN);
        let at_start = (0..bytes.len()).find(|at| Header::read(&bytes[*at..]).is_some());
        let Some(start) = at_start else { return (image, 0) };
        let mut window = Window { bytes: bytes.to_vec(), parsed: start, ..Window::default() };
        let mut lost = 0;
        while let Some(step) = window.next_frame(true, |seq| image.follows(seq)) {
            match step {
                Step::Frame(header) => image.frame(&mut window, &header),
                Step::Skip(to, ..) => {
                    lost += 1;
                    window.parsed = to;
                }
            }
        }
        image.keep(&mut window);
        lost += image.damages().len() as u64;
        (image, lost)
    }

    /// Reads what has been appended since the last call, to the very end of the file.
    pub(crate) fn extend(&mut self, disk: &dyn Disk) -> Result<()> {
        self.read_on(disk, READ_BYTES)
    }

    /// Reads what a writer that is at work has appended since the last call. It writes without leaving anything out, so
    /// a stretch of zeros is the end.
    pub(crate) fn follow(&mut self, disk: &dyn Disk) -> Result<()> {
        self.read_on(disk, FOLLOW_BYTES)
    }

    fn read_on(&mut self, disk: &dyn Disk, first: usize) -> Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let mut window = Window { at: self.reading.parsed, ..Window::default() };
        let mut want = first;
        loop {
            let failed = Error::io("read", disk.path().join(self.name()));
            let more = window.read(&*file, want).map_err(failed)?;
            let parsed = self.parse(disk, &*file, &mut window, !more);
            self.keep(&mut window);
            parsed?;
            if !more {
                self.torn = window.torn();
                return Ok(());
            }
            want = (want * 8).min(READ_BYTES);
        }
    }

    /// Takes over the bytes that have been parsed.
    fn keep(&mut self, window: &mut Window) {
        if window.parsed == 0 {
            return;
        }
        let rest = window.bytes.split_off(window.parsed);
        self.pieces.push(window.at, std::mem::replace(&mut window.bytes, rest));
        window.at += window.parsed as u64;
        window.parsed = 0;
        window.prefixes.clear();
        self.reading.parsed = window.at;
    }

    fn parse(&mut self, disk: &dyn Disk, file: &dyn DiskFile, window: &mut Window, last: bool) -> Result<()> {
        let path = || disk.path().join(self.name());
        if !self.reading.checked_header {
            match frame::check_file_header(&window.bytes, self.start) {
                FileHeader::Version(found) => return Err(Error::Version { path: path(), found }),
                FileHeader::Unwritten => return Ok(()),
                FileHeader::Good => {}
                FileHeader::Damaged => {
                    self.damage(0, "the file header is damaged", self.start, Some(self.start));
                }
            }
            self.reading.checked_header = true;
            window.parsed = frame::FILE_HEADER_LEN;
        }
        while let Some(step) = window.next_frame(last, |seq| self.follows(seq)) {
            match step {
                Step::Frame(header) => self.frame(window, &header),
                Step::Skip(to, what, seq) => {
                    let failed = Error::io("read", disk.path().join(self.name()));
                    if window.reread(file, to).map_err(failed)? {
                        continue;
                    }
                    self.damage(window.offset(), what, self.next_seq(), Some(seq));
                    window.parsed = to;
                }
            }
        }
        Ok(())
    }

    /// Offset in the file up to which frames have been taken.
    pub(super) fn parsed(&self) -> u64 {
        self.reading.parsed
    }

    fn follows(&self, seq: u64) -> bool {
        seq >= self.start && seq < self.end && self.reading.last_seq.is_none_or(|last| seq > last)
    }

    /// The least number that the next run can have.
    pub(crate) fn next_seq(&self) -> u64 {
        self.reading.last_seq.map_or(self.start, |last| last.saturating_add(1))
    }

    fn frame(&mut self, window: &mut Window, header: &Header) {
        let (at, offset) = (window.parsed, window.offset());
        window.parsed = at + frame::HEADER_LEN + header.len;
        if !self.follows(header.seq) {
            // A write that was refused and yet reached the disk; its numbers were given to others.
            return;
        }
        self.end_damage(header.seq);
        self.reading.last_frame = Some(header.seq);
        if header.seq != self.next_seq() {
            self.reading.epoch += 1;
        }
        let Some(payload) = window.payload(at, header) else { return };
        let mut seq = header.seq;
        let mut lost = None;
        if self.items(payload, offset + frame::HEADER_LEN as u64, &mut seq, &mut lost).is_err() {
            self.damage(offset, "a frame refers to a definition that is lost", seq, None);
            self.reading.epoch += 1;
        } else if let Some((first, last)) = lost {
            self.damage(offset, "a frame has runs whose instances are lost", first, Some(last + 1));
        }
    }

    /// Takes in the items of a frame whose payload begins there in the file. `lost` becomes the first and last number of
    /// runs that cannot be read, as what instances they have is not known.
    fn items(
        &mut self,
        payload: &[u8],
        offset: u64,
        seq: &mut u64,
        lost: &mut Option<(u64, u64)>,
    ) -> std::result::Result<(), Short> {
        let mut cursor = Cursor::new(payload);
        let generation = cursor.varint()?;
        if self.reading.generation != Some(generation) {
            self.reading.generation = Some(generation);
            self.reading.checks = Arc::default();
            self.reading.schemas = Arc::default();
            self.reading.epoch += 1;
        }
        let mut time_ms = 0_i64;
        while !cursor.is_at_end() {
            match cursor.u8()? {
                TAG_CHECK => {
                    let number = cursor.varint()?;
                    let index = self.check_index(cursor.str()?);
                    Arc::make_mut(&mut self.reading.checks).insert(number, index);
                }
                tag @ (TAG_SCHEMA | TAG_INSTANCES_SCHEMA) => {
                    let number = cursor.varint()?;
                    let check = *self.reading.checks.get(&cursor.varint()?).ok_or(Short)?;
                    let start = cursor.at();
                    let schema = Schema::get(&mut cursor, tag == TAG_INSTANCES_SCHEMA)?;
                    let key = (check, crc32c::crc32c(&payload[start..cursor.at()]) ^ u32::from(tag));
                    let known = self.reading.known.get(&key).copied();
                    let index = self.define(known, check, schema);
                    if known != Some(index) {
                        Arc::make_mut(&mut self.reading.known).insert(key, index);
                    }
                    Arc::make_mut(&mut self.reading.schemas).insert(number, index);
                }
                TAG_RUN => {
                    let schema = *self.reading.schemas.get(&cursor.varint()?).ok_or(Short)?;
                    time_ms = time_ms.wrapping_add(cursor.zigzag()?);
                    let at = u32::try_from(offset + cursor.at() as u64).map_err(|_| Short)?;
                    let defined = self.defined(schema)?;
                    let mut row = Cursor::new(&payload[cursor.at()..]);
                    let view = RowView::get(&mut row, time_ms, defined)?;
                    cursor.take(row.at())?;
                    let row = RowRef { time_ms, seq: *seq, at, schema };
                    if view.instances.is_some() && !defined.instances {
                        return Err(Short);
                    }
                    let known =
                        !defined.instances || self.follow_instances(&row, view.instances, self.reading.epoch);
                    if *seq < self.end {
                        if known {
                            self.push(row);
                        } else {
                            *lost = Some((lost.map_or(*seq, |(first, _)| first), *seq));
                        }
                        self.reading.last_seq = Some(*seq);
                    }
                    *seq += 1;
                }
                _ => return Err(Short),
            }
        }
        Ok(())
    }
}
