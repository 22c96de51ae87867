//! Sockets to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use custos_compat::nrpe::AddressFamily;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{
    AddressFamily as Family, Backlog, Shutdown, SockFlag, SockType, SockaddrStorage, bind, listen,
    setsockopt, shutdown, socket, sockopt,
};

use super::inherited;
use crate::limits;
use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::settings::Listen;

/// The addresses of one `listen` setting. Without a host these are the wildcards of both families.
pub(super) fn addresses(listen: &Listen) -> Result<Vec<SocketAddr>, Error> {
    let wanted = |address: &SocketAddr| match listen.family {
        AddressFamily::Any => true,
        AddressFamily::V4 => address.is_ipv4(),
        AddressFamily::V6 => address.is_ipv6(),
    };
    let found: Vec<SocketAddr> = match &listen.host {
        None => [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
            .map(|address| SocketAddr::new(address, listen.port))
            .to_vec(),
        // As the system's resolver, and so nrpe, reads an asterisk: the machine itself.
        Some(host) if host == "*" => [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]
            .map(|address| SocketAddr::new(address, listen.port))
            .to_vec(),
        Some(host) => (host.as_str(), listen.port)
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

/// Whether one of the addresses can be listened on now, which is enough to start.
pub(in crate::nrpe::listener) fn try_to_listen(listen: &[Listen], backlog: u32) -> Result<(), Error> {
    let mut tried = Ok(());
    for listen in listen {
        for address in addresses(listen)? {
            match Listener::open(address, backlog) {
                Ok(_) => return Ok(()),
                Err(source) => tried = Err(Error::Bind { address: address.to_string(), source }),
            }
        }
    }
    tried
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    /// Set where the service manager listens on the same socket: ends the wait of those that accept.
    leave: Option<EventFd>,
}

impl Listener {
    /// Listens on one address: on the socket that the service manager has handed over for it, or else on a new one. An
    /// IPv6 socket serves IPv6 only, so that both wildcards can be opened side by side.
    pub(super) fn open(address: SocketAddr, backlog: u32) -> io::Result<Listener> {
        let (socket, leave) = match inherited::socket(address) {
            Some(socket) => (socket, Some(EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?)),
            None => (bound(address)?, None),
        };
        // An earlier reload may have shut a handed-over socket down: it listens again. An open one takes this backlog.
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        listen(&socket, Backlog::new(backlog).unwrap_or(Backlog::MAXCONN))?;
        // Connections inherit this on Linux: an answer is written whole, so nothing is gained by waiting for more.
        setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
        Ok(Listener { socket, leave })
    }

    /// The address that the socket is bound to.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for a connection; `None` once the socket is closed or left.
    pub(super) fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        loop {
            if self.leave.is_some() && self.wait(PollFlags::POLLIN, PollTimeout::NONE)? {
                return Ok(None);
            }
            match self.socket.accept() {
                Ok(accepted) => return Ok(Some(accepted)),
                // A handed-over socket does not block, and another process may have accepted first.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for some time, or until the socket is left.
    pub(super) fn pause(&self, duration: Duration) {
        let duration = PollTimeout::try_from(duration).unwrap_or(PollTimeout::MAX);
        // If the socket was left, the next `accept` shows it.
        let _ = self.wait(PollFlags::empty(), duration);
    }

    /// Waits for such an event of the socket. Returns whether the socket was left.
    fn wait(&self, events: PollFlags, timeout: PollTimeout) -> io::Result<bool> {
        let socket = PollFd::new(self.socket.as_fd(), events);
        let Some(leave) = &self.leave else {
            poll(&mut [socket], timeout)?;
            return Ok(false);
        };
        let mut both = [PollFd::new(leave.as_fd(), PollFlags::POLLIN), socket];
        match poll(&mut both, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(both[0].any().unwrap_or(false)),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops listening at once, and ends every wait for a connection. Clients are refused from then on.
    pub(super) fn close(&self) {
        // Fails only if the socket does not listen any more.
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
        self.leave();
    }

    /// Stops accepting at the end of this process. Where the service manager listens, new clients wait for the next
    /// process.
    pub(super) fn leave(&self) {
        match &self.leave {
            // Fails only if the counter is full, and then the wait has been ended before.
            Some(leave) => drop(leave.write(1)),
            None => drop(shutdown(self.socket.as_raw_fd(), Shutdown::Both)),
        }
    }
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

    fn listen_on(host: Option<&str>, family: AddressFamily) -> Listen {
        Listen { host: host.map(str::to_owned), port: 5666, family }
    }

    #[test]
    fn no_host_means_every_address_of_the_families() {
        let shown = |family| -> Vec<String> {
            addresses(&listen_on(None, family)).unwrap().iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(shown(AddressFamily::Any), ["0.0.0.0:5666", "[::]:5666"]);
        assert_eq!(shown(AddressFamily::V4), ["0.0.0.0:5666"]);
        assert_eq!(shown(AddressFamily::V6), ["[::]:5666"]);
    }

    #[test]
    fn a_list_is_not_a_host() {
        assert!(addresses(&listen_on(Some("127.0.0.1,127.0.0.2"), AddressFamily::Any)).is_err());
        assert_eq!(addresses(&listen_on(Some("127.0.0.1"), AddressFamily::V6)).unwrap(), []);
    }

    #[test]
    fn answers_are_sent_without_a_delay() {
        let listener = Listener::open("127.0.0.1:0".parse().unwrap(), 8).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(listener.accept().unwrap().unwrap().0.nodelay().unwrap());
    }

    #[test]
    fn a_closed_socket_can_be_listened_on_again() {
        // A port that was chosen by the kernel would be given up with the first close.
        let any = "127.0.0.1:0".parse().unwrap();
        let address = Listener::open(any, 8).unwrap().local_addr().unwrap();
        let listener = Listener::open(address, 8).unwrap();
        listener.close();
        assert!(TcpStream::connect(address).is_err());
        listen(&listener.socket, Backlog::MAXCONN).unwrap();
        assert!(TcpStream::connect(address).is_ok());
    }

    #[test]
    fn closing_ends_a_wait_for_connections() {
        let listener = Listener::open("127.0.0.1:0".parse().unwrap(), 8).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            listener.close();
            assert!(waiting.join().unwrap().unwrap().is_none());
        });
    }

    /// As if the service manager had the socket, too.
    fn handed_over() -> Listener {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        Listener { socket, leave: Some(EventFd::from_flags(EfdFlags::EFD_CLOEXEC).unwrap()) }
    }

    #[test]
    fn clients_of_a_socket_that_is_left_wait_in_its_queue() {
        let listener = handed_over();
        let address = listener.local_addr().unwrap();
        let _first = TcpStream::connect(address).unwrap();
        assert!(listener.accept().unwrap().is_some());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            listener.leave();
            assert!(waiting.join().unwrap().unwrap().is_none());
        });
        let _second = TcpStream::connect(address).unwrap();
        assert!(listener.accept().unwrap().is_none());
        assert!(listener.socket.accept().is_ok());
    }

    #[test]
    fn a_socket_that_was_handed_over_can_be_closed_all_the_same() {
        let listener = handed_over();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            listener.close();
            assert!(waiting.join().unwrap().unwrap().is_none());
        });
        assert!(TcpStream::connect(listener.local_addr().unwrap()).is_err());
    }
}
