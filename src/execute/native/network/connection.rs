//! A connection of a plugin, as it has it: plain, under TLS that trusts everybody, of datagrams, or to a socket of the file system.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use custos_native::{Certificate, Target};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, UnixStream};
use tokio_openssl::SslStream;

use super::resolver::Resolver;
use crate::clock;

/// What is read from and written to.
#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Secure(SslStream<TcpStream>),
    Datagrams(UdpSocket),
    Socket(UnixStream),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// Nobody accepts one; the error is that of the last address.
    Refused(io::Error),
    /// There was one, which was gone before anybody looked.
    Lost,
    /// The host is not known, or not in time.
    NoAddress(io::Error),
}

impl Connection {
    /// Connects to the first address that accepts.
    pub(super) async fn open(target: &Target, resolver: &Resolver) -> Result<Connection, NoConnection> {
        let (name, port, family, is_datagram, most) = match target {
            Target::Host { name, port, family, is_datagram } => {
                (name, *port, *family, *is_datagram, usize::MAX)
            }
            Target::Only { name, port, family } => (name, *port, *family, true, 1),
            Target::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(NoConnection::Refused)?;
                return Ok(Connection::Socket(stream));
            }
        };
        let addresses = resolver.addresses(name, port, family).await.map_err(NoConnection::NoAddress)?;
        if addresses.len() > most {
            return Err(NoConnection::NoAddress(io::Error::other("more than one")));
        }
        let mut last = io::ErrorKind::NotFound.into();
        for address in addresses {
            match Connection::to(address, is_datagram).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(NoConnection::Lost);
                }
                Err(error) => last = error,
            }
        }
        Err(NoConnection::Refused(last))
    }

    async fn to(address: SocketAddr, is_datagram: bool) -> io::Result<Connection> {
        if !is_datagram {
            return TcpStream::connect(address).await.map(Connection::Plain);
        }
        let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let own: SocketAddr = own.parse().map_err(io::Error::other)?;
        let socket = UdpSocket::bind(own).await?;
        socket.connect(address).await?;
        Ok(Connection::Datagrams(socket))
    }

    /// Begins TLS, whoever the other side is, and says what it shows of itself.
    ///
    /// # Errors
    /// The other side does not go on, or there is no plain connection.
    pub(super) async fn secured(self, name: Option<&str>) -> io::Result<(Connection, Option<Certificate>)> {
        let Connection::Plain(stream) = self else {
            return Err(io::Error::other("no plain connection"));
        };
        let ssl = ssl(name).map_err(io::Error::other)?;
        let mut stream = SslStream::new(ssl, stream).map_err(io::Error::other)?;
        Pin::new(&mut stream).connect().await.map_err(io::Error::other)?;
        let certificate = stream.ssl().peer_certificate();
        let certificate =
            certificate.map(|found| certificate_of(&found)).transpose().map_err(io::Error::other)?;
        Ok((Connection::Secure(stream), certificate))
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// That fails.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Connection::Plain(stream) => stream.write_all(bytes).await,
            Connection::Secure(stream) => stream.write_all(bytes).await,
            Connection::Socket(stream) => stream.write_all(bytes).await,
            Connection::Datagrams(socket) => socket.send(bytes).await.map(drop),
        }
    }

    /// Waits for bytes, for some time if it is given; none if nothing comes. What is broken is at its end.
    pub(super) async fn receive(&mut self, max: usize, within: Option<Duration>) -> Option<Vec<u8>> {
        let mut bytes = vec![0; max];
        if let (Connection::Secure(stream), Some(within)) = (&*self, within) {
            // Something has to come at all, be it no more than a part of a record: what is there already does not count.
            let mut next = [0];
            let _ = tokio::time::timeout(within, stream.get_ref().peek(&mut next)).await.ok()?;
        }
        let received = match (self, within) {
            (Connection::Plain(stream), within) => read(stream, &mut bytes, within).await?,
            (Connection::Socket(stream), within) => read(stream, &mut bytes, within).await?,
            (Connection::Secure(stream), _) => stream.read(&mut bytes).await,
            (Connection::Datagrams(socket), None) => socket.recv(&mut bytes).await,
            (Connection::Datagrams(socket), Some(within)) => {
                tokio::time::timeout(within, socket.recv(&mut bytes)).await.ok()?
            }
        };
        bytes.truncate(received.unwrap_or(0));
        Some(bytes)
    }
}

async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut [u8],
    within: Option<Duration>,
) -> Option<io::Result<usize>> {
    match within {
        None => Some(stream.read(bytes).await),
        Some(within) => tokio::time::timeout(within, stream.read(bytes)).await.ok(),
    }
}

fn ssl(name: Option<&str>) -> Result<Ssl, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_options(SslOptions::NO_TICKET);
    context.set_verify(SslVerifyMode::NONE);
    let mut ssl = Ssl::new(&context.build())?;
    if let Some(name) = name {
        ssl.set_hostname(name)?;
    }
    Ok(ssl)
}

fn certificate_of(found: &openssl::x509::X509Ref) -> Result<Certificate, ErrorStack> {
    let since_epoch = Asn1Time::from_unix(0)?.diff(found.not_after())?;
    let until_s = i64::from(since_epoch.days) * 86_400 + i64::from(since_epoch.secs);
    let common_name = found.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    Ok(Certificate {
        common_name: common_name.map(|entry| entry.data().as_slice().to_vec()),
        until_s,
        left_s: until_s - clock::now_ms().div_euclid(1000),
    })
}
