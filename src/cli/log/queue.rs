//! Lines on their way to whoever reads the log.
//!
//! Invariant: whoever logs never waits for whoever reads, and a journal or stderr that is full, closed or broken ends
//! nothing. Lines go through a bounded queue to a thread that writes them; those that cannot be written are counted, and
//! the next that can says how many.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::limits::LOG_QUEUE_MAX_LINES;
use crate::text::human::counted;

/// What is in the queue.
pub(super) enum Entry<L> {
    Line(L),
    /// To be dropped when all lines before it have been written.
    End(SyncSender<()>),
}

/// Lines that wait to be written by a thread.
pub(super) struct Queue<L> {
    sender: SyncSender<Entry<L>>,
    lost: Arc<AtomicU64>,
}

impl<L> Clone for Queue<L> {
    fn clone(&self) -> Queue<L> {
        Queue { sender: self.sender.clone(), lost: Arc::clone(&self.lost) }
    }
}

impl<L: Send + 'static> Queue<L> {
    /// Starts the thread, which writes by `write`; `remark` makes a line of what it has to say itself.
    pub(super) fn start(
        write: impl FnMut(&L) -> io::Result<()> + Send + 'static,
        remark: impl Fn(String) -> L + Send + 'static,
    ) -> Queue<L> {
        let (queue, entries) = Queue::new(LOG_QUEUE_MAX_LINES);
        let lost = Arc::clone(&queue.lost);
        let writer = std::thread::Builder::new().name("log".to_owned());
        // Without the thread the queue has no reader, and each line counts as lost.
        let _ = writer.spawn(move || write_all(&entries, &lost, write, remark));
        queue
    }
}

impl<L> Queue<L> {
    pub(super) fn new(len_max: usize) -> (Queue<L>, Receiver<Entry<L>>) {
        let (sender, entries) = sync_channel(len_max);
        (Queue { sender, lost: Arc::new(AtomicU64::new(0)) }, entries)
    }

    pub(super) fn put(&self, line: L) {
        if self.sender.try_send(Entry::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has this dropped when all lines before it have been written. `false` if there is no room.
    pub(super) fn end(&self, written: SyncSender<()>) -> bool {
        self.sender.try_send(Entry::End(written)).is_ok()
    }
}

/// Writes line after line until every sender is dropped.
fn write_all<L>(
    entries: &Receiver<Entry<L>>,
    lost: &AtomicU64,
    mut write: impl FnMut(&L) -> io::Result<()>,
    remark: impl Fn(String) -> L,
) {
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
            count => write(&remark(format!("{} of this log could not be written", counted(count, "line")))),
        };
        if told.and_then(|()| write(&line)).is_err() {
            lost.fetch_add(missing + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_find_no_room_are_told_by_the_next_that_does() {
        let (queue, entries) = Queue::new(3);
        for line in ["a", "b", "c", "d", "e"] {
            queue.put(line.to_owned());
        }
        let Queue { sender, lost } = queue;
        drop(sender);
        let (mut refusals_left, mut taken) = (2, Vec::new());
        let write = |line: &String| match refusals_left {
            0 => {
                taken.push(line.clone());
                Ok(())
            }
            _ => {
                refusals_left -= 1;
                Err(io::ErrorKind::StorageFull.into())
            }
        };
        write_all(&entries, &lost, write, |remark| remark);
        assert_eq!(taken, ["4 lines of this log could not be written", "c"]);
    }
}
