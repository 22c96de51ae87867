//! Files below the root of a host.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::limits::{DISCOVERED_ENTRIES_MAX, DISCOVERED_FILE_MAX_BYTES};

/// The directory that is `/` to the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'a>(pub(super) &'a Path);

impl Root<'_> {
    /// Where an absolute path of the host is here.
    pub(super) fn path(self, absolute: impl AsRef<Path>) -> PathBuf {
        let absolute = absolute.as_ref();
        self.0.join(absolute.strip_prefix("/").unwrap_or(absolute))
    }

    /// Opens a regular file below this root: anything else may have no end, hold us up, or act on being opened.
    pub(super) fn open(self, absolute: impl AsRef<Path>) -> io::Result<File> {
        let path = self.below(absolute)?;
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("not a regular file")),
        }
    }

    /// What is behind the links of a path, unless they lead out of this root to files of another host.
    pub(super) fn below(self, absolute: impl AsRef<Path>) -> io::Result<PathBuf> {
        let real = fs::canonicalize(self.path(absolute))?;
        match real.starts_with(fs::canonicalize(self.0)?) {
            true => Ok(real),
            false => Err(io::Error::other(format!("a link that leaves {}", self.0.display()))),
        }
    }

    /// The bytes of a file, as far as it can be read; a file without end is cut.
    pub(super) fn bytes(self, absolute: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read =
            self.open(absolute).and_then(|file| file.take(DISCOVERED_FILE_MAX_BYTES).read_to_end(&mut bytes));
        // What cannot be read is not there.
        if read.is_err() { Vec::new() } else { bytes }
    }

    /// The same as text.
    pub(super) fn text(self, absolute: &str) -> String {
        String::from_utf8_lossy(&self.bytes(absolute)).into_owned()
    }

    /// The names in a directory, sorted; those that are no text are left out.
    pub(super) fn names(self, absolute: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(absolute)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .take(DISCOVERED_ENTRIES_MAX)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Whether there is something at a path, be it a link that leads nowhere below this root.
    pub(super) fn has(self, absolute: &str) -> bool {
        self.path(absolute).symlink_metadata().is_ok()
    }
}
