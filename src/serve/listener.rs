//! Sockets to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::os::fd::AsRawFd;

use custos_compat::nrpe::AddressFamily;
use nix::sys::socket::{
    AddressFamily as Family, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};
use tokio::net::TcpListener;

use super::error::Error;
use super::inherited;
use super::settings::Listen;
use crate::limits;

/// The addresses that a place means. Without a host these are the wildcards of both families.
pub(super) fn addresses(place: &Listen) -> Result<Vec<SocketAddr>, Error> {
    let wanted = |address: &SocketAddr| match place.family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    let found: Vec<SocketAddr> = match &place.host {
        None => [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
            .map(|address| SocketAddr::new(address, place.port))
            .to_vec(),
        // The system's resolver, and so nrpe, takes an asterisk for the machine itself.
        Some(host) if host == "*" => [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]
            .map(|address| SocketAddr::new(address, place.port))
            .to_vec(),
        Some(host) => (host.as_str(), place.port)
            .to_socket_addrs()
            .map_err(|source| Error::Bind { address: host.clone(), source })?
            .collect(),
    };
    let mut addresses = Vec::new();
    for address in found.into_iter().filter(wanted) {
        if !addresses.contains(&address) && addresses.len() < limits::NRPE_LISTENERS_MAX {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Listens on one address: on the socket that the service manager has for it, or else on one of its own. An IPv6 socket serves IPv6 only, so that both wildcards can be had side by side.
pub(super) fn open(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    if let Some(socket) = inherited::socket(address) {
        return TcpListener::from_std(socket);
    }
    let family = if address.is_ipv4() { Family::Inet } else { Family::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let descriptor = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&descriptor, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&descriptor, sockopt::Ipv6V6Only, &true)?;
    }
    bind(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    listen(&descriptor, Backlog::new(backlog).unwrap_or(Backlog::MAXCONN))?;
    TcpListener::from_std(StdListener::from(descriptor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: Option<&str>, family: AddressFamily) -> Listen {
        Listen { host: host.map(str::to_owned), port: 5666, family }
    }

    #[test]
    fn no_host_means_every_address_of_the_families() {
        let shown = |family| -> Vec<String> {
            addresses(&place(None, family)).unwrap().iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(shown(AddressFamily::Any), ["0.0.0.0:5666", "[::]:5666"]);
        assert_eq!(shown(AddressFamily::V4), ["0.0.0.0:5666"]);
        assert_eq!(shown(AddressFamily::V6), ["[::]:5666"]);
    }

    #[test]
    fn a_list_is_not_a_host() {
        assert!(addresses(&place(Some("127.0.0.1,127.0.0.2"), AddressFamily::Any)).is_err());
        assert_eq!(addresses(&place(Some("127.0.0.1"), AddressFamily::V6)).unwrap(), []);
    }
}
