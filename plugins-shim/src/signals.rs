//! Signals taken from a descriptor, all that are pending in one read.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Bytes that the kernel gives for one signal; the first four are its number.
const SIGNAL_BYTES: usize = 128;
/// Most signals that may be taken. Each is pending at most once.
const SIGNALS_MAX: usize = 2;

/// Waits for some signals, which must be blocked.
#[derive(Debug)]
pub(crate) struct Signals {
    descriptor: SignalFd,
}

impl Signals {
    /// Takes these signals from now on.
    pub(crate) fn open(signals: &[Signal; SIGNALS_MAX]) -> nix::Result<Signals> {
        let set: SigSet = signals.iter().copied().collect();
        let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Signals { descriptor })
    }

    /// Takes all signals that are pending.
    pub(crate) fn take(&self) -> SigSet {
        let mut buffer = [0; SIGNALS_MAX * SIGNAL_BYTES];
        let len = loop {
            match nix::unistd::read(&self.descriptor, &mut buffer) {
                Err(Errno::EINTR) => {}
                read => break read.unwrap_or(0),
            }
        };
        let taken = buffer[..len].chunks_exact(SIGNAL_BYTES);
        let numbers = taken.filter_map(|signal| Some(i32::from_ne_bytes(*signal.first_chunk()?)));
        numbers.filter_map(|number| Signal::try_from(number).ok()).collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
