//! What a target was told and what is owed to it: an entry for each alert, of which only the newest counts.
//!
//! Invariants: an entry is there while the alert fires for the target, while the target may believe that it does, or until it was
//! told of one that was due while it fired. News is owed as long as the target has not acknowledged the alert as it is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use custos_store::State;

use super::alert::{Alert, AlertId, LabelSet};
use super::send::Taken;
use crate::clock::Moment;

/// What a target was told of one alert.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    /// What it acknowledged last.
    pub(super) told: Option<Told>,
    /// Whether it may have been told that the alert fires, without an acknowledgement.
    pub(super) in_doubt: bool,
    /// Since when it is owed something.
    pub(super) owed: Option<Owed>,
    /// Whether the alert is over for this target.
    pub(super) over: bool,
    /// Whether it was due to be told while it fired, and was held up: then it is told even if it is over by then.
    pub(super) due: bool,
}

/// What a target acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// Whether the alert fired.
    pub(super) firing: bool,
    /// The alert as it was, see [`Alert::changed_ms`].
    pub(super) changed_ms: i64,
    /// When the message was made, on the monotonic clock (µs); may lie before boot.
    pub(super) at_us: i64,
    /// The same on the wall clock.
    pub(super) at_ms: i64,
    /// Whether the target refused it for good, so that it knows nothing of it.
    pub(super) refused: bool,
    /// The labels under which it knows the alert, if it knows alerts by all labels.
    pub(super) labels: Option<Arc<LabelSet>>,
}

/// Since when something is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    /// On the monotonic clock (µs); may lie before boot.
    pub(super) since_us: i64,
    /// On the wall clock (ms since the epoch).
    pub(super) since_ms: i64,
    /// Since when nothing mutes it, as far as that is known, on the monotonic clock (µs).
    pub(super) free_us: i64,
}

impl Owed {
    pub(super) fn since(now: Moment) -> Owed {
        Owed { since_us: now.mono_us as i64, since_ms: now.wall_ms, free_us: now.mono_us as i64 }
    }
}

impl Entry {
    /// Whether the target may believe that the alert fires.
    pub(super) fn believes(&self) -> bool {
        self.in_doubt || self.told.as_ref().is_some_and(|told| told.firing && !told.refused)
    }

    /// Whether the target acknowledged that the alert fires, as it is or as it was.
    pub(super) fn is_told_firing(&self) -> bool {
        !self.over && self.told.as_ref().is_some_and(|told| told.firing)
    }
}

/// The entries of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ledger {
    pub(super) entries: BTreeMap<AlertId, Entry>,
}

/// An alert of a message, as it was when that was made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) id: AlertId,
    pub(super) firing: bool,
    pub(super) changed_ms: i64,
    /// The labels under which the target knows it from now on, if it knows alerts by all labels.
    pub(super) labels: Option<Arc<LabelSet>>,
}

/// What became of an item of a message.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) item: Item,
    pub(super) taken: Taken,
    /// Whether it only said again what the target forgets otherwise, as Alertmanager does.
    pub(super) is_resent: bool,
}

impl Ledger {
    /// Whether a target that forgets what it is not told again has acknowledged the alert as the item has it.
    pub(super) fn is_resent(&self, item: &Item) -> bool {
        let told = self.entries.get(&item.id).and_then(|entry| entry.told.as_ref());
        item.labels.is_some()
            && told.is_some_and(|told| told.firing == item.firing && told.changed_ms == item.changed_ms)
    }

    /// Brings the entry of an alert up to date. `fits`: the target is told of such alerts; `resolved`: and of their end. Returns
    /// whether anything changed.
    pub(super) fn follow(
        &mut self,
        id: &AlertId,
        alert: &Alert,
        fits: bool,
        resolved: bool,
        now: Moment,
    ) -> bool {
        let fires = fits && alert.ended_ms.is_none();
        if fires {
            let entry = self.entries.entry(id.clone()).or_default();
            let before = (entry.over, entry.owed);
            entry.over = false;
            let is_news =
                entry.told.as_ref().is_none_or(|told| !told.firing || told.changed_ms != alert.changed_ms);
            // What was owed when the alert was over has come to nothing; the wait is that of the alert as it is now.
            let owed = entry.owed.filter(|_| !before.0).unwrap_or_else(|| Owed::since(now));
            entry.owed = is_news.then_some(owed);
            entry.due &= is_news;
            return (entry.over, entry.owed) != before;
        }
        let Some(entry) = self.entries.get_mut(id) else { return false };
        if !(entry.due || resolved && entry.believes()) {
            self.entries.remove(id);
            return true;
        }
        let begins = !entry.over;
        if begins {
            // What was due waits no longer.
            let owed = entry.owed.filter(|_| entry.due).unwrap_or_else(|| Owed::since(now));
            (entry.over, entry.owed) = (true, Some(owed));
        }
        begins
    }

    /// Has what is owed of an alert told without a wait for the interval of its group, as if the last message had left it out.
    pub(super) fn hurry(&mut self, id: &AlertId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if let (Some(owed), Some(told)) = (&mut entry.owed, &entry.told) {
            owed.since_us = owed.since_us.min(told.at_us.saturating_sub(1));
        }
    }

    /// Takes in that an alert is no longer muted.
    pub(super) fn free(&mut self, id: &AlertId, now: Moment) {
        if let Some(owed) = self.entries.get_mut(id).and_then(|entry| entry.owed.as_mut()) {
            owed.free_us = now.mono_us as i64;
        }
    }

    /// Notes that an alert is due to be told while it fires, and has to wait. Returns whether that is new.
    pub(super) fn hold(&mut self, id: &AlertId) -> bool {
        let Some(entry) = self.entries.get_mut(id).filter(|entry| !entry.over && !entry.due) else {
            return false;
        };
        entry.due = true;
        true
    }

    /// Notes that a message with this item is on its way. Returns whether the target may believe only by that that the alert fires.
    pub(super) fn begin(&mut self, item: &Item) -> bool {
        let Some(entry) = self.entries.get_mut(&item.id) else { return false };
        let believed = entry.believes();
        entry.in_doubt |= item.firing;
        item.firing && !believed
    }

    /// Notes what became of an item. `made` is when the message was made.
    pub(super) fn end(&mut self, item: &Item, outcome: &Taken, made: Moment) {
        let Some(entry) = self.entries.get_mut(&item.id) else { return };
        let refused = match outcome {
            Taken::Later(_) => return,
            Taken::Delivered => false,
            Taken::Refused(_) => true,
        };
        // What it acknowledged before, it still knows.
        let knew = entry.told.as_ref().is_some_and(|told| told.firing && !told.refused);
        entry.in_doubt &= !item.firing;
        entry.due = false;
        let told = Told {
            firing: item.firing,
            changed_ms: item.changed_ms,
            at_us: made.mono_us as i64,
            at_ms: made.wall_ms,
            refused: refused && !knew,
            labels: item.labels.clone(),
        };
        let (was_over, said_over) = (entry.over, !item.firing);
        entry.told = Some(told);
        if was_over && (said_over || !entry.believes()) {
            // It knows all that there is to know, or nothing.
            self.entries.remove(&item.id);
        }
    }

    #[cfg(test)]
    fn owed_len(&self) -> usize {
        self.entries.values().filter(|entry| entry.owed.is_some()).count()
    }
}

/// The state of an alert for people.
pub(super) fn state_name(state: State, over: bool) -> &'static str {
    if over { "resolved" } else { state.name() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::notification::NotifiedCheck;

    fn at(s: u64) -> Moment {
        Moment { mono_us: s * 1_000_000, wall_ms: s as i64 * 1000 }
    }

    fn id() -> AlertId {
        AlertId { check: "c".into(), of: String::new() }
    }

    fn alert(changed_ms: i64, ended_ms: Option<i64>) -> Alert {
        Alert {
            labels: LabelSet::new(),
            annotations: LabelSet::new(),
            state: State::Critical,
            started_ms: 0,
            ended_ms,
            changed_ms,
            check: NotifiedCheck::default(),
            noted_len: 0,
        }
    }

    fn item(firing: bool, changed_ms: i64) -> Item {
        Item { id: id(), firing, changed_ms, labels: None }
    }

    #[test]
    fn what_was_never_told_needs_no_end() {
        let mut ledger = Ledger::default();
        assert!(ledger.follow(&id(), &alert(1, None), true, true, at(1)));
        assert_eq!(ledger.entries[&id()].owed, Some(Owed::since(at(1))));
        assert!(!ledger.follow(&id(), &alert(1, None), true, true, at(2)));
        assert!(ledger.follow(&id(), &alert(2, Some(2)), true, true, at(3)));
        assert!(ledger.entries.is_empty());
    }

    #[test]
    fn an_end_is_owed_of_what_was_told_and_of_what_may_have_been() {
        for acknowledged in [false, true] {
            let mut ledger = Ledger::default();
            ledger.follow(&id(), &alert(1, None), true, true, at(1));
            ledger.begin(&item(true, 1));
            if acknowledged {
                ledger.end(&item(true, 1), &Taken::Delivered, at(2));
                ledger.follow(&id(), &alert(1, None), true, true, at(3));
                assert_eq!((ledger.owed_len(), ledger.entries[&id()].is_told_firing()), (0, true));
            } else {
                ledger.end(&item(true, 1), &Taken::Later("no".into()), at(2));
                assert_eq!(ledger.owed_len(), 1);
            }
            ledger.follow(&id(), &alert(2, Some(2)), true, true, at(4));
            assert!(ledger.entries[&id()].over && ledger.owed_len() == 1);
            ledger.end(&item(false, 2), &Taken::Later("no".into()), at(5));
            assert_eq!(ledger.owed_len(), 1);
            ledger.end(&item(false, 2), &Taken::Delivered, at(6));
            assert!(ledger.entries.is_empty());
        }
    }

    #[test]
    fn what_begins_again_before_its_end_was_told_replaces_that() {
        let mut ledger = Ledger::default();
        ledger.follow(&id(), &alert(1, None), true, true, at(1));
        ledger.end(&item(true, 1), &Taken::Delivered, at(2));
        ledger.follow(&id(), &alert(2, Some(2)), true, true, at(3));
        ledger.follow(&id(), &alert(3, None), true, true, at(9));
        let entry = &ledger.entries[&id()];
        assert_eq!((entry.over, entry.owed), (false, Some(Owed::since(at(9)))));
    }

    #[test]
    fn what_is_refused_is_not_owed_until_it_changes_and_has_no_end() {
        let mut ledger = Ledger::default();
        ledger.follow(&id(), &alert(1, None), true, true, at(1));
        ledger.begin(&item(true, 1));
        ledger.end(&item(true, 1), &Taken::Refused("no".into()), at(2));
        ledger.follow(&id(), &alert(1, None), true, true, at(3));
        assert_eq!(ledger.owed_len(), 0);
        ledger.follow(&id(), &alert(2, None), true, true, at(4));
        assert_eq!(ledger.owed_len(), 1);
        ledger.follow(&id(), &alert(3, Some(3)), true, true, at(5));
        assert!(ledger.entries.is_empty());
    }

    #[test]
    fn an_alert_that_no_longer_fits_is_over_for_the_target_unless_it_wants_no_ends() {
        for resolved in [true, false] {
            let mut ledger = Ledger::default();
            ledger.follow(&id(), &alert(1, None), true, resolved, at(1));
            ledger.end(&item(true, 1), &Taken::Delivered, at(2));
            ledger.follow(&id(), &alert(2, None), false, resolved, at(3));
            assert_eq!(ledger.entries.len(), usize::from(resolved));
        }
    }
}
