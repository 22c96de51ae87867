//! The journal's socket, which takes entries with their fields.
//!
//! It is not connected, so that entries reach a journald that was started anew. A datagram is as large as the socket's
//! buffer allows; a larger entry is handed over as a sealed file in memory, as the protocol has it.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
use nix::sys::stat::fstat;

/// Where journald listens.
const PATH: &str = "/run/systemd/journal/socket";

/// The journal, to be written to.
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// The journal, if stderr is a stream of it.
    pub(super) fn of_stderr() -> Option<Journal> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = fstat(io::stderr()).ok()?;
        names_file(&stream, stderr.st_dev, stderr.st_ino).then(|| Journal::at(Path::new(PATH)).ok())?
    }

    pub(super) fn at(path: &Path) -> io::Result<Journal> {
        Ok(Journal { socket: UnixDatagram::unbound()?, path: path.to_owned() })
    }

    /// Sends an entry. Waits while journald has too many that it has not read.
    pub(super) fn send(&self, entry: &[u8]) -> io::Result<()> {
        match self.socket.send_to(entry, &self.path) {
            Err(error) if is_too_large(&error) => self.send_file(entry),
            sent => sent.map(drop),
        }
    }

    fn send_file(&self, entry: &[u8]) -> io::Result<()> {
        let flags = MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC;
        let mut file = File::from(memfd_create(c"custos-log", flags)?);
        file.write_all(entry)?;
        // Journald maps only a file that cannot change under it.
        let seals =
            SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        let (descriptors, address) = ([file.as_raw_fd()], UnixAddr::new(&self.path)?);
        let message = [ControlMessage::ScmRights(&descriptors)];
        let nothing = [IoSlice::new(&[])];
        sendmsg(self.socket.as_raw_fd(), &nothing, &message, MsgFlags::MSG_NOSIGNAL, Some(&address))?;
        Ok(())
    }
}

/// Whether `JOURNAL_STREAM` names this file: a process that was given another stderr has inherited the variable only.
fn names_file(stream: &str, device: u64, inode: u64) -> bool {
    let named = stream.split_once(':').map(|(device, inode)| (device.parse(), inode.parse()));
    named == Some((Ok(device), Ok(inode)))
}

fn is_too_large(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMSGSIZE | Errno::ENOBUFS))
}

#[cfg(test)]
mod tests {
    use std::io::IoSliceMut;

    use nix::sys::socket::{ControlMessageOwned, recvmsg};

    use super::*;

    /// What is in the file that comes with the next datagram, which is empty itself.
    fn received_file(socket: &UnixDatagram) -> Vec<u8> {
        let (mut buffer, mut space) = ([0; 8], nix::cmsg_space!([i32; 1]));
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let message =
            recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())
                .unwrap();
        assert_eq!(message.bytes, 0);
        let Some(ControlMessageOwned::ScmRights(descriptors)) = message.cmsgs().unwrap().next() else {
            panic!("no file came")
        };
        let file = File::open(format!("/proc/self/fd/{}", descriptors[0])).unwrap();
        nix::unistd::close(descriptors[0]).unwrap();
        assert_eq!(fcntl(&file, FcntlArg::F_GET_SEALS).unwrap(), 0b1111);
        io::read_to_string(file).unwrap().into_bytes()
    }

    #[test]
    fn stderr_is_the_journals_only_if_the_variable_names_it() {
        assert!(names_file("9:123", 9, 123));
        for other in ["9:124", "8:123", "9", "", ":", "9:", "9:123:1", "-9:123", "9:x"] {
            assert!(!names_file(other, 9, 123), "{other}");
        }
    }

    #[test]
    fn an_entry_is_a_datagram_or_a_sealed_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journal = Journal::at(&path).unwrap();
        assert_eq!(journal.send(b"MESSAGE=none\n").unwrap_err().kind(), io::ErrorKind::NotFound);
        let taken = UnixDatagram::bind(&path).unwrap();
        journal.send(b"MESSAGE=small\n").unwrap();
        let mut buffer = [0; 100];
        let len = taken.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"MESSAGE=small\n");
        // More than any datagram can be.
        let large = [b"MESSAGE=".as_slice(), &vec![b'x'; 16 << 20], b"\n"].concat();
        journal.send(&large).unwrap();
        assert!(received_file(&taken) == large);
        // Another journald in the same place.
        drop(taken);
        std::fs::remove_file(&path).unwrap();
        assert!(journal.send(b"MESSAGE=lost\n").is_err());
        let taken = UnixDatagram::bind(&path).unwrap();
        journal.send(b"MESSAGE=again\n").unwrap();
        let len = taken.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"MESSAGE=again\n");
    }
}
