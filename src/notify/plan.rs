//! What a target is sent next, and when.
//!
//! A target that groups waits `group_wait` for what breaks together, tells news about a group it has told of no sooner than
//! `group_interval` after the last message, and repeats after `repeat_interval`. One that keeps states is told each change at
//! once, and what fires again and again.

use std::collections::{BTreeMap, HashMap};

use super::alert::{Alert, AlertId, LabelSet};
use super::ledger::{Entry, Ledger};
use super::muted::Mute;
use super::notification::Why;
use crate::clock::micros;
use crate::config::{GroupBy, NotifyConfig, Target};
use crate::limits::NOTIFY_MESSAGE_ALERTS_MAX;

/// What the plan goes by.
pub(super) struct View<'v> {
    pub(super) notify: &'v NotifyConfig,
    pub(super) target: &'v Target,
    pub(super) alerts: &'v BTreeMap<AlertId, Alert>,
    pub(super) muted: &'v HashMap<AlertId, Mute>,
    /// Now, on the monotonic clock (µs).
    pub(super) now_us: i64,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// A message, now.
    Message(Draft),
    /// Nothing before this time, on the monotonic clock (µs).
    At(i64),
    /// Nothing as things stand.
    Nothing,
}

/// The alerts of a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) group_key: String,
    pub(super) group_labels: LabelSet,
    pub(super) why: Why,
    /// The alerts, each with whether it is news.
    pub(super) alerts: Vec<(AlertId, bool)>,
    pub(super) left_out: u64,
}

/// The alerts of one group of a target.
#[derive(Default)]
struct Group<'l> {
    labels: LabelSet,
    owed: Vec<(&'l AlertId, &'l Entry)>,
    /// What it was told and need not be told again.
    told: Vec<(&'l AlertId, &'l Entry)>,
    /// When the last message was made (µs).
    last_us: Option<i64>,
}

/// What a target is sent next.
pub(super) fn next(ledger: &Ledger, view: &View<'_>) -> Next {
    if view.target.medium.keeps_states() {
        return next_states(ledger, view);
    }
    let mut wake_us: Option<i64> = None;
    for (key, group) in groups(ledger, view) {
        let Some((due_us, why)) = group.due(view.notify) else { continue };
        if due_us <= view.now_us {
            return Next::Message(group.draft(key, why, view));
        }
        wake_us = Some(wake_us.map_or(due_us, |wake| wake.min(due_us)));
    }
    wake_us.map_or(Next::Nothing, Next::At)
}

/// Whether an entry has something that may be told now. That an alert is over is told however it is muted.
fn may_tell(id: &AlertId, entry: &Entry, view: &View<'_>) -> bool {
    entry.over || !view.muted.contains_key(id)
}

fn groups<'l>(ledger: &'l Ledger, view: &View<'_>) -> BTreeMap<String, Group<'l>> {
    let mut groups: BTreeMap<String, Group<'l>> = BTreeMap::new();
    for (id, entry) in &ledger.entries {
        let Some(alert) = view.alerts.get(id) else { continue };
        let labels = group_labels(&view.notify.group_by, &alert.labels);
        let group = groups.entry(group_key(&view.target.name, &labels)).or_default();
        group.labels = labels;
        group.last_us = group.last_us.max(entry.told.as_ref().map(|told| told.at_us));
        if may_tell(id, entry, view) {
            match entry.owed {
                Some(_) => group.owed.push((id, entry)),
                None => group.told.push((id, entry)),
            }
        }
    }
    groups
}

fn group_labels(group_by: &GroupBy, labels: &LabelSet) -> LabelSet {
    match group_by {
        GroupBy::Everything => labels.clone(),
        GroupBy::Labels(names) => {
            names.iter().filter_map(|name| Some((name.clone(), labels.get(name)?.clone()))).collect()
        }
    }
}

fn group_key(target: &str, labels: &LabelSet) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{target}:{{{}}}", labels.join(", "))
}

impl Group<'_> {
    /// When it is due, and why.
    fn due(&self, notify: &NotifyConfig) -> Option<(i64, Why)> {
        let wait = |time| micros(time) as i64;
        let since = self.owed.iter().filter_map(|(_, entry)| entry.owed.map(|owed| owed.since_us)).min();
        let news = since.map(|since| match self.last_us {
            None => since.saturating_add(wait(notify.group_wait)),
            // There was no room for it in the last message, or it was muted then.
            Some(last) if since < last => since,
            Some(last) => last.saturating_add(wait(notify.group_interval)).max(since),
        });
        let last = self.last_us.filter(|_| !self.told.is_empty());
        let repeat = last.map(|last| last.saturating_add(wait(notify.repeat_interval)));
        let both = [news.map(|due| (due, Why::News)), repeat.map(|due| (due, Why::Repeat))];
        both.into_iter().flatten().min_by_key(|(due, _)| *due)
    }

    /// Its message: first what fires and is news, then what goes on, then what is over.
    fn draft(self, key: String, why: Why, view: &View<'_>) -> Draft {
        let over = |news: &&(&AlertId, &Entry)| news.1.over;
        let firing = self.owed.iter().filter(|owed| !over(owed)).map(|(id, _)| (*id, true));
        let ended = self.owed.iter().filter(over).map(|(id, _)| (*id, true));
        let going_on = self.told.iter().map(|(id, _)| (*id, false));
        let mut all: Vec<(&AlertId, bool)> = firing.chain(ended).chain(going_on).collect();
        let left_out = all.len().saturating_sub(NOTIFY_MESSAGE_ALERTS_MAX) as u64;
        all.truncate(NOTIFY_MESSAGE_ALERTS_MAX);
        let is_over = |id: &AlertId| self.owed.iter().any(|(owed, entry)| *owed == id && entry.over);
        let rank = |(id, news): &(&AlertId, bool)| match (is_over(id), view.alerts.get(*id)) {
            (false, Some(alert)) => (0, u8::MAX - alert.state.severity(), !news),
            _ => (1, 0, false),
        };
        all.sort_by_key(rank);
        let why = if self.owed.is_empty() { why } else { Why::News };
        let alerts = all.into_iter().map(|(id, news)| (id.clone(), news)).collect();
        Draft { group_key: key, group_labels: self.labels, why, alerts, left_out }
    }
}

/// The next message to a target that keeps states: every change, and what was told so long ago that it is told again.
fn next_states(ledger: &Ledger, view: &View<'_>) -> Next {
    let resend_us = micros(view.target.resend) as i64;
    let (mut alerts, mut left_out, mut news): (Vec<(AlertId, bool)>, u64, bool) = (Vec::new(), 0, false);
    let mut wake_us: Option<i64> = None;
    for (id, entry) in &ledger.entries {
        let due_us = match (&entry.owed, &entry.told) {
            (Some(owed), _) if may_tell(id, entry, view) => owed.since_us.min(view.now_us),
            // Muted or not, it goes on, and must not be taken to be over.
            (_, Some(told)) if told.firing => told.at_us.saturating_add(resend_us),
            _ => continue,
        };
        let is_news = entry.owed.is_some() && may_tell(id, entry, view);
        if due_us > view.now_us {
            wake_us = Some(wake_us.map_or(due_us, |wake| wake.min(due_us)));
        } else if alerts.len() < NOTIFY_MESSAGE_ALERTS_MAX {
            news |= is_news;
            alerts.push((id.clone(), is_news));
        } else {
            left_out += 1;
        }
    }
    if alerts.is_empty() {
        return wake_us.map_or(Next::Nothing, Next::At);
    }
    let why = if news { Why::News } else { Why::Repeat };
    let group_key = group_key(&view.target.name, &LabelSet::new());
    Next::Message(Draft { group_key, group_labels: LabelSet::new(), why, alerts, left_out })
}
