//! Where the socket is: in the directory of the store, which only the store's owner may write to.
//!
//! So no other user can take the agent's place, nor, with the directory closed to others, even connect. The directory
//! is opened once and the socket reached through it, so that neither a long path nor an exchanged directory matters.
//!
//! While there is no such directory, or nothing can be made in it, the agent listens under an abstract name that is
//! made of the path: an agent whose store is broken has to be reached most of all. Any user may take that name first,
//! which keeps commands from the agent then, but they do not trust that user.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, geteuid, setfsgid, setfsuid};

use crate::hash::fnv1a;

/// Name of the socket in the directory of the store.
const SOCKET_NAME: &str = "agent.socket";
/// Who may connect: the owner of the store, and root.
const SOCKET_MODE: Mode = Mode::from_bits_truncate(0o600);

/// The directory of a store.
#[derive(Debug)]
pub(super) struct Place {
    dir: File,
    owner: (Uid, Gid),
}

/// Which file the socket is, so that another one in its place is noticed.
pub(super) type FileId = (u64, u64);

impl Place {
    /// Opens the directory of a store.
    ///
    /// # Errors
    /// There is no such directory, or this user may not enter it.
    pub(super) fn open(dir: &Path) -> io::Result<Place> {
        let flags = (OFlag::O_DIRECTORY | OFlag::O_PATH).bits();
        let dir = File::options().read(true).custom_flags(flags).open(dir)?;
        let about = dir.metadata()?;
        Ok(Place { dir, owner: (Uid::from_raw(about.uid()), Gid::from_raw(about.gid())) })
    }

    /// The user to whom the store belongs.
    pub(super) fn owner(&self) -> Uid {
        self.owner.0
    }

    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}/{SOCKET_NAME}", self.dir.as_raw_fd()).into()
    }

    /// Connects to the socket. Never waits.
    pub(super) fn connect(&self) -> Result<OwnedFd, Errno> {
        let fd = unix_socket()?;
        connect(fd.as_raw_fd(), &UnixAddr::new(&self.path())?)?;
        Ok(fd)
    }

    /// Makes the socket and listens, as the owner of the store. There must be none.
    pub(super) fn listen(&self) -> io::Result<OwnedFd> {
        self.as_owner(|| {
            let fd = unix_socket()?;
            // The mode of a socket is that of its file, but for the umask, which can only narrow it.
            fchmod(&fd, SOCKET_MODE)?;
            bind(fd.as_raw_fd(), &UnixAddr::new(&self.path())?)?;
            listen(&fd, Backlog::MAXCONN)?;
            Ok(fd)
        })
    }

    /// Removes the socket, if it is one.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.as_owner(|| {
            let path = self.path();
            match std::fs::symlink_metadata(&path) {
                Ok(about) if !about.file_type().is_socket() => {
                    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{SOCKET_NAME} is no socket")))
                }
                Ok(_) => std::fs::remove_file(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    /// Which file the socket is.
    pub(super) fn id(&self) -> io::Result<FileId> {
        let about = std::fs::symlink_metadata(self.path())?;
        Ok((about.dev(), about.ino()))
    }

    /// Does something as the owner of the store, on a thread that ends with it, so that root can do no more there than
    /// the owner could, and what is made belongs to the owner.
    fn as_owner<T: Send>(&self, act: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        let (uid, gid) = self.owner;
        if !geteuid().is_root() || uid.is_root() {
            return act();
        }
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setfsgid(gid);
                setfsuid(uid);
                // Neither call reports a failure. Each returns what was in force before, and -1 changes nothing.
                if setfsuid(Uid::from_raw(u32::MAX)) != uid {
                    return Err(io::Error::from(io::ErrorKind::PermissionDenied));
                }
                act()
            });
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that did it ended")))
        })
    }
}

/// The abstract name for the store at `dir`.
fn abstract_name(dir: &Path) -> io::Result<UnixAddr> {
    let dir = std::fs::canonicalize(dir).or_else(|_| std::path::absolute(dir))?;
    let hash = fnv1a(dir.as_os_str().as_bytes().iter().copied());
    Ok(UnixAddr::new_abstract(format!("custos/{hash:016x}").as_bytes())?)
}

/// Listens under the abstract name for the store at `dir`.
pub(super) fn listen_aside(dir: &Path) -> io::Result<OwnedFd> {
    let fd = unix_socket()?;
    bind(fd.as_raw_fd(), &abstract_name(dir)?)?;
    listen(&fd, Backlog::MAXCONN)?;
    Ok(fd)
}

/// Connects to whoever listens under the abstract name for the store at `dir`.
pub(super) fn connect_aside(dir: &Path) -> io::Result<OwnedFd> {
    let fd = unix_socket()?;
    connect(fd.as_raw_fd(), &abstract_name(dir)?)?;
    Ok(fd)
}

fn unix_socket() -> Result<OwnedFd, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

/// Which file is the socket of the store at `dir` now; `None` if there is none.
pub(super) fn id_at(dir: &Path) -> Option<FileId> {
    let about = std::fs::symlink_metadata(dir.join(SOCKET_NAME)).ok()?;
    about.file_type().is_socket().then(|| (about.dev(), about.ino()))
}
