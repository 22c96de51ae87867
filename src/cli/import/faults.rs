//! Files that could not be taken in: they are told, the others are taken in, and the command fails at its end.

use std::path::Path;

use crate::cli::read::{Failure, tell};
use crate::limits::IMPORT_FAULTS_SHOWN;
use crate::text::human::counted;

/// How many files could not be taken in.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: usize,
}

impl Faults {
    /// Tells that a file is left out, and why.
    pub(super) fn tell(&mut self, file: &Path, why: &str) {
        self.count += 1;
        if self.count <= IMPORT_FAULTS_SHOWN {
            tell(&format!("failed to read {}: {why}", file.display()));
        }
    }

    /// The end of a command that has done the rest.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.count {
            0 => Ok(()),
            count => Err(Failure::new(format!("{} could not be read", counted(count as u64, "file")))),
        }
    }
}
