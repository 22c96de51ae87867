//! A helper: a process of the same program beside the agent, which stands back behind everything else on the machine.
//!
//! What it needs to know comes over the socket that it has as its input: a file in memory, and sockets that the agent has
//! opened for it. Neither is on a command line, where everybody could read it. The end of that socket is the end of the agent.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::cmsg_space;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::unistd::setsid;

use crate::limits::HELPER_DESCRIPTORS_MAX;
use crate::sys;

/// The command that starts a helper, and the agent's end of the socket. The command must be dropped once it was spawned: it
/// holds the other end.
///
/// # Errors
/// The system refuses a socket, or the message.
pub fn helper(
    args: &[&OsStr],
    settings: &[u8],
    sockets: &[BorrowedFd<'_>],
) -> io::Result<(Command, UnixStream)> {
    let (own, far_end) = UnixStream::pair()?;
    let mut file = File::from(memfd_create(c"custos-settings", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(settings)?;
    file.rewind()?;
    let descriptors: Vec<_> =
        [file.as_fd()].iter().chain(sockets).take(HELPER_DESCRIPTORS_MAX).map(AsRawFd::as_raw_fd).collect();
    let message = [ControlMessage::ScmRights(&descriptors)];
    sendmsg::<()>(own.as_raw_fd(), &[IoSlice::new(b"\n")], &message, MsgFlags::MSG_NOSIGNAL, None)?;
    let mut command = Command::new("/proc/self/exe");
    command.args(args).current_dir("/");
    command.stdin(Stdio::from(OwnedFd::from(far_end))).stdout(Stdio::null());
    Ok((command, own))
}

/// What a helper was given.
#[derive(Debug)]
pub struct Given {
    /// The settings.
    pub settings: Vec<u8>,
    /// The sockets that the agent opened.
    pub sockets: Vec<OwnedFd>,
    /// The agent's socket.
    pub agent: UnixStream,
    /// Whether the kernel serves everything else first; a container may forbid to ask for that.
    pub stands_back: io::Result<()>,
}

/// What this process was given, which is a helper and has one thread only. From here on it ends with the agent, stands back, and
/// gains no rights by whatever it starts.
///
/// # Errors
/// There is nothing for a helper at its input, or more than `settings_max` bytes; the system refuses something.
pub fn be_helper(nice: i32, settings_max: usize) -> io::Result<Given> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_no_new_privs()?;
    // Where the kernel groups processes by their session, niceness counts within one only: what this takes must not be the
    // agent's share, and its session stands back as a whole. Where there are no such groups, there is no such file.
    setsid()?;
    let _ = std::fs::write("/proc/self/autogroup", nice.to_string());
    prctl::set_dumpable(false)?;
    let stands_back = sys::stand_back(nice);
    let agent = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut descriptors = receive(&agent)?.into_iter();
    let Some(file) = descriptors.next() else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no settings came"));
    };
    let mut settings = Vec::new();
    File::from(file).take(settings_max as u64 + 1).read_to_end(&mut settings)?;
    if settings.len() > settings_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the settings are too long"));
    }
    Ok(Given { settings, sockets: descriptors.collect(), agent, stands_back })
}

fn receive(agent: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut into = [IoSliceMut::new(&mut byte)];
    let mut space = cmsg_space!([std::os::fd::RawFd; HELPER_DESCRIPTORS_MAX]);
    let message = recvmsg::<()>(agent.as_raw_fd(), &mut into, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut received = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = part {
            received.extend(sys::received(descriptors));
        }
    }
    Ok(received)
}
