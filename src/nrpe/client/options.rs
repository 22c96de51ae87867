//! The options of one call of the client.

use std::path::PathBuf;
use std::time::Duration;

use custos_compat::nrpe::{
    AddressFamily, CIPHER_LIST_DEFAULT, SslProtocol, SslVersion, UseAdh, V2_FIELD_LEN, VERSION_COMMAND,
    Version,
};
use custos_store::State;

/// One question to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Name or address of the host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The family of the host's addresses to try.
    pub addresses: AddressFamily,
    /// The address, or the name of one, to connect from.
    pub bind: Option<String>,
    /// The command and its arguments, joined.
    pub query: Vec<u8>,
    /// The version to try first; version 2 is tried after it.
    pub version: Version,
    /// Size of version 2's text field.
    pub v2_field_len: usize,
    /// How long each step may take.
    pub timeout: Duration,
    /// The state for a timeout and for a host that cannot be reached.
    pub timeout_state: State,
    /// `false`: no TLS.
    pub tls: bool,
    /// The protocol versions of TLS.
    pub tls_version: SslVersion,
    /// Anonymous Diffie-Hellman.
    pub use_adh: UseAdh,
    /// OpenSSL's cipher list for TLS 1.2 and older.
    pub cipher_list: String,
    /// The client's own certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The authorities to verify the server's certificate with; `None`: it is not verified.
    pub authorities: Option<PathBuf>,
    /// `true`: failures are printed on stdout instead of stderr.
    pub stderr_to_stdout: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            host: String::new(),
            port: 5666,
            addresses: AddressFamily::Any,
            bind: None,
            query: VERSION_COMMAND.into(),
            version: Version::V4,
            v2_field_len: V2_FIELD_LEN,
            timeout: Duration::from_secs(10),
            timeout_state: State::Critical,
            tls: true,
            tls_version: SslVersion { oldest: SslProtocol::Tls1, newer: true },
            use_adh: UseAdh::Allowed,
            cipher_list: CIPHER_LIST_DEFAULT.to_owned(),
            certificate: None,
            authorities: None,
            stderr_to_stdout: false,
        }
    }
}
