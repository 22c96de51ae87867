//! How queries over HTTP are answered.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::model::snmp::Secret;

/// The `http` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: Vec<Listening>,
    /// PEM file with the certificate and its chain; with one, every address speaks TLS.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the key of the certificate.
    pub tls_key: Option<PathBuf>,
    /// PEM file of the authorities that clients' certificates are verified against.
    pub tls_client_ca: Option<PathBuf>,
    /// What clients have to show at an address, unless they have a certificate.
    pub tokens: Vec<Secret>,
    /// Origins of web pages that may ask.
    pub cors: Vec<String>,
    /// Names that this host may be called by in requests, beside its own.
    pub hosts: Vec<String>,
    /// Whether whoever may ask may also have checks run more often while they are watched.
    pub open_watch: bool,
}

/// Where to listen for requests over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listening {
    /// An address with port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Listening {
    /// Reads an address with port (`127.0.0.1:43191`, `[::1]:9090`, `localhost:9090`) or a path, which has a slash.
    pub fn parse(text: &str) -> Option<Listening> {
        if text.contains('/') {
            return Some(Listening::Unix(PathBuf::from(text)));
        }
        let address = match text.strip_prefix("localhost:") {
            Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)),
            None => text.parse().ok()?,
        };
        Some(Listening::Tcp(address))
    }

    /// Whether nobody on another host can reach it.
    pub fn is_of_this_host_alone(&self) -> bool {
        match self {
            Listening::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Listening::Unix(_) => true,
        }
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listening::Tcp(address) => address.fmt(f),
            Listening::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_told_apart() {
        for (text, shown, alone) in [
            ("127.0.0.1:43191", "127.0.0.1:43191", true),
            ("localhost:1", "127.0.0.1:1", true),
            ("[::1]:0", "[::1]:0", true),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:80", "0.0.0.0:80", false),
            ("[::]:80", "[::]:80", false),
            ("./a", "./a", true),
        ] {
            let listening = Listening::parse(text).unwrap();
            assert_eq!((listening.to_string().as_str(), listening.is_of_this_host_alone()), (shown, alone));
        }
        for text in
            ["", "80", "127.0.0.1", "localhost", "localhost:x", "example.org:80", "*:80", "127.0.0.1:99999"]
        {
            assert_eq!(Listening::parse(text), None, "{text}");
        }
    }
}
