//! Asking for a message that a stream has.

use openssl::base64;
use serde::{Deserialize, Serialize};

use super::api::{ApiError, read};
use crate::nats::error::Error;
use crate::nats::headers::Headers;

/// Which message is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Ask<'a> {
    /// The last one of a subject.
    Last {
        /// The subject.
        last_by_subj: &'a str,
    },
    /// The first one of a subject, which may have wildcards, from a sequence on.
    Next {
        /// The sequence.
        seq: u64,
        /// The subject.
        next_by_subj: &'a str,
    },
}

impl Ask<'_> {
    /// The request.
    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers have a JSON")
    }
}

/// A message that a stream has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Where it was sent.
    pub subject: String,
    /// Its sequence in the stream.
    pub seq: u64,
    /// Its headers.
    pub headers: Headers,
    /// What it says.
    pub payload: Vec<u8>,
    /// When the stream took it, as RFC 3339 writes times.
    pub time: String,
}

#[derive(Deserialize)]
struct Answer {
    message: Body,
}

#[derive(Deserialize)]
struct Body {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    #[serde(default)]
    time: String,
}

/// Reads the answer to [`Ask`].
///
/// # Errors
/// If it is none. That there is no such message is an answer, [`super::codes::NO_MESSAGE`].
pub fn read_stored(json: &[u8]) -> Result<Result<Stored, ApiError>, Error> {
    let Body { subject, seq, hdrs, data, time } = match read::<Answer>("a message", json)? {
        Ok(answer) => answer.message,
        Err(refused) => return Ok(Err(refused)),
    };
    let bytes = |text: &str| match text {
        "" => Ok(Vec::new()),
        text => {
            base64::decode_block(text).map_err(|_| Error::Json("a message", "it is not base64".to_owned()))
        }
    };
    let headers = bytes(&hdrs)?;
    let headers = if headers.is_empty() { Headers::default() } else { Headers::read(&headers)? };
    Ok(Ok(Stored { subject, seq, headers, payload: bytes(&data)?, time }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_asked_for_and_read() {
        assert_eq!(Ask::Last { last_by_subj: "a.b" }.json(), br#"{"last_by_subj":"a.b"}"#);
        assert_eq!(Ask::Next { seq: 3, next_by_subj: "a.*" }.json(), br#"{"seq":3,"next_by_subj":"a.*"}"#);
        let json = br#"{"type":"io.nats.jetstream.api.v1.stream_msg_get_response","message":{"subject":"a.b","seq":4,
            "hdrs":"TkFUUy8xLjANCk5hdHMtTXNnLUlkOiB4DQoNCg==","data":"aGVsbG8=","time":"2026-11-28T00:00:00.5Z"}}"#;
        let stored = read_stored(json).unwrap().unwrap();
        assert_eq!(
            (stored.seq, stored.headers.get("Nats-Msg-Id"), &*stored.payload),
            (4, Some("x"), &b"hello"[..])
        );
        let none = br#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#;
        assert_eq!(read_stored(none).unwrap().unwrap_err().err_code, super::super::codes::NO_MESSAGE);
        let empty = read_stored(br#"{"message":{"subject":"a","seq":1}}"#).unwrap().unwrap();
        assert!(empty.payload.is_empty() && empty.headers == Headers::default());
        assert!(read_stored(br#"{"message":{"subject":"a","seq":1,"data":"*"}}"#).is_err());
    }
}
