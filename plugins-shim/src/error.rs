//! What can fail between the agent and the shim. Each message continues "failed to …".

use std::io;

/// The version of the messages that both ends must have.
pub const VERSION: u32 = 6;

/// What was done to a worker whose limits have changed, for [`Error::Interfered`].
pub const LIMITS_CHANGED: &str = "a process of its own user changed its resource limits";

/// Why the shim, or a conversation with it, failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A step of the system refused; the text says which.
    System {
        /// What was attempted, such as `start the shim`.
        attempt: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The other side sent what is no message of this version.
    Protocol(DecodeError),
    /// The message is longer than a frame may be.
    TooLong {
        /// Its length.
        len_bytes: usize,
    },
    /// The other side ended the conversation.
    Ended,
    /// The other side owes an answer and says nothing.
    Silent,
    /// Somebody interfered with the shim so that it had to be ended.
    Interfered {
        /// What was done to it.
        how: &'static str,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::System { attempt, source } => write!(f, "failed to {attempt}: {source}"),
            Error::Protocol(source) => write!(f, "failed to understand the other side of the shim: {source}"),
            Error::TooLong { len_bytes } => {
                write!(f, "failed to send a message of {len_bytes} bytes: too long")
            }
            Error::Ended => write!(f, "failed to reach the shim: it has ended"),
            Error::Silent => write!(f, "failed to hear from the shim: it owes a report and says nothing"),
            Error::Interfered { how } => write!(f, "failed to rely on the shim: {how}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::System { source, .. } => Some(source),
            Error::Protocol(source) => Some(source),
            Error::TooLong { .. } | Error::Ended | Error::Silent | Error::Interfered { .. } => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match &error {
            Error::System { source, .. } => source.kind(),
            Error::Protocol(_) | Error::TooLong { .. } => io::ErrorKind::InvalidData,
            Error::Ended => io::ErrorKind::UnexpectedEof,
            Error::Silent => io::ErrorKind::TimedOut,
            Error::Interfered { .. } => io::ErrorKind::ConnectionAborted,
        };
        io::Error::new(kind, error)
    }
}

impl Error {
    /// For `map_err`: names the step that the system refused.
    pub(crate) fn system<E: Into<io::Error>>(attempt: &'static str) -> impl Fn(E) -> Error {
        move |source| Error::System { attempt, source: source.into() }
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame is longer than [`FRAME_MAX_BYTES`](crate::limits::FRAME_MAX_BYTES).
    FrameTooLong(u32),
    /// The frame ends inside a field.
    Short,
    /// Bytes follow the last field.
    Trailing(usize),
    /// No such kind of message.
    Kind(u8),
    /// No such outcome, option or flag.
    Tag(u8),
    /// The message is not one that this side receives, or not now.
    Unexpected,
    /// The other side has another version.
    Version(u32),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::FrameTooLong(len) => write!(f, "a frame of {len} bytes is too long"),
            DecodeError::Short => write!(f, "a frame ends inside a field"),
            DecodeError::Trailing(count) => write!(f, "{count} bytes follow the last field of a frame"),
            DecodeError::Kind(kind) => write!(f, "no message has the kind {kind}"),
            DecodeError::Tag(tag) => write!(f, "no value has the tag {tag}"),
            DecodeError::Unexpected => write!(f, "a message that does not belong here"),
            DecodeError::Version(version) => write!(f, "version {version} instead of {VERSION}"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_system_names_the_step() {
        let refused = io::Error::from_raw_os_error(libc::EMFILE);
        let error = Error::system("start the shim")(refused);
        assert_eq!(error.to_string(), "failed to start the shim: Too many open files (os error 24)");
        assert!(std::error::Error::source(&error).is_some());
    }
}
