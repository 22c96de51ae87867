//! Answers the questions of the `nrpe.cfg` reader from the file system.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use custos_compat::nrpe::{Ask, Entry, EntryKind, Found};

use crate::limits::NRPE_CONFIG_MAX_BYTES;

/// What is there.
pub(super) fn answer(ask: Ask<'_>) -> Found {
    let found = match ask {
        Ask::File(path) => {
            read(path).and_then(|content| Ok(Found::File { content, identity: fs::canonicalize(path)? }))
        }
        Ask::Directory(path) => list(path).map(Found::Directory),
    };
    found.unwrap_or_else(|error| Found::Nothing(error.to_string()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(NRPE_CONFIG_MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > NRPE_CONFIG_MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
    }
    Ok(content)
}

fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link that leads nowhere is neither.
        let kind = match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => EntryKind::File,
            Ok(metadata) if metadata.is_dir() => EntryKind::Directory,
            Ok(_) | Err(_) => EntryKind::Other,
        };
        entries.push(Entry { name: entry.file_name().as_bytes().to_vec(), kind });
    }
    Ok(entries)
}
