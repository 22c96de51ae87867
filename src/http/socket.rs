//! Sockets that listen: an address or a path, used alike.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, listen, setsockopt, socket,
    sockopt,
};
use tokio::net::{TcpListener, UnixListener};

use super::wire::Stream;
use crate::config::Listening;

/// A socket in the file system is for its user and group.
const PATH_MODE: u32 = 0o660;

/// A socket that listens.
#[derive(Debug)]
pub enum Socket {
    /// At an address.
    Tcp(std::net::TcpListener),
    /// At a path.
    Unix(std::os::unix::net::UnixListener),
}

impl Socket {
    /// Listens. A socket at a path that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn open(listening: &Listening) -> io::Result<Socket> {
        match listening {
            Listening::Tcp(address) => open_address(*address),
            Listening::Unix(path) => match open_path(path) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                    fs::remove_file(path)?;
                    open_path(path)
                }
                opened => opened,
            },
        }
    }

    /// Takes a descriptor for a socket that listens.
    pub fn of(listening: &Listening, descriptor: OwnedFd) -> Socket {
        match listening {
            Listening::Tcp(_) => Socket::Tcp(descriptor.into()),
            Listening::Unix(_) => Socket::Unix(descriptor.into()),
        }
    }

    /// Where it listens: with the port that the system chose.
    ///
    /// # Errors
    /// The system does not say.
    pub fn listening(&self) -> io::Result<Listening> {
        match self {
            Socket::Tcp(socket) => socket.local_addr().map(Listening::Tcp),
            Socket::Unix(socket) => Ok(Listening::Unix(
                socket.local_addr()?.as_pathname().map(Path::to_owned).unwrap_or_default(),
            )),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}

/// IPv6 alone where the address is one, so that both wildcards can be opened side by side.
fn open_address(address: SocketAddr) -> io::Result<Socket> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let opened = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    setsockopt(&opened, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&opened, sockopt::Ipv6V6Only, &true)?;
    }
    bind(opened.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&opened, Backlog::MAXCONN)?;
    Ok(Socket::Tcp(opened.into()))
}

fn open_path(path: &Path) -> io::Result<Socket> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let opened = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    bind(opened.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Before it listens, so that nobody else can connect in between.
    set_mode(path)?;
    listen(&opened, Backlog::MAXCONN)?;
    Ok(Socket::Unix(opened.into()))
}

/// Gives a socket its mode, whatever the umask is, and nothing else that may have taken its place.
fn set_mode(path: &Path) -> io::Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    let place = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if !place.metadata()?.file_type().is_socket() {
        return Err(io::Error::other("something has taken its place"));
    }
    fs::set_permissions(format!("/proc/self/fd/{}", place.as_raw_fd()), Permissions::from_mode(PATH_MODE))
}

/// Whether a path is that of a socket that nobody listens on: its server has ended.
fn is_abandoned(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && StdUnixStream::connect(path).is_err_and(refused)
}

/// How a request came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Via {
    /// The address that the client connected to, and its own; none for a socket in the file system.
    pub(super) addresses: Option<(IpAddr, IpAddr)>,
    /// Whether TLS has verified a certificate of the client.
    pub(super) is_certified: bool,
}

/// A socket whose connections are waited for.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn of(socket: Socket) -> io::Result<Listener> {
        match socket {
            Socket::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(Listener::Tcp)
            }
            Socket::Unix(socket) => {
                socket.set_nonblocking(true)?;
                UnixListener::from_std(socket).map(Listener::Unix)
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Via)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // An answer goes out at once.
                let _ = stream.set_nodelay(true);
                let local = stream.local_addr()?.ip().to_canonical();
                let via = Via { addresses: Some((local, peer.ip().to_canonical())), is_certified: false };
                Ok((Box::new(stream), via))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Via::default()))
            }
        }
    }
}
