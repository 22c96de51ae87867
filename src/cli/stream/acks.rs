//! What the consumer of a stream has acknowledged: lines with positions, on stdin.

use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};

use crate::cli::bounded_lines::{Line, next_line};
use crate::feed::read::Progress;
use crate::limits::{STREAM_ACK_LINE_MAX_BYTES, STREAM_ACK_QUEUE_MAX, STREAM_UNACKED_MAX};

/// What was written and not acknowledged, in the order in which it was written.
#[derive(Default)]
pub(super) struct Unacked {
    /// The position that acknowledges each; none for what goes with what was written before it.
    lines: VecDeque<(Option<u64>, Progress)>,
}

impl Unacked {
    /// Adds what was written with a position.
    pub(super) fn add(&mut self, position: Option<u64>, progress: Progress) {
        self.lines.push_back((position, progress));
    }

    /// Whether nothing more may be written before something is acknowledged.
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= STREAM_UNACKED_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What the consumer has that acknowledges a position: all up to it. A position that is not awaited says nothing.
    pub(super) fn take(&mut self, position: u64) -> Vec<Progress> {
        let Some(at) = self.lines.iter().position(|(awaited, _)| *awaited == Some(position)) else {
            return Vec::new();
        };
        let with_it = self.lines.iter().skip(at + 1).take_while(|(awaited, _)| awaited.is_none()).count();
        self.lines.drain(..=at + with_it).map(|(_, progress)| progress).collect()
    }

    /// What goes with nothing that was written, as all before it has been acknowledged.
    pub(super) fn take_free(&mut self) -> Vec<Progress> {
        let free = self.lines.iter().take_while(|(awaited, _)| awaited.is_none()).count();
        self.lines.drain(..free).map(|(_, progress)| progress).collect()
    }
}

/// The lines of stdin.
pub(super) struct Acks {
    lines: Receiver<Line>,
}

/// What came of waiting for an acknowledgement.
pub(super) enum Heard {
    /// A line.
    Line(Line),
    /// Nothing within the time.
    Nothing,
    /// Stdin was closed.
    End,
}

impl Acks {
    /// Reads stdin on a thread of its own, so that it can be waited for with a deadline.
    pub(super) fn read() -> Acks {
        let (sender, lines) = bounded(STREAM_ACK_QUEUE_MAX);
        thread::spawn(move || {
            let mut stdin = std::io::stdin().lock();
            while let Ok(Some(line)) = next_line(&mut stdin, STREAM_ACK_LINE_MAX_BYTES) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Acks { lines }
    }

    pub(super) fn wait(&self, time: Duration) -> Heard {
        match self.lines.recv_timeout(time) {
            Ok(line) => Heard::Line(line),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }
}
