//! The directory of a store, opened once: files are reached through it, without following links, as its owner.
//!
//! What has the name of a file of the store and is none cannot hold up whoever opens it: links are not followed, a
//! FIFO is not waited for, and the error says what it is.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::dir::Dir as Listing;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::FileId;
use super::owner::Owner;

/// Mode of every file but the lock, whatever the umask: the owner writes, the group reads.
const FILE_MODE: Mode = Mode::from_bits_truncate(0o640);
/// Mode of the lock: whoever may open it may take it.
const LOCK_MODE: Mode = Mode::from_bits_truncate(0o600);

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    owner: Owner,
    mode: u32,
}

/// The identity of a file from what the system says of it.
pub(super) fn file_id(stat: &FileStat) -> FileId {
    FileId { device: stat.st_dev, inode: stat.st_ino }
}

fn kind(mode: u32) -> &'static str {
    match mode & libc::S_IFMT {
        libc::S_IFDIR => "a directory",
        libc::S_IFIFO => "a FIFO",
        libc::S_IFLNK => "a symbolic link",
        libc::S_IFSOCK => "a socket",
        _ => "a device",
    }
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn is_regular(stat: &FileStat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFREG
}

/// What the system says of a file, which must be a regular one.
fn regular(file: &File) -> io::Result<FileStat> {
    let stat = fstat(file)?;
    if is_regular(&stat) { Ok(stat) } else { Err(refused(format!("it is {}", kind(stat.st_mode)))) }
}

impl Dir {
    /// Opens a directory. The path itself may lead through links.
    pub(super) fn open(path: &Path) -> io::Result<Dir> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = open(path, flags, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok(Dir { fd, owner: Owner { uid: stat.st_uid, gid: stat.st_gid }, mode: stat.st_mode })
    }

    /// Whom the store belongs to.
    pub(super) fn owner(&self) -> Owner {
        self.owner
    }

    /// The permissions, if users that are neither the owner nor in the group may put files here.
    pub(super) fn exposed(&self) -> Option<u32> {
        (self.mode & 0o002 != 0).then_some(self.mode & 0o7777)
    }

    /// Names of all that is in it. A name that is not UTF-8 is none of the store's.
    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        let _acting = self.owner.act()?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut names = Vec::new();
        for entry in Listing::openat(&self.fd, ".", flags, Mode::empty())? {
            if let Ok(name) = entry?.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a file of the store for reading.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        let file = self.open_file(name, OFlag::O_RDONLY, Mode::empty())?;
        let stat = regular(&file)?;
        // Whoever can put files here but is not the owner could else slip history in.
        let others = self.mode & 0o022 != 0 && stat.st_uid != self.owner.uid && stat.st_uid != 0;
        // The owner's own files may have more links: that is how snapshots are made.
        let linked = stat.st_nlink > 1 && stat.st_uid != self.owner.uid;
        if others || linked {
            let (user, owner) = (stat.st_uid, self.owner.uid);
            let why = if linked { "has other links" } else { "is where others may put files" };
            return Err(refused(format!(
                "it belongs to user {user}, not to the owner, user {owner}, and {why}"
            )));
        }
        Ok(file)
    }

    /// Creates a file that must not exist.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let file = self.open_file(name, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL, FILE_MODE)?;
        let _acting = self.owner.act()?;
        if let Err(errno) = fchmod(&file, FILE_MODE) {
            let _ = self.remove(name);
            return Err(errno.into());
        }
        Ok(file)
    }

    /// Opens the file that is locked, and creates it where absent. Nobody but the owner may open it from then on.
    pub(super) fn lock_file(&self, name: &str) -> io::Result<File> {
        let file = self.open_file(name, OFlag::O_RDWR | OFlag::O_CREAT, LOCK_MODE)?;
        let stat = regular(&file)?;
        if stat.st_uid != self.owner.uid || stat.st_nlink > 1 {
            let owner = self.owner.uid;
            return Err(refused(format!(
                "it has {} links and belongs to user {}; it must have one and belong to user {owner}",
                stat.st_nlink, stat.st_uid
            )));
        }
        if stat.st_mode & 0o7777 != LOCK_MODE.bits() {
            let _acting = self.owner.act()?;
            fchmod(&file, LOCK_MODE)?;
        }
        Ok(file)
    }

    fn open_file(&self, name: &str, flags: OFlag, mode: Mode) -> io::Result<File> {
        let _acting = self.owner.act()?;
        // Non-blocking, so that a FIFO does not wait for its other end; on a regular file it has no effect.
        let safe = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        match openat(&self.fd, name, flags | safe, mode) {
            Ok(fd) => Ok(File::from(fd)),
            Err(errno @ (Errno::ELOOP | Errno::ENXIO | Errno::EISDIR)) => match self.stat(name)? {
                Some(stat) if !is_regular(&stat) => Err(refused(format!("it is {}", kind(stat.st_mode)))),
                _ => Err(errno.into()),
            },
            Err(errno) => Err(errno.into()),
        }
    }

    /// What the system says of a name; none if it is not there.
    fn stat(&self, name: &str) -> io::Result<Option<FileStat>> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let _acting = self.owner.act()?;
        match renameat(&self.fd, from, &self.fd, to) {
            // A directory in the place of a file makes way if it is empty.
            Err(Errno::EISDIR) if unlinkat(&self.fd, to, UnlinkatFlags::RemoveDir).is_ok() => {
                Ok(renameat(&self.fd, from, &self.fd, to)?)
            }
            renamed => Ok(renamed?),
        }
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let _acting = self.owner.act()?;
        Ok(unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Makes names durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::fsync(self.fd.as_fd())?)
    }
}
