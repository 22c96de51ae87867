//! Mapping a sealed file into memory: the only place where this package maps anything.
//!
//! Promises of this file: maps are read-only; a map covers a length that the file was seen to have; only sealed
//! files are mapped, which the store itself never shortens or writes to again. What the platform does not protect
//! from is another program that shortens a sealed file while it is mapped: touching a page beyond the new end then
//! ends the process with SIGBUS. `FORMAT.md` says how readers reduce that window.
#![expect(unsafe_code, reason = "maps files into memory")]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// Maps the first `len` bytes of a sealed file, read-only.
pub(super) fn map(file: &File, len: u64) -> io::Result<Mmap> {
    if file.metadata()?.len() < len {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its length was"));
    }
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    // SAFETY: by the promises above the file is sealed and at least `len` bytes long, and the map is read-only.
    unsafe { MmapOptions::new().len(len).map(file) }
}
