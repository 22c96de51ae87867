//! The signals that concern the terminal, read as data. They are blocked in the thread that opens the terminal and in all
//! that it starts later, so none interrupts anything.

use nix::sys::signal::{SigSet, Signal, killpg, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::getpgrp;

const TAKEN: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGWINCH,
];

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The size changed.
    Resized,
    /// Stop until SIGCONT.
    Stop,
    /// It was stopped, and goes on.
    Continued,
    /// End.
    End(Signal),
}

/// The signals that have come.
pub(super) struct Signals {
    pub(super) file: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Takes the signals. To be called before other threads are started.
    pub(super) fn take() -> nix::Result<Signals> {
        let taken: SigSet = TAKEN.into_iter().collect();
        let before = SigSet::thread_get_mask()?;
        taken.thread_block()?;
        let file = SignalFd::with_flags(&taken, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals { file, before })
    }

    /// The next signal, if one has come.
    pub(super) fn next(&mut self) -> Option<Meaning> {
        let info = self.file.read_signal().ok().flatten()?;
        Some(match Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()? {
            Signal::SIGWINCH => Meaning::Resized,
            Signal::SIGTSTP => Meaning::Stop,
            Signal::SIGCONT => Meaning::Continued,
            signal => Meaning::End(signal),
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

/// Has a signal do to this process what it does to one that does not handle it: stop it, or end it.
pub(super) fn suffer(signal: Signal) {
    let _ = raise(signal);
    let_through(signal);
}

/// The same to all processes of this job, as a terminal does that is not raw.
pub(super) fn suffer_together(signal: Signal) {
    let _ = killpg(getpgrp(), signal);
    let_through(signal);
}

/// Lets a signal take effect that has come.
fn let_through(signal: Signal) {
    let one = SigSet::from(signal);
    let was_blocked = SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(signal));
    let _ = one.thread_unblock();
    if was_blocked {
        let _ = one.thread_block();
    }
}
