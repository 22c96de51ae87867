//! Reads files and directories for the reader of `nrpe.cfg`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use custos_compat::nrpe::{Ask, Entry, EntryKind, Found};

use crate::limits::NRPE_CONFIG_MAX_BYTES;
use crate::text::system_error;

/// Reads what the reader asks for. Relative paths start at `base`.
pub(super) fn answer(base: &Path, ask: Ask<'_>) -> Found {
    let found = match ask {
        Ask::File(path) => {
            let path = base.join(path);
            read(&path).and_then(|content| Ok(Found::File { content, identity: fs::canonicalize(path)? }))
        }
        Ask::Directory(path) => list(&base.join(path)).map(Found::Directory),
    };
    found.unwrap_or_else(|error| Found::Nothing(system_error::words(&error)))
}

/// Reads a file. A pipe or a terminal is an error, so that it cannot block the agent, not even at SIGHUP.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("a pipe"));
    }
    file.take(NRPE_CONFIG_MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > NRPE_CONFIG_MAX_BYTES {
        let most = NRPE_CONFIG_MAX_BYTES / (1024 * 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} MiB")));
    }
    Ok(content)
}

fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A dangling link is neither.
        let kind = match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => EntryKind::File,
            Ok(metadata) if metadata.is_dir() => EntryKind::Directory,
            Ok(_) | Err(_) => EntryKind::Other,
        };
        entries.push(Entry { name: entry.file_name().as_bytes().to_vec(), kind });
    }
    Ok(entries)
}
