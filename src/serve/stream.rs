//! A connection's bytes, plain or through TLS.

use std::io;
use std::pin::Pin;

use openssl::ssl::{ErrorCode, SslContext};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::request::Transport;
use super::tls;
use crate::limits;

/// An open connection, ready for a request.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// Why a handshake failed.
#[derive(Debug)]
pub(super) struct HandshakeError {
    /// OpenSSL's number of the kind of failure, as NRPE logs it.
    pub(super) code: i32,
    /// OpenSSL's reasons with their numbers, empty if the peer just went away.
    pub(super) reasons: Vec<(u64, String)>,
    /// What was wrong with the client's certificate.
    pub(super) certificate: Option<tls::BadCertificate>,
    /// The system's words, if it was the connection that failed.
    pub(super) io: Option<String>,
}

impl Stream {
    /// Makes the handshake if there is to be one.
    pub(super) async fn open(tcp: TcpStream, tls: Option<&SslContext>) -> Result<Stream, HandshakeError> {
        let Some(context) = tls else { return Ok(Stream::Plain(tcp)) };
        let none = |error: openssl::error::ErrorStack| HandshakeError {
            code: ErrorCode::SSL.as_raw(),
            reasons: vec![(0, tls::reason(&error))],
            certificate: None,
            io: None,
        };
        let ssl = tls::connection(context).map_err(none)?;
        let mut stream = Box::new(SslStream::new(ssl, tcp).map_err(none)?);
        match Pin::new(&mut *stream).accept().await {
            Ok(()) => Ok(Stream::Tls(stream)),
            Err(error) => Err(HandshakeError {
                code: error.code().as_raw(),
                reasons: error.ssl_error().map_or_else(Vec::new, |stack| {
                    let numbered =
                        |error: &openssl::error::Error| Some((error.code(), error.reason()?.to_owned()));
                    stack.errors().iter().filter_map(numbered).collect()
                }),
                certificate: tls::bad_certificate(stream.ssl()).cloned(),
                io: error.io_error().map(io::Error::to_string),
            }),
        }
    }

    /// What carries the bytes.
    pub(super) fn transport(&self) -> Transport {
        match self {
            Stream::Plain(_) => Transport::Plain,
            Stream::Tls(stream) => tls::transport(stream.ssl()),
        }
    }

    /// The protocol version that introduced the cipher suite in use, which NRPE logs beside it.
    pub(super) fn cipher_version(&self) -> &'static str {
        match self {
            Stream::Plain(_) => "",
            Stream::Tls(stream) => stream.ssl().current_cipher().map_or("", |cipher| cipher.version()),
        }
    }

    /// Subject and issuer of the client's certificate, if it showed one.
    pub(super) fn client_names(&self) -> Option<(String, String)> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => tls::client_names(stream.ssl()),
        }
    }

    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer).await,
            Stream::Tls(stream) => stream.read(buffer).await,
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => stream.write_all(bytes).await,
        }
    }

    /// Ends the connection at once, without leaving bytes unread: those would make the kernel reset it, and the
    /// client could lose an answer that is on its way.
    pub(super) fn close(self) {
        let tcp = match &self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(stream) => stream.get_ref(),
        };
        drain(tcp);
    }

    /// Says goodbye in TLS, which has to happen before [`Stream::close`].
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(stream) => {
                if stream.ssl().is_init_finished() {
                    stream.shutdown().await?;
                }
                Ok(())
            }
        }
    }
}

/// Reads and drops what has arrived.
fn drain(tcp: &TcpStream) {
    let mut scratch = [0; 2048];
    let mut drained = 0;
    while drained < limits::NRPE_DRAIN_MAX_BYTES {
        match tcp.try_read(&mut scratch) {
            Ok(0) | Err(_) => return,
            Ok(read) => drained += read,
        }
    }
}
