//! A file of lines that outlives kills: whole lines only, on the disk before they count, each once, and full files moved away.
//!
//! A kill leaves a torn last line, which is cut when the file is opened, and lines whose delivery nobody has noted: the last ones
//! are read then, and a line that is among them is not written again.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use openssl::sha::sha256;

use super::file_place;
use crate::limits::SINK_FILE_TAIL_BYTES;

/// What each line begins with.
pub(super) const LINE_START: &[u8] = b"{\"position\":";

/// An open file, locked against other writers.
#[derive(Debug)]
pub(super) struct FileLog {
    path: PathBuf,
    rotate_bytes: u64,
    keep: u16,
    file: File,
    /// The digests of the lines that were there last when it was opened.
    known: HashSet<[u8; 16]>,
}

impl FileLog {
    /// Opens a file, or makes it. A symbolic link in its place is not followed; a file that is no such log is not touched.
    ///
    /// # Errors
    /// It cannot be opened, another process writes to it, it is something else, or another user may change it or put something else
    /// in its place.
    pub(super) fn open(path: &Path, rotate_bytes: u64, keep: u16) -> io::Result<FileLog> {
        let path = &file_place::trusted(path)?;
        let file = open(path)?;
        let end = whole_lines_end(&file)?;
        if end < file.metadata()?.len() {
            file.set_len(end)?;
        }
        file.sync_all()?;
        sync_directory(path)?;
        let mut log = FileLog { path: path.to_owned(), rotate_bytes, keep, file, known: HashSet::new() };
        log.read_last_lines()?;
        Ok(log)
    }

    /// Whether the path still leads to this file, which somebody may have moved.
    pub(super) fn is_in_place(&self) -> bool {
        let is_same = |own: fs::Metadata, there: fs::Metadata| {
            (own.dev(), own.ino()) == (there.dev(), there.ino()) && own.nlink() == 1
        };
        let both = self.file.metadata().ok().zip(fs::symlink_metadata(&self.path).ok());
        both.is_some_and(|(own, there)| is_same(own, there))
    }

    /// Writes lines, each with its end, that are not there yet; returns how many bytes. They are on the disk when this returns.
    ///
    /// # Errors
    /// Those of the disk. Some of the lines may be there; the file is to be opened again before the rest is written.
    pub(super) fn append<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<u64> {
        let mut chunk = Vec::new();
        let (mut length, mut written) = (self.file.metadata()?.len(), 0);
        for line in lines {
            if self.knows(line) {
                continue;
            }
            let next = length + (chunk.len() + line.len()) as u64;
            if next > self.rotate_bytes && length + chunk.len() as u64 > 0 {
                written += self.write(&chunk, length)?;
                chunk.clear();
                self.rotate()?;
                length = 0;
            }
            chunk.extend_from_slice(line);
        }
        Ok(written + self.write(&chunk, length)?)
    }

    /// Whether a line was there when the file was opened.
    pub(super) fn knows(&self, line: &[u8]) -> bool {
        !self.known.is_empty() && self.known.contains(&digest(line))
    }

    /// Forgets which lines were there: none of them comes again.
    pub(super) fn forget_lines(&mut self) {
        self.known = HashSet::new();
    }

    fn write(&self, chunk: &[u8], length: u64) -> io::Result<u64> {
        if chunk.is_empty() {
            return Ok(0);
        }
        let written = (&self.file).write_all(chunk).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What a failed sync leaves may be read and not be on the disk, so it is to be written anew.
            let _ = self.file.set_len(length);
            return Err(error);
        }
        Ok(chunk.len() as u64)
    }

    /// Moves the full file to `.1`, and those before it one further. A gap, which a kill amid this has left, is filled first, so that
    /// no file is replaced for it.
    fn rotate(&mut self) -> io::Result<()> {
        let is_free = |number: &u16| fs::symlink_metadata(numbered(&self.path, *number)).is_err();
        let last = (1..self.keep).find(is_free).unwrap_or(self.keep);
        for number in (1..last).rev() {
            fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1))?;
        }
        fs::rename(&self.path, numbered(&self.path, 1))?;
        self.file = open(&self.path)?;
        sync_directory(&self.path)
    }

    fn read_last_lines(&mut self) -> io::Result<()> {
        let mut left = SINK_FILE_TAIL_BYTES;
        left = left.saturating_sub(self.learn(&self.file.try_clone()?, left)?);
        for number in 1..=self.keep {
            if left == 0 {
                break;
            }
            match no_follow(OpenOptions::new().read(true)).open(numbered(&self.path, number)) {
                Ok(file) => left = left.saturating_sub(self.learn(&file, left)?),
                // One is missing where a kill fell amid the moving.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes in the last lines of a file; returns its length.
    fn learn(&mut self, mut file: &File, most_bytes: u64) -> io::Result<u64> {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(most_bytes);
        file.seek(SeekFrom::Start(start))?;
        let mut lines = BufReader::new(file.take(length - start));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            // The first one may be the rest of a line, which no line equals.
            self.known.insert(digest(&line));
            line.clear();
        }
        Ok(length)
    }
}

fn digest(line: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&sha256(line)[..16]);
    first
}

fn numbered(path: &Path, number: u16) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    // O_NONBLOCK, or opening a pipe would wait for who reads it.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

fn open(path: &Path) -> io::Result<File> {
    let file = no_follow(OpenOptions::new().read(true).append(true).create(true)).mode(0o640).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(io::Error::other("it is no regular file with one name"));
    }
    file_place::refuse_foreign(path, &metadata, Uid::effective().as_raw())?;
    if metadata.mode() & 0o002 != 0 {
        return Err(io::Error::other("everybody may write to it"));
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process or sink writes to it")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Where the last whole line ends. What follows it must be the beginning of one.
fn whole_lines_end(file: &File) -> io::Result<u64> {
    let foreign = || io::Error::other("it holds something else than the lines of a sink");
    let mut head = [0; LINE_START.len()];
    let length = file.metadata()?.len();
    let head_bytes = length.min(head.len() as u64) as usize;
    file.read_exact_at(&mut head[..head_bytes], 0)?;
    if !LINE_START.starts_with(&head[..head_bytes]) {
        return Err(foreign());
    }
    let mut block = vec![0; 64 * 1024];
    let mut until = length;
    while until > 0 {
        let start = until.saturating_sub(block.len() as u64);
        let bytes = &mut block[..(until - start) as usize];
        file.read_exact_at(bytes, start)?;
        if let Some(index) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + index as u64 + 1);
        }
        until = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn line(number: u32) -> Vec<u8> {
        format!("{{\"position\":{number},\"check\":\"x\"}}\n").into_bytes()
    }

    fn write(log: &mut FileLog, numbers: std::ops::Range<u32>) -> io::Result<u64> {
        let lines: Vec<Vec<u8>> = numbers.map(line).collect();
        log.append(lines.iter().map(Vec::as_slice))
    }

    fn text(numbers: std::ops::Range<u32>) -> String {
        String::from_utf8(numbers.flat_map(line).collect()).unwrap()
    }

    #[test]
    fn a_torn_line_is_cut_and_lines_that_are_there_are_not_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.jsonl");
        let mut log = FileLog::open(&path, 1 << 20, 3).unwrap();
        write(&mut log, 0..4).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
        assert!(FileLog::open(&path, 1 << 20, 3).is_err(), "two write to it");
        drop(log);
        for torn in 1..line(4).len() {
            let whole = text(0..4);
            fs::write(&path, [whole.as_bytes(), &line(4)[..torn]].concat()).unwrap();
            let mut log = FileLog::open(&path, 1 << 20, 3).unwrap();
            assert_eq!(write(&mut log, 2..6).unwrap(), text(4..6).len() as u64);
            assert_eq!(fs::read_to_string(&path).unwrap(), text(0..6), "{torn}");
        }
    }

    #[test]
    fn full_files_are_moved_and_so_many_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.jsonl");
        let read = |number| fs::read_to_string(numbered(&path, number)).unwrap();
        let two_lines = text(10..12).len() as u64;
        let mut log = FileLog::open(&path, two_lines, 3).unwrap();
        write(&mut log, 10..19).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text(18..19));
        assert_eq!([read(1), read(2), read(3)], [text(16..18), text(14..16), text(12..14)]);
        assert!(!numbered(&path, 4).exists());
        write(&mut log, 19..20).unwrap();
        drop(log);
        // Killed amid moving them: no file is replaced for the gap.
        fs::rename(numbered(&path, 2), numbered(&path, 3)).unwrap();
        fs::rename(numbered(&path, 1), numbered(&path, 2)).unwrap();
        let mut log = FileLog::open(&path, two_lines, 3).unwrap();
        write(&mut log, 14..22).unwrap();
        assert_eq!([read(1), read(2), read(3)], [text(18..20), text(16..18), text(14..16)]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text(20..22));
    }

    #[test]
    fn what_is_no_log_of_a_sink_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let (other, link) = (directory.path().join("other"), directory.path().join("link"));
        fs::write(&other, "root:x:0:0").unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        for path in [&other, &link, &directory.path().to_owned()] {
            assert!(FileLog::open(path, 1 << 20, 3).is_err(), "{}", path.display());
        }
        assert_eq!(fs::read_to_string(&other).unwrap(), "root:x:0:0");
    }

    #[test]
    fn what_others_may_change_is_not_written_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.jsonl");
        fs::write(&path, line(1)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(FileLog::open(&path, 1 << 20, 3).is_err(), "everybody may write to it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(FileLog::open(&path, 1 << 20, 3).is_ok());
        if Uid::effective().is_root() {
            std::os::unix::fs::chown(&path, Some(1), None).unwrap();
            let error = FileLog::open(&path, 1 << 20, 3).unwrap_err();
            assert!(error.to_string().contains("belongs to the user 1"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), line(1));
    }

    #[test]
    fn a_file_that_was_moved_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.jsonl");
        let log = FileLog::open(&path, 1 << 20, 3).unwrap();
        assert!(log.is_in_place());
        fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        assert!(!log.is_in_place());
    }

    #[test]
    fn a_full_disk_leaves_whole_lines_only() {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs.jsonl");
        let mut log = FileLog::open(&path, 1 << 20, 3).unwrap();
        write(&mut log, 0..2).unwrap();
        let good = std::mem::replace(&mut log.file, full);
        assert_eq!(write(&mut log, 2..4).unwrap_err().kind(), io::ErrorKind::StorageFull);
        log.file = good;
        write(&mut log, 2..4).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text(0..4));
    }
}
