//! Why what people wrote cannot be read or kept.

use std::fmt;
use std::path::PathBuf;

/// Why marks cannot be read or changed. Each names them by what they are: `incidents`.
#[derive(Debug)]
#[non_exhaustive]
pub enum MarkError {
    /// They are in the store, but cannot be read.
    Read(&'static str, Box<dyn std::error::Error + Send + Sync>),
    /// The store does not take them.
    Change(&'static str, PathBuf, Box<dyn std::error::Error + Send + Sync>),
    /// There are as many as may be.
    Full(&'static str, usize),
    /// The last number has been given.
    NoNumber(&'static str),
    /// None of them has this number.
    Unknown(&'static str, u64),
}

impl fmt::Display for MarkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MarkError::Read(what, _) => write!(f, "failed to read the {what}s"),
            MarkError::Change(what, store, _) => {
                write!(f, "failed to change the {what}s of the store {}", store.display())
            }
            MarkError::Full(what, most) => {
                write!(f, "there are {most} {what}s already, as many as may be; remove some")
            }
            MarkError::NoNumber(what) => write!(f, "no further number is left for {what}s"),
            MarkError::Unknown(what, number) => write!(f, "there is no {what} {number}"),
        }
    }
}

impl std::error::Error for MarkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MarkError::Read(_, source) | MarkError::Change(_, _, source) => Some(&**source),
            MarkError::Full(..) | MarkError::NoNumber(_) | MarkError::Unknown(..) => None,
        }
    }
}
