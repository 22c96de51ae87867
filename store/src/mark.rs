//! The mark: up to where runs are durable, and up to where they are acknowledged, for readers in other processes.
//!
//! It is written after each batch and each sync, and never synced itself. So what it says is true, if perhaps out of date,
//! also after a power cut, but for runs that were acknowledged and that the power cut took; and if it does not check out,
//! it says nothing.

use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::position::Position;
use crate::small;

/// Name of the file.
pub(crate) const MARK_NAME: &str = "synced";

const MAGIC: [u8; 8] = *b"CUSTSYN\0";

/// What the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    /// All runs before this position are durable.
    pub(crate) synced: Position,
    /// All runs before it are acknowledged.
    pub(crate) acknowledged: Position,
}

/// The mark of the writer. A disk that does not take it leaves readers with what they know without.
#[derive(Debug)]
pub(crate) struct Mark {
    file: Option<Box<dyn DiskFile>>,
}

impl Mark {
    /// Makes a new one, which says nothing yet.
    pub(crate) fn new(disk: &dyn Disk) -> Mark {
        let _ = disk.remove(MARK_NAME);
        Mark { file: disk.create(MARK_NAME, 0).ok() }
    }

    /// Replaces what it says.
    pub(crate) fn set(&self, marked: Marked) {
        if let Some(file) = &self.file {
            let numbers = [marked.synced, marked.acknowledged].map(|position| position.0.to_le_bytes());
            let _ = file.write_at(&small::encode(MAGIC, numbers.as_flattened()), 0);
        }
    }
}

/// What the mark of a store says.
pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Marked>> {
    match small::load(disk, MARK_NAME, MAGIC) {
        Ok(payload) => Ok(payload.and_then(|payload| marked(&payload))),
        Err(Error::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn marked(payload: &[u8]) -> Option<Marked> {
    let position = |bytes: &[u8; 8]| Position(u64::from_le_bytes(*bytes));
    let (synced, rest) = payload.split_first_chunk()?;
    // A writer of before this was known leaves it out.
    let acknowledged = rest.first_chunk().unwrap_or(synced);
    Some(Marked { synced: position(synced), acknowledged: position(acknowledged) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;

    #[test]
    fn a_mark_says_what_was_set_last_or_nothing() {
        let disk = SimDisk::new();
        assert_eq!(load(&disk).unwrap(), None);
        let mark = Mark::new(&disk);
        assert_eq!(load(&disk).unwrap(), None);
        mark.set(Marked { synced: Position(5), acknowledged: Position(6) });
        let marked = Marked { synced: Position(7), acknowledged: Position(9) };
        mark.set(marked);
        assert_eq!(load(&disk).unwrap(), Some(marked));
        let mut bytes = disk.bytes(MARK_NAME).unwrap();
        bytes[17] ^= 1;
        disk.put(MARK_NAME, &bytes);
        assert_eq!(load(&disk).unwrap(), None);
        drop(Mark::new(&disk));
        assert_eq!(load(&disk).unwrap(), None);
    }
}
