//! JetStream, the streams of a NATS server: what is asked of its API and what it answers, as JSON
//! (<https://docs.nats.io/reference/reference-protocols/nats_api_reference>). All that is used here, 2.9.10 has.

mod ack;
mod api;
mod stored;
mod stream;

pub use ack::PubAck;
pub use api::{Api, ApiError};
pub use stored::{Ask, Stored, read_stored};
pub use stream::{StreamConfig, StreamInfo, StreamState, read_info, subjects_request};

/// Headers by which a publisher is heard once and no more.
pub mod headers {
    /// The same id again within the stream's window is answered and not stored.
    pub const MSG_ID: &str = "Nats-Msg-Id";
    /// The sequence of the last message of the subject, 0 if there is none; otherwise the message is refused.
    pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
    /// The stream that the message is for; another one refuses it.
    pub const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
}

/// Codes of errors that say something to a publisher.
pub mod codes {
    /// There is no such stream.
    pub const NO_STREAM: u32 = 10_059;
    /// The message is for another stream.
    pub const OTHER_STREAM: u32 = 10_060;
    /// There is no such message.
    pub const NO_MESSAGE: u32 = 10_037;
    /// The last message of the subject is another one than expected.
    pub const OTHER_LAST_SEQUENCE: u32 = 10_071;
    /// A stream of this name, with other settings, is there already.
    pub const NAME_IN_USE: u32 = 10_058;
}
