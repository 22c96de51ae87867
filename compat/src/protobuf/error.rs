//! Why bytes are not the message they should be.

use std::fmt;

/// What is wrong with a message, and at which byte, counted from 0. The text continues "failed to read the message: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The byte of the whole message where that shows.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// See [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end where something should follow.
    End,
    /// A varint of more than 64 bits.
    Varint,
    /// A field with the number 0, or one beyond 2^29 - 1.
    Number,
    /// A field of a kind that proto3 does not have, with its number.
    Kind(u8),
    /// A length points beyond the end of what holds it.
    Length,
    /// A text is no UTF-8.
    Text,
    /// The field of this number has another kind than its message gives it.
    OtherKind(u32),
    /// The message has no field of this number.
    Unknown(u32),
    /// A number does not fit into what its field may hold.
    Range(u32),
    /// What a rule of the format demands is not so.
    Rule(&'static str),
}

impl Fault {
    /// The error that this fault is at a byte.
    pub fn at(self, at: usize) -> Error {
        Error { at, fault: self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.fault, self.at)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::End => write!(out, "the bytes end too early"),
            Fault::Varint => write!(out, "a number has more than 64 bits"),
            Fault::Number => write!(out, "the number of a field is 0 or too large"),
            Fault::Kind(kind) => write!(out, "a field is of the unknown kind {kind}"),
            Fault::Length => write!(out, "a length reaches beyond the end"),
            Fault::Text => write!(out, "a text is not UTF-8"),
            Fault::OtherKind(number) => write!(out, "the field {number} is of another kind"),
            Fault::Unknown(number) => write!(out, "there is no field {number} in this message"),
            Fault::Range(number) => write!(out, "the number in the field {number} is out of range"),
            Fault::Rule(rule) => write!(out, "{rule}"),
        }
    }
}

impl std::error::Error for Error {}
