//! Lines of files, or of stdin, one after the other. A line that is none of its format is told and passed over.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::cli::bounded_lines::{Line, next_line, quoted, skip_line};
use crate::cli::read::{Failure, tell};
use crate::limits::{IMPORT_FAULTS_SHOWN, IMPORT_LINE_MAX_BYTES, INPUT_ECHO_MAX_BYTES};
use crate::text::human::counted;
use crate::whole_file;

/// Files with lines.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LineFiles {
    /// Files; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What became of a line.
pub(super) enum Outcome {
    /// It was taken in, or there is nothing to take in.
    Taken,
    /// It is none of its format, and why.
    Wrong(String),
}

/// Lines that were passed over.
#[derive(Debug, Default)]
pub(super) struct Passed {
    count: u64,
}

impl LineFiles {
    /// Hands out each line of all files.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(&str) -> Result<Outcome, Failure>,
    ) -> Result<Passed, Failure> {
        let mut passed = Passed::default();
        for path in &self.files {
            if path == Path::new("-") {
                read(path, &mut std::io::stdin().lock(), &mut passed, &mut take)?;
            } else {
                let file: File = whole_file::open(path).map_err(|error| unreadable(path, &error))?;
                read(path, &mut BufReader::new(file), &mut passed, &mut take)?;
            }
        }
        Ok(passed)
    }
}

fn read(
    path: &Path,
    input: &mut impl BufRead,
    passed: &mut Passed,
    take: &mut impl FnMut(&str) -> Result<Outcome, Failure>,
) -> Result<(), Failure> {
    let mut number = 0_u64;
    loop {
        number += 1;
        match next_line(input, IMPORT_LINE_MAX_BYTES) {
            Ok(None) => return Ok(()),
            Ok(Some(Line::Whole(text))) => {
                if let Outcome::Wrong(why) = take(&text)? {
                    passed.tell(path, number, &why);
                }
            }
            Ok(Some(Line::TooLong)) => {
                skip_line(input).map_err(|error| unreadable(path, &error))?;
                passed.tell(path, number, &format!("it has more than {IMPORT_LINE_MAX_BYTES} bytes"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                passed.tell(path, number, &error.to_string());
            }
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("failed to read {}: {error}", path.display()))
}

impl Passed {
    fn tell(&mut self, path: &Path, number: u64, why: &str) {
        self.count += 1;
        if self.count <= IMPORT_FAULTS_SHOWN as u64 {
            let why = quoted(why, INPUT_ECHO_MAX_BYTES);
            tell(&format!("failed to read {}:{number}: {why}", path.display()));
        }
    }

    /// The end of a command that has done the rest.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.count {
            0 => Ok(()),
            count => Err(Failure::new(format!("{} could not be read", counted(count, "line")))),
        }
    }
}
