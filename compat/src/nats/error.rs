//! What is wrong with what a server sent, or with what would be sent.

use std::fmt;

/// See above. The text continues "failed to speak NATS: …".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A line is longer than [`super::LINE_MAX_BYTES`].
    Line,
    /// A message is larger than [`super::PAYLOAD_MAX_BYTES`]; its size.
    Payload(u64),
    /// A line that is none of the protocol; its beginning.
    Unknown(String),
    /// A line of the protocol that is not well formed; its first word.
    Malformed(&'static str),
    /// JSON that is not what it should be; of what, and the reader's words.
    Json(&'static str, String),
    /// A subject has characters that none may have.
    Subject(String),
    /// A header has characters that none may have; its name.
    Header(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Line => write!(out, "the server sent a line of more than {} bytes", super::LINE_MAX_BYTES),
            Error::Payload(bytes) => {
                write!(out, "a message of {bytes} bytes is larger than {}", super::PAYLOAD_MAX_BYTES)
            }
            Error::Unknown(line) => write!(out, "the server sent {line:?}, which is not of its protocol"),
            Error::Malformed(what) => write!(out, "the server sent a malformed {what}"),
            Error::Json(what, why) => write!(out, "{what} of the server cannot be read: {why}"),
            Error::Subject(subject) => write!(out, "{subject:?} is no subject"),
            Error::Header(name) => write!(out, "the header {name:?} has characters that none may have"),
        }
    }
}

impl std::error::Error for Error {}
