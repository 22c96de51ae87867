//! The lines on their way to one watcher.
//!
//! Invariant: at most [`WATCH_LINES_MAX`] lines wait; beyond that the oldest give way to the newest, and how many did is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::line::LiveLine;
use crate::limits::WATCH_LINES_MAX;
use crate::lock::locked;

/// Lines for one watcher.
#[derive(Debug, Default)]
pub struct Shown {
    lines: Mutex<Lines>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<Arc<str>>,
    dropped: u64,
    over: bool,
}

impl Shown {
    /// Adds a line.
    pub fn push(&self, line: Arc<str>) {
        let mut lines = locked(&self.lines);
        if lines.waiting.len() >= WATCH_LINES_MAX {
            lines.waiting.pop_front();
            lines.dropped += 1;
        }
        lines.waiting.push_back(line);
        drop(lines);
        self.more.notify_one();
    }

    /// Notes that a line is missing.
    pub fn missed(&self) {
        locked(&self.lines).dropped += 1;
    }

    /// No line will follow.
    pub fn end(&self) {
        locked(&self.lines).over = true;
        self.more.notify_one();
    }

    /// Waits for lines, and takes all that there are; `None` after the last one.
    pub async fn take(&self) -> Option<Vec<Arc<str>>> {
        loop {
            if let Some(taken) = self.take_now() {
                return taken;
            }
            self.more.notified().await;
        }
    }

    fn take_now(&self) -> Option<Option<Vec<Arc<str>>>> {
        let mut lines = locked(&self.lines);
        if lines.waiting.is_empty() {
            return lines.over.then_some(None);
        }
        let dropped = std::mem::take(&mut lines.dropped);
        let told = (dropped > 0).then(|| LiveLine::Dropped(dropped).text());
        Some(Some(told.into_iter().chain(lines.waiting.drain(..)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_slow_watcher_gets_the_newest_and_is_told_what_it_missed() {
        let shown = Shown::default();
        for number in 0..WATCH_LINES_MAX + 5 {
            shown.push(format!("{number}\n").into());
        }
        shown.end();
        let lines = shown.take().await.unwrap();
        assert_eq!((&*lines[0], &*lines[1]), ("{\"dropped\":5}\n", "5\n"));
        assert_eq!(lines.len(), WATCH_LINES_MAX + 1);
        assert_eq!(shown.take().await, None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn lines_that_come_later_are_waited_for() {
        let shown = Arc::new(Shown::default());
        let other = Arc::clone(&shown);
        let waiting = tokio::spawn(async move { other.take().await });
        tokio::task::yield_now().await;
        shown.push("a\n".into());
        assert_eq!(waiting.await.unwrap(), Some(vec!["a\n".into()]));
    }
}
