//! Sockets to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::AsRawFd;

use custos_compat::nrpe::AddressFamily;
use nix::sys::socket::{
    AddressFamily as Family, Backlog, Shutdown, SockFlag, SockType, SockaddrStorage, bind, listen,
    setsockopt, shutdown, socket, sockopt,
};

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

/// Listens on one address: on the socket that the service manager has for it, or else on one of its own. An IPv6
/// socket serves IPv6 only, so that both wildcards can be had side by side. To accept a connection waits for one.
pub(super) fn open(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = match inherited::socket(address) {
        Some(socket) => socket,
        None => bound(address)?,
    };
    // One that was handed over may have been closed by an earlier reload; it listens again, or on with this backlog.
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    listen(&socket, Backlog::new(backlog).unwrap_or(Backlog::MAXCONN))?;
    // Linux hands this on to the connections: answers are written at once, so there is nothing to wait for.
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    Ok(socket)
}

/// Stops listening, at once and for every thread that waits for a connection.
pub(super) fn close(socket: &TcpListener) {
    // It can only fail on a socket that does not listen any more.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Both);
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { Family::Inet } else { Family::Inet6 };
    let descriptor = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&descriptor, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&descriptor, sockopt::Ipv6V6Only, &true)?;
    }
    bind(descriptor.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(TcpListener::from(descriptor))
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

    #[test]
    fn answers_are_sent_without_a_delay() {
        let listener = open("127.0.0.1:0".parse().unwrap(), 8).unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().0.nodelay().unwrap());
    }

    #[test]
    fn a_closed_socket_can_be_listened_on_again() {
        // A port that was chosen by the kernel would be given up with the first close.
        let address = open("127.0.0.1:0".parse().unwrap(), 8).unwrap().local_addr().unwrap();
        let socket = open(address, 8).unwrap();
        close(&socket);
        assert!(std::net::TcpStream::connect(address).is_err());
        listen(&socket, Backlog::MAXCONN).unwrap();
        assert!(std::net::TcpStream::connect(address).is_ok());
    }

    #[test]
    fn closing_ends_a_wait_for_connections() {
        let listener = open("127.0.0.1:0".parse().unwrap(), 8).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            close(&listener);
            assert!(waiting.join().unwrap().is_err());
        });
    }
}
