//! Starting the shim from the agent's side, and running one plugin without an agent.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::clock::monotonic_us;
use crate::error::{DecodeError, Error, LIMITS_CHANGED, VERSION};
use crate::limits::{READ_BYTES, SILENCE_MAX, WAIT_MAX};
use crate::spec::{Report, Spec};
use crate::wire::{Message, decode_message, encode_message, encode_start};

/// The argument by which the program knows that it is to be the shim.
pub const SUBCOMMAND: &str = "plugins-shim";

/// The variable in the shim's environment by which its guard knows that the agent notices when the guard is stopped.
pub const WATCHED: &str = "CUSTOS_SHIM_WATCHED";

/// Which program is the shim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program file, which calls [`crate::serve`].
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Default for Launch {
    /// The running program itself, even if its file was replaced, with [`SUBCOMMAND`].
    fn default() -> Launch {
        Launch { program: PathBuf::from("/proc/self/exe"), args: vec![OsString::from(SUBCOMMAND)] }
    }
}

/// A shim that was started. It ends when the socket is closed.
#[derive(Debug)]
pub struct Launched {
    /// The shim's guard, which must be waited for.
    pub guard: Child,
    /// The conversation with the shim; each side opens it with [`Message::Hello`].
    pub socket: UnixStream,
}

impl Launch {
    /// The command that starts the shim, and the agent's end of the conversation with it. The command must be
    /// dropped once it was spawned: it holds the other end, and the agent would not notice the shim's end.
    ///
    /// The shim begins a session of its own, so that a terminal's signals do not reach it.
    ///
    /// # Errors
    /// The system refuses a socket.
    pub fn command(&self) -> Result<(Command, UnixStream), Error> {
        let (socket, far_end) = UnixStream::pair().map_err(Error::system("make a socket for the shim"))?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(far_end))).stdout(Stdio::null());
        Ok((command, socket))
    }

    /// Starts the shim.
    ///
    /// # Errors
    /// The system refuses a socket or a process.
    pub fn start(&self) -> Result<Launched, Error> {
        let (mut command, socket) = self.command()?;
        let guard = command.spawn().map_err(Error::system("start the shim"))?;
        Ok(Launched { guard, socket })
    }
}

/// Runs one plugin in a shim of its own and waits for its report.
///
/// # Errors
/// The shim cannot be started or ends before it has answered.
pub fn run_once(launch: &Launch, spec: &Spec) -> Result<Report, Error> {
    let Launched { guard, mut socket } = launch.start()?;
    let allowed = spec.timeout.min(WAIT_MAX) + spec.grace.min(WAIT_MAX) + SILENCE_MAX;
    socket.set_read_timeout(Some(allowed)).map_err(Error::system("wait for the shim"))?;
    let report = converse(&mut socket, spec);
    drop(socket);
    let guard = Pid::from_raw(guard.id() as i32);
    if report.is_err() {
        // The guard takes this as the order to end the worker.
        let _ = kill(guard, Signal::SIGTERM);
        let _ = kill(guard, Signal::SIGCONT);
    }
    // A plugin may have stopped the guard.
    while let Ok(WaitStatus::Stopped(..)) = waitpid(guard, Some(WaitPidFlag::WUNTRACED)) {
        let _ = kill(guard, Signal::SIGCONT);
    }
    report
}

fn converse(socket: &mut UnixStream, spec: &Spec) -> Result<Report, Error> {
    let mut bytes = Vec::new();
    encode_message(&Message::Hello { version: VERSION }, &mut bytes)?;
    encode_start(0, monotonic_us(), true, spec, &mut bytes)?;
    socket.write_all(&bytes).map_err(Error::system("send a plugin to the shim"))?;
    let mut inbound = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        while let Some((message, len)) = decode_message(&inbound).map_err(Error::Protocol)? {
            inbound.drain(..len);
            match message {
                Message::Hello { version: VERSION } => {}
                Message::Hello { version } => return Err(Error::Protocol(DecodeError::Version(version))),
                Message::Report { report, .. } => return Ok(*report),
                Message::LimitsChanged => return Err(Error::Interfered { how: LIMITS_CHANGED }),
                _ => return Err(Error::Protocol(DecodeError::Unexpected)),
            }
        }
        match socket.read(&mut buffer) {
            Ok(0) => return Err(Error::Ended),
            Ok(len) => inbound.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Err(Error::Silent),
            Err(error) => return Err(Error::system("read from the shim")(error)),
        }
    }
}
