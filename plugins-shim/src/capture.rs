//! One output of a plugin: the head is kept, all of it is counted, the rest is dropped.
//!
//! Invariant: a pipe is always read on, so a plugin never waits for us, whatever it writes.

use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;

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
    /// A pipe that does not block us: the capture, and the end that the plugin writes to.
    pub(crate) fn open(head_max_bytes: usize) -> io::Result<(Capture, OwnedFd)> {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        // Only the reading end: the plugin's own end must block as a pipe does.
        nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let pipe = Some(io::PipeReader::from(reader));
        Ok((Capture { pipe, head: Vec::new(), head_max_bytes, total_bytes: 0 }, writer))
    }

    /// The pipe, for waiting on it; none once it is closed.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there, through `buffer`, up to [`DRAIN_MAX_BYTES`].
    pub(crate) fn drain(&mut self, buffer: &mut [u8]) {
        let mut drained = 0;
        while let Some(pipe) = self.pipe.as_mut() {
            match pipe.read(buffer) {
                Ok(0) => self.pipe = None,
                Ok(len) => {
                    self.keep(&buffer[..len]);
                    drained += len as u64;
                    if drained >= DRAIN_MAX_BYTES {
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

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.head_max_bytes - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total_bytes += bytes.len() as u64;
    }

    /// Closes the pipe: the kept head, and the number of bytes in all.
    pub(crate) fn finish(self) -> (Vec<u8>, u64) {
        (self.head, self.total_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_head_is_kept_and_all_is_counted() {
        let (mut capture, writer) = Capture::open(5).unwrap();
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
    fn an_empty_pipe_does_not_block() {
        let (mut capture, _writer) = Capture::open(5).unwrap();
        capture.drain(&mut [0; 16]);
        assert_eq!(capture.finish(), (Vec::new(), 0));
    }
}
