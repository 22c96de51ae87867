//! Lines of checks that are watched, for those who have a runtime and watch much else besides.

use std::io::ErrorKind;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::client::{AskError, Heard, Watched, heard};
use crate::limits::{CONTROL_ANSWER_MAX_BYTES, WATCH_SILENCE_MAX};

/// The lines of [`Watched`], waited for without a thread.
#[derive(Debug)]
pub struct WatchedLines {
    reader: BufReader<UnixStream>,
}

impl WatchedLines {
    /// Goes on with what is watched. Must be called within a tokio runtime, before a line was read.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn of(watched: Watched) -> Result<WatchedLines, AskError> {
        let stream = watched.into_stream();
        stream.set_nonblocking(true).map_err(AskError::Io)?;
        let stream = UnixStream::from_std(stream).map_err(AskError::Io)?;
        Ok(WatchedLines { reader: BufReader::new(stream) })
    }

    /// Waits for the next line, as [`Watched::next_line`] does. What was read of a line is lost if this is given up.
    ///
    /// # Errors
    /// The agent refuses, says nothing for [`WATCH_SILENCE_MAX`], or is gone.
    pub async fn next_line(&mut self) -> Result<Option<String>, AskError> {
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut self.reader).take(CONTROL_ANSWER_MAX_BYTES);
            let read = timeout(WATCH_SILENCE_MAX, bounded.read_until(b'\n', &mut line)).await;
            let read = read.map_err(|_| AskError::Silent)?;
            match read {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(AskError::Closed),
                read => read.map_err(AskError::Io)?,
            };
            match heard(line)? {
                Heard::End => return Ok(None),
                Heard::Line(line) => return Ok(Some(line)),
                // Where this fails, the connection is at its end, as the next reading tells.
                Heard::SignOfLife => drop(self.reader.get_mut().write_all(b"\n").await),
            }
        }
    }
}
