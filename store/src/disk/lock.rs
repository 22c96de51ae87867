//! The write lock: an open-file-description lock on the file `lock`, which holds the writer's process id.
//!
//! The kernel drops the lock when the writer ends in any way, so there is no stale lock. Readers never take it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Name of the lock file.
pub(crate) const LOCK_NAME: &str = "lock";

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn pid_in(mut file: &File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Takes the lock for as long as the returned file is open, or says who has it.
pub(super) fn take(dir: &Path) -> io::Result<Result<File, Option<u32>>> {
    let path = dir.join(LOCK_NAME);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
        Ok(_) => {}
        Err(Errno::EAGAIN | Errno::EACCES) => return Ok(Err(pid_in(&file))),
        Err(errno) => return Err(errno.into()),
    }
    // The id is for messages alone, so a disk that is full does not matter.
    let _ = file.set_len(0).and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    Ok(Ok(file))
}

/// The process id of the store's writer, if there is one; 0 if it could not be read. Takes no lock.
pub fn writer_pid(dir: &Path) -> Option<u32> {
    let file = File::open(dir.join(LOCK_NAME)).ok()?;
    let mut probe = whole_file(libc::F_WRLCK);
    fcntl(&file, FcntlArg::F_OFD_GETLK(&mut probe)).ok()?;
    if probe.l_type == libc::F_UNLCK as libc::c_short { None } else { Some(pid_in(&file).unwrap_or(0)) }
}
