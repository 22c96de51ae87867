//! A connection to the host: its addresses, each tried in turn, and the address to connect from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;

use custos_compat::nrpe::AddressFamily;
use nix::sys::socket::{AddressFamily as Family, SockFlag, SockType, SockaddrStorage, bind, connect, socket};

use super::options::Options;
use crate::text::system_error;

/// The message for an address of the wrong family.
const WRONG_FAMILY: &str = "Address family for hostname not supported";
/// The message for a name without an address.
const UNKNOWN_NAME: &str = "Name or service not known";

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unreachable {
    /// The host has no address.
    Resolve(String),
    /// No address of the host accepts a connection.
    Connect {
        /// A message for each address.
        lines: Vec<String>,
        /// The reason of the last failure.
        reason: String,
    },
}

/// Connects to the first address of the host that accepts a connection.
pub(super) fn open(options: &Options) -> Result<(TcpStream, IpAddr), Unreachable> {
    let found = addresses(&options.host, options.port, options.addresses).map_err(Unreachable::Resolve)?;
    let (mut lines, mut last) = (Vec::new(), String::new());
    for address in found {
        match connect_to(address, options.bind.as_deref()) {
            Ok(stream) => return Ok((stream, address.ip())),
            Err(Obstacle { what, reason }) => {
                lines.push(format!("{what}: {reason}"));
                last = reason;
            }
        }
    }
    Err(Unreachable::Connect { lines, reason: last })
}

/// The addresses of a name, or the reason why it has none.
fn addresses(name: &str, port: u16, family: AddressFamily) -> Result<Vec<SocketAddr>, String> {
    let found = (name, port).to_socket_addrs().map_err(|error| system_error::words(&error))?;
    let wanted: Vec<SocketAddr> = found.filter_map(|address| in_family(address, family)).collect();
    // The name has no address of the family: it is either an address of the other one or a name that has none of this.
    let is_address = name.contains(':') || name.parse::<Ipv4Addr>().is_ok();
    match (wanted.is_empty(), is_address) {
        (false, _) => Ok(wanted),
        (true, true) => Err(WRONG_FAMILY.to_owned()),
        (true, false) => Err(UNKNOWN_NAME.to_owned()),
    }
}

/// The address, if it is of the family. An IPv4 address in IPv6 notation is of both.
fn in_family(address: SocketAddr, family: AddressFamily) -> Option<SocketAddr> {
    match (family, address) {
        (AddressFamily::Any, _)
        | (AddressFamily::V4, SocketAddr::V4(_))
        | (AddressFamily::V6, SocketAddr::V6(_)) => Some(address),
        (AddressFamily::V4, SocketAddr::V6(mapped)) => {
            mapped.ip().to_ipv4_mapped().map(|ip| SocketAddr::new(ip.into(), mapped.port()))
        }
        (AddressFamily::V6, SocketAddr::V4(_)) => None,
    }
}

/// Why there is no connection to one address: what failed, and the reason.
struct Obstacle {
    what: String,
    reason: String,
}

fn connect_to(address: SocketAddr, from: Option<&str>) -> Result<TcpStream, Obstacle> {
    let obstacle = |what: String, error: io::Error| Obstacle { what, reason: system_error::words(&error) };
    let to = || format!("connect to address {} port {}", address.ip(), address.port());
    let (family, addresses_wanted) = match address {
        SocketAddr::V4(_) => (Family::Inet, AddressFamily::V4),
        SocketAddr::V6(_) => (Family::Inet6, AddressFamily::V6),
    };
    let descriptor = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|error| obstacle("socket".into(), error.into()))?;
    if let Some(name) = from {
        let found = addresses(name, 0, addresses_wanted)
            .map_err(|reason| Obstacle { what: format!("getaddrinfo: {name}"), reason })?;
        // `addresses` never returns an empty list.
        if let Some(address) = found.first() {
            bind(descriptor.as_raw_fd(), &SockaddrStorage::from(*address))
                .map_err(|error| obstacle(format!("bind: {name}"), error.into()))?;
        }
    }
    connect(descriptor.as_raw_fd(), &SockaddrStorage::from(address))
        .map_err(|error| obstacle(to(), error.into()))?;
    let stream = TcpStream::from(descriptor);
    stream.set_nodelay(true).map_err(|error| obstacle(to(), error))?;
    Ok(stream)
}
