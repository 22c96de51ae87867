//! Takes wishes to watch, and hears when whoever watched is gone.

use std::sync::Arc;
use std::time::Duration;

use super::run::Daemon;
use crate::agent::{Event, Watch};
use crate::clock::Moment;
use crate::live::{Shown, Wish};

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
        for id in self.watchers.left(shown) {
            self.handle(Event::Unwatch(id), now);
        }
    }
}
