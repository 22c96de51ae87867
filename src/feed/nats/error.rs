//! Why a server could not be spoken to, or a stream does not take what it is given.

use std::fmt;
use std::time::Duration;

/// See above. The text continues "failed to …" what was being done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NatsError {
    /// There is no connection, or it broke: try again later. It is not known whether what was sent has arrived.
    Broken(String),
    /// There was no answer in time: as [`NatsError::Broken`].
    Slow(Duration),
    /// The server lets this client not in, or not do what it does: nothing helps but another login or other permissions.
    Denied(String),
    /// What the server is or how it is set does not do: nothing helps but setting it.
    Unfit(String),
    /// The stream refuses the message for what it is: its code and words.
    Refused(u32, String),
    /// The subject's last message has another sequence than expected: somebody else publishes there, or a message of ours
    /// arrived whose answer did not.
    OtherLast(String),
    /// The message is larger than the server takes: its bytes and those that the server takes.
    TooLarge(usize, u64),
}

impl NatsError {
    /// Whether it may be otherwise later without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, NatsError::Broken(_) | NatsError::Slow(_))
    }
}

impl fmt::Display for NatsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NatsError::Broken(why) => write!(out, "{why}"),
            NatsError::Slow(time) => write!(out, "the server has not answered within {} s", time.as_secs()),
            NatsError::Denied(why) => {
                write!(out, "the server refuses ({why}): check the login and the permissions of its user")
            }
            NatsError::Unfit(why) => write!(out, "{why}"),
            NatsError::Refused(code, why) => {
                write!(out, "the stream refuses the message: {why} (error {code})")
            }
            NatsError::OtherLast(why) => {
                write!(
                    out,
                    "the subject's last message is not the expected one ({why}): see that nobody else publishes there"
                )
            }
            NatsError::TooLarge(bytes, most) => write!(
                out,
                "the message has {bytes} bytes, and the server takes {most}: send less at once, or set its max_payload"
            ),
        }
    }
}

impl std::error::Error for NatsError {}
