//! How the server is set up: data that the agent hands to it.

use std::fs;
use std::path::{Path, PathBuf};

use openssl::sha::sha256;
use openssl::ssl::SslContext;
use serde::{Deserialize, Serialize};

use super::tls::Tls;
use crate::config::{Config, HttpConfig, Listening};

/// How the server is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The store that is asked.
    pub store: PathBuf,
    /// The name of this host; empty if none is known.
    pub host: String,
    /// Where to listen.
    pub listen: Vec<Listening>,
    /// What TLS takes; addresses speak it if there is something.
    pub tls: Option<Tls>,
    /// SHA-256 of the tokens that clients may show.
    pub tokens: Vec<[u8; 32]>,
    /// Origins of web pages that may ask, in lower case.
    pub cors: Vec<String>,
    /// Names of this host, beside `localhost`.
    pub hosts: Vec<String>,
}

impl Settings {
    /// A server for this host alone.
    pub fn at(store: &Path, listening: Listening) -> Settings {
        Settings {
            store: store.to_owned(),
            host: String::new(),
            listen: vec![listening],
            tls: None,
            tokens: Vec::new(),
            cors: Vec::new(),
            hosts: Vec::new(),
        }
    }

    /// What connections are accepted with; nothing without TLS.
    ///
    /// # Errors
    /// The certificate, its key or the authorities cannot be used.
    pub(super) fn tls_context(&self) -> Result<Option<SslContext>, String> {
        // Whoever has no token needs a certificate.
        self.tls.as_ref().map(|tls| tls.context(self.tokens.is_empty())).transpose()
    }

    /// The settings that a configuration asks for, if it has HTTP answered. Reads the files of TLS.
    ///
    /// # Errors
    /// A file cannot be read, or does not have what it should.
    pub fn of(config: &Config) -> Result<Option<Settings>, String> {
        let Some(http) = &config.http else { return Ok(None) };
        let settings = Settings {
            store: config.store.clone(),
            host: config.host.clone(),
            listen: http.listen.clone(),
            tls: tls(http)?,
            tokens: tokens(http)?,
            cors: http.cors.clone(),
            hosts: http.hosts.iter().chain([&config.host]).cloned().collect(),
        };
        settings.tls_context()?;
        Ok(Some(settings))
    }
}

fn tls(http: &HttpConfig) -> Result<Option<Tls>, String> {
    let read = |path: &PathBuf| {
        fs::read_to_string(path).map_err(|error| format!("HTTP: failed to read {}: {error}", path.display()))
    };
    let (Some(certificate), Some(key)) = (&http.tls_certificate, &http.tls_key) else { return Ok(None) };
    let client_ca = http.tls_client_ca.as_ref().map(read).transpose()?;
    Ok(Some(Tls { certificate: read(certificate)?, key: read(key)?, client_ca }))
}

fn tokens(http: &HttpConfig) -> Result<Vec<[u8; 32]>, String> {
    http.tokens.iter().map(|token| Ok(sha256(token.bytes().map_err(str::to_owned)?))).collect()
}
