//! What is on its way to the agent.
//!
//! Waking the agent costs the same for one report as for ten, so a report that nobody waits for is sent with those
//! that follow within [`GATHER`] of the last write; the first one after a pause goes at once.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use crate::error::Error;
use crate::limits::{GATHER, GATHER_MAX_BYTES, OUTBOUND_MAX_BYTES};
use crate::spec::{Outcome, Report};
use crate::wire::{Message, encode_message, encode_report};

/// Frames that are not yet sent.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    frames: Vec<u8>,
    /// Bytes of `frames` that are already sent.
    done: usize,
    /// Something in it is not to wait.
    urgent: bool,
    /// The socket took no more at the last attempt.
    blocked: bool,
    sent_us: u64,
}

impl Outbound {
    /// Adds a message that goes at once.
    pub(crate) fn message(&mut self, message: &Message) -> Result<(), Error> {
        self.urgent = true;
        encode_message(message, &mut self.frames)
    }

    /// Adds a report; at once if it is awaited.
    pub(crate) fn report(&mut self, ticket: u64, report: &Report, awaited: bool) {
        self.urgent |= awaited;
        if encode_report(ticket, report, &mut self.frames).is_err() {
            // Cannot be: what is kept of an output is far less than a frame. Its ticket must come back all the same.
            let _ = encode_report(ticket, &Report::without_run(Outcome::NotFinished), &mut self.frames);
        }
    }

    /// Whether everything is sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether so much waits for the agent that nothing more should be started.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting() > OUTBOUND_MAX_BYTES
    }

    /// Whether the socket must become writable before more is sent.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// When what is gathered must be sent; none if there is nothing.
    pub(crate) fn due_us(&self) -> Option<u64> {
        let gathers = !self.frames.is_empty() && !self.blocked;
        gathers.then(|| self.sent_us.saturating_add(GATHER.as_micros() as u64))
    }

    /// Nothing waits any more for others.
    pub(crate) fn hurry(&mut self) {
        self.urgent = true;
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Outbound::default();
    }

    /// Sends what is due, as much as the socket takes.
    ///
    /// # Errors
    /// The agent is gone.
    pub(crate) fn send(&mut self, socket: RawFd, now_us: u64) -> Result<(), Errno> {
        let is_due = self.urgent
            || self.blocked
            || self.waiting() > GATHER_MAX_BYTES
            || self.due_us().is_some_and(|due_us| due_us <= now_us);
        if self.frames.is_empty() || !is_due {
            return Ok(());
        }
        while self.done < self.frames.len() {
            let rest = &self.frames[self.done..];
            match send(socket, rest, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
                Ok(len) => self.done += len,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    self.blocked = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.frames.clear();
        *self = Outbound { frames: std::mem::take(&mut self.frames), sent_us: now_us, ..Outbound::default() };
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.frames.len() - self.done
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn reports_are_gathered_unless_one_is_awaited() {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let mut read = || far.read(&mut [0; 4096]).unwrap_or(0);
        let report = Report::without_run(Outcome::TimedOut);
        let gather_us = GATHER.as_micros() as u64;
        let mut outbound = Outbound::default();
        let begin_us = 10 * gather_us;

        outbound.report(1, &report, false);
        outbound.send(near.as_raw_fd(), begin_us).unwrap();
        assert!(read() > 0, "the first goes at once");

        outbound.report(2, &report, false);
        outbound.send(near.as_raw_fd(), begin_us + 1).unwrap();
        assert_eq!((read(), outbound.due_us()), (0, Some(begin_us + gather_us)));
        outbound.report(3, &report, false);
        outbound.send(near.as_raw_fd(), begin_us + gather_us).unwrap();
        assert!(read() > 0 && outbound.is_empty());

        outbound.report(4, &report, true);
        outbound.send(near.as_raw_fd(), begin_us + gather_us + 1).unwrap();
        assert!(read() > 0 && outbound.due_us().is_none());
    }

    #[test]
    fn what_the_socket_does_not_take_is_kept() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut outbound = Outbound::default();
        let report = Report { stdout: vec![b'x'; 1 << 20], ..Report::without_run(Outcome::Exited(0)) };
        outbound.report(1, &report, true);
        let all = outbound.waiting();
        outbound.send(near.as_raw_fd(), 1).unwrap();
        assert!(outbound.is_blocked() && outbound.due_us().is_none());
        let mut got = 0;
        while got < all {
            got += far.read(&mut [0; 65_536]).unwrap();
            outbound.send(near.as_raw_fd(), 2).unwrap();
        }
        assert!(outbound.is_empty() && !outbound.is_blocked());
        drop(far);
        outbound.report(2, &report, true);
        assert_eq!(outbound.send(near.as_raw_fd(), 3), Err(Errno::EPIPE));
    }
}
