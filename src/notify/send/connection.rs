//! A connection to a receiver: TCP, or TLS whose certificate and name are verified.

use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::receipt::Failure;
use crate::connect::{self, Authorities};

pub(super) use crate::connect::{Connection, Duplex};

/// Connects to the first address of a host that accepts.
///
/// # Errors
/// None does; that may be otherwise later.
pub(super) async fn tcp(host: &str, port: u16) -> Result<TcpStream, Failure> {
    connect::tcp(host, port).await.map_err(Failure::Temporary)
}

/// Begins TLS on a connection to a host, whose certificate must be for its name and of one of the authorities: those of the
/// file, or those of the system.
///
/// # Errors
/// The file cannot be used; the other side is not who it should be, or does not go on. All of that may be put right.
pub(super) async fn tls<S>(stream: S, host: &str, authorities: Option<&Path>) -> Result<SslStream<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authorities = authorities.map_or(Authorities::System, Authorities::File);
    connect::tls(stream, host, authorities).await.map_err(Failure::Temporary)
}
