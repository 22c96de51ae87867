//! A connection just accepted, which the event loop has not heard of yet.
//!
//! Most clients of a plain listener have sent their request by the time they are accepted, and there is always room for
//! an answer. Such a connection is read and written with one system call each, and costs the event loop nothing. Whoever
//! has to be waited for joins it.
//!
//! Invariant: nothing here ever waits.

use std::io;
use std::net::TcpStream as StdStream;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use tokio::net::TcpStream;

/// The connection.
#[derive(Debug)]
pub(super) struct Fresh(StdStream);

impl Fresh {
    /// Takes over a connection, in whichever mode it is.
    pub(super) fn new(tcp: StdStream) -> Fresh {
        Fresh(tcp)
    }

    /// Reads what has arrived, 0 bytes at the end of it; none if nothing has.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        at_once(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT))
    }

    /// Writes as much as there is room for, and tells how much that was.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        Ok(at_once(send(self.0.as_raw_fd(), bytes, flags))?.unwrap_or(0))
    }

    /// Hands the connection to the event loop. Must be called within a tokio runtime.
    pub(super) fn join(self) -> io::Result<TcpStream> {
        self.0.set_nonblocking(true)?;
        TcpStream::from_std(self.0)
    }
}

fn at_once(done: nix::Result<usize>) -> io::Result<Option<usize>> {
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

    fn pair() -> (Fresh, StdStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        (Fresh::new(listener.accept().unwrap().0), client)
    }

    #[test]
    fn nothing_waits() {
        let (fresh, mut client) = pair();
        let mut buffer = [0; 8];
        assert_eq!(fresh.read(&mut buffer).unwrap(), None);
        assert_eq!(fresh.write(b"answer").unwrap(), 6);
        client.read_exact(&mut buffer[..6]).unwrap();
        assert_eq!(&buffer[..6], b"answer");
        // Nobody reads: at some time there is no room left.
        let block = vec![0; 1 << 20];
        while fresh.write(&block).unwrap() > 0 {}
    }

    #[tokio::test]
    async fn what_was_not_read_yet_is_read_through_the_event_loop() {
        let (fresh, mut client) = pair();
        let mut joined = fresh.join().unwrap();
        client.write_all(b"late").unwrap();
        let mut buffer = [0; 4];
        joined.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"late");
    }
}
