//! The subjects of the API, and its errors.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::nats::error::Error;

/// The API of a server, or of a domain behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    prefix: String,
}

impl Api {
    /// The API of a domain; of the server itself if none is given.
    pub fn new(domain: Option<&str>) -> Api {
        let prefix = domain.map_or("$JS.API".to_owned(), |domain| format!("$JS.{domain}.API"));
        Api { prefix }
    }

    /// Where a stream is made.
    pub fn create(&self, stream: &str) -> String {
        format!("{}.STREAM.CREATE.{stream}", self.prefix)
    }

    /// Where a stream is asked for.
    pub fn info(&self, stream: &str) -> String {
        format!("{}.STREAM.INFO.{stream}", self.prefix)
    }

    /// Where a message of a stream is asked for.
    pub fn get(&self, stream: &str) -> String {
        format!("{}.STREAM.MSG.GET.{stream}", self.prefix)
    }
}

/// Why the API does not do what it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ApiError {
    /// As HTTP has them, such as 404.
    pub code: u32,
    /// What it is; see [`super::codes`].
    pub err_code: u32,
    /// In words.
    pub description: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (error {})", self.description, self.err_code)
    }
}

impl std::error::Error for ApiError {}

#[derive(Deserialize)]
struct Refusal {
    error: Option<ApiError>,
}

/// Reads an answer, which is an error or what was asked for.
pub(super) fn read<T: DeserializeOwned>(
    what: &'static str,
    json: &[u8],
) -> Result<Result<T, ApiError>, Error> {
    let bad = |error: serde_json::Error| Error::Json(what, error.to_string());
    let refusal: Refusal = serde_json::from_slice(json).map_err(bad)?;
    match refusal.error {
        Some(error) => Ok(Err(error)),
        None => Ok(Ok(serde_json::from_slice(json).map_err(bad)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_an_api_of_its_own() {
        assert_eq!(Api::new(None).info("S"), "$JS.API.STREAM.INFO.S");
        assert_eq!(Api::new(Some("hub")).get("S"), "$JS.hub.API.STREAM.MSG.GET.S");
    }
}
