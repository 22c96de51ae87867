//! The notes that a notifier goes on from, as they are in a store.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use custos_store::{Error, Notes};

use super::note::{ACKS_NOTE, NotedTarget, SILENCES_NOTE, parsed};
use super::receiver::target_note;
use super::silence::{Ack, NotedSilences, Silences};

/// Notes that a notifier goes on from, as they are in the store.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// By the names of their receivers, see [`super::receiver_names`].
    pub targets: BTreeMap<String, Vec<u8>>,
    /// The note of silences.
    pub silences: Vec<u8>,
    /// The note of acknowledgements.
    pub acks: Vec<u8>,
    /// Why notes cannot be read, by their names.
    pub unreadable: BTreeMap<String, String>,
}

impl Noted {
    /// Reads the notes in a store: of silences, of acknowledgements, and those of targets.
    pub fn read<'t>(store: &Path, targets: impl IntoIterator<Item = &'t String>) -> Noted {
        let notes = Notes::new(store);
        let mut unreadable = BTreeMap::new();
        let mut read = |name: &str| match notes.read(name) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => {
                let advice = match &error {
                    Error::Io { source, .. } if source.kind() == ErrorKind::IsADirectory => {
                        "; unless that is empty, it has to be moved away before the note can be written"
                    }
                    _ => "",
                };
                unreadable.insert(name.to_owned(), format!("{error}{advice}"));
                Vec::new()
            }
        };
        let targets = targets.into_iter().map(|target| (target.clone(), read(&target_note(target))));
        let targets = targets.collect();
        let (silences, acks) = (read(SILENCES_NOTE), read(ACKS_NOTE));
        Noted { targets, silences, acks, unreadable }
    }

    /// The notes that cannot be read, by their names, each with what that means.
    pub fn faults(&self) -> BTreeMap<String, String> {
        let mut faults = BTreeMap::new();
        let mut look = |name: String, means: &str, read: Result<(), String>| {
            if let Some(why) = self.unreadable.get(&name).cloned().or(read.err()) {
                faults.insert(name, format!("{means}: {why}"));
            }
        };
        let silences = parsed::<NotedSilences>(&self.silences).and_then(|noted| noted.all_are_read());
        look(SILENCES_NOTE.to_owned(), "silences cannot be read, and those do not hold", silences);
        let acks = parsed::<Vec<Ack>>(&self.acks).map(drop);
        look(ACKS_NOTE.to_owned(), "acknowledgements cannot be read, and none holds", acks);
        for (target, text) in &self.targets {
            let means =
                format!("what the target {target} was told cannot be read, so for it everything begins anew");
            look(target_note(target), &means, parsed::<NotedTarget>(text).map(drop));
        }
        faults
    }

    /// The silences that can be read.
    pub(super) fn silences(&self) -> Silences {
        Silences::restore(parsed(&self.silences).unwrap_or_default())
    }

    /// The acknowledgements that can be read.
    pub fn acks(&self) -> Vec<Ack> {
        parsed(&self.acks).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_that_cannot_be_read_are_named_with_what_that_means() {
        assert_eq!(Noted::default().faults(), BTreeMap::new());
        let silences = br#"{"last_id":2,"silences":[{"id":1,"matchers":["="],"from_ms":0,"until_ms":9,"author":"","comment":""}]}"#;
        let noted = Noted {
            targets: BTreeMap::from([("hook".to_owned(), b"{".to_vec())]),
            silences: silences.to_vec(),
            acks: Vec::new(),
            unreadable: BTreeMap::from([(ACKS_NOTE.to_owned(), "damaged".to_owned())]),
        };
        let faults: Vec<String> = noted.faults().into_values().collect();
        assert_eq!(faults[0], "acknowledgements cannot be read, and none holds: damaged");
        assert!(faults[1].starts_with("silences cannot be read, and those do not hold: 1: "), "{faults:?}");
        assert!(faults[2].starts_with("what the target hook was told cannot be read"), "{faults:?}");
        assert!(noted.silences().list().is_empty());
    }
}
