//! One connection of the client: a query out, an answer in.
//!
//! All calls block. The caller enforces the timeout and does not wait for this thread beyond it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};

use custos_compat::nrpe::{Assembler, Fault, Kind, Packet, Version};
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslStream};

use super::connection::{Unreachable, open};
use super::options::Options;
use crate::limits;
use crate::text::system_error;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection.
    Unreachable(Unreachable),
    /// The TLS handshake failed.
    Handshake {
        address: IpAddr,
        /// OpenSSL's kind of failure.
        code: i32,
        /// OpenSSL's reason; empty if the server closed.
        reason: String,
        /// `true`: the connection broke. `false`: TLS was refused.
        broken: bool,
    },
    /// The query could not be sent.
    Send(io::Error),
    /// The connection ended early.
    Cut(Cut),
    /// The bytes received are not an answer.
    Fault(Fault),
}

/// How a connection ended before the answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Bytes received.
    pub(super) received: usize,
    /// `true`: the connection broke. `false`: the server closed it.
    pub(super) broken: bool,
    /// Whether the connection used TLS.
    pub(super) tls: bool,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The packet.
    pub(super) packet: Packet,
    /// `true`: the packet has no text field at all.
    pub(super) bare: bool,
}

/// Progress of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A new connection is being opened.
    Connecting,
    /// The query has been sent.
    Sent,
}

/// Asks in one version of the protocol.
pub(super) fn ask(
    options: &Options,
    context: Option<&SslContext>,
    version: Version,
    step: &dyn Fn(Step),
) -> Result<Answer, Failure> {
    step(Step::Connecting);
    let (mut tcp, address) = open(options).map_err(Failure::Unreachable)?;
    let Some(context) = context else {
        return converse(&mut tcp, version, options, step);
    };
    let mut stream = handshake(context, tcp, address)?;
    let answer = converse(&mut stream, version, options, step);
    // The answer is complete, so a failure to close TLS does not matter.
    let _ = stream.shutdown();
    answer
}

fn handshake(context: &SslContext, tcp: TcpStream, address: IpAddr) -> Result<SslStream<TcpStream>, Failure> {
    let failed = |code: i32, reason: String, broken| Failure::Handshake { address, code, reason, broken };
    let ssl = Ssl::new(context).map_err(|error| failed(1, error.to_string(), false))?;
    let mut stream = SslStream::new(ssl, tcp).map_err(|error| failed(1, error.to_string(), false))?;
    match stream.connect() {
        Ok(()) => Ok(stream),
        Err(error) => {
            let reasons =
                error.ssl_error().map(|stack| stack.errors().iter().find_map(|error| error.reason()));
            match (error.io_error(), reasons.flatten()) {
                (Some(io), _) => Err(failed(ErrorCode::SYSCALL.as_raw(), system_error::words(io), true)),
                (None, Some(reason)) => Err(failed(error.code().as_raw(), reason.to_owned(), false)),
                // The server closed: an error of TLS where OpenSSL reads the socket itself, as in check_nrpe.
                (None, None) if error.code() == ErrorCode::SYSCALL => {
                    Err(failed(ErrorCode::SSL.as_raw(), String::new(), false))
                }
                (None, None) => Err(failed(error.code().as_raw(), String::new(), false)),
            }
        }
    }
}

fn converse<S: Read + Write>(
    mut stream: S,
    version: Version,
    options: &Options,
    step: &dyn Fn(Step),
) -> Result<Answer, Failure> {
    let query = match version {
        Version::V2 => Packet::encode_v2(Kind::Query, 0, &options.query, options.v2_field_len),
        Version::V3 | Version::V4 => Packet::encode_query(version, &options.query),
    };
    stream.write_all(&query).map_err(Failure::Send)?;
    step(Step::Sent);
    let mut assembler = Assembler::new(options.v2_field_len);
    let mut buffer = vec![0; limits::NRPE_READ_BYTES];
    while missing(&assembler, version)? > 0 {
        let cut = |broken| Failure::Cut(Cut { received: assembler.len(), broken, tls: options.tls });
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // An alert of TLS has no system error; the connection itself did not fail.
            Err(error) => return Err(cut(error.raw_os_error().is_some())),
            Ok(0) => return Err(cut(false)),
            Ok(read) => {
                assembler.push(&buffer[..read]).map_err(Failure::Fault)?;
            }
        }
    }
    let bare = assembler.is_bare();
    if bare && !options.tls {
        // nrpe's client waits for the text, and takes a missing one for the end of the connection.
        return Err(Failure::Cut(Cut { received: assembler.len(), broken: false, tls: false }));
    }
    let mut packet = assembler.finish(Kind::Response).map_err(Failure::Fault)?;
    if version == Version::V2 {
        // The last byte of the field does not belong to the text.
        packet.text.truncate(options.v2_field_len - 1);
    }
    Ok(Answer { packet, bare })
}

/// Number of bytes that are missing in an answer of this version.
///
/// An answer of another version, or a query, is recognised by its first bytes alone.
fn missing(assembler: &Assembler, version: Version) -> Result<usize, Failure> {
    if let Some((number, kind)) = assembler.head() {
        if number != version.number() {
            return Err(Failure::Fault(Fault::Version(number)));
        }
        if kind != Kind::Response.number() {
            return Err(Failure::Fault(Fault::Kind(kind)));
        }
    }
    assembler.missing().map_err(Failure::Fault)
}
