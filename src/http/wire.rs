//! What lies between a connection and hyper: characters in the first line that Go takes and hyper does not, and a bound for
//! the time that a client takes to read an answer, which is shorter for one who watches.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Sleep, sleep};
use tokio_openssl::SslStream;

use crate::limits::{HTTP_SEND_TIMEOUT, HTTP_WATCH_UNSENT_BYTES, WATCH_LEASE};

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Has the kernel end it if the other side takes nothing for [`WATCH_LEASE`], and keep little that was not taken.
    fn lease(&self) {}
}

impl Stream for UnixStream {}

impl Stream for TcpStream {
    fn lease(&self) {
        let lease_ms = u32::try_from(WATCH_LEASE.as_millis()).unwrap_or(u32::MAX);
        let set = setsockopt(self, sockopt::TcpUserTimeout, &lease_ms)
            .and_then(|()| setsockopt(self, sockopt::SndBuf, &HTTP_WATCH_UNSENT_BYTES));
        if let Err(error) = set {
            tracing::warn!("one who watches and vanishes may be seen late: {error}");
        }
    }
}

impl Stream for SslStream<Box<dyn Stream>> {
    fn lease(&self) {
        self.get_ref().lease();
    }
}

/// Whether a connection is one over which somebody watches, so that it ends soon after they vanish.
#[derive(Clone, Debug, Default)]
pub(super) struct Leased(Arc<AtomicBool>);

impl Leased {
    /// It is, from the next that is written on.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes that are read at once while the first line is rewritten.
const CHUNK_BYTES: usize = 1024;

/// Where in the first line the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstLine {
    /// Before it: empty lines may come first.
    Before,
    Within,
    Past,
}

/// A connection as hyper sees it.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    first_line: FirstLine,
    /// What was read and rewritten, and has not been handed on.
    rewritten: Vec<u8>,
    /// Ends while an answer waits for its client.
    patience: Option<Pin<Box<Sleep>>>,
    leased: Leased,
    /// Whether the kernel has been told of the lease.
    is_leased: bool,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, leased: Leased) -> Wire {
        let (first_line, rewritten) = (FirstLine::Before, Vec::new());
        Wire { stream, first_line, rewritten, patience: None, leased, is_leased: false }
    }

    /// Before something is written: where the connection has become one over which somebody watches, sees to its end.
    fn lease(&mut self) {
        if !self.is_leased && self.leased.get() {
            self.is_leased = true;
            self.stream.lease();
        }
    }

    /// Notes whether a write has to wait, and fails once one has waited for too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let most = if self.is_leased { WATCH_LEASE } else { HTTP_SEND_TIMEOUT };
            let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(most)));
            ready!(patience.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

/// Bytes of a first line, with the characters percent-encoded that Prometheus takes as they are. Only the first line of a
/// connection is rewritten, whose place cannot be mistaken: what `curl URL` sends.
fn rewrite(bytes: &[u8], mut at: FirstLine, out: &mut Vec<u8>) -> FirstLine {
    for &byte in bytes {
        at = match (at, byte) {
            (FirstLine::Before, b'\r' | b'\n') => FirstLine::Before,
            (FirstLine::Before, _) => FirstLine::Within,
            (FirstLine::Within, b'\n') => FirstLine::Past,
            (at, _) => at,
        };
        match byte {
            b'"' if at == FirstLine::Within => out.extend_from_slice(b"%22"),
            b'<' if at == FirstLine::Within => out.extend_from_slice(b"%3C"),
            b'>' if at == FirstLine::Within => out.extend_from_slice(b"%3E"),
            byte => out.push(byte),
        }
    }
    at
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.rewritten.is_empty() && wire.first_line == FirstLine::Past {
            return Pin::new(&mut wire.stream).poll_read(cx, buf);
        }
        if wire.rewritten.is_empty() {
            let mut chunk = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut wire.stream).poll_read(cx, &mut chunk))?;
            wire.first_line = rewrite(chunk.filled(), wire.first_line, &mut wire.rewritten);
        }
        let len = wire.rewritten.len().min(buf.remaining());
        buf.put_slice(&wire.rewritten[..len]);
        wire.rewritten.drain(..len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.lease();
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lease();
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        let flushed = self.watch(cx, flushed);
        if flushed.is_ready() {
            // hyper flushes once all that it has is written: the client has the answer.
            self.patience = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    fn rewritten(parts: &[&str]) -> String {
        let mut out = Vec::new();
        let end = parts.iter().fold(FirstLine::Before, |at, part| rewrite(part.as_bytes(), at, &mut out));
        assert_eq!(end == FirstLine::Past, parts.concat().trim_start().contains('\n'));
        String::from_utf8(out).unwrap()
    }

    impl Stream for tokio::io::DuplexStream {}

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let (mut client, server) = duplex(16);
        let mut wire = Wire::new(Box::new(server), Leased::default());
        // Each answer has the whole time.
        for _ in 0..2 {
            let send = async {
                wire.write_all(&[1; 64]).await?;
                wire.flush().await
            };
            let read_late = async {
                sleep(HTTP_SEND_TIMEOUT - SECOND).await;
                client.read_exact(&mut [0; 64]).await
            };
            let (sent, read) = tokio::join!(send, read_late);
            assert_eq!((sent.unwrap(), read.unwrap()), ((), 64));
        }
        let mut send = std::pin::pin!(wire.write_all(&[1; 64]));
        assert!(timeout(HTTP_SEND_TIMEOUT - SECOND, &mut send).await.is_err());
        // A client that reads a little now and then gets no more of it.
        client.read_exact(&mut [0; 8]).await.unwrap();
        let sent = timeout(2 * SECOND, send).await.unwrap();
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn only_the_first_line_is_rewritten() {
        assert_eq!(
            rewritten(&["\r\nGET /?q=up{a=", "\"b\"}>1 HTTP/1.1\r\nX: \"<>\"\r\n\r\n", "\"<>\n"]),
            "\r\nGET /?q=up{a=%22b%22}%3E1 HTTP/1.1\r\nX: \"<>\"\r\n\r\n\"<>\n"
        );
        assert_eq!(rewritten(&["GET /<"]), "GET /%3C");
        assert_eq!(rewritten(&["\n", "\n\"\n\""]), "\n\n%22\n\"");
    }
}
