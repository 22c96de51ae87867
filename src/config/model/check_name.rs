//! What the name of a check may be.
//!
//! People type it on a command line and ask for it over NRPE, so it must be possible to type it. The rule is one for the
//! configuration and for history that is imported.

use std::fmt;

use crate::limits::CHECK_NAME_MAX_BYTES;

/// Why a text is no name of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckNameFault {
    /// There is nothing.
    Empty,
    /// It has more than [`CHECK_NAME_MAX_BYTES`].
    Long,
    /// Blanks are around it.
    Blanks,
    /// It begins as an option does.
    Option,
    /// A control character is in it; the characters before it are so many.
    Control(usize),
}

impl CheckNameFault {
    /// What is wrong with a name, if anything is.
    pub fn of(name: &str) -> Option<CheckNameFault> {
        if name.is_empty() {
            Some(CheckNameFault::Empty)
        } else if name.len() > CHECK_NAME_MAX_BYTES {
            Some(CheckNameFault::Long)
        } else if name.trim() != name {
            Some(CheckNameFault::Blanks)
        } else if name.starts_with('-') {
            Some(CheckNameFault::Option)
        } else {
            name.chars().position(char::is_control).map(CheckNameFault::Control)
        }
    }
}

impl fmt::Display for CheckNameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckNameFault::Empty => f.write_str("found an empty name, expected a check's name"),
            CheckNameFault::Long => write!(
                f,
                "found a name of more than {CHECK_NAME_MAX_BYTES} bytes, expected at most that many"
            ),
            CheckNameFault::Blanks => f.write_str("found a name with blanks around it, expected none"),
            CheckNameFault::Option => {
                f.write_str("found a name beginning with `-`, which a command line would take for an option")
            }
            CheckNameFault::Control(_) => f.write_str("found a control character, expected printable ones"),
        }
    }
}
