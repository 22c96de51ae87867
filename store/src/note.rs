//! Notes: what a part of the agent must find again after a restart and is no run, each in a file of the store that is
//! replaced as a whole.

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Cursor as Bytes, Short, put_str, put_varint};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Result};
use crate::limits::NOTE_BYTES_MAX;
use crate::names::{NOTE_SUFFIX, is_good_name, note_name};
use crate::small;

const MAGIC: [u8; 8] = *b"CUSTNOT\0";

/// The notes of a store, by name. A note has one author, which alone writes it; no lock is needed for that.
#[derive(Clone, Debug)]
pub struct Notes {
    disk: Arc<dyn Disk>,
}

impl Notes {
    /// Those of the store in a directory.
    pub fn new(dir: &Path) -> Notes {
        Notes::on(Arc::new(RealDisk::new(dir)))
    }

    /// Those of the store on any disk.
    pub fn on(disk: Arc<dyn Disk>) -> Notes {
        Notes { disk }
    }

    /// What a note says, in its author's own encoding; none if there is none of that name.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its file is. [`Error::Note`], [`Error::Version`] and [`Error::Io`].
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        check(name, 0)?;
        load(&*self.disk, &note_name(name))
    }

    /// Puts a note in the place of the one of that name, durably. Whatever happens meanwhile, the old one or the new one is
    /// found afterwards, whole. Takes two syncs of the disk.
    ///
    /// # Errors
    /// [`Error::Note`] and [`Error::Io`]. The old note, or already the new one, is in force then.
    pub fn write(&self, name: &str, text: &[u8]) -> Result<()> {
        check(name, text.len())?;
        let mut payload = Vec::with_capacity(name.len() + text.len() + 8);
        put_str(&mut payload, name);
        put_varint(&mut payload, text.len() as u64);
        payload.extend_from_slice(text);
        small::replace(&*self.disk, &note_name(name), &small::encode(MAGIC, &payload))
    }
}

/// The note in this file of a store; none if there is no such file.
pub(crate) fn load(disk: &dyn Disk, file: &str) -> Result<Option<Vec<u8>>> {
    let name = file.strip_suffix(NOTE_SUFFIX).unwrap_or(file);
    let Some(payload) = small::load(disk, file, MAGIC)? else { return Ok(None) };
    match decode(&payload, name) {
        Ok(text) => Ok(Some(text.to_vec())),
        Err(Short) => Err(Error::damaged(disk.path().join(file), 0, "the note is not well formed")),
    }
}

fn decode<'p>(payload: &'p [u8], name: &str) -> std::result::Result<&'p [u8], Short> {
    let mut bytes = Bytes::new(payload);
    if bytes.str()? != name {
        return Err(Short);
    }
    let len = bytes.count(1)?;
    let text = bytes.take(len)?;
    if bytes.is_at_end() { Ok(text) } else { Err(Short) }
}

fn check(name: &str, bytes: usize) -> Result<()> {
    let what = match () {
        () if !is_good_name(name) => "a name is letters, digits, '-', '_' and '.', and begins with no '.'",
        () if bytes > NOTE_BYTES_MAX => "it is too large",
        () => return Ok(()),
    };
    Err(Error::Note { name: name.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::disk::{Fate, SimDisk};

    #[test]
    fn a_note_says_what_was_written_last() {
        let notes = Notes::on(Arc::new(SimDisk::new()));
        assert_eq!(notes.read("engines").unwrap(), None);
        for text in [&b""[..], b"one", &[7; 1000]] {
            notes.write("engines", text).unwrap();
            assert_eq!(notes.read("engines").unwrap().as_deref(), Some(text));
        }
        assert_eq!(notes.read("rows").unwrap(), None);
    }

    #[test]
    fn odd_names_and_sizes_are_refused() {
        let notes = Notes::on(Arc::new(SimDisk::new()));
        for name in ["", "..", ".x", "a/b", "a b", &"x".repeat(101)] {
            assert!(matches!(notes.write(name, b""), Err(Error::Note { .. })), "{name}");
            assert!(matches!(notes.read(name), Err(Error::Note { .. })), "{name}");
        }
        assert!(matches!(notes.write("a", &vec![0; NOTE_BYTES_MAX + 1]), Err(Error::Note { .. })));
    }

    #[test]
    fn the_power_goes_at_every_operation_of_writing() {
        let whole = SimDisk::new();
        Notes::on(Arc::new(whole.clone())).write("a", b"old").unwrap();
        let before = whole.ops();
        Notes::on(Arc::new(whole.clone())).write("a", b"new").unwrap();
        for cut in before..whole.ops() {
            for fate in [Fate::Kept, Fate::Lost, Fate::Mixed(cut)] {
                let disk = SimDisk::new();
                let notes = Notes::on(Arc::new(disk.clone()));
                disk.cut_power_after(cut);
                notes.write("a", b"old").unwrap();
                notes.write("a", b"new").unwrap_err();
                let found = Notes::on(Arc::new(disk.restart(fate))).read("a").unwrap();
                assert!(matches!(found.as_deref(), Some(b"old" | b"new")), "{cut} {fate:?}: {found:?}");
            }
        }
        let found = Notes::on(Arc::new(whole.restart(Fate::Lost))).read("a").unwrap();
        assert_eq!(found.as_deref(), Some(&b"new"[..]));
    }

    #[test]
    fn an_empty_directory_makes_way_for_a_note() {
        let directory = tempfile::tempdir().unwrap();
        let notes = Notes::new(directory.path());
        let place = directory.path().join(note_name("a"));
        std::fs::create_dir(&place).unwrap();
        assert!(notes.read("a").is_err());
        std::fs::write(place.join("file"), "").unwrap();
        assert!(notes.write("a", b"x").is_err());
        std::fs::remove_file(place.join("file")).unwrap();
        notes.write("a", b"x").unwrap();
        assert_eq!(notes.read("a").unwrap().as_deref(), Some(&b"x"[..]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(text in prop::collection::vec(any::<u8>(), 0..300), name in "[a-z][a-z.-]{0,20}") {
            let notes = Notes::on(Arc::new(SimDisk::new()));
            notes.write(&name, &text).unwrap();
            prop_assert_eq!(notes.read(&name).unwrap(), Some(text));
        }

        #[test]
        fn no_bytes_are_too_odd(payload in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(text) = decode(&payload, "a") {
                prop_assert!(payload.ends_with(text) && payload.starts_with(b"\x01a"));
            }
        }
    }
}
