//! One output of a plugin: the head is kept, all of it is counted, the rest is dropped.
//!
//! Invariant: once the worker waits on a pipe, it is always read on, so a plugin never waits for us, whatever it
//! writes. Before that the pipe holds what the kernel lets it hold (64 KiB), which is more than most plugins print.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

use crate::limits::DRAIN_MAX_BYTES;

/// The reading end of a plugin's stdout or stderr.
#[derive(Debug)]
pub(crate) struct Capture {
    /// None once the last writer has closed the other end.
    pipe: Option<io::PipeReader>,
    head: Vec<u8>,
    head_max_bytes: usize,
    total_bytes: u64,
}

impl Capture {
    /// A pipe: the capture, and the end that the plugin writes to.
    pub(crate) fn open(head_max_bytes: usize) -> io::Result<(Capture, OwnedFd)> {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let pipe = Some(io::PipeReader::from(reader));
        Ok((Capture { pipe, head: Vec::new(), head_max_bytes, total_bytes: 0 }, writer))
    }

    /// A pipe that outlives us: what the plugin leaves behind may write to its end also when nobody reads any more, and is
    /// neither killed for it nor made to wait. What the pipe does not hold is lost to the writer.
    pub(crate) fn open_lasting(head_max_bytes: usize) -> io::Result<(Capture, OwnedFd)> {
        let (capture, writer) = Capture::open(head_max_bytes)?;
        // An end that can be read from as well is its own reader.
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let end = nix::fcntl::open(path.as_str(), flags, Mode::empty())?;
        Ok((capture, end))
    }

    /// The pipe, for waiting on it; none once it is closed.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Makes the reading end one that does not block us, as [`Capture::drain`] wants it. The plugin's own end is
    /// left as it is: it must block as a pipe does.
    pub(crate) fn unblock(&self) -> io::Result<()> {
        if let Some(pipe) = &self.pipe {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(())
    }

    /// Reads what is there, through `buffer`, up to [`DRAIN_MAX_BYTES`]. Blocks if nothing is there and the pipe
    /// was not unblocked.
    pub(crate) fn drain(&mut self, buffer: &mut [u8]) {
        let mut drained = 0;
        while let Some(pipe) = self.pipe.as_mut() {
            match pipe.read(buffer) {
                Ok(0) => self.pipe = None,
                Ok(len) => {
                    self.keep(&buffer[..len]);
                    drained += len as u64;
                    // A read that does not fill the buffer has emptied the pipe.
                    if len < buffer.len() || drained >= DRAIN_MAX_BYTES {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A pipe that cannot be read has nothing more to say.
                Err(_) => self.pipe = None,
            }
        }
    }

    /// Reads what is there although the pipe may block: it is known to hold something.
    fn drain_blocking(&mut self, buffer: &mut [u8]) {
        let Some(pipe) = self.pipe.as_mut() else { return };
        let len = pipe.read(buffer).unwrap_or(0);
        self.keep(&buffer[..len]);
        // There may be more, or not, which only a pipe that does not block can tell.
        if len == buffer.len() && self.unblock().is_ok() {
            self.drain(buffer);
        }
    }

    /// Reads what the kernel has said is there, and closes the pipe if it has said that no writer is left.
    fn take_rest(&mut self, found: PollFlags, buffer: &mut [u8]) {
        if found.contains(PollFlags::POLLIN) {
            self.drain_blocking(buffer);
        }
        if found.contains(PollFlags::POLLHUP) {
            self.pipe = None;
        }
    }

    /// Whether nothing came.
    pub(crate) fn is_empty(&self) -> bool {
        self.total_bytes == 0
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.head_max_bytes - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total_bytes += bytes.len() as u64;
    }

    /// Takes the pipe out, if others than the plugin still hold its other end.
    pub(crate) fn take_pipe(&mut self) -> Option<io::PipeReader> {
        self.pipe.take()
    }

    /// Closes the pipe: the kept head, and the number of bytes in all.
    pub(crate) fn finish(self) -> (Vec<u8>, u64) {
        (self.head, self.total_bytes)
    }
}

/// Reads what both outputs of a plugin that has ended still hold, and closes those that nobody can write to any more.
/// Never blocks.
pub(crate) fn drain_ended(stdout: &mut Capture, stderr: &mut Capture, buffer: &mut [u8]) {
    let [out, err] = state(stdout, stderr);
    stdout.take_rest(out, buffer);
    stderr.take_rest(err, buffer);
}

/// What the kernel says of two pipes; nothing of one that is closed.
fn state(stdout: &Capture, stderr: &Capture) -> [PollFlags; 2] {
    let mut open: Vec<PollFd<'_>> = [stdout, stderr]
        .into_iter()
        .filter_map(Capture::pipe)
        .map(|pipe| PollFd::new(pipe, PollFlags::POLLIN))
        .collect();
    if poll(&mut open, PollTimeout::ZERO).is_err() {
        return [PollFlags::empty(); 2];
    }
    let mut found = open.iter().map(|polled| polled.revents().unwrap_or(PollFlags::empty()));
    let mut of = |capture: &Capture| match capture.pipe {
        Some(_) => found.next().unwrap_or(PollFlags::empty()),
        None => PollFlags::empty(),
    };
    [of(stdout), of(stderr)]
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_lasting_pipe_takes_what_nobody_reads_and_never_blocks() {
        let (mut capture, end) = Capture::open_lasting(5).unwrap();
        let mut writer = io::PipeWriter::from(end);
        writer.write_all(b"abc").unwrap();
        capture.drain(&mut [0; 16]);
        assert_eq!(capture.finish(), (b"abc".to_vec(), 3));
        // The reader is gone.
        writer.write_all(b"def").unwrap();
        let block = [0; 4096];
        while writer.write_all(&block).is_ok() {}
        assert_eq!(writer.write_all(&block).unwrap_err().kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn the_head_is_kept_and_all_is_counted() {
        let (mut capture, writer) = Capture::open(5).unwrap();
        capture.unblock().unwrap();
        let mut writer = io::PipeWriter::from(writer);
        let mut buffer = [0; 4];
        writer.write_all(b"abc").unwrap();
        capture.drain(&mut buffer);
        writer.write_all(b"defghijkl").unwrap();
        capture.drain(&mut buffer);
        assert!(capture.pipe().is_some());
        drop(writer);
        capture.drain(&mut buffer);
        assert!(capture.pipe().is_none());
        assert_eq!(capture.finish(), (b"abcde".to_vec(), 12));
    }

    #[test]
    fn an_empty_pipe_that_is_unblocked_does_not_block() {
        let (mut capture, _writer) = Capture::open(5).unwrap();
        capture.unblock().unwrap();
        capture.drain(&mut [0; 16]);
        assert_eq!(capture.finish(), (Vec::new(), 0));
    }

    #[test]
    fn what_is_left_is_read_though_writers_stay() {
        let (mut stdout, out) = Capture::open(1 << 20).unwrap();
        let (mut stderr, err) = Capture::open(5).unwrap();
        let mut out = io::PipeWriter::from(out);
        let mut buffer = [0; 8];
        drain_ended(&mut stdout, &mut stderr, &mut buffer);
        out.write_all(b"exactly8, and then some").unwrap();
        io::PipeWriter::from(err).write_all(b"!").unwrap();
        drain_ended(&mut stdout, &mut stderr, &mut buffer);
        assert_eq!(stdout.finish(), (b"exactly8, and then some".to_vec(), 23));
        assert_eq!(stderr.finish(), (b"!".to_vec(), 1));
    }

    #[test]
    fn what_nobody_can_write_to_any_more_is_closed() {
        let (mut stdout, out) = Capture::open(8).unwrap();
        let (mut stderr, err) = Capture::open(8).unwrap();
        let mut out = io::PipeWriter::from(out);
        out.write_all(b"last").unwrap();
        drop((out, err));
        drain_ended(&mut stdout, &mut stderr, &mut [0; 8]);
        assert!(stdout.pipe().is_none() && stderr.pipe().is_none());
        assert_eq!(stdout.finish(), (b"last".to_vec(), 4));
    }
}
