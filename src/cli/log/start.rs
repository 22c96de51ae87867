//! Where the log goes: the journal or stderr, with the levels that `CUSTOS_LOG` asks for.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{SyncSender, sync_channel};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::limits::LOG_FLUSH_MAX;

use super::journal::Journal;
use super::queue::Queue;
use super::record::{Record, Records, Text};
use super::safe::safe_text;

/// A log that has been started. Dropped, it writes what is left, unless that takes too long.
#[must_use]
pub(in crate::cli) struct Log {
    end: Box<dyn Fn(SyncSender<()>) -> bool>,
}

/// Starts logging: to the journal if stderr ends there, otherwise to stderr. `CUSTOS_LOG` is a filter such as `debug` or
/// `warn,nrpe=info`; `info` if it is not set.
pub(in crate::cli) fn start() -> Log {
    let filter = EnvFilter::try_from_env("CUSTOS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    match Journal::of_stderr() {
        Some(journal) => start_journal(filter, journal),
        None => start_stderr(filter),
    }
}

fn start_journal(filter: EnvFilter, journal: Journal) -> Log {
    let write = move |record: &Record| {
        // Journald reads stderr as well, and finds the priorities there.
        journal.send(&record.entry()).or_else(|_| io::stderr().write_all(record.lines().as_bytes()))
    };
    let queue = Queue::start(write, Record::warning);
    let log = Log::of(queue.clone());
    tracing_subscriber::registry().with(filter).with(Records(queue)).init();
    log
}

fn start_stderr(filter: EnvFilter) -> Log {
    let colors =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let write = |line: &Vec<u8>| io::stderr().write_all(line);
    let queue = Queue::start(write, |remark| format!("{remark}\n").into_bytes());
    let log = Log::of(queue.clone());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Lines { queue: queue.clone(), colors })
        .with_ansi(colors)
        .fmt_fields(Text)
        .log_internal_errors(false)
        .init();
    log
}

impl Log {
    fn of<L: 'static>(queue: Queue<L>) -> Log {
        Log { end: Box::new(move |written| queue.end(written)) }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let (written, wait) = sync_channel(0);
        if (self.end)(written) {
            // It ends with an error either way: the sender is dropped, or time is up.
            let _ = wait.recv_timeout(LOG_FLUSH_MAX);
        }
    }
}

/// Puts lines that have been formatted into the queue.
struct Lines {
    queue: Queue<Vec<u8>>,
    colors: bool,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.put(safe_text(&String::from_utf8_lossy(line), self.colors).into_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::limits::LOG_QUEUE_MAX_LINES;

    /// More than queue and socket hold together.
    const MANY: usize = 3 * LOG_QUEUE_MAX_LINES;

    #[test]
    fn nobody_waits_for_a_journal_that_does_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journald = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::at(&path).unwrap();
        let queue = Queue::start(move |record: &Record| journal.send(&record.entry()), Record::warning);
        for number in 0..MANY {
            queue.put(Record::warning(number.to_string()));
        }
        let (mut written, mut told, mut buffer) = (0, 0, [0; 200]);
        journald.set_read_timeout(Some(LOG_FLUSH_MAX * 60)).unwrap();
        while written + told < MANY {
            let len = journald.recv(&mut buffer).unwrap();
            let entry = String::from_utf8_lossy(&buffer[..len]);
            let message = entry.lines().find_map(|line| line.strip_prefix("MESSAGE=")).unwrap();
            match message.strip_suffix(" of this log could not be written") {
                Some(lines) => told += lines.split(' ').next().unwrap().parse::<usize>().unwrap(),
                None => written += 1,
            }
        }
        assert_eq!(written + told, MANY);
        assert!(written >= LOG_QUEUE_MAX_LINES && told > 0);
    }
}
