//! A connection's bytes, plain or through TLS.

use std::io;
use std::pin::Pin;

use openssl::ssl::{ErrorCode, SslContext};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::raw_stream::RawStream;
use crate::limits;
use crate::nrpe::listener::request::Transport;
use crate::nrpe::listener::tls;

/// An open connection, ready for a request.
#[derive(Debug)]
pub(in crate::nrpe::listener) enum Stream {
    /// Without TLS, and not registered with the event loop.
    Raw(RawStream),
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// Why a handshake failed.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct HandshakeError {
    /// OpenSSL's number of the kind of failure, as NRPE logs it.
    pub(in crate::nrpe::listener) code: i32,
    /// OpenSSL's reasons with their numbers; empty if the peer closed.
    pub(in crate::nrpe::listener) reasons: Vec<(u64, String)>,
    /// Why the client's certificate was refused.
    pub(in crate::nrpe::listener) certificate: Option<tls::BadCertificate>,
    /// The system's message, if the connection failed.
    pub(in crate::nrpe::listener) io: Option<String>,
}

impl Stream {
    /// Performs the TLS handshake, if TLS is on.
    pub(in crate::nrpe::listener) async fn open(
        tcp: TcpStream,
        tls: Option<&SslContext>,
    ) -> Result<Stream, HandshakeError> {
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

    /// The transport.
    pub(in crate::nrpe::listener) fn transport(&self) -> Transport {
        match self {
            Stream::Raw(_) | Stream::Plain(_) => Transport::Plain,
            Stream::Tls(stream) => tls::transport(stream.ssl()),
        }
    }

    /// The protocol version that introduced the cipher suite in use, which NRPE logs beside it.
    pub(in crate::nrpe::listener) fn cipher_version(&self) -> &'static str {
        match self {
            Stream::Raw(_) | Stream::Plain(_) => "",
            Stream::Tls(stream) => stream.ssl().current_cipher().map_or("", |cipher| cipher.version()),
        }
    }

    /// Subject and issuer of the client's certificate, if it sent one.
    pub(in crate::nrpe::listener) fn client_names(&self) -> Option<(String, String)> {
        match self {
            Stream::Raw(_) | Stream::Plain(_) => None,
            Stream::Tls(stream) => tls::client_names(stream.ssl()),
        }
    }

    /// Reads the next bytes; 0 at the end of the stream.
    pub(in crate::nrpe::listener) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            // A raw stream is never waited for.
            Stream::Raw(raw) => Ok(raw.read(buffer)?.unwrap_or(0)),
            Stream::Plain(stream) => stream.read(buffer).await,
            Stream::Tls(stream) => stream.read(buffer).await,
        }
    }

    /// Sends the answer and ends the connection.
    pub(in crate::nrpe::listener) async fn send(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Raw(raw) => {
                let written = raw.write(bytes)?;
                if written == bytes.len() {
                    Stream::Raw(raw).close();
                    return Ok(());
                }
                let mut tcp = raw.into_tokio()?;
                tcp.write_all(&bytes[written..]).await?;
                Stream::Plain(tcp).close();
            }
            Stream::Plain(mut tcp) => {
                tcp.write_all(bytes).await?;
                Stream::Plain(tcp).close();
            }
            Stream::Tls(mut stream) => {
                stream.write_all(bytes).await?;
                stream.shutdown().await?;
                Stream::Tls(stream).close();
            }
        }
        Ok(())
    }

    /// Closes the connection, after reading what has arrived: with unread bytes the kernel would reset the connection,
    /// and the client could lose an answer that is under way.
    pub(in crate::nrpe::listener) fn close(self) {
        match &self {
            Stream::Raw(raw) => drain(|scratch| Ok(raw.read(scratch)?.unwrap_or(0))),
            Stream::Plain(tcp) => drain(|scratch| tcp.try_read(scratch)),
            Stream::Tls(stream) => drain(|scratch| stream.get_ref().try_read(scratch)),
        }
    }
}

/// Reads and discards what has arrived.
fn drain(mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) {
    let mut scratch = [0; 2048];
    let mut drained = 0;
    while drained < limits::NRPE_DRAIN_MAX_BYTES {
        match read(&mut scratch) {
            Ok(0) | Err(_) => return,
            Ok(read) => drained += read,
        }
    }
}
