//! Reading a log, by a reader that follows the writer, by recovery and by sealing alike.
//!
//! What a checksum does not confirm is stepped over: at the end of the file that is a torn tail, elsewhere damage.

use std::sync::Arc;

use super::dictionary::{TAG_CHECK, TAG_INSTANCES_SCHEMA, TAG_RUN, TAG_SCHEMA};
use super::ends::End;
use super::frame::{self, FileHeader, Header};
use super::image::{LogImage, WithoutBase};
use super::row::RowView;
use super::row_ref::RowRef;
use super::schema::Schema;
use super::zeros::{are_zeros, written_len};
use crate::bytes::{Cursor, Short};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::limits::{FRAME_BYTES_MAX, SEQ_MAX};
use crate::search_budget::SearchBudget;

/// Bytes read at a time at most, and looked at behind the end of what was written before it is taken for the end.
const READ_BYTES: usize = 1 << 20;

/// Bytes read first where a writer is followed: mostly there is little new.
const FOLLOW_BYTES: usize = 4 << 10;

/// Bytes of the file that have been read but not taken.
#[derive(Default)]
struct Window {
    /// Offset in the file of the first one.
    at: u64,
    bytes: Vec<u8>,
    /// So many at the start are whole frames, or were stepped over.
    parsed: usize,
}

/// What is reported of bytes in which the search for a frame ended early.
const GIVEN_UP: &str = "too much is damaged to look for frames in the rest";

enum Step {
    Frame(Header),
    /// To where, what is in between, and the number of the run there, if there is one.
    Skip(usize, &'static str, Option<u64>),
}

impl Window {
    /// Reads the next piece, up to an offset in the file; `false` at the end of what has been written.
    fn read(&mut self, file: &dyn DiskFile, want: usize, limit: u64) -> std::io::Result<bool> {
        let at = self.bytes.len();
        let left = usize::try_from(limit.saturating_sub(self.at + at as u64)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        let want = want.max(self.frame_left()).min(left);
        self.bytes.reserve_exact(want);
        self.bytes.resize(at + want, 0);
        let got = file.read_at(&mut self.bytes[at..], self.at + at as u64)?;
        self.bytes.truncate(at + got);
        // A piece of zeros after the parsed part is preallocated room.
        Ok(got == want && !are_zeros(&self.bytes[at..]))
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
        Ok(true)
    }

    fn payload(&self, at: usize, header: &Header) -> Option<&[u8]> {
        let start = at + frame::HEADER_LEN;
        self.bytes.get(start..start.checked_add(header.len)?)
    }

    fn payload_is_good(&self, at: usize, header: &Header) -> Option<bool> {
        self.payload(at, header).map(|payload| crc32c::crc32c(payload) == header.payload_crc)
    }

    /// What stands at the parse position; none if that is the end, or more bytes are needed.
    fn next_frame(
        &self,
        last: bool,
        budget: &mut SearchBudget,
        follows: impl Fn(u64) -> bool,
    ) -> Option<Step> {
        let header = Header::read(self.rest());
        if let Some(header) = header {
            match self.payload_is_good(self.parsed, &header) {
                Some(true) => return Some(Step::Frame(header)),
                None if !last && header.len <= FRAME_BYTES_MAX => return None,
                _ => {}
            }
        }
        // Resynchronise only once the whole file is read; usually this is the clean end of the log.
        if !last || are_zeros(self.rest()) {
            return None;
        }
        let what = if header.is_some() {
            "a frame does not match its checksum"
        } else {
            "a frame header is damaged"
        };
        self.search(what, budget, follows)
    }

    /// The next frame behind damage at the parse position; none if there is none.
    fn search(
        &self,
        what: &'static str,
        budget: &mut SearchBudget,
        follows: impl Fn(u64) -> bool,
    ) -> Option<Step> {
        // What stands at the parse position was hashed already.
        let mut enough = budget.spend(self.payload_len(self.parsed));
        for at in self.parsed + 1..self.bytes.len() {
            let Some(header) = Header::read(&self.bytes[at..]).filter(|header| follows(header.seq)) else {
                continue;
            };
            let Some(payload) = self.payload(at, &header) else { continue };
            enough = enough && budget.spend(payload.len());
            if !enough {
                return Some(Step::Skip(self.bytes.len(), GIVEN_UP, None));
            }
            if crc32c::crc32c(payload) == header.payload_crc {
                return Some(Step::Skip(at, what, Some(header.seq)));
            }
        }
        None
    }

    /// Bytes of the payload that the frame at an offset claims and that there are.
    fn payload_len(&self, at: usize) -> usize {
        let header = self.bytes.get(at..).and_then(Header::read);
        header.and_then(|header| self.payload(at, &header)).map_or(0, <[u8]>::len)
    }

    /// Where it ends in bytes that are not zeros: (offset, length).
    fn torn(&self) -> Option<(u64, usize)> {
        let len = written_len(self.rest())?;
        Some((self.offset(), len))
    }
}

/// Where the frames from an offset on end, by their headers alone, if there are some and what follows them is zeros: that
/// is the end of what has been written.
fn clean_end(file: &dyn DiskFile, from: u64) -> std::io::Result<Option<u64>> {
    let mut bytes = [0; FOLLOW_BYTES];
    let mut at = from;
    loop {
        let got = file.read_at(&mut bytes, at)?;
        let mut next = 0;
        while let Some(header) = bytes.get(next..got).and_then(Header::read) {
            if header.len > FRAME_BYTES_MAX {
                return Ok(None);
            }
            next += frame::HEADER_LEN + header.len;
        }
        if next == 0 {
            let is_end = are_zeros(&bytes[..got.min(frame::HEADER_LEN)]);
            return Ok((is_end && at > from).then_some(at));
        }
        at += next as u64;
    }
}

impl LogImage {
    /// Reads whatever frames there are in these bytes, wherever they begin; also how many stretches between them
    /// could not be read.
    pub(crate) fn salvage(bytes: &[u8]) -> (LogImage, u64) {
        let mut image = LogImage::empty("", 0, End::OPEN);
        let at_start = (0..bytes.len()).find(|at| Header::read(&bytes[*at..]).is_some());
        let Some(start) = at_start else { return (image, 0) };
        let mut window = Window { at: 0, bytes: bytes.to_vec(), parsed: start };
        let mut lost = 0;
        let mut budget = SearchBudget::of(bytes.len());
        while let Some(step) = window.next_frame(true, &mut budget, |seq| image.follows(seq)) {
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
        match self.file.clone() {
            Some(file) => self.read_on(disk, &*file, READ_BYTES, u64::MAX),
            None => Ok(()),
        }
    }

    /// Reads what a writer that is at work has appended since the last call, and not what it appends meanwhile. It writes
    /// without leaving anything out, so a stretch of zeros is the end.
    pub(crate) fn follow(&mut self, disk: &dyn Disk) -> Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let failed = Error::io("read", disk.path().join(self.name()));
        let from = self.reading.parsed.max(frame::FILE_HEADER_LEN as u64);
        match clean_end(&*file, from).map_err(failed)? {
            Some(end) => self.read_on(disk, &*file, READ_BYTES, end),
            None => self.read_on(disk, &*file, FOLLOW_BYTES, u64::MAX),
        }
    }

    /// Closes the file of a log that has been read to its end and will not grow.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// Reads on, at first so many bytes at once, up to an offset in the file.
    fn read_on(&mut self, disk: &dyn Disk, file: &dyn DiskFile, first: usize, limit: u64) -> Result<()> {
        let mut window = Window { at: self.reading.parsed, ..Window::default() };
        let mut want = first;
        loop {
            let failed = Error::io("read", disk.path().join(self.name()));
            let more = window.read(file, want, limit).map_err(failed)?;
            let parsed = self.parse(disk, file, &mut window, !more);
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
        self.reading.parsed = window.at;
    }

    fn parse(&mut self, disk: &dyn Disk, file: &dyn DiskFile, window: &mut Window, last: bool) -> Result<()> {
        let path = || disk.path().join(self.name());
        if !self.reading.checked_header {
            match frame::check_file_header(&window.bytes, self.start) {
                FileHeader::Version(found) => return Err(Error::Version { path: path(), found }),
                FileHeader::Unwritten if window.bytes.len() < frame::FILE_HEADER_LEN => return Ok(()),
                FileHeader::Good => {}
                FileHeader::Unwritten | FileHeader::Damaged => {
                    self.damage(0, "the file header is damaged", self.start, Some(self.start));
                }
            }
            self.reading.checked_header = true;
            window.parsed = frame::FILE_HEADER_LEN;
        }
        let mut budget = SearchBudget::of(window.bytes.len());
        while let Some(step) = window.next_frame(last, &mut budget, |seq| self.follows(seq)) {
            match step {
                Step::Frame(header) => self.frame(window, &header),
                Step::Skip(to, what, seq) => {
                    let failed = Error::io("read", disk.path().join(self.name()));
                    if window.reread(file, to).map_err(failed)? {
                        continue;
                    }
                    self.damage(window.offset(), what, self.next_seq(), seq);
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
        seq >= self.start
            && seq < self.end
            && seq <= SEQ_MAX
            && self.reading.last_seq.is_none_or(|last| seq > last)
    }

    /// The least number that the next run can have.
    pub(crate) fn next_seq(&self) -> u64 {
        self.reading.last_seq.map_or(self.start, |last| last.saturating_add(1))
    }

    fn frame(&mut self, window: &mut Window, header: &Header) {
        let (at, offset) = (window.parsed, window.offset());
        window.parsed = at + frame::HEADER_LEN + header.len;
        if !self.follows(header.seq) {
            // A write that was refused and yet reached the disk, unless the next file has these numbers.
            if (self.next..=SEQ_MAX).contains(&header.seq) {
                self.overlap(header.seq);
            }
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
        } else if let Some(lost) = lost {
            self.damage_of_instances(offset, &lost);
        }
    }

    /// Takes in the items of a frame whose payload begins there in the file. `lost` becomes the
    /// runs that cannot be read, as what instances they have is not known.
    fn items(
        &mut self,
        payload: &[u8],
        offset: u64,
        seq: &mut u64,
        lost: &mut Option<WithoutBase>,
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
                    let instances = RowView::skip(&mut row, defined)?;
                    cursor.take(row.at())?;
                    let row = RowRef { time_ms, seq: *seq, at, schema };
                    if instances.is_some() && !defined.instances {
                        return Err(Short);
                    }
                    let known =
                        !defined.instances || self.follow_instances(&row, instances, self.reading.epoch);
                    if *seq < self.end {
                        if known {
                            self.push(row);
                        } else {
                            *lost = Some(WithoutBase::and(*lost, *seq, self.check_of(schema)));
                        }
                        self.reading.last_seq = Some(*seq);
                    } else if *seq >= self.next {
                        self.overlap(*seq);
                    }
                    *seq += 1;
                }
                _ => return Err(Short),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use crate::limits::{SEARCH_BYTES, SEARCH_FACTOR};
    use crate::names::log_name;

    const LEN: usize = 2 << 20;

    /// A frame header that checks out, of a payload that does not.
    fn bad_header(seq: u64, payload_len: usize) -> Vec<u8> {
        let mut header = vec![0; frame::HEADER_LEN];
        header[..4].copy_from_slice(&(payload_len as u32).to_le_bytes());
        header[8..16].copy_from_slice(&seq.to_le_bytes());
        let crc = crc32c::crc32c(&header[..16]);
        header[16..].copy_from_slice(&crc.to_le_bytes());
        header
    }

    /// A log of headers whose payloads all reach to its end, with these bytes between them.
    fn hostile(between: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = frame::file_header(0, frame::Before { end: 0, exact: false }).to_vec();
        let mut seq = 0;
        while bytes.len() + 2 * frame::HEADER_LEN < LEN {
            bytes.extend(bad_header(seq + 1, LEN - bytes.len() - frame::HEADER_LEN));
            bytes.extend(between(seq + 2));
            seq += 2;
        }
        bytes.resize(LEN, 1);
        bytes
    }

    /// Bytes hashed without finding a frame up to the end of the log, and what was reported last.
    fn hashed(bytes: &[u8]) -> (u64, &'static str) {
        let mut window = Window { at: 0, bytes: bytes.to_vec(), parsed: frame::FILE_HEADER_LEN };
        let mut budget = SearchBudget::of(bytes.len());
        let (mut seq, mut last) = (0, "");
        while let Some(step) = window.next_frame(true, &mut budget, |next| next > seq) {
            match step {
                Step::Frame(header) => {
                    seq = header.seq;
                    window.parsed += frame::HEADER_LEN + header.len;
                }
                Step::Skip(to, what, _) => (window.parsed, last) = (to, what),
            }
        }
        (budget.spent(), last)
    }

    fn is_given_up(bytes: &[u8]) {
        let (hashed, last) = hashed(bytes);
        let bound = SEARCH_BYTES + (SEARCH_FACTOR + 1) * bytes.len() as u64;
        assert!(hashed <= bound, "{hashed} bytes were hashed");
        assert_eq!(last, GIVEN_UP);
        let disk = SimDisk::new();
        disk.put(&log_name(0), bytes);
        let mut image = LogImage::open(&disk, 0, End::OPEN).unwrap();
        image.extend(&disk).unwrap();
        assert_eq!(image.damages().last().map(|damage| damage.what), Some(GIVEN_UP));
    }

    #[test]
    fn a_log_of_headers_that_claim_the_same_bytes_is_given_up() {
        let bytes = hostile(|_| Vec::new());
        is_given_up(&bytes);
        assert!(LogImage::salvage(&bytes).1 > 0);
    }

    #[test]
    fn good_frames_between_them_do_not_renew_the_budget() {
        is_given_up(&hostile(|seq| {
            let mut good = vec![0; frame::HEADER_LEN];
            good.push(1);
            frame::finish(&mut good, 0, seq);
            good
        }));
    }

    #[test]
    fn damage_that_happens_by_itself_is_searched_to_the_end() {
        let mut bytes = frame::file_header(0, frame::Before { end: 0, exact: false }).to_vec();
        for seq in 0..2_000_u64 {
            let mut frame = vec![0; frame::HEADER_LEN];
            frame.resize(1_000, 1);
            frame::finish(&mut frame, 0, seq + 1);
            // Every other frame is damaged.
            frame[500] ^= (seq % 2) as u8;
            bytes.extend(frame);
        }
        let (hashed, last) = hashed(&bytes);
        assert!(hashed <= 2 * bytes.len() as u64, "{hashed} bytes were hashed");
        assert_ne!(last, GIVEN_UP);
    }
}
