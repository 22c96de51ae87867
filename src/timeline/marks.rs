//! Marks of one kind, which a store keeps as one of its notes.
//!
//! Invariants: a number is never given twice, also not after a removal; of several commands one changes marks after the other, and
//! what is read is always whole. The agent does not write these notes, so that it may run or not.

use std::error::Error;
use std::fs::File;
use std::path::Path;

use custos_store::Notes;
use nix::fcntl::{Flock, FlockArg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::MarkError;

/// A kind of marks.
pub trait Mark: Serialize + DeserializeOwned {
    /// What one is called.
    const WHAT: &'static str;
    /// The name of the note that has them, as JSON.
    const NOTE: &'static str;
    /// How many a store may have.
    const MOST: usize;

    /// Its number.
    fn number(&self) -> u64;
}

/// All marks of a kind in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks<T> {
    /// The number of the next one.
    pub next: u64,
    /// Those that are there, by number.
    pub all: Vec<T>,
}

impl<T> Default for Marks<T> {
    fn default() -> Marks<T> {
        Marks { next: 0, all: Vec::new() }
    }
}

impl<T: Mark> Marks<T> {
    /// Those of the store in a directory.
    ///
    /// # Errors
    /// [`MarkError::Read`].
    pub fn read(store: &Path) -> Result<Marks<T>, MarkError> {
        let failed = |error: Box<dyn Error + Send + Sync>| MarkError::Read(T::WHAT, error);
        match Notes::new(store).read(T::NOTE).map_err(|error| failed(error.into()))? {
            None => Ok(Marks::default()),
            Some(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
        }
    }

    /// Adds the mark that `of` makes of its number, and returns that.
    ///
    /// # Errors
    /// [`MarkError::Full`], [`MarkError::NoNumber`], and where the store cannot be read or written.
    pub fn add(store: &Path, of: impl FnOnce(u64) -> T) -> Result<u64, MarkError> {
        Marks::change(store, |marks| {
            if marks.all.len() >= T::MOST {
                return Err(MarkError::Full(T::WHAT, T::MOST));
            }
            let number = marks.next.max(1);
            marks.next = number.checked_add(1).ok_or(MarkError::NoNumber(T::WHAT))?;
            marks.all.push(of(number));
            Ok(number)
        })
    }

    /// Takes marks away, all of them or none.
    ///
    /// # Errors
    /// [`MarkError::Unknown`], and where the store cannot be read or written.
    pub fn remove(store: &Path, numbers: &[u64]) -> Result<(), MarkError> {
        Marks::change(store, |marks: &mut Marks<T>| {
            for number in numbers {
                let known = marks.all.iter().position(|mark| mark.number() == *number);
                marks.all.remove(known.ok_or(MarkError::Unknown(T::WHAT, *number))?);
            }
            Ok(())
        })
    }

    /// Each change has the directory locked meanwhile.
    fn change<R>(
        store: &Path,
        change: impl FnOnce(&mut Marks<T>) -> Result<R, MarkError>,
    ) -> Result<R, MarkError> {
        let failed =
            |error: Box<dyn Error + Send + Sync>| MarkError::Change(T::WHAT, store.to_owned(), error);
        let directory = File::open(store).map_err(|error| failed(error.into()))?;
        let locked =
            Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, error)| failed(error.into()))?;
        let mut marks = Marks::read(store)?;
        let done = change(&mut marks)?;
        let text = serde_json::to_vec(&marks).map_err(|error| failed(error.into()))?;
        Notes::new(store).write(T::NOTE, &text).map_err(|error| failed(error.into()))?;
        drop(locked);
        Ok(done)
    }
}
