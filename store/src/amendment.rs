//! Amendments: what became of runs behind the back of a consumer that had passed them.
//!
//! Damage takes runs away that were there, and a repair brings back what could not be read, under the numbers that it
//! had: behind the position of whoever reads in order of arrival. So both are noted in a file of the store, in the order
//! in which they happened. A consumer keeps in its cursor how many it has dealt with, looks at the list before it reads
//! on, and delivers again what was restored before its position.

use crate::aside::move_aside;
use crate::bytes::{Cursor as Bytes, Short, put_str, put_varint};
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::{AMENDMENT_NAME_BYTES_MAX, AMENDMENTS_MAX};
use crate::names::{FileName, QUARANTINE_SUFFIX};
use crate::position::Position;
use crate::small;

/// Name of the file.
pub(crate) const AMENDMENTS_NAME: &str = "amendments";

const MAGIC: [u8; 8] = *b"CUSTAMD\0";

/// What became of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmendmentKind {
    /// They are lost: a log with damage was sealed, or a repair could not read them.
    Lost,
    /// They could not be read and now can be.
    Restored,
}

/// Runs that were lost or restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// What became of them.
    pub kind: AmendmentKind,
    /// The check that they belong to; `None` where they may be any check's.
    pub check: Option<String>,
    /// They are numbered from here on.
    pub start: Position,
    /// ... to before this position. Other runs with numbers in between are not affected.
    pub end: Position,
    /// How many there are, where that is known.
    pub runs: Option<u64>,
    /// How many samples they have, where that is known.
    pub samples: Option<u64>,
}

/// The amendments of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amendments {
    /// So many have been forgotten: the oldest go when there are more than [`AMENDMENTS_MAX`].
    pub forgotten: u64,
    /// The others, in the order in which they happened.
    pub list: Vec<Amendment>,
}

impl Amendments {
    /// How many there have been: what a cursor has to keep that has dealt with all.
    pub fn count(&self) -> u64 {
        self.forgotten.saturating_add(self.list.len() as u64)
    }

    /// Those that a consumer has not dealt with, if it has dealt with so many. If it has dealt with more than there are, the
    /// list was lost and begun anew, and all are new to it.
    pub fn after(&self, dealt_with: u64) -> &[Amendment] {
        let new = if dealt_with > self.count() { 0 } else { dealt_with.saturating_sub(self.forgotten) };
        self.list.get(new as usize..).unwrap_or_default()
    }

    fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        put_varint(&mut payload, self.forgotten);
        put_varint(&mut payload, self.list.len() as u64);
        for amendment in &self.list {
            let known = |count: Option<u64>| count.map_or(0, |count| count.saturating_add(1));
            payload.push(match amendment.kind {
                AmendmentKind::Lost => 0,
                AmendmentKind::Restored => 1,
            });
            payload.push(u8::from(amendment.check.is_some()));
            if let Some(check) = &amendment.check {
                put_str(&mut payload, check);
            }
            put_varint(&mut payload, amendment.start.0);
            put_varint(&mut payload, amendment.end.0);
            put_varint(&mut payload, known(amendment.runs));
            put_varint(&mut payload, known(amendment.samples));
        }
        small::encode(MAGIC, &payload)
    }

    fn decode(payload: &[u8]) -> std::result::Result<Amendments, Short> {
        let mut bytes = Bytes::new(payload);
        let forgotten = bytes.varint()?;
        let list =
            (0..bytes.count(6)?).map(|_| amendment(&mut bytes)).collect::<std::result::Result<_, _>>()?;
        if bytes.is_at_end() { Ok(Amendments { forgotten, list }) } else { Err(Short) }
    }
}

fn amendment(bytes: &mut Bytes<'_>) -> std::result::Result<Amendment, Short> {
    let kind = match bytes.u8()? {
        0 => AmendmentKind::Lost,
        1 => AmendmentKind::Restored,
        _ => return Err(Short),
    };
    let check = match bytes.u8()? {
        0 => None,
        1 => Some(bytes.str()?.to_owned()),
        _ => return Err(Short),
    };
    let (start, end) = (Position(bytes.varint()?), Position(bytes.varint()?));
    let (runs, samples) = (bytes.varint()?.checked_sub(1), bytes.varint()?.checked_sub(1));
    Ok(Amendment { kind, check, start, end, runs, samples })
}

/// The amendments of the store on a disk.
///
/// # Errors
/// [`Error::Damaged`] if the file is damaged, [`Error::Version`], [`Error::Io`].
pub(crate) fn load(disk: &dyn Disk) -> Result<Amendments> {
    let Some(payload) = small::load(disk, AMENDMENTS_NAME, MAGIC)? else { return Ok(Amendments::default()) };
    let path = || disk.path().join(AMENDMENTS_NAME);
    Amendments::decode(&payload).map_err(|Short| Error::damaged(path(), 0, "the list is not well formed"))
}

/// Notes what became of runs, durably. A loss that is noted already as the last that happened to these runs is not noted again;
/// what is restored again was damaged again in between, and a consumer may have passed it then.
/// A list that is damaged is set aside and begun anew.
pub(crate) fn note(disk: &dyn Disk, mut amendments: Vec<Amendment>) -> Result<()> {
    let mut all = match load(disk) {
        Ok(all) => all,
        Err(Error::Damaged { .. }) => {
            move_aside(disk, AMENDMENTS_NAME)?;
            Amendments::default()
        }
        Err(error) => return Err(error),
    };
    amendments.retain(|new| {
        let same = |old: &&Amendment| (old.start, old.end, &old.check) == (new.start, new.end, &new.check);
        new.kind == AmendmentKind::Restored || all.list.iter().rev().find(same) != Some(new)
    });
    if amendments.is_empty() {
        return Ok(());
    }
    for amendment in &mut amendments {
        // A name so long belongs to no check that can be configured.
        amendment.check = amendment.check.take().filter(|check| check.len() <= AMENDMENT_NAME_BYTES_MAX);
    }
    all.list.extend(amendments);
    let excess = all.list.len().saturating_sub(AMENDMENTS_MAX);
    all.list.drain(..excess);
    all.forgotten = all.forgotten.saturating_add(excess as u64);
    small::replace(disk, AMENDMENTS_NAME, &all.encode())
}

/// Notes what a repair restored that ended before it could note it: a segment whose damaged original was set aside, and of
/// which nothing is noted.
pub(crate) fn note_repaired(disk: &dyn Disk, names: &[String]) -> Result<()> {
    let repaired: Vec<(u64, u64)> = names
        .iter()
        .filter_map(|name| name.strip_suffix(QUARANTINE_SUFFIX))
        .filter_map(|name| match FileName::parse(name) {
            Some(FileName::Segment { start, end }) => Some((start, end)),
            _ => None,
        })
        .collect();
    if repaired.is_empty() {
        return Ok(());
    }
    let known = match load(disk) {
        Ok(known) => known,
        Err(Error::Damaged { .. }) => Amendments::default(),
        Err(error) => return Err(error),
    };
    let is_noted = |start: u64, end: u64| {
        known.forgotten > 0 || known.list.iter().any(|old| start <= old.start.0 && old.end.0 <= end)
    };
    let new = repaired.into_iter().filter(|(start, end)| !is_noted(*start, *end)).map(|(start, end)| {
        let (start, end) = (Position(start), Position(end));
        Amendment { kind: AmendmentKind::Restored, check: None, start, end, runs: None, samples: None }
    });
    note(disk, new.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimDisk;
    use proptest::prelude::*;

    fn amendment(n: u64, kind: AmendmentKind) -> Amendment {
        let check = n.is_multiple_of(2).then(|| format!("check {n}"));
        Amendment {
            kind,
            check,
            start: Position(n),
            end: Position(n + 5),
            runs: (n > 3).then_some(n),
            samples: None,
        }
    }

    #[test]
    fn amendments_are_noted_once_in_order() {
        let disk = SimDisk::new();
        assert_eq!(load(&disk).unwrap(), Amendments::default());
        let lost = |n| amendment(n, AmendmentKind::Lost);
        let restored = |n| amendment(n, AmendmentKind::Restored);
        note(&disk, vec![lost(1), lost(4)]).unwrap();
        note(&disk, vec![lost(4), restored(1)]).unwrap();
        // Lost once more, after it was restored.
        note(&disk, vec![lost(1)]).unwrap();
        let all = load(&disk).unwrap();
        assert_eq!(all.list, [lost(1), lost(4), restored(1), lost(1)]);
        assert_eq!((all.count(), all.after(3), all.after(4).len()), (4, &[lost(1)][..], 0));
        // More than there are: the list was lost.
        assert_eq!(all.after(5).len(), 4);
    }

    #[test]
    fn the_oldest_are_forgotten_and_a_damaged_list_is_set_aside() {
        let disk = SimDisk::new();
        note(&disk, (0..AMENDMENTS_MAX as u64 + 10).map(|n| amendment(n, AmendmentKind::Lost)).collect())
            .unwrap();
        let all = load(&disk).unwrap();
        assert_eq!((all.forgotten, all.list.len()), (10, AMENDMENTS_MAX));
        assert_eq!(
            (all.after(0).len(), all.after(10).len(), all.after(11).len()),
            (AMENDMENTS_MAX, AMENDMENTS_MAX, AMENDMENTS_MAX - 1)
        );
        let mut bytes = disk.bytes(AMENDMENTS_NAME).unwrap();
        bytes[30] ^= 1;
        disk.put(AMENDMENTS_NAME, &bytes);
        assert!(matches!(load(&disk), Err(Error::Damaged { .. })));
        note(&disk, vec![amendment(1, AmendmentKind::Lost)]).unwrap();
        assert_eq!(load(&disk).unwrap().count(), 1);
        assert_eq!(disk.bytes("amendments.damaged"), Some(bytes));
    }

    #[test]
    fn a_repair_that_ended_early_is_noted_later() {
        let disk = SimDisk::new();
        let names =
            ["0000000000000005-0000000000000009.seg.damaged", "0000000000000001.log.damaged", "x.damaged"];
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        for _ in 0..2 {
            note_repaired(&disk, &names).unwrap();
            let all = load(&disk).unwrap();
            assert_eq!(all.list.len(), 1);
            assert_eq!((all.list[0].start, all.list[0].end), (Position(5), Position(9)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes: Vec<u8>) {
            let _ = Amendments::decode(&bytes);
        }
    }
}
