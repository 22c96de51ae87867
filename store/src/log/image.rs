//! Reading one log file, by a reader, by recovery and by sealing alike.
//!
//! The image holds the file's bytes and, per check, where its runs are. It can be extended while a writer appends.
//! What a checksum does not confirm is stepped over: at the end of the file that is a torn tail, elsewhere damage.

use std::collections::HashMap;

use crate::bytes::{Cursor, Short};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::instances::Instances;
use crate::limits::FRAME_BYTES_MAX;
use crate::log::dictionary::{TAG_CHECK, TAG_INSTANCES_SCHEMA, TAG_RUN, TAG_SCHEMA};
use crate::log::frame::{self, FileHeader, Header};
use crate::log::instances::LogInstances;
use crate::log::row::RowView;
use crate::log::schema::Schema;
use crate::names::log_name;
use crate::run::Run;

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;

/// A run within the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowRef {
    /// When it was, in ms since the epoch.
    pub(crate) time_ms: i64,
    /// Its number.
    pub(crate) seq: u64,
    at: u32,
    schema: u32,
}

/// A part of the file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Offset in the file.
    pub(crate) offset: u64,
    /// What does not hold.
    pub(crate) what: &'static str,
}

/// A log file in memory.
pub(crate) struct LogImage {
    file: Box<dyn DiskFile>,
    name: String,
    start: u64,
    /// Runs from this number on belong to the next file.
    end: u64,
    bytes: Vec<u8>,
    parsed: usize,
    checked_header: bool,
    last_seq: Option<u64>,
    generation: Option<u64>,
    /// Check number and schema number in this generation to index.
    check_numbers: HashMap<u64, u32>,
    schema_numbers: HashMap<u64, u32>,
    names: HashMap<String, u32>,
    checks: Vec<(String, Vec<RowRef>)>,
    schemas: Vec<(u32, Schema)>,
    /// The instances of the checks that have some, by index.
    instances: HashMap<u32, LogInstances>,
    /// The number of the run that comes next, if nothing is missing.
    next_seq: Option<u64>,
    damages: Vec<Damage>,
}

impl LogImage {
    /// Opens a log. Runs numbered `end` or more are not its own. Reads nothing yet.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it cannot be opened although it is there.
    pub(crate) fn open(disk: &dyn Disk, start: u64, end: u64) -> Result<LogImage> {
        let name = log_name(start);
        let file = disk.open(&name).map_err(Error::open(disk.path().join(&name)))?;
        Ok(LogImage::empty(file, name, start, end))
    }

    fn empty(file: Box<dyn DiskFile>, name: String, start: u64, end: u64) -> LogImage {
        LogImage {
            file,
            name,
            start,
            end,
            bytes: Vec::new(),
            parsed: 0,
            checked_header: false,
            last_seq: None,
            generation: None,
            check_numbers: HashMap::new(),
            schema_numbers: HashMap::new(),
            names: HashMap::new(),
            checks: Vec::new(),
            schemas: Vec::new(),
            instances: HashMap::new(),
            next_seq: None,
            damages: Vec::new(),
        }
    }

    /// Reads whatever frames there are in these bytes, wherever they begin; also how many stretches between them
    /// could not be read.
    pub(crate) fn salvage(bytes: &[u8]) -> (LogImage, u64) {
        let mut image = LogImage {
            bytes: bytes.to_vec(),
            checked_header: true,
            ..LogImage::empty(Box::new(Bytes), String::new(), 0, u64::MAX)
        };
        let at_start = (0..image.bytes.len()).find(|at| Header::read(&image.bytes[*at..]).is_some());
        let Some(start) = at_start else { return (image, 0) };
        image.parsed = start;
        let mut lost = 0;
        while let Some(step) = image.next_frame(true) {
            match step {
                Step::Frame(header, at) => image.frame(header, at),
                Step::Skip(to, _) => {
                    lost += 1;
                    image.parsed = to;
                }
            }
        }
        lost += image.damages.len() as u64;
        (image, lost)
    }

    /// The file's name in the store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Number of the first run that it can hold.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Runs numbered `end` or more turn out to belong to the next file.
    pub(crate) fn set_end(&mut self, end: u64) {
        if end < self.end {
            self.checks.iter_mut().for_each(|(_, rows)| rows.retain(|row| row.seq < end));
        }
        self.end = end;
    }

    /// The highest number read so far.
    pub(crate) fn last_seq(&self) -> Option<u64> {
        self.last_seq
    }

    /// Parts that could not be read.
    pub(crate) fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// Where the file ends in bytes that are neither frames nor zeros: (offset, length). That is what was being written
    /// when the writer ended, or damage to the very last frame.
    pub(crate) fn torn_tail(&self) -> Option<(u64, usize)> {
        let tail = &self.bytes[self.parsed.min(self.bytes.len())..];
        let len = tail.iter().rposition(|byte| *byte != 0).map(|at| at + 1)?;
        Some((self.parsed as u64, len))
    }

    /// The checks with their runs in order of arrival.
    pub(crate) fn checks(&self) -> &[(String, Vec<RowRef>)] {
        &self.checks
    }

    /// The runs of one check in order of arrival.
    pub(crate) fn rows(&self, check: &str) -> &[RowRef] {
        self.names.get(check).map_or(&[], |index| &self.checks[*index as usize].1)
    }

    /// The schema of a run.
    pub(crate) fn schema(&self, row: &RowRef) -> &Schema {
        &self.schemas[row.schema as usize].1
    }

    /// A run taken apart.
    pub(crate) fn view(&self, disk: &dyn Disk, row: &RowRef) -> Result<RowView<'_>> {
        let mut cursor = Cursor::new(&self.bytes[row.at as usize..]);
        RowView::get(&mut cursor, row.time_ms, self.schema(row)).map_err(self.malformed(disk, row))
    }

    fn malformed(&self, disk: &dyn Disk, row: &RowRef) -> impl FnOnce(Short) -> Error {
        let (path, at) = (disk.path().join(&self.name), u64::from(row.at));
        move |Short| Error::damaged(path, at, "a run is not well formed")
    }

    /// The instances of a run.
    pub(crate) fn instances(&self, disk: &dyn Disk, row: &RowRef) -> Result<Instances> {
        let (check, schema) = &self.schemas[row.schema as usize];
        if !schema.instances {
            return Ok(Instances::default());
        }
        let read = self.instances.get(check).ok_or(Short).and_then(|known| known.at(&self.bytes, row.at));
        read.map_err(self.malformed(disk, row))
    }

    /// A run in full.
    pub(crate) fn run(&self, disk: &dyn Disk, row: &RowRef) -> Result<Run> {
        let run = self.view(disk, row)?.into_run(self.schema(row));
        Ok(Run { instances: self.instances(disk, row)?, ..run })
    }

    /// Which schema a run has, as an index that holds for this image.
    pub(crate) fn schema_index(&self, row: &RowRef) -> usize {
        row.schema as usize
    }

    /// Reads what has been appended since the last call.
    pub(crate) fn extend(&mut self, disk: &dyn Disk) -> Result<()> {
        self.bytes.truncate(self.parsed);
        loop {
            let more = self.read_piece(disk)?;
            self.parse(disk, !more)?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Reads the next piece; `false` at the end of what has been written.
    fn read_piece(&mut self, disk: &dyn Disk) -> Result<bool> {
        let at = self.bytes.len();
        let want = READ_BYTES.max(self.frame_left());
        self.bytes.reserve_exact(want);
        self.bytes.resize(at + want, 0);
        let got = self
            .file
            .read_at(&mut self.bytes[at..], at as u64)
            .map_err(Error::io("read", disk.path().join(&self.name)))?;
        self.bytes.truncate(at + got);
        // A piece of zeros after the parsed part is preallocated room.
        Ok(got == want && self.bytes[at..].iter().any(|byte| *byte != 0))
    }

    /// Bytes that the frame at the parse position still lacks.
    fn frame_left(&self) -> usize {
        let rest = &self.bytes[self.parsed.min(self.bytes.len())..];
        match Header::read(rest) {
            Some(header) if header.len <= FRAME_BYTES_MAX => {
                (frame::HEADER_LEN + header.len).saturating_sub(rest.len())
            }
            _ => 0,
        }
    }

    fn parse(&mut self, disk: &dyn Disk, last: bool) -> Result<()> {
        if !self.checked_header {
            let header = frame::check_file_header(&self.bytes, self.start);
            let path = disk.path().join(&self.name);
            match header {
                FileHeader::Version(found) => return Err(Error::Version { path, found }),
                FileHeader::Unwritten => return Ok(()),
                FileHeader::Good => {}
                FileHeader::Damaged => {
                    self.damages.push(Damage { offset: 0, what: "the file header is damaged" })
                }
            }
            self.checked_header = true;
            self.parsed = frame::FILE_HEADER_LEN;
        }
        while let Some(step) = self.next_frame(last) {
            match step {
                Step::Frame(header, at) => self.frame(header, at),
                Step::Skip(to, what) => {
                    if self.reread(disk, to)? {
                        continue;
                    }
                    self.damages.push(Damage { offset: self.parsed as u64, what });
                    self.parsed = to;
                }
            }
        }
        Ok(())
    }

    /// Reads the bytes up to `to` once more: what looked damaged may have been a write under way. `true` if they changed.
    fn reread(&mut self, disk: &dyn Disk, to: usize) -> Result<bool> {
        let mut fresh = vec![0; to - self.parsed];
        let got = self
            .file
            .read_at(&mut fresh, self.parsed as u64)
            .map_err(Error::io("read", disk.path().join(&self.name)))?;
        let old = &mut self.bytes[self.parsed..to];
        if got < fresh.len() || old == fresh {
            return Ok(false);
        }
        old.copy_from_slice(&fresh);
        Ok(true)
    }

    fn payload_is_good(&self, at: usize, header: &Header) -> Option<bool> {
        let start = at + frame::HEADER_LEN;
        let payload = self.bytes.get(start..start.checked_add(header.len)?)?;
        Some(crc32c::crc32c(payload) == header.payload_crc)
    }

    /// What stands at the parse position; none if that is the end, or more bytes are needed.
    fn next_frame(&self, last: bool) -> Option<Step> {
        let header = self.bytes.get(self.parsed..).and_then(Header::read);
        if let Some(header) = header {
            match self.payload_is_good(self.parsed, &header) {
                Some(true) => return Some(Step::Frame(header, self.parsed)),
                None if !last && header.len <= FRAME_BYTES_MAX => return None,
                _ => {}
            }
        }
        // Searching on is only worth while with all bytes at hand, and the end is mostly just that.
        if !last || self.bytes.get(self.parsed..)?.iter().all(|byte| *byte == 0) {
            return None;
        }
        let what = if header.is_some() {
            "a frame does not match its checksum"
        } else {
            "a frame header is damaged"
        };
        (self.parsed + 1..self.bytes.len())
            .find(|at| {
                let header = self.bytes.get(*at..).and_then(Header::read);
                header.is_some_and(|header| {
                    self.follows(header.seq) && self.payload_is_good(*at, &header) == Some(true)
                })
            })
            .map(|to| Step::Skip(to, what))
    }

    fn follows(&self, seq: u64) -> bool {
        seq >= self.start && seq < self.end && self.last_seq.is_none_or(|last| seq > last)
    }

    fn frame(&mut self, header: Header, at: usize) {
        let start = at + frame::HEADER_LEN;
        self.parsed = start + header.len;
        if !self.follows(header.seq) {
            // A write that was refused and yet reached the disk; its numbers were given to others.
            return;
        }
        if self.next_seq != Some(header.seq) {
            self.instances.values_mut().for_each(LogInstances::forget);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let mut seq = header.seq;
        let read = self.items(&bytes[..start + header.len], start, &mut seq);
        let mut damage = |what| self.damages.push(Damage { offset: at as u64, what });
        match read {
            Ok(0) => {}
            Ok(_) => damage("a frame has runs whose instances are lost"),
            Err(Short) => damage("a frame refers to a definition that is lost"),
        }
        self.next_seq = read.is_ok().then_some(seq);
        self.bytes = bytes;
    }

    /// Takes in the items of a frame. Returns the number of runs that cannot be read, as what instances they have is
    /// not known.
    fn items(&mut self, bytes: &[u8], start: usize, seq: &mut u64) -> std::result::Result<usize, Short> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(start)?;
        let generation = cursor.varint()?;
        if self.generation != Some(generation) {
            self.generation = Some(generation);
            self.check_numbers.clear();
            self.schema_numbers.clear();
            self.instances.values_mut().for_each(LogInstances::forget);
        }
        let (mut time_ms, mut lost) = (0_i64, 0);
        while !cursor.is_at_end() {
            match cursor.u8()? {
                TAG_CHECK => {
                    let number = cursor.varint()?;
                    let name = cursor.str()?;
                    let index = self.check_index(name);
                    self.check_numbers.insert(number, index);
                }
                tag @ (TAG_SCHEMA | TAG_INSTANCES_SCHEMA) => {
                    let number = cursor.varint()?;
                    let check = *self.check_numbers.get(&cursor.varint()?).ok_or(Short)?;
                    let schema = Schema::get(&mut cursor, tag == TAG_INSTANCES_SCHEMA)?;
                    self.schemas.push((check, schema));
                    self.schema_numbers.insert(number, self.schemas.len() as u32 - 1);
                }
                TAG_RUN => {
                    let schema = *self.schema_numbers.get(&cursor.varint()?).ok_or(Short)?;
                    time_ms = time_ms.wrapping_add(cursor.zigzag()?);
                    let at = u32::try_from(cursor.at()).map_err(|_| Short)?;
                    let (check, definition) = &self.schemas[schema as usize];
                    let view = RowView::get(&mut cursor, time_ms, definition)?;
                    let known = match view.instances {
                        Some(_) if !definition.instances => return Err(Short),
                        changes if definition.instances => {
                            self.instances.entry(*check).or_default().follow(at, time_ms, changes.as_ref())
                        }
                        _ => true,
                    };
                    lost += usize::from(!known);
                    if *seq < self.end {
                        if known {
                            self.checks[*check as usize].1.push(RowRef { time_ms, seq: *seq, at, schema });
                        }
                        self.last_seq = Some(*seq);
                    }
                    *seq += 1;
                }
                _ => return Err(Short),
            }
        }
        Ok(lost)
    }

    fn check_index(&mut self, name: &str) -> u32 {
        if let Some(index) = self.names.get(name) {
            return *index;
        }
        let index = self.checks.len() as u32;
        self.checks.push((name.to_owned(), Vec::new()));
        self.names.insert(name.to_owned(), index);
        index
    }
}

enum Step {
    Frame(Header, usize),
    Skip(usize, &'static str),
}

/// Stands for the file of an image that was made from bytes: there is nothing more to read.
#[derive(Debug)]
struct Bytes;

impl DiskFile for Bytes {
    fn read_at(&self, _: &mut [u8], _: u64) -> std::io::Result<usize> {
        Ok(0)
    }

    fn write_at(&self, _: &[u8], _: u64) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn size(&self) -> std::io::Result<u64> {
        Ok(0)
    }

    fn set_len(&self, _: u64) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn id(&self) -> std::io::Result<crate::disk::FileId> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn map(&self, _: u64) -> std::io::Result<crate::disk::Region> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
