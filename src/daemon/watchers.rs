//! Who watches which check, and where each sees it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use custos_store::Run;

use super::run::Daemon;
use crate::agent::{Event, Watch, Watching};
use crate::clock::Moment;
use crate::live::{LiveLine, Shown, Wish};

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
    fn add(&mut self, check: &str, shown: &Arc<Shown>) -> u64 {
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

    fn of(&self, shown: &Arc<Shown>) -> Vec<u64> {
        let of = self.all.iter().filter(|(_, watcher)| Arc::ptr_eq(&watcher.shown, shown));
        of.map(|(id, _)| *id).collect()
    }
}

impl Daemon {
    /// Somebody wants to watch these checks.
    pub(super) fn watches(&mut self, wishes: Vec<Wish>, shown: &Arc<Shown>, now: Moment) {
        let watches: Vec<Watch> = wishes
            .into_iter()
            .map(|Wish { check, every_ms }| {
                let id = self.watchers.add(&check, shown);
                Watch { id, check, period: every_ms.map(Duration::from_millis) }
            })
            .collect();
        if watches.is_empty() {
            shown.end();
        }
        for watch in watches {
            self.handle(Event::Watch(watch), now);
        }
    }

    /// Whoever watched there is gone.
    pub(super) fn left(&mut self, shown: &Arc<Shown>, now: Moment) {
        for id in self.watchers.of(shown) {
            self.watchers.all.remove(&id);
            self.handle(Event::Unwatch(id), now);
        }
    }
}

fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
