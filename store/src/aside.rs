//! Setting a damaged file aside under a name with the ending `.damaged`: as a copy, whole and durable, before anything takes
//! its place, or by a new name.

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::ASIDE_NAMES_MAX;
use crate::names::QUARANTINE_SUFFIX;

/// Bytes copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// The name that a file has when it is set aside.
pub(crate) fn aside_name(name: &str) -> String {
    format!("{name}{QUARANTINE_SUFFIX}")
}

/// Copies a file aside. What cannot be read of it is left out, as zeros.
pub(crate) fn copy_aside(disk: &dyn Disk, name: &str) -> Result<()> {
    let (path, aside) = (disk.path().join(name), aside_name(name));
    let aside_path = disk.path().join(&aside);
    let file = disk.open(name).map_err(Error::io("open", &path))?;
    let size = file.size().map_err(Error::io("read", &path))?;
    // Left over from an attempt that was cut short.
    let _ = disk.remove(&aside);
    let copy = disk.create(&aside, 0).map_err(Error::io("create", &aside_path))?;
    let mut buffer = vec![0; COPY_BYTES.min(size as usize)];
    let copied = (0..size).step_by(COPY_BYTES).try_for_each(|at| {
        let len = COPY_BYTES.min((size - at) as usize);
        let piece = &mut buffer[..len];
        if file.read_at(piece, at).is_err() {
            piece.fill(0);
        }
        copy.write_at(piece, at)
    });
    if let Err(error) = copied.and_then(|()| copy.sync()) {
        let _ = disk.remove(&aside);
        return Err(Error::io("write", aside_path)(error));
    }
    disk.sync_names().map_err(Error::io("sync directory", disk.path()))
}

/// Gives a file the name that it has when it is set aside, with a number where another file has that name already. Returns
/// the name.
pub(crate) fn move_aside(disk: &dyn Disk, name: &str) -> Result<String> {
    let taken = |name: &str| disk.id_at(name).map_or(true, |found| found.is_some());
    let numbered = (2..=ASIDE_NAMES_MAX).map(|number| aside_name(&format!("{name}.{number}")));
    let aside = std::iter::once(aside_name(name)).chain(numbered).find(|name| !taken(name));
    let aside = aside.ok_or_else(|| std::io::Error::other("there are too many files set aside from it"));
    let renamed = aside.and_then(|aside| disk.rename(name, &aside).map(|()| aside));
    renamed.map_err(Error::io("rename", disk.path().join(name)))
}
