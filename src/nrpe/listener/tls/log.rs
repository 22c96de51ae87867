//! Log lines about TLS: nrpe's own, as far as `ssl_logging` asks for them, and an explanation of failures.

use std::fmt::Display;

use custos_compat::nrpe::{ClientCerts, SslConfig, SslLogging};

use crate::nrpe::listener::connection::{HandshakeError, Stream};
use crate::nrpe::listener::log::Log;
use crate::nrpe::listener::request::Transport;

/// The lines about TLS that NRPE logs at start when `ssl_logging` asks for them.
pub(in crate::nrpe::listener) fn startup_lines(ssl: &SslConfig) -> Vec<String> {
    let file = |file: &Option<Vec<u8>>| match file {
        Some(path) => String::from_utf8_lossy(path).into_owned(),
        None => "None".to_owned(),
    };
    vec![
        format!("SSL Certificate File: {}", file(&ssl.cert_file)),
        format!("SSL Private Key File: {}", file(&ssl.privatekey_file)),
        format!("SSL CA Certificate File: {}", file(&ssl.cacert_file)),
        format!("SSL Cipher List: {}", ssl.effective_cipher_list()),
        format!("SSL Allow ADH: {}", ssl.use_adh as u8),
        format!("SSL Client Certs: {}", ssl.client_certs.describe()),
        format!("SSL Log Options: 0x{:02x}", ssl.logging.0),
        format!("SSL Version: {}", ssl.version.describe()),
    ]
}

/// The line about a failed handshake where nrpe gives no details.
pub(in crate::nrpe::listener) fn incomplete(peer: impl Display, why: impl Display) -> String {
    format!("Error: (!log_opts) Could not complete SSL handshake with {peer}: {why}")
}

/// Logs why a handshake failed.
pub(in crate::nrpe::listener) fn failed(
    log: &Log,
    ssl: &SslConfig,
    peer: impl Display,
    error: &HandshakeError,
) {
    let code = error.code;
    if let Some(bad) = &error.certificate
        && ssl.logging.has(SslLogging::CERT_NAMES)
    {
        log.error(&bad.line);
    }
    if !ssl.logging.has(SslLogging::HAS_CERT | SslLogging::CERT_NAMES) {
        log.error(incomplete(&peer, code));
    } else if error.reasons.is_empty() {
        log.error(format_args!("Error: (nerrs = 0) Could not complete SSL handshake with {peer}: {code}"));
    } else {
        for (number, reason) in &error.reasons {
            log.error(format_args!(
                "Error: (ERR_get_error_line_data = {number}), Could not complete SSL handshake with {peer}: {reason}"
            ));
            if reason == "no shared cipher" && (ssl.cert_file.is_none() || ssl.cacert_file.is_none()) {
                log.error(
                    "Error: This could be because you have not specified certificate or ca-certificate files",
                );
            }
        }
    }
    if let Some(why) = meaning(error) {
        log.info(format_args!("SSL handshake with {peer} failed: {why}"));
    }
}

/// The most likely cause of a failure; `None` if OpenSSL's own reason is clear enough.
fn meaning(error: &HandshakeError) -> Option<&str> {
    let Some((_, reason)) = error.reasons.first() else {
        return Some(error.io.as_deref().unwrap_or("the peer closed the connection"));
    };
    match reason.as_str() {
        "no shared cipher" => Some(
            "no cipher suite in common; a client without anonymous suites needs a server certificate \
             (ssl_cert_file)",
        ),
        "wrong version number" | "http request" | "unsupported protocol" => Some(
            "the peer speaks no TLS version that is allowed here: does it use -n, or does ssl_version exclude it?",
        ),
        "peer did not return a certificate" => Some("the client sent no certificate, but one is required"),
        "certificate verify failed" => Some(match &error.certificate {
            Some(bad) => bad.reason,
            None => "the client's certificate is not from an authority in ssl_cacert_file",
        }),
        _ => None,
    }
}

/// Logs a finished handshake.
pub(in crate::nrpe::listener) fn done(log: &Log, ssl: &SslConfig, peer: impl Display, stream: &Stream) {
    let Transport::Tls { protocol, cipher, .. } = stream.transport() else { return };
    if ssl.logging.has(SslLogging::VERSION) {
        log.info(format_args!("Remote {peer} - SSL Version: {protocol}"));
    }
    if ssl.logging.has(SslLogging::CIPHER) {
        let version = stream.cipher_version();
        log.info(format_args!("Remote {peer} - {version}, Cipher is {cipher}"));
    }
    if !ssl.logging.has(SslLogging::HAS_CERT | SslLogging::CERT_NAMES) {
        return;
    }
    match stream.client_names() {
        Some((subject, issuer)) => {
            if ssl.logging.has(SslLogging::HAS_CERT) {
                log.info(format_args!("SSL Client {peer} has a valid certificate"));
            }
            if ssl.logging.has(SslLogging::CERT_NAMES) {
                log.info(format_args!("SSL Client {peer} Cert Name: {subject}"));
                log.info(format_args!("SSL Client {peer} Cert Issuer: {issuer}"));
            }
        }
        None if ssl.client_certs == ClientCerts::Ignored => {
            log.info("SSL Not asking for client certification");
        }
        None => log.info(format_args!("SSL Client {peer} did not present a certificate")),
    }
}
