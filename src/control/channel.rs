//! Lines of checks that are watched, for those who wait for something else besides, without a runtime.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use crossbeam::channel::{Receiver, bounded};

use super::client::{AskError, Watched};
use crate::limits::WATCH_OUT_MAX;

/// The lines of [`Watched`], read by a thread of its own until this is dropped.
#[derive(Debug)]
pub struct WatchedChannel {
    lines: Receiver<Result<String, AskError>>,
    stream: UnixStream,
}

impl WatchedChannel {
    /// Goes on with what is watched.
    ///
    /// # Errors
    /// There is no descriptor for the thread.
    pub fn of(mut watched: Watched) -> Result<WatchedChannel, AskError> {
        let stream = watched.stream().map_err(AskError::Io)?;
        let (sender, lines) = bounded(WATCH_OUT_MAX);
        thread::spawn(move || {
            while let Some(line) = watched.next_line().transpose() {
                let is_last = line.is_err();
                if sender.send(line).is_err() || is_last {
                    break;
                }
            }
        });
        Ok(WatchedChannel { lines, stream })
    }

    /// The lines, and at their end the reason, if there is one.
    pub fn lines(&self) -> &Receiver<Result<String, AskError>> {
        &self.lines
    }
}

impl Drop for WatchedChannel {
    fn drop(&mut self) {
        // The agent sees at once that nobody watches any more, and the thread that nothing more comes.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
