//! Connections to receivers: TCP, or TLS whose certificate and name are verified. Whoever opens one bounds the time.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;

use hyper::Uri;
use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::limits::AUTHORITIES_MAX_BYTES;
use crate::text::system_error;
use crate::whole_file;

/// What is read from and written to.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// A connection, whatever it is made of.
pub(crate) type Connection = Pin<Box<dyn Duplex>>;

/// Authorities that a certificate is verified against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Authorities<'a> {
    /// Those of the system.
    System,
    /// Those of a file of certificates in PEM.
    File(&'a Path),
    /// Those of such a file that was read already.
    Pem(&'a [u8]),
}

/// What the client shows of itself: files of its certificate and of its key, in PEM.
pub(crate) type Identity<'a> = (&'a Path, &'a Path);

/// What a connection failed at, as far as somebody can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nothing listens at that port.
    Refused,
    /// The name of the host is not known.
    NoSuchHost,
    /// No authority vouches for the certificate.
    Unvouched,
    /// The certificate is for other names.
    OtherName,
    /// Anything else.
    Other,
}

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(crate) struct ConnectError {
    pub(crate) broken: Broken,
    /// In words.
    pub(crate) why: String,
}

impl From<ConnectError> for String {
    fn from(error: ConnectError) -> String {
        error.why
    }
}

impl From<String> for ConnectError {
    fn from(why: String) -> ConnectError {
        ConnectError { broken: Broken::Other, why }
    }
}

/// Connects to the first address of a host that accepts.
///
/// # Errors
/// None does; that may be otherwise later.
pub(crate) async fn tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    Ok(connected(host, port).await?)
}

async fn connected(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let failed = |error: io::Error| {
        let broken = match error.kind() {
            io::ErrorKind::ConnectionRefused => Broken::Refused,
            _ if error.raw_os_error().is_none() && system_error::is_of_lookup(&error) => Broken::NoSuchHost,
            _ => Broken::Other,
        };
        let why = format!("failed to connect to {host} port {port}: {}", system_error::words(&error));
        ConnectError { broken, why }
    };
    let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

/// Connects to where an address of HTTP leads, over TLS unless it begins with `http://`.
///
/// # Errors
/// It has no host; as [`tcp`] and [`tls`].
pub(crate) async fn http(url: &Uri, authorities: Authorities<'_>) -> Result<Connection, String> {
    Ok(http_as(None, url, authorities).await?)
}

/// The same, with a certificate of the client.
///
/// # Errors
/// As [`http`]; the certificate or its key cannot be used.
pub(crate) async fn http_as(
    identity: Option<Identity<'_>>,
    url: &Uri,
    authorities: Authorities<'_>,
) -> Result<Connection, ConnectError> {
    let is_tls = url.scheme_str() != Some("http");
    let host = url.host().ok_or_else(|| "there is no host in the address".to_owned())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = connected(host, url.port_u16().unwrap_or(if is_tls { 443 } else { 80 })).await?;
    if !is_tls {
        return Ok(Box::pin(stream));
    }
    Ok(Box::pin(handshake(&connector(identity, authorities)?, stream, host).await?))
}

/// Begins TLS on a connection to a host, whose certificate must be for its name and of one of the authorities.
///
/// # Errors
/// The authorities cannot be used; the other side is not who it should be, or does not go on. All of that may be put right.
pub(crate) async fn tls<S>(
    stream: S,
    host: &str,
    authorities: Authorities<'_>,
) -> Result<SslStream<S>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Ok(handshake(&connector(None, authorities)?, stream, host).await?)
}

async fn handshake<S>(connector: &SslConnector, stream: S, host: &str) -> Result<SslStream<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begin = || SslStream::new(connector.configure()?.into_ssl(host)?, stream);
    let mut stream = begin().map_err(|stack: ErrorStack| failed(host, &reasons(&stack)))?;
    let handshake = Pin::new(&mut stream).connect().await;
    match handshake {
        Ok(()) => Ok(stream),
        Err(error) => {
            let verified = stream.ssl().verify_result();
            let why = if verified == X509VerifyResult::OK {
                error.to_string()
            } else {
                format!("its certificate is not accepted: {}", verified.error_string())
            };
            Err(ConnectError { broken: broken(verified), why: failed(host, &why) })
        }
    }
}

/// Codes of OpenSSL for certificates that nobody who is known has signed, and for those of another name (`x509_vfy.h`).
const UNVOUCHED: [i32; 5] = [2, 18, 19, 20, 21];
const OTHER_NAME: [i32; 2] = [62, 64];

/// What is wrong with a certificate.
fn broken(verified: X509VerifyResult) -> Broken {
    match verified.as_raw() {
        code if UNVOUCHED.contains(&code) => Broken::Unvouched,
        code if OTHER_NAME.contains(&code) => Broken::OtherName,
        _ => Broken::Other,
    }
}

fn failed(host: &str, why: &dyn fmt::Display) -> String {
    format!("failed to begin TLS with {host}: {why}")
}

fn reasons(stack: &ErrorStack) -> String {
    stack.errors().iter().filter_map(openssl::error::Error::reason).collect::<Vec<_>>().join(", ")
}

fn connector(identity: Option<Identity<'_>>, authorities: Authorities<'_>) -> Result<SslConnector, String> {
    let unusable = |stack: ErrorStack| format!("failed to set TLS up: {}", reasons(&stack));
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(unusable)?;
    if let Some((certificate, key)) = identity {
        let failed =
            |path: &Path, stack: &ErrorStack| format!("failed to use {}: {}", path.display(), reasons(stack));
        builder.set_certificate_chain_file(certificate).map_err(|stack| failed(certificate, &stack))?;
        builder.set_private_key_file(key, SslFiletype::PEM).map_err(|stack| failed(key, &stack))?;
        builder.check_private_key().map_err(|stack| failed(key, &stack))?;
    }
    let read;
    let (pem, shown) = match authorities {
        Authorities::System => return Ok(builder.build()),
        Authorities::Pem(pem) => (pem, "the certificates of its authorities".to_owned()),
        Authorities::File(path) => {
            let shown = path.display().to_string();
            read = whole_file::bytes(path, AUTHORITIES_MAX_BYTES)
                .map_err(|error| format!("failed to read {shown}: {}", system_error::words(&error)))?;
            (&*read, shown)
        }
    };
    let store = || {
        let mut store = X509StoreBuilder::new()?;
        for certificate in X509::stack_from_pem(pem)? {
            store.add_cert(certificate)?;
        }
        Ok(store.build())
    };
    let store = store().map_err(|stack: ErrorStack| format!("failed to use {shown}: {}", reasons(&stack)))?;
    builder.set_cert_store(store);
    Ok(builder.build())
}
