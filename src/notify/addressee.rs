//! A target with all that the notifier knows of it: what it was told, the delivery under way, and how the last ones went.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::alert::{Alert, AlertId};
use super::ledger::{Ended, Item, Ledger};
use super::notification::{Notification, NotifiedAlert, Status};
use super::plan::Draft;
use super::send::Taken;
use crate::clock::{Moment, micros};
use crate::config::Target;
use crate::limits::{NOTIFY_NOTE_RESENT, NOTIFY_RETRY_MAX, NOTIFY_RETRY_MIN};

/// A target and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Addressee {
    /// What it is called: its target, and which of that's addresses if there are several.
    pub(super) name: String,
    pub(super) target: Arc<Target>,
    pub(super) ledger: Ledger,
    /// The delivery under way.
    pub(super) under_way: Option<Delivery>,
    /// Deliveries that failed one after the other.
    pub(super) failures: u32,
    /// Since when they fail (ms since the epoch).
    pub(super) failing_since: Option<Moment>,
    /// It is left alone until then, on the monotonic clock (µs).
    pub(super) retry_us: i64,
    /// It is outside its hours until then, on the monotonic clock (µs), as was found when something was owed to it.
    pub(super) open_us: i64,
    /// When it acknowledged something last (ms since the epoch).
    pub(super) last_success_ms: Option<i64>,
    /// Why a delivery failed last, and when (ms since the epoch).
    pub(super) last_error: Option<(String, i64)>,
    /// Messages that it acknowledged.
    pub(super) delivered: u64,
    /// Deliveries that failed.
    pub(super) failed: u64,
    /// Alerts that it refused for good.
    pub(super) refused: u64,
    /// When it is looked at next, on the monotonic clock (µs).
    pub(super) next_us: Option<i64>,
    /// Whether its note is to be written: now, or before long.
    pub(super) note: Noting,
}

/// A delivery under way.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) ticket: u64,
    /// What it says, in the order of the message's alerts.
    pub(super) items: Vec<Item>,
    /// When the message was made.
    pub(super) made: Moment,
    /// Whether what it says must be noted at once, and not only before long.
    pub(super) urgent: bool,
}

/// Whether a note is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Noting {
    /// It says what is so.
    #[default]
    Current,
    /// At this time, on the monotonic clock (µs).
    At(i64),
    /// Now.
    Now,
}

impl Addressee {
    pub(super) fn new(name: String, target: Arc<Target>, ledger: Ledger) -> Addressee {
        Addressee {
            name,
            target,
            ledger,
            under_way: None,
            failures: 0,
            failing_since: None,
            retry_us: i64::MIN,
            open_us: i64::MIN,
            last_success_ms: None,
            last_error: None,
            delivered: 0,
            failed: 0,
            refused: 0,
            next_us: Some(i64::MIN),
            note: Noting::Current,
        }
    }

    /// Has it looked at anew.
    pub(super) fn touch(&mut self) {
        self.next_us = Some(i64::MIN);
    }

    /// Notes what is due and has to wait for the delivery under way or for the next try; there is more at a time.
    pub(super) fn hold(&mut self, mut due: Vec<AlertId>, more_us: Option<i64>, now_us: i64) {
        if let Some(delivery) = &self.under_way {
            let told: BTreeSet<&AlertId> = delivery.items.iter().map(|item| &item.id).collect();
            due.retain(|id| !told.contains(id));
        }
        let is_new = due.iter().filter(|id| self.ledger.hold(id)).count() > 0;
        if is_new {
            self.note = Noting::Now;
        }
        // The end of a delivery has it looked at anew.
        let retry_us = Some(self.retry_us).filter(|retry| self.under_way.is_none() && *retry > now_us);
        self.next_us = [more_us, retry_us].into_iter().flatten().min();
    }

    /// Has its note written after that time at most.
    pub(super) fn note_within(&mut self, time: Duration, now: Moment) {
        let at_us = (now.mono_us + micros(time)) as i64;
        self.note = match self.note {
            Noting::Current => Noting::At(at_us),
            Noting::At(known_us) => Noting::At(known_us.min(at_us)),
            Noting::Now => Noting::Now,
        };
    }

    /// Makes the message of a draft, and notes that it is on its way.
    pub(super) fn begin(
        &mut self,
        draft: Draft,
        alerts: &BTreeMap<AlertId, Arc<Alert>>,
        ticket: u64,
        now: Moment,
    ) -> Notification {
        let (mut items, mut notified) = (Vec::new(), Vec::new());
        for (id, news) in draft.alerts {
            let (Some(alert), Some(entry)) = (alerts.get(&id), self.ledger.entries.get(&id)) else {
                continue;
            };
            let known = self.target.medium.knows_by_labels();
            let told = entry.told.as_ref().filter(|told| told.firing && !told.refused);
            let old = told.and_then(|told| told.labels.clone());
            let old = old.filter(|old| known && **old != alert.labels);
            let item = Item {
                id: id.clone(),
                firing: !entry.over,
                changed_ms: alert.changed_ms,
                labels: known.then(|| Arc::new(alert.labels.clone())),
            };
            let ended_ms = alert.ended_ms.unwrap_or(now.wall_ms);
            let status = if entry.over { Status::Resolved } else { Status::Firing };
            let as_it_is = NotifiedAlert {
                status,
                news,
                labels: alert.labels.clone(),
                annotations: alert.annotations.clone(),
                state: alert.state,
                started_ms: alert.started_ms,
                ended_ms: entry.over.then_some(ended_ms),
                check: alert.check.clone(),
                relabelled: false,
                others_go_on: entry.over && self.others_go_on(&id, alert, alerts),
            };
            if let Some(labels) = old {
                // By its old labels it is over.
                let over = NotifiedAlert {
                    status: Status::Resolved,
                    news: true,
                    labels: labels.as_ref().clone(),
                    ended_ms: Some(ended_ms),
                    relabelled: !entry.over,
                    ..as_it_is.clone()
                };
                if entry.over {
                    items.push(item);
                    notified.push(over);
                    continue;
                }
                items.push(item.clone());
                notified.push(over);
            }
            items.push(item);
            notified.push(as_it_is);
        }
        let newly_believed = items.iter().filter(|item| self.ledger.begin(item)).count();
        // That a medium that keeps states is told what it knows already makes no difference to what it may believe.
        let news = newly_believed > 0 || notified.iter().any(|alert| alert.news);
        let urgent = news || !self.target.medium.keeps_states();
        self.under_way = Some(Delivery { ticket, items, made: now, urgent });
        if urgent {
            self.note = Noting::Now;
        }
        // What comes due meanwhile is noted.
        self.touch();
        Notification {
            group_key: draft.group_key,
            group_labels: draft.group_labels,
            why: draft.why,
            alerts: notified,
            left_out: draft.left_out,
            at_ms: now.wall_ms,
        }
    }

    /// Whether the target knows that another alert of the same check and host fires.
    fn others_go_on(&self, id: &AlertId, alert: &Alert, alerts: &BTreeMap<AlertId, Arc<Alert>>) -> bool {
        let first = AlertId { check: id.check.clone(), of: String::new() };
        let of_check = self.ledger.entries.range(first..).take_while(|(other, _)| other.check == id.check);
        let mut fire = of_check.filter(|(other, entry)| *other != id && !entry.over && entry.believes());
        fire.any(|(other, _)| {
            alerts.get(other).is_some_and(|other| other.labels.get("host") == alert.labels.get("host"))
        })
    }

    /// Takes in what became of the delivery under way; returns that of each alert that it was about.
    pub(super) fn end(&mut self, outcomes: &[Taken], now: Moment) -> Vec<Ended> {
        let Some(delivery) = self.under_way.take() else { return Vec::new() };
        let lost = Taken::Later("the delivery broke off".to_owned());
        let outcome = |place: usize| outcomes.get(place).unwrap_or(&lost);
        // Of an alert under two sets of labels both must have come.
        let mut worst: BTreeMap<&AlertId, (&Item, &Taken)> = BTreeMap::new();
        for (place, item) in delivery.items.iter().enumerate() {
            let found = worst.entry(&item.id).or_insert((item, outcome(place)));
            if rank(outcome(place)) > rank(found.1) {
                found.1 = outcome(place);
            }
        }
        let mut all = Vec::new();
        for (item, outcome) in worst.values() {
            let is_resent = self.ledger.is_resent(item);
            all.push(Ended { item: (*item).clone(), taken: (*outcome).clone(), is_resent });
            self.refused += u64::from(matches!(outcome, Taken::Refused(_)));
            self.ledger.end(item, outcome, delivery.made);
        }
        let problem = worst.values().map(|(_, outcome)| *outcome).max_by_key(|outcome| rank(outcome));
        let (later, why) = match problem {
            Some(Taken::Later(why)) => (true, Some(why.clone())),
            Some(Taken::Refused(why)) => (false, Some(why.clone())),
            _ => (false, None),
        };
        if worst.values().any(|(_, outcome)| matches!(outcome, Taken::Delivered)) {
            self.last_success_ms = Some(now.wall_ms);
            self.delivered += 1;
        }
        self.last_error = why.map(|why| (why, now.wall_ms)).or(self.last_error.take());
        if later {
            self.failed += 1;
            self.failures = self.failures.saturating_add(1);
            self.failing_since.get_or_insert(now);
            self.retry_us = (now.mono_us + micros(backoff(self.failures))) as i64;
        } else {
            (self.failures, self.failing_since, self.retry_us) = (0, None, i64::MIN);
        }
        self.touch();
        match delivery.urgent {
            true => self.note = Noting::Now,
            false => self.note_within(NOTIFY_NOTE_RESENT, now),
        }
        all
    }
}

fn rank(outcome: &Taken) -> u8 {
    match outcome {
        Taken::Delivered => 0,
        Taken::Refused(_) => 1,
        Taken::Later(_) => 2,
    }
}

/// How long to wait after so many failures in a row.
fn backoff(failures: u32) -> Duration {
    let doubled = NOTIFY_RETRY_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(NOTIFY_RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_up_to_its_bound() {
        let waits: Vec<u64> =
            [1, 2, 3, 7, 8, 1000].into_iter().map(|count| backoff(count).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 60, 60, 60]);
    }
}
