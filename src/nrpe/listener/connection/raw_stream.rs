//! A connection that tokio does not know of yet.
//!
//! Most clients without TLS have sent their request by the time they are accepted, and an answer always fits into the
//! socket's buffer. Such a connection is read and written with one system call each and costs the event loop nothing. Any
//! other connection is handed to the event loop.
//!
//! Invariant: nothing here waits.

use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use tokio::net::TcpStream;

/// An accepted connection.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct RawStream(StdStream);

impl RawStream {
    /// Takes a connection, blocking or not.
    pub(in crate::nrpe::listener) fn new(tcp: StdStream) -> RawStream {
        RawStream(tcp)
    }

    /// Reads what has arrived: `Some(0)` at the end of the stream, `None` if nothing has arrived.
    pub(in crate::nrpe::listener) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if_ready(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT))
    }

    /// Writes as much as fits into the socket's buffer, and returns how much that was.
    pub(in crate::nrpe::listener) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        Ok(if_ready(send(self.0.as_raw_fd(), bytes, flags))?.unwrap_or(0))
    }

    /// Registers the connection with the event loop. Must be called within a tokio runtime.
    pub(in crate::nrpe::listener) fn into_tokio(self) -> io::Result<TcpStream> {
        self.0.set_nonblocking(true)?;
        TcpStream::from_std(self.0)
    }
}

fn if_ready(done: nix::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tokio::io::AsyncReadExt;

    use super::*;

    fn pair() -> (RawStream, StdStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        (RawStream::new(listener.accept().unwrap().0), client)
    }

    #[test]
    fn nothing_waits() {
        let (raw, mut client) = pair();
        let mut buffer = [0; 8];
        assert_eq!(raw.read(&mut buffer).unwrap(), None);
        assert_eq!(raw.write(b"answer").unwrap(), 6);
        client.read_exact(&mut buffer[..6]).unwrap();
        assert_eq!(&buffer[..6], b"answer");
        // The client does not read, so the buffer fills up.
        let block = vec![0; 1 << 20];
        while raw.write(&block).unwrap() > 0 {}
    }

    #[tokio::test]
    async fn what_was_not_read_yet_is_read_through_the_event_loop() {
        let (raw, mut client) = pair();
        let mut joined = raw.into_tokio().unwrap();
        client.write_all(b"late").unwrap();
        let mut buffer = [0; 4];
        joined.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"late");
    }
}
