//! The terminal itself: opened anew, so that what is set for reading and writing it is not set for the shell's; made raw;
//! and restored on every way out.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::panic;
use std::sync::{Mutex, Once};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{self, FlushArg, SetArg, Termios};

use crate::limits::TERMINAL_RESTORE_MAX;
use crate::lock::locked;

/// Alternate screen; no cursor; buttons and wheel of the mouse, in SGR's form.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h";
const LEAVE: &str = "\x1b[?1006l\x1b[?1000l\x1b[0m\x1b[?25h\x1b[?1049l";

/// The terminal to restore if there is a panic, and how it was.
static ENTERED: Mutex<Option<(File, Termios)>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// A terminal that a program fills.
pub(super) struct Device {
    file: File,
}

impl Device {
    /// Opens the terminal that this process belongs to, and takes it.
    ///
    /// # Errors
    /// There is none, or it does not let itself be set.
    pub(super) fn open() -> io::Result<Device> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open("/dev/tty")?;
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                leave();
                before(info);
            }));
        });
        let device = Device { file };
        device.enter()?;
        Ok(device)
    }

    /// Makes it raw, and shows a page of its own. Again, if something else had it meanwhile.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut entered = locked(&ENTERED);
        let (before, sequences) = match &*entered {
            // Entering twice would have the terminal forget where its cursor was before.
            Some((_, before)) => (before.clone(), [LEAVE, ENTER].concat()),
            None => {
                let before = termios::tcgetattr(&self.file)?;
                *entered = Some((self.file.try_clone()?, before.clone()));
                (before, ENTER.to_owned())
            }
        };
        let mut raw = before;
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(&self.file, SetArg::TCSANOW, &raw)?;
        write_soon(&self.file, sequences.as_bytes());
        Ok(())
    }

    /// Gives it back as it was.
    pub(super) fn leave(&self) {
        leave();
    }

    /// What was typed, as far as it is there.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match (&self.file).read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if is_patience(&error) => Ok(0),
            read => read,
        }
    }

    /// Writes as much as the terminal takes now.
    ///
    /// # Errors
    /// The terminal is gone.
    #[expect(clippy::disallowed_methods, reason = "who calls goes on with the rest")]
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match (&self.file).write(bytes) {
            Err(error) if is_patience(&error) => Ok(0),
            written => written,
        }
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        leave();
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn leave() {
    if let Some((file, before)) = locked(&ENTERED).take() {
        write_soon(&file, LEAVE.as_bytes());
        // What was typed for this program is not meant for the shell. Nothing waits for a terminal that takes no output.
        let _ = termios::tcflush(&file, FlushArg::TCIFLUSH);
        let _ = termios::tcsetattr(&file, SetArg::TCSANOW, &before);
    }
}

/// Writes a few bytes, unless the terminal takes none for too long.
#[expect(clippy::disallowed_methods, reason = "it goes on with the rest, unless the terminal takes nothing")]
fn write_soon(mut file: &File, mut bytes: &[u8]) {
    let patience = PollTimeout::try_from(TERMINAL_RESTORE_MAX).unwrap_or(PollTimeout::ZERO);
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return,
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut waiting = [PollFd::new(file.as_fd(), PollFlags::POLLOUT)];
                if !matches!(poll(&mut waiting, patience), Ok(1..)) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
