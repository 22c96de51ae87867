//! What a plugin says.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// What a plugin printed, and how it exited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its exit code, 0 to 3.
    pub exit: u8,
    /// Its stdout, with the end of the line.
    pub stdout: Vec<u8>,
}

/// A state of a plugin, in the order of how bad it is to most of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl State {
    /// What `max_state` of the plugins makes of two: CRITICAL before WARNING, before OK, before UNKNOWN.
    pub(crate) fn max(self, other: State) -> State {
        let rank = |state: State| match state {
            State::Critical => 3,
            State::Warning => 2,
            State::Ok => 1,
            State::Unknown => 0,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// In capitals.
    pub(crate) fn text(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
            State::Unknown => "UNKNOWN",
        }
    }

    /// The line of a plugin that exits with this state.
    pub(crate) fn says(self, line: impl Into<Vec<u8>>) -> Printed {
        let mut stdout = line.into();
        stdout.push(b'\n');
        Printed { exit: self as u8, stdout }
    }
}

/// The system's own words for an error, without the number that the standard library puts behind them.
pub(crate) fn words(error: &io::Error) -> String {
    error.to_string().split(" (os error ").next().unwrap_or_default().to_owned()
}

/// What is said of a path in a file system that does not answer, where the plugin would hang.
pub(crate) fn does_not_answer(word: &str, path: &OsStr) -> Printed {
    State::Critical.says([word.as_bytes(), b" CRITICAL - ", path.as_bytes(), b" does not answer"].concat())
}
