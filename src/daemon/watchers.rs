//! Who watches which check, and where each sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use custos_store::Run;

use crate::agent::Watching;
use crate::live::{LiveLine, Shown};

/// Everybody who watches a check; who watches several is here for each of them.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    all: HashMap<u64, Watcher>,
    next_id: u64,
}

#[derive(Debug)]
struct Watcher {
    check: String,
    shown: Arc<Shown>,
}

impl Watchers {
    /// Somebody wants to watch a check, and sees it there. Returns what names who watches.
    pub(super) fn add(&mut self, check: &str, shown: &Arc<Shown>) -> u64 {
        self.next_id += 1;
        self.all.insert(self.next_id, Watcher { check: check.to_owned(), shown: Arc::clone(shown) });
        self.next_id
    }

    /// Tells somebody what became of their wish.
    pub(super) fn answer(&mut self, id: u64, result: Result<Watching, String>) {
        let Some(watcher) = self.all.get(&id) else { return };
        match result {
            Ok(watching) => {
                let line = LiveLine::Watching {
                    check: (&watcher.check).into(),
                    interval_ms: watching.interval.map(in_ms),
                    every_ms: watching.period.map(in_ms),
                    note: watching.note.into(),
                };
                watcher.shown.push(line.text());
            }
            Err(why) => self.end(id, &why),
        }
    }

    /// Shows a run to these.
    pub(super) fn show(&self, watchers: &[u64], check: &str, run: &Run) {
        let line = LiveLine::of_run(check, run);
        for watcher in watchers.iter().filter_map(|id| self.all.get(id)) {
            watcher.shown.push(Arc::clone(&line));
        }
    }

    /// Somebody does not watch a check any more. Where it was the last one that they watched, there is nothing more to see.
    pub(super) fn end(&mut self, id: u64, why: &str) {
        let Some(Watcher { check, shown }) = self.all.remove(&id) else { return };
        shown.push(LiveLine::Ended { check: check.into(), why: why.into() }.text());
        if self.of(&shown).is_empty() {
            shown.end();
        }
    }

    /// Whoever watched there is gone. Returns what named them.
    pub(super) fn left(&mut self, shown: &Arc<Shown>) -> Vec<u64> {
        let ids = self.of(shown);
        ids.iter().for_each(|id| drop(self.all.remove(id)));
        ids
    }

    /// Who sees what there is to see there.
    fn of(&self, shown: &Arc<Shown>) -> Vec<u64> {
        let of = self.all.iter().filter(|(_, watcher)| Arc::ptr_eq(&watcher.shown, shown));
        of.map(|(id, _)| *id).collect()
    }
}

fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
