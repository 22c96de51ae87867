//! The answer to a message that was published into a stream.

use serde::Deserialize;

use super::api::{ApiError, read};
use crate::nats::error::Error;

/// The stream has the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PubAck {
    /// The stream.
    pub stream: String,
    /// The sequence of the message in it.
    pub seq: u64,
    /// It was there already, under this sequence: a message of the same id came before.
    #[serde(default)]
    pub duplicate: bool,
}

impl PubAck {
    /// Reads the answer.
    ///
    /// # Errors
    /// If it is none. That the stream refuses the message is an answer.
    pub fn read(json: &[u8]) -> Result<Result<PubAck, ApiError>, Error> {
        read("an acknowledgement", json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.9.10 answers.
    #[test]
    fn answers_are_told_from_refusals() {
        let ack = PubAck::read(br#"{"stream":"CUSTOS", "seq":7,"duplicate": true}"#).unwrap().unwrap();
        assert_eq!(ack, PubAck { stream: "CUSTOS".to_owned(), seq: 7, duplicate: true });
        let refused = PubAck::read(
            br#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"CUSTOS","seq":0}"#,
        );
        let refused = refused.unwrap().unwrap_err();
        assert_eq!(
            (refused.err_code, refused.to_string()),
            (10_071, "wrong last sequence: 5 (error 10071)".to_owned())
        );
        assert!(PubAck::read(b"{").is_err() && PubAck::read(b"{}").is_err());
    }
}
