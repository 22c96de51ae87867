//! Files that are read whole: regular ones, up to a bound.
//!
//! Anything else may have no end, hold its reader up, or act on being opened.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

fn regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_file() { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

#[cfg(test)]
mod tests {
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
}
