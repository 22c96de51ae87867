//! INFO: what a server says of itself.

use serde::Deserialize;

use super::error::Error;

/// What of it matters to a client that publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Info {
    /// Its name, or what stands for it.
    pub server_name: String,
    /// Its version, such as `2.9.10`.
    pub version: String,
    /// Largest message that it takes, with headers, in bytes.
    pub max_payload: u64,
    /// It knows headers.
    pub headers: bool,
    /// It has JetStream.
    pub jetstream: bool,
    /// It wants to know who the client is.
    pub auth_required: bool,
    /// It goes on with TLS only.
    pub tls_required: bool,
    /// It can go on with TLS.
    pub tls_available: bool,
    /// What a client with a key has to sign.
    pub nonce: Option<String>,
    /// It is about to stop: connect to another one.
    pub ldm: bool,
}

impl Info {
    pub(super) fn read(json: &str) -> Result<Info, Error> {
        serde_json::from_str(json).map_err(|error| Error::Json("INFO", error.to_string()))
    }
}
