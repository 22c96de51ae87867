//! Why bytes are not the RRD that they should be.

use std::fmt;

/// What is wrong with a file. The text continues "failed to read FILE: …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It does not begin as an RRD does.
    NotAnRrd,
    /// A version that is not known here.
    Version(String),
    /// It was written by a machine whose numbers lie otherwise.
    Foreign(Foreign),
    /// It is shorter than its head says.
    Short {
        /// Its bytes.
        found: usize,
        /// The bytes that its head makes it have; none if these are beyond 64 bits.
        expected: Option<u64>,
    },
    /// A number in its head that cannot be.
    Number {
        /// What it counts.
        what: &'static str,
        /// What stands there.
        found: u64,
        /// Its byte, counted from 0.
        at: usize,
    },
    /// A name in its head is no text.
    Name {
        /// What it is the name of.
        what: &'static str,
        /// Its byte, counted from 0.
        at: usize,
    },
}

/// How numbers lie in a file that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The other byte order.
    BigEndian,
    /// Numbers of 32 bits.
    Bits32,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAnRrd => f.write_str("it does not begin as an RRD does"),
            Error::Version(version) => {
                write!(f, "it is an RRD of version {version:?}, expected 0003 or 0004")
            }
            Error::Foreign(foreign) => {
                let machine = match foreign {
                    Foreign::BigEndian => "of the other byte order",
                    Foreign::Bits32 => "of 32 bits",
                };
                write!(
                    f,
                    "it was written by a machine {machine}; there write it with `rrdtool dump`, and here read that \
                     with `rrdtool restore`"
                )
            }
            Error::Short { found, expected: Some(expected) } => {
                write!(f, "it has {found} bytes, and by its head {expected}")
            }
            Error::Short { found, expected: None } => {
                write!(f, "it has {found} bytes, and by its head more than there can be")
            }
            Error::Number { what, found, at } => write!(f, "byte {at}: found {found} as {what}"),
            Error::Name { what, at } => write!(f, "byte {at}: the name of {what} is no text"),
        }
    }
}

impl std::error::Error for Error {}
