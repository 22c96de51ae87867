//! Durable cursors: how far a consumer of the store has got, in a file of the store that is replaced as a whole.
//!
//! A position alone does not prove that what a consumer goes on reading is the continuation of what it has read: the
//! store may be another one, or may have been restored from a backup that is older than the cursor. So a cursor also has
//! the identity of the store and a fingerprint of the run that was delivered last, and [`Cursor::judge`] compares them
//! with what the store has.

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Cursor as Bytes, Short, put_str, put_varint};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::hash::fnv1a;
use crate::identity::Identity;
use crate::limits::CURSOR_STATE_BYTES_MAX;
use crate::names::{CURSOR_SUFFIX, cursor_name, is_good_name};
use crate::position::Position;
use crate::run::Run;
use crate::small;

const MAGIC: [u8; 8] = *b"CUSTCUR\0";

/// A run that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its number.
    pub number: u64,
    /// Its [`fingerprint`].
    pub fingerprint: u64,
}

/// How far a consumer has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The store that it reads.
    pub store: Identity,
    /// The next run to deliver.
    pub position: Position,
    /// The run that was delivered last; none before the first.
    pub last: Option<Delivered>,
    /// So many amendments of the store have been dealt with (see [`crate::Amendment`]).
    pub amendments: u64,
    /// What else the consumer wants to find again, in its own encoding; at most [`CURSOR_STATE_BYTES_MAX`] bytes.
    pub state: Vec<u8>,
}

/// What a store has where a cursor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreAt {
    /// The identity of the store; none if it has none yet or cannot be read.
    pub identity: Option<Identity>,
    /// The position after the last run.
    pub end: Position,
    /// The run with the number of [`Cursor::last`].
    pub last: FoundRun,
}

/// What a store has under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundRun {
    /// A run with this fingerprint.
    Run(u64),
    /// No run.
    Nothing,
    /// Something that is damaged, so that it cannot be said.
    Unreadable,
}

/// Whether a consumer can go on where its cursor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// What follows the position is what follows the run that was delivered last.
    Holds,
    /// The run that was delivered last is damaged. The store is the same one and its numbers go on, so that nothing speaks
    /// against continuing.
    Unproven,
    /// It is another store: begin anew, at [`Position::START`].
    OtherStore,
    /// The numbers of the store end before the position: it was restored from a backup that is older than the cursor, or
    /// runs were delivered that a power cut took from it. What comes next is numbered from `end` on.
    WentBack {
        /// The position after the last run that the store has.
        end: Position,
    },
    /// The number of the run that was delivered last is now another run's: the store was restored from a backup and
    /// has gone on since. Which of its runs are new cannot be told from their numbers.
    OtherRun,
    /// The run that was delivered last is not there, and no other in its stead: the store was restored from a backup that
    /// is older than it, or a power cut took it. What follows the position has not been delivered.
    RunMissing,
}

impl Cursor {
    /// Before the first run of a store.
    pub fn start(store: Identity) -> Cursor {
        Cursor { store, position: Position::START, last: None, amendments: 0, state: Vec::new() }
    }

    /// Whether a consumer can go on from here in a store that has this.
    pub fn judge(&self, at: &StoreAt) -> Continuity {
        if at.identity != Some(self.store) {
            return Continuity::OtherStore;
        }
        let last = self.last.map(|last| (last, at.last));
        match last {
            Some((last, FoundRun::Run(found))) if found != last.fingerprint => Continuity::OtherRun,
            _ if self.position > at.end => Continuity::WentBack { end: at.end },
            Some((_, FoundRun::Nothing)) => Continuity::RunMissing,
            Some((_, FoundRun::Unreadable)) => Continuity::Unproven,
            Some((_, FoundRun::Run(_))) | None => Continuity::Holds,
        }
    }

    fn encode(&self, name: &str) -> Vec<u8> {
        let mut payload = Vec::new();
        put_str(&mut payload, name);
        payload.extend_from_slice(&self.store.0);
        put_varint(&mut payload, self.position.0);
        payload.push(u8::from(self.last.is_some()));
        if let Some(last) = self.last {
            put_varint(&mut payload, last.number);
            payload.extend_from_slice(&last.fingerprint.to_le_bytes());
        }
        put_varint(&mut payload, self.amendments);
        put_varint(&mut payload, self.state.len() as u64);
        payload.extend_from_slice(&self.state);
        small::encode(MAGIC, &payload)
    }

    fn decode(payload: &[u8], name: &str) -> std::result::Result<Cursor, Short> {
        let mut bytes = Bytes::new(payload);
        if bytes.str()? != name {
            return Err(Short);
        }
        let store = Identity(bytes.array()?);
        let position = Position(bytes.varint()?);
        let last = match bytes.u8()? {
            0 => None,
            1 => Some(Delivered { number: bytes.varint()?, fingerprint: bytes.u64()? }),
            _ => return Err(Short),
        };
        let amendments = bytes.varint()?;
        let len = bytes.count(1)?;
        let state = bytes.take(len)?.to_vec();
        if bytes.is_at_end() { Ok(Cursor { store, position, last, amendments, state }) } else { Err(Short) }
    }
}

/// Tells a run from all others that may have its number: FNV-1a of 64 bits over its number, time and duration (8 bytes each,
/// little-endian), state and plugin state (a byte each), its check, a byte 255, and its text.
pub fn fingerprint(number: u64, check: &str, run: &Run) -> u64 {
    let parts: [&[u8]; 7] = [
        &number.to_le_bytes(),
        &run.time_ms.to_le_bytes(),
        &run.duration_us.to_le_bytes(),
        &[run.state.code(), run.plugin_state.code()],
        check.as_bytes(),
        &[255],
        run.text.as_bytes(),
    ];
    fnv1a(parts.into_iter().flatten())
}

/// The cursors of a store, by name. A cursor has one consumer, which alone writes it; no lock is needed for that.
#[derive(Clone, Debug)]
pub struct Cursors {
    disk: Arc<dyn Disk>,
}

impl Cursors {
    /// Those of the store in a directory.
    pub fn new(dir: &Path) -> Cursors {
        Cursors::on(Arc::new(RealDisk::new(dir)))
    }

    /// Those of the store on any disk.
    pub fn on(disk: Arc<dyn Disk>) -> Cursors {
        Cursors { disk }
    }

    /// The names of all cursors, also of those that are damaged, sorted.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be listed.
    pub fn names(&self) -> Result<Vec<String>> {
        let names = self.disk.list().map_err(Error::io("list", self.disk.path()))?;
        let mut names: Vec<String> = names
            .iter()
            .filter_map(|name| name.strip_suffix(CURSOR_SUFFIX))
            .filter(|name| check_name(name).is_ok())
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// A cursor; none if there is none of that name.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its file is: where its consumer had got to is then not known. [`Error::CursorName`],
    /// [`Error::Version`] and [`Error::Io`].
    pub fn read(&self, name: &str) -> Result<Option<Cursor>> {
        check_name(name)?;
        load(&*self.disk, &cursor_name(name))
    }

    /// Puts a cursor in the place of the one of that name, durably. Whatever happens meanwhile, the old one or the new one
    /// is found afterwards, whole. Takes two syncs of the disk.
    ///
    /// # Errors
    /// [`Error::CursorName`], [`Error::CursorState`] and [`Error::Io`]. The old cursor, or already the new one, is in force
    /// then.
    pub fn write(&self, name: &str, cursor: &Cursor) -> Result<()> {
        check_name(name)?;
        if cursor.state.len() > CURSOR_STATE_BYTES_MAX {
            return Err(Error::CursorState { bytes: cursor.state.len(), limit: CURSOR_STATE_BYTES_MAX });
        }
        small::replace(&*self.disk, &cursor_name(name), &cursor.encode(name))
    }

    /// Removes a cursor, durably; `false` if there is none of that name.
    ///
    /// # Errors
    /// [`Error::CursorName`] and [`Error::Io`].
    pub fn remove(&self, name: &str) -> Result<bool> {
        check_name(name)?;
        let file = cursor_name(name);
        match self.disk.remove(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("remove", self.disk.path().join(&file))(error)),
        }
        self.disk.sync_names().map_err(Error::io("sync directory", self.disk.path()))?;
        Ok(true)
    }
}

/// The cursor in a file of that name; none if there is none.
pub(crate) fn load(disk: &dyn Disk, file: &str) -> Result<Option<Cursor>> {
    let name = file.strip_suffix(CURSOR_SUFFIX).unwrap_or(file);
    let Some(payload) = small::load(disk, file, MAGIC)? else { return Ok(None) };
    let damaged = |_| Error::damaged(disk.path().join(file), 0, "the cursor is not well formed");
    Cursor::decode(&payload, name).map(Some).map_err(damaged)
}

fn check_name(name: &str) -> Result<()> {
    if is_good_name(name) { Ok(()) } else { Err(Error::CursorName { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Fate, SimDisk};
    use crate::limits::CURSOR_NAME_BYTES_MAX;
    use proptest::prelude::*;

    fn cursor(n: u64) -> Cursor {
        Cursor {
            store: Identity([7; 16]),
            position: Position(n * 1000),
            last: (n > 0).then(|| Delivered { number: n * 1000 - 1, fingerprint: n << 50 }),
            amendments: n,
            state: vec![n as u8; n as usize],
        }
    }

    fn cursors(disk: &SimDisk) -> Cursors {
        Cursors::on(Arc::new(disk.clone()))
    }

    #[test]
    fn cursors_are_written_listed_read_and_removed() {
        let disk = SimDisk::new();
        let all = cursors(&disk);
        assert_eq!(all.names().unwrap(), Vec::<String>::new());
        assert_eq!(all.read("nats").unwrap(), None);
        for (n, name) in ["vm-1", "nats", "a.b_c"].into_iter().enumerate() {
            all.write(name, &cursor(n as u64)).unwrap();
        }
        assert_eq!(all.names().unwrap(), ["a.b_c", "nats", "vm-1"]);
        assert_eq!(all.read("nats").unwrap(), Some(cursor(1)));
        all.write("nats", &cursor(9)).unwrap();
        assert_eq!(all.read("nats").unwrap(), Some(cursor(9)));
        assert_eq!((all.remove("nats").unwrap(), all.remove("nats").unwrap()), (true, false));
        assert_eq!(all.read("nats").unwrap(), None);
        for name in ["", ".", "..", ".x", "a/b", "a b", "ü", &"x".repeat(CURSOR_NAME_BYTES_MAX + 1)] {
            assert!(matches!(all.write(name, &cursor(1)), Err(Error::CursorName { .. })), "{name}");
        }
        let large = Cursor { state: vec![0; CURSOR_STATE_BYTES_MAX + 1], ..cursor(1) };
        assert!(matches!(all.write("x", &large), Err(Error::CursorState { .. })));
    }

    #[test]
    fn the_power_goes_at_every_operation_of_writing_and_removing() {
        let work = |disk: &SimDisk, done: &mut u64| -> Result<()> {
            let all = cursors(disk);
            for n in 1..6 {
                all.write("sink", &cursor(n))?;
                all.write("other", &cursor(n))?;
                *done = n;
            }
            Ok(())
        };
        let whole = SimDisk::new();
        work(&whole, &mut 0).unwrap();
        for cut in 0..whole.ops() {
            let disk = SimDisk::new();
            disk.cut_power_after(cut);
            let mut done = 0;
            work(&disk, &mut done).unwrap_err();
            for fate in [Fate::Kept, Fate::Lost, Fate::Mixed(cut), Fate::Mixed(cut * 31 + 7)] {
                let after = disk.restart(fate);
                for name in ["sink", "other"] {
                    let found = cursors(&after).read(name).unwrap();
                    let n = found.as_ref().map_or(0, |found| found.amendments);
                    assert!((done..=done + 1).contains(&n), "{n} after {done}, cut {cut}, {fate:?}");
                    assert_eq!(found, (n > 0).then(|| cursor(n)));
                }
                let all = cursors(&after);
                all.write("sink", &cursor(7)).unwrap();
                assert_eq!(all.read("sink").unwrap(), Some(cursor(7)));
                assert!(all.remove("sink").unwrap());
                let removed = after.restart(Fate::Lost);
                assert_eq!(cursors(&removed).read("sink").unwrap(), None);
            }
        }
    }

    #[test]
    fn damage_to_a_cursor_is_an_error_that_names_it() {
        let disk = SimDisk::new();
        cursors(&disk).write("sink", &cursor(3)).unwrap();
        cursors(&disk).write("other", &cursor(4)).unwrap();
        let whole = disk.bytes("sink.cursor").unwrap();
        let damaged = |bytes: &[u8]| {
            disk.put("sink.cursor", bytes);
            let error = cursors(&disk).read("sink").unwrap_err();
            assert!(error.to_string().contains("sink.cursor"), "{error}");
            assert!(matches!(error, Error::Damaged { .. }), "{error}");
        };
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            damaged(&bytes);
            damaged(&whole[..at]);
        }
        // Under another's name it is another's.
        damaged(&disk.bytes("other.cursor").unwrap());
        assert_eq!(cursors(&disk).names().unwrap(), ["other", "sink"]);
        assert_eq!(cursors(&disk).read("other").unwrap(), Some(cursor(4)));
        cursors(&disk).write("sink", &cursor(3)).unwrap();
        assert_eq!(cursors(&disk).read("sink").unwrap(), Some(cursor(3)));
    }

    #[test]
    fn what_a_cursor_can_go_on_from() {
        let at = |end: u64, last| StoreAt { identity: Some(Identity([7; 16])), end: Position(end), last };
        let good = FoundRun::Run(3 << 50);
        let three = cursor(3);
        assert_eq!(three.judge(&at(3000, good)), Continuity::Holds);
        assert_eq!(three.judge(&at(9000, good)), Continuity::Holds);
        assert_eq!(three.judge(&at(9000, FoundRun::Nothing)), Continuity::RunMissing);
        assert_eq!(three.judge(&at(9000, FoundRun::Run(1))), Continuity::OtherRun);
        assert_eq!(three.judge(&at(9000, FoundRun::Unreadable)), Continuity::Unproven);
        assert_eq!(three.judge(&at(2000, FoundRun::Nothing)), Continuity::WentBack { end: Position(2000) });
        let other = StoreAt { identity: Some(Identity([8; 16])), ..at(3000, good) };
        assert_eq!(three.judge(&other), Continuity::OtherStore);
        assert_eq!(three.judge(&StoreAt { identity: None, ..other }), Continuity::OtherStore);
        assert_eq!(cursor(0).judge(&at(0, FoundRun::Nothing)), Continuity::Holds);
    }

    #[test]
    fn a_fingerprint_stays_the_same() {
        let run = Run { time_ms: 1_700_000_000_000, text: "OK".to_owned(), ..Run::default() };
        // Computed by hand in another language.
        assert_eq!(fingerprint(5, "load", &run), 0x7af1_3cb4_56f0_ce83);
        assert_ne!(fingerprint(5, "load", &run), fingerprint(6, "load", &run));
        assert_ne!(
            fingerprint(5, "load", &run),
            fingerprint(5, "loa", &Run { text: "dOK".to_owned(), ..run })
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes: Vec<u8>) {
            let _ = Cursor::decode(&bytes, "sink");
        }
    }
}
