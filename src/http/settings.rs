//! How the server is set up: data that the agent hands to it.

use std::path::{Path, PathBuf};

use openssl::sha::sha256;
use openssl::ssl::SslContext;
use serde::{Deserialize, Serialize};

use super::rules::ShownGroup;
use super::tls::Tls;
use crate::config::{Config, HttpConfig, JudgedCheck, Listening};
use crate::limits::{HTTP_SETTINGS_MAX_BYTES, TLS_FILE_MAX_BYTES};
use crate::whole_file;

/// How the server is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Whether whoever may ask may have checks run more often while they are watched.
    pub open_watch: bool,
    /// What the checks of the configuration are judged by, but for those that are rules.
    pub checks: Vec<JudgedCheck>,
    /// The rules in force.
    pub rules: Vec<ShownGroup>,
    /// Labels of this host, for templates.
    pub external_labels: Vec<(String, String)>,
    /// Where the page of this host is, for templates.
    pub external_url: String,
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
            open_watch: false,
            checks: Vec::new(),
            rules: Vec::new(),
            external_labels: Vec::new(),
            external_url: String::new(),
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
            open_watch: http.open_watch,
            checks: judged(config),
            rules: config.groups.iter().map(|group| ShownGroup::of(group)).collect(),
            external_labels: config.external_labels.clone().into_iter().collect(),
            external_url: config.external_url.clone(),
        };
        settings.tls_context()?;
        settings.message()?;
        Ok(Some(settings))
    }

    /// The settings as they are handed to the process that answers.
    ///
    /// # Errors
    /// They are larger than that process takes.
    pub fn message(&self) -> Result<Vec<u8>, String> {
        let message = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        match message.len() {
            0..=HTTP_SETTINGS_MAX_BYTES => Ok(message),
            bytes => Err(format!(
                "HTTP: the settings with the files for TLS have {bytes} bytes, expected at most {HTTP_SETTINGS_MAX_BYTES}"
            )),
        }
    }
}

/// What the checks of a configuration are judged by.
pub fn judged(config: &Config) -> Vec<JudgedCheck> {
    let checks = config.checks.values().filter(|check| !check.command.is_rule());
    checks.map(|check| JudgedCheck::of(check)).collect()
}

fn tls(http: &HttpConfig) -> Result<Option<Tls>, String> {
    let read = |path: &PathBuf| {
        let failed = |why: &str| format!("HTTP: failed to read {}: {why}", path.display());
        let bytes = whole_file::bytes(path, TLS_FILE_MAX_BYTES);
        let bytes = bytes.map_err(|error| failed(&error.to_string()))?;
        String::from_utf8(bytes).map_err(|_| failed("it is no text, expected PEM"))
    };
    let (Some(certificate), Some(key)) = (&http.tls_certificate, &http.tls_key) else { return Ok(None) };
    let client_ca = http.tls_client_ca.as_ref().map(read).transpose()?;
    Ok(Some(Tls { certificate: read(certificate)?, key: read(key)?, client_ca }))
}

fn tokens(http: &HttpConfig) -> Result<Vec<[u8; 32]>, String> {
    http.tokens.iter().map(|token| Ok(sha256(token.bytes().map_err(str::to_owned)?))).collect()
}
