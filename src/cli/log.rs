//! Where the log goes: stderr, with the levels that `CUSTOS_LOG` asks for.
//!
//! Invariant: whoever logs never waits for whoever reads, and a stderr that is full, closed or broken ends nothing. Lines
//! go through a bounded queue to a thread that writes them; those that cannot be written are counted, and the next that
//! can says how many.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing_subscriber::EnvFilter;

use crate::limits::{LOG_FLUSH_MAX, LOG_QUEUE_MAX_LINES};
use crate::text::human::counted;
use crate::text::is_unsafe;

/// A log that has been started. Dropped, it writes what is left, unless that takes too long.
#[must_use]
pub(super) struct Log {
    queue: SyncSender<Entry>,
}

enum Entry {
    Line(Vec<u8>),
    /// To be dropped when all lines before it have been written.
    End(SyncSender<()>),
}

/// Starts logging. `CUSTOS_LOG` is a filter such as `debug` or `warn,nrpe=info`; `info` if it is not set.
pub(super) fn start() -> Log {
    let filter = EnvFilter::try_from_env("CUSTOS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colors =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (queue, entries) = sync_channel(LOG_QUEUE_MAX_LINES);
    let lost = Arc::new(AtomicU64::new(0));
    let lines = Lines { queue: queue.clone(), lost: Arc::clone(&lost), colors };
    let writer = std::thread::Builder::new().name("log".to_owned());
    // Without the thread the queue has no reader, and each line counts as lost.
    let _ = writer.spawn(move || write_all(&entries, &lost, || io::stderr().lock()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || lines.clone())
        .with_ansi(colors)
        .log_internal_errors(false)
        .init();
    Log { queue }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (written, wait) = sync_channel(0);
        if self.queue.try_send(Entry::End(written)).is_ok() {
            // It ends with an error either way: the sender is dropped, or time is up.
            let _ = wait.recv_timeout(LOG_FLUSH_MAX);
        }
    }
}

/// Puts lines into the queue.
#[derive(Clone)]
struct Lines {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    colors: bool,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(safe(line, self.colors))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of the log with what a terminal obeys made visible. With colours, the sequences that the formatter makes stay;
/// it escapes those in messages itself.
fn safe(line: &[u8], colors: bool) -> Vec<u8> {
    if line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return line.to_vec();
    }
    let text = String::from_utf8_lossy(line);
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\x1b' if colors => shown.push(character),
            _ if is_unsafe(character) => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown.into_bytes()
}

/// Writes line after line until every sender is dropped.
fn write_all<W: Write>(entries: &Receiver<Entry>, lost: &AtomicU64, target: impl Fn() -> W) {
    for entry in entries {
        let line = match entry {
            Entry::Line(line) => line,
            Entry::End(written) => {
                drop(written);
                continue;
            }
        };
        let missing = lost.swap(0, Ordering::Relaxed);
        let told = match missing {
            0 => Ok(()),
            count => target().write_all(
                format!("{} of this log could not be written\n", counted(count, "line")).as_bytes(),
            ),
        };
        if told.and_then(|()| target().write_all(&line)).is_err() {
            lost.fetch_add(missing + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Takes nothing at first.
    #[derive(Default)]
    struct Broken {
        refusals_left: Cell<usize>,
        taken: RefCell<Vec<u8>>,
    }

    impl Write for &Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.refusals_left.get() > 0 {
                self.refusals_left.set(self.refusals_left.get() - 1);
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.borrow_mut().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_logged_does_nothing_to_a_terminal() {
        let line = "\x1b[2mCRIT\x1b[0m \u{5}\u{9b}2J\u{202e}\u{7f}\tü\n".as_bytes();
        let shown = |colors| String::from_utf8(safe(line, colors)).unwrap();
        assert_eq!(shown(true), "\x1b[2mCRIT\x1b[0m \\u{5}\\u{9b}2J\\u{202e}\\u{7f}\tü\n");
        assert_eq!(shown(false), "\\u{1b}[2mCRIT\\u{1b}[0m \\u{5}\\u{9b}2J\\u{202e}\\u{7f}\tü\n");
    }

    #[test]
    fn lines_that_find_no_room_are_told_by_the_next_that_does() {
        let lost = Arc::new(AtomicU64::new(0));
        let (queue, entries) = sync_channel(3);
        let mut lines = Lines { queue, lost: Arc::clone(&lost), colors: false };
        for line in ["a\n", "b\n", "c\n", "d\n", "e\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        drop(lines);
        let target = Broken { refusals_left: Cell::new(2), ..Broken::default() };
        write_all(&entries, &lost, || &target);
        let taken = String::from_utf8(target.taken.into_inner()).unwrap();
        assert_eq!(taken, "4 lines of this log could not be written\nc\n");
    }
}
