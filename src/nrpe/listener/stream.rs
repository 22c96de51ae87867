//! A connection's bytes, plain or through TLS.

use std::io;
use std::pin::Pin;

use openssl::ssl::{ErrorCode, SslContext};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::fresh::Fresh;
use super::request::Transport;
use super::tls;
use crate::limits;

/// An open connection, ready for a request.
#[derive(Debug)]
pub(super) enum Stream {
    /// Plain, and never waited for so far.
    Fresh(Fresh),
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
            Stream::Fresh(_) | Stream::Plain(_) => Transport::Plain,
            Stream::Tls(stream) => tls::transport(stream.ssl()),
        }
    }

    /// The protocol version that introduced the cipher suite in use, which NRPE logs beside it.
    pub(super) fn cipher_version(&self) -> &'static str {
        match self {
            Stream::Fresh(_) | Stream::Plain(_) => "",
            Stream::Tls(stream) => stream.ssl().current_cipher().map_or("", |cipher| cipher.version()),
        }
    }

    /// Subject and issuer of the client's certificate, if it showed one.
    pub(super) fn client_names(&self) -> Option<(String, String)> {
        match self {
            Stream::Fresh(_) | Stream::Plain(_) => None,
            Stream::Tls(stream) => tls::client_names(stream.ssl()),
        }
    }

    /// Reads what comes next, 0 bytes at the end.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            // It is not waited for in this state.
            Stream::Fresh(fresh) => Ok(fresh.read(buffer)?.unwrap_or(0)),
            Stream::Plain(stream) => stream.read(buffer).await,
            Stream::Tls(stream) => stream.read(buffer).await,
        }
    }

    /// Sends the answer and ends the connection.
    pub(super) async fn send(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Fresh(fresh) => {
                let written = fresh.write(bytes)?;
                if written == bytes.len() {
                    Stream::Fresh(fresh).close();
                    return Ok(());
                }
                let mut tcp = fresh.join()?;
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

    /// Ends the connection at once, without leaving bytes unread: those would make the kernel reset it, and the
    /// client could lose an answer that is on its way.
    pub(super) fn close(self) {
        match &self {
            Stream::Fresh(fresh) => drain(|scratch| Ok(fresh.read(scratch)?.unwrap_or(0))),
            Stream::Plain(tcp) => drain(|scratch| tcp.try_read(scratch)),
            Stream::Tls(stream) => drain(|scratch| stream.get_ref().try_read(scratch)),
        }
    }
}

/// Reads and drops what has arrived.
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
