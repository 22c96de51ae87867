//! One connection of the client: a query out, an answer in.
//!
//! Everything here blocks; the caller keeps the time and walks away when it is up.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;

use custos_compat::nrpe::{Assembler, Fault, Kind, Packet, Version};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, socket};
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslStream};

use super::options::{Addresses, Options};
use crate::limits;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The host has no address.
    Resolve(String),
    /// No address of the host takes connections: each one tried, with the reason.
    Connect(Vec<(SocketAddr, io::Error)>),
    /// TLS did not come about.
    Handshake {
        address: IpAddr,
        /// OpenSSL's kind of failure.
        code: i32,
        /// What is behind it.
        reason: String,
        /// The connection ended, rather than TLS being refused.
        broken: bool,
    },
    /// The query could not be sent.
    Send(io::Error),
    /// The connection ended early, after so many bytes.
    Cut { received: usize },
    /// What came is no answer.
    Fault(Fault),
    /// The answer carries the code that means failure.
    Refused,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A new connection is being opened.
    Connecting,
    /// The query is out.
    Sent,
}

/// Asks in one version of the protocol.
pub(super) fn ask(
    options: &Options,
    context: Option<&SslContext>,
    version: Version,
    step: &dyn Fn(Step),
) -> Result<Packet, Failure> {
    step(Step::Connecting);
    let (tcp, address) = open(options)?;
    let query = match version {
        Version::V2 => Packet::encode_v2(Kind::Query, 0, &options.query, options.v2_field_len),
        Version::V3 | Version::V4 => Packet::encode_query(version, &options.query),
    };
    match context {
        None => converse(tcp, &query, options, step),
        Some(context) => {
            let mut stream = handshake(context, tcp, address.ip())?;
            let answer = converse(&mut stream, &query, options, step);
            // The answer is what matters; how the peer takes the goodbye does not.
            let _ = stream.shutdown();
            answer
        }
    }
}

fn open(options: &Options) -> Result<(TcpStream, SocketAddr), Failure> {
    let wanted = |address: &SocketAddr| match options.addresses {
        Addresses::Any => true,
        Addresses::V4 => address.is_ipv4(),
        Addresses::V6 => address.is_ipv6(),
    };
    let found = (options.host.as_str(), options.port).to_socket_addrs().map_err(|error| {
        let words = error.to_string();
        Failure::Resolve(words.rsplit(": ").next().unwrap_or_default().to_owned())
    })?;
    let mut failures = Vec::new();
    for address in found.filter(wanted) {
        match connect_to(address, options.bind) {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => failures.push((address, error)),
        }
    }
    if failures.is_empty() {
        return Err(Failure::Resolve("Address family for hostname not supported".into()));
    }
    Err(Failure::Connect(failures))
}

fn connect_to(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let descriptor = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let any = match address {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    if let Some(from) = from.filter(|from| from.is_ipv4() == any.is_ipv4()) {
        bind(descriptor.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, 0)))?;
    }
    connect(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
    let stream = TcpStream::from(descriptor);
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn handshake(context: &SslContext, tcp: TcpStream, address: IpAddr) -> Result<SslStream<TcpStream>, Failure> {
    let failed = |code: i32, reason: String, broken| Failure::Handshake { address, code, reason, broken };
    let ssl = Ssl::new(context).map_err(|error| failed(1, error.to_string(), false))?;
    let mut stream = SslStream::new(ssl, tcp).map_err(|error| failed(1, error.to_string(), false))?;
    match stream.connect() {
        Ok(()) => Ok(stream),
        Err(error) => {
            let stack = error.ssl_error();
            let reason = stack.and_then(|stack| stack.errors().iter().find_map(|error| error.reason()));
            // OpenSSL 3 reports a connection that ends inside a handshake as an error of its own.
            let ended = reason == Some("unexpected eof while reading");
            let broken =
                ended || error.code() == ErrorCode::SYSCALL || error.code() == ErrorCode::ZERO_RETURN;
            let words = match (reason, error.io_error()) {
                (_, Some(io)) => io_words(io),
                (Some(reason), None) => reason.to_owned(),
                (None, None) => String::new(),
            };
            Err(failed(error.code().as_raw(), words, broken))
        }
    }
}

/// The system's words for an error, without Rust's number behind them.
pub(super) fn io_words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_owned()
}

fn converse<S: Read + Write>(
    mut stream: S,
    query: &[u8],
    options: &Options,
    step: &dyn Fn(Step),
) -> Result<Packet, Failure> {
    stream.write_all(query).map_err(Failure::Send)?;
    step(Step::Sent);
    let mut assembler = Assembler::new(options.v2_field_len);
    let mut buffer = vec![0; limits::NRPE_READ_BYTES];
    while assembler.missing().map_err(Failure::Fault)? > 0 {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return Err(Failure::Cut { received: assembler.len() }),
            Ok(read) => {
                assembler.push(&buffer[..read]).map_err(Failure::Fault)?;
            }
        }
    }
    let packet = assembler.finish(Kind::Response).map_err(Failure::Fault)?;
    if packet.code == -1 { Err(Failure::Refused) } else { Ok(packet) }
}
