//! What cannot be read, as data.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::position::Position;

/// A part of a store that cannot be read, and which runs were there as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Offset of the damaged part from the start of the file, in bytes.
    pub offset: u64,
    /// What does not hold.
    pub what: String,
    /// The check that the runs belong to; `None` where they may be any check's.
    pub check: Option<String>,
    /// The runs that are lost are numbered from here on.
    pub start: Position,
    /// ... to before this position. Runs of other checks that are numbered in between may be readable.
    pub end: Position,
    /// How many runs are lost, where that is known. Some of them may be numbered outside of what was asked for.
    pub runs: Option<u64>,
    /// How many samples are lost with them, where that is known.
    pub samples: Option<u64>,
}

impl Damage {
    /// What an error in reading a file costs, if it is all runs with these numbers.
    pub(crate) fn of(error: &Error, file: &Path, start: u64, end: u64) -> Damage {
        let (offset, what) = match error {
            Error::Damaged { offset, what, .. } => (*offset, what.clone()),
            Error::Io { source, .. } => (0, format!("it cannot be read: {source}")),
            other => (0, other.to_string()),
        };
        let (file, start, end) = (file.to_path_buf(), Position(start), Position(end));
        Damage { file, offset, what, check: None, start, end, runs: None, samples: None }
    }
}

impl fmt::Display for Damage {
    /// Continues "failed to …", as an [`Error`] does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read {} at offset {}: {}", self.file.display(), self.offset, self.what)
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Error {
        Error::Damaged { path: damage.file, offset: damage.offset, what: damage.what }
    }
}
