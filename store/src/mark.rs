//! The mark: up to where runs are durable, for readers in other processes.
//!
//! It is written after each sync and never synced itself. So what it says is true, if perhaps out of date, also after a
//! power cut; and if it does not check out, it says nothing.

use crate::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use crate::position::Position;
use crate::small;

/// Name of the file.
pub(crate) const MARK_NAME: &str = "synced";

const MAGIC: [u8; 8] = *b"CUSTSYN\0";

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

    /// All runs before this position are durable.
    pub(crate) fn set(&self, synced: Position) {
        if let Some(file) = &self.file {
            let _ = file.write_at(&small::encode(MAGIC, &synced.0.to_le_bytes()), 0);
        }
    }
}

/// What the mark of a store says.
pub(crate) fn load(disk: &dyn Disk) -> Result<Option<Position>> {
    match small::load(disk, MARK_NAME, MAGIC) {
        Ok(payload) => {
            let number = payload.and_then(|payload| payload.try_into().ok().map(u64::from_le_bytes));
            Ok(number.map(Position))
        }
        Err(Error::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
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
        mark.set(Position(5));
        mark.set(Position(7));
        assert_eq!(load(&disk).unwrap(), Some(Position(7)));
        let mut bytes = disk.bytes(MARK_NAME).unwrap();
        bytes[17] ^= 1;
        disk.put(MARK_NAME, &bytes);
        assert_eq!(load(&disk).unwrap(), None);
        drop(Mark::new(&disk));
        assert_eq!(load(&disk).unwrap(), None);
    }
}
