//! The write lock: an open file description lock on the first byte of the file `lock`, which only the store's owner may
//! open, so that no other user can take it.
//!
//! The kernel drops the lock when the writer ends in any way, so there is no stale lock. Readers never take it. The
//! kernel does not know whom such a lock belongs to. So the writer also takes a POSIX lock on the second byte, for
//! which it does: `/proc/locks` then names the writer to everybody, and nothing has to be believed that stands in a file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::{fstat, major, minor};

use super::dir::{Dir, file_id};
use super::{FileId, Lock};
use crate::limits::{LOCK_ATTEMPTS_MAX, PROC_LOCKS_BYTES_MAX};

/// Name of the lock file.
pub(crate) const LOCK_NAME: &str = "lock";

/// The byte whose lock makes the writer.
const LOCKED_AT: i64 = 0;
/// The byte whose lock names it.
const NAMED_AT: i64 = 1;

fn byte(at: i64) -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: at,
        l_len: 1,
        l_pid: 0,
    }
}

/// The lock of this process.
#[derive(Debug)]
struct Held {
    id: FileId,
    file: File,
}

impl Lock for Held {
    fn id(&self) -> FileId {
        self.id
    }

    fn renew(&self) {
        // Closing any other descriptor of the file in this process drops a POSIX lock. It serves messages only, so that it
        // cannot be had does not matter.
        let _ = fcntl(&self.file, FcntlArg::F_SETLK(&byte(NAMED_AT)));
    }
}

/// Takes the lock, or says who has it, where the kernel knows.
pub(super) fn take(dir: &Dir, path: &Path) -> io::Result<Result<Box<dyn Lock>, Option<u32>>> {
    // To open and close it once more in the process of the writer would drop the lock that names it.
    if writer_pid(path) == Some(std::process::id()) {
        return Ok(Err(Some(std::process::id())));
    }
    for _ in 0..LOCK_ATTEMPTS_MAX {
        let file = dir.lock_file(LOCK_NAME)?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&byte(LOCKED_AT))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => {
                return Ok(Err(holder(&file).or_else(|| writer_pid(path).filter(|pid| *pid != 0))));
            }
            Err(errno) => return Err(errno.into()),
        }
        let id = file_id(&fstat(&file)?);
        // It may have been removed between opening and locking; the lock of a file that nobody finds locks nobody out.
        if id_at(&path.join(LOCK_NAME))? == Some(id) {
            let held = Held { id, file };
            held.renew();
            return Ok(Ok(Box::new(held)));
        }
    }
    Err(io::Error::other("it is replaced again and again"))
}

/// The process that has a POSIX lock on any of the file. This process' own are not seen.
fn holder(file: &File) -> Option<u32> {
    let mut probe = byte(NAMED_AT);
    fcntl(file, FcntlArg::F_GETLK(&mut probe)).ok()?;
    let held = probe.l_type != libc::F_UNLCK as libc::c_short;
    if held { u32::try_from(probe.l_pid).ok().filter(|pid| *pid != 0) } else { None }
}

/// Which file has this name now; none if there is no such file.
pub(super) fn id_at(path: &Path) -> io::Result<Option<FileId>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(FileId { device: meta.dev(), inode: meta.ino() })),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The process id of the store's writer by the kernel's word, if there is one; 0 if the kernel does not tell which
/// process it is. Takes no lock and opens nothing in the store.
pub fn writer_pid(dir: &Path) -> Option<u32> {
    let meta = fs::symlink_metadata(dir.join(LOCK_NAME)).ok()?;
    let mut locks = String::new();
    let file = File::open("/proc/locks").ok()?;
    file.take(PROC_LOCKS_BYTES_MAX).read_to_string(&mut locks).ok()?;
    let file = format!("{:02x}:{:02x}:{}", major(meta.dev()), minor(meta.dev()), meta.ino());
    locks.lines().filter_map(|line| lock_of(line, &file)).max()
}

/// The process of a line of `/proc/locks` if it is about this file; 0 where the kernel does not name it. Lines of
/// processes that wait for a lock have an arrow in front and are not counted.
fn lock_of(line: &str, file: &str) -> Option<u32> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match words[..] {
        [_, "POSIX" | "OFDLCK", _, _, pid, at, _, _] if at == file => Some(pid.parse().unwrap_or(0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_who_has_a_lock() {
        let named = "1: POSIX  ADVISORY  WRITE 4711 fe:01:99 1 1";
        let unnamed = "2: OFDLCK ADVISORY  WRITE -1 fe:01:99 0 0";
        assert_eq!(lock_of(named, "fe:01:99"), Some(4711));
        assert_eq!(lock_of(unnamed, "fe:01:99"), Some(0));
        assert_eq!(lock_of(named, "fe:01:9"), None);
        assert_eq!(lock_of("2: -> POSIX  ADVISORY  WRITE 4712 fe:01:99 1 1", "fe:01:99"), None);
        assert_eq!(lock_of("3: FLOCK  ADVISORY  WRITE 4713 fe:01:99 0 EOF", "fe:01:99"), None);
    }
}
