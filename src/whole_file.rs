//! Files that are read whole: regular ones, up to a bound.
//!
//! Anything else may have no end, hold its reader up, or act on being opened.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::clock;

/// The bytes of a regular file.
///
/// # Errors
/// It cannot be opened or read, is no regular file, or is larger than `max_bytes`.
pub(crate) fn bytes(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("the file is larger than {max_bytes} bytes")));
    }
    Ok(bytes)
}

/// Opens a regular file.
///
/// # Errors
/// It cannot be opened, or is no regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    regular(&fs::metadata(path)?)?;
    let file = open_at_once(path)?;
    // What was opened is what is judged.
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Opens whatever is at a path, without waiting for the other end of a FIFO.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// What comes from a file, at most `max_bytes`; from one that is not regular, for as long as `patience` lasts.
///
/// # Errors
/// It cannot be read, or there is no end of it in time.
pub(crate) fn up_to(file: File, max_bytes: u64, patience: Duration) -> io::Result<Vec<u8>> {
    let is_regular = file.metadata()?.is_file();
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    let mut rest = file.take(max_bytes);
    if is_regular {
        rest.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let until_us = clock::now().after(patience).mono_us;
    loop {
        let left_ms = until_us.saturating_sub(clock::now().mono_us) / 1000;
        let timeout = PollTimeout::from(u16::try_from(left_ms).unwrap_or(u16::MAX));
        match poll(&mut [PollFd::new(rest.get_ref().as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) => {
                let why = format!("nobody has written it to its end within {} s", patience.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        match rest.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}

fn regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_file() { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn only_regular_files_within_the_bound_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("full"), "four").unwrap();
        mkfifo(&at("fifo"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
        assert_eq!(bytes(&at("full"), 4).unwrap(), b"four");
        let refused = |name: &str, max_bytes| bytes(&at(name), max_bytes).unwrap_err().to_string();
        assert_eq!(refused("full", 3), "the file is larger than 3 bytes");
        for name in ["fifo", "device", "."] {
            assert_eq!(refused(name, 3), "it is not a regular file", "{name}");
        }
        assert_eq!(bytes(&at("none"), 3).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(open_at_once(&at("fifo")).is_ok());
    }

    #[test]
    fn a_pipe_is_read_to_its_end_or_for_some_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let nobody = up_to(open_at_once(&path).unwrap(), 9, Duration::ZERO).unwrap_err();
        assert_eq!(nobody.to_string(), "nobody has written it to its end within 0 s");
        let reader = open_at_once(&path).unwrap();
        let mut writer = OpenOptions::new().write(true).open(&path).unwrap();
        writer.write_all(b"four").unwrap();
        drop(writer);
        assert_eq!(up_to(reader, 9, Duration::from_secs(60)).unwrap(), b"four");
        let endless = open_at_once(Path::new("/dev/zero")).unwrap();
        assert_eq!(up_to(endless, 3, Duration::from_secs(60)).unwrap(), b"\0\0\0");
    }
}
