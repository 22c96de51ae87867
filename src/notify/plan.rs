//! What a target is sent next, and when.
//!
//! A target that groups waits `group_wait` for what breaks together, tells news about a group it has told of no sooner than
//! `group_interval` after the last message, and repeats after `repeat_interval`. One that keeps states is told each change at
//! once, and what fires again and again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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
    pub(super) alerts: &'v BTreeMap<AlertId, Arc<Alert>>,
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

/// Labels with their values, by name.
type Labels<'v> = Vec<(&'v str, &'v str)>;

/// The alerts of one group of a target.
#[derive(Default)]
struct Group<'v> {
    owed: Vec<(&'v AlertId, &'v Entry)>,
    /// What it was told and need not be told again.
    told: Vec<(&'v AlertId, &'v Entry)>,
    /// When the last message was made (µs).
    last_us: Option<i64>,
}

/// What a target is sent next. News goes before what was told already, and then whatever is due longest, so that a receiver that
/// takes its time for what it is told again and again hears of everything all the same.
pub(super) fn next(ledger: &Ledger, view: &View<'_>) -> Next {
    if view.target.medium.keeps_states() {
        return next_states(ledger, view);
    }
    let mut wake_us: Option<i64> = None;
    let mut first: Option<(i64, Why, Labels<'_>, Group<'_>)> = None;
    for (labels, group) in groups(ledger, view) {
        let Some((due_us, why)) = group.due(view.notify, view.now_us) else { continue };
        if due_us > view.now_us {
            wake_us = Some(wake_us.map_or(due_us, |wake| wake.min(due_us)));
            continue;
        }
        let turn = |due_us: i64, why: Why| (why == Why::Repeat, due_us);
        if first.as_ref().is_none_or(|first| turn(due_us, why) < turn(first.0, first.1)) {
            first = Some((due_us, why, labels, group));
        }
    }
    match first {
        Some((_, why, labels, group)) => Next::Message(group.draft(&labels, why, view)),
        None => wake_us.map_or(Next::Nothing, Next::At),
    }
}

/// What is due to be told of alerts that fire, if nothing held it up; and when there will be more of it (µs).
pub(super) fn due(ledger: &Ledger, view: &View<'_>) -> (Vec<AlertId>, Option<i64>) {
    let mut due = Vec::new();
    if view.target.medium.keeps_states() {
        let owed = ledger.entries.iter().filter(|(_, entry)| entry.owed.is_some() && !entry.over);
        due.extend(owed.filter(|(id, entry)| may_tell(id, entry, view)).map(|(id, _)| id.clone()));
        return (due, None);
    }
    let mut next_us: Option<i64> = None;
    for group in groups(ledger, view).into_values() {
        match group.news_us(view.notify) {
            Some(due_us) if due_us <= view.now_us => {
                let firing = group.owed.iter().filter(|(_, entry)| !entry.over);
                due.extend(firing.map(|(id, _)| (*id).clone()));
            }
            Some(due_us) => next_us = Some(next_us.map_or(due_us, |next| next.min(due_us))),
            None => {}
        }
    }
    (due, next_us)
}

/// Whether an entry has something that may be told now. That an alert is over is told however it is muted.
fn may_tell(id: &AlertId, entry: &Entry, view: &View<'_>) -> bool {
    entry.over || !view.muted.contains_key(id)
}

fn groups<'v>(ledger: &'v Ledger, view: &View<'v>) -> BTreeMap<Labels<'v>, Group<'v>> {
    let mut groups: BTreeMap<Labels<'v>, Group<'v>> = BTreeMap::new();
    for (id, entry) in &ledger.entries {
        let Some(alert) = view.alerts.get(id) else { continue };
        let group = groups.entry(group_labels(&view.notify.group_by, &alert.labels)).or_default();
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

fn group_labels<'v>(group_by: &'v GroupBy, labels: &'v LabelSet) -> Labels<'v> {
    match group_by {
        GroupBy::Everything => labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        GroupBy::Labels(names) => {
            names.iter().filter_map(|name| Some((name.as_str(), labels.get(name)?.as_str()))).collect()
        }
    }
}

fn group_key(target: &str, labels: &LabelSet) -> String {
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{target}:{{{}}}", labels.join(", "))
}

/// Since when something is owed, on the monotonic clock (µs).
fn owed_us(entry: &Entry) -> Option<i64> {
    entry.owed.map(|owed| owed.since_us)
}

impl Group<'_> {
    /// When its news is due.
    fn news_us(&self, notify: &NotifyConfig) -> Option<i64> {
        let wait = |time| micros(time) as i64;
        let since = self.owed.iter().filter_map(|(_, entry)| owed_us(entry)).min();
        since.map(|since| match self.last_us {
            None => since.saturating_add(wait(notify.group_wait)),
            // There was no room for it in the last message, or it was muted then.
            Some(last) if since < last => since,
            Some(last) => last.saturating_add(wait(notify.group_interval)).max(since),
        })
    }

    /// When it is due, and why.
    fn due(&self, notify: &NotifyConfig, now_us: i64) -> Option<(i64, Why)> {
        let news = self.news_us(notify);
        if let Some(due) = news.filter(|due| *due <= now_us) {
            return Some((due, Why::News));
        }
        let last = self.last_us.filter(|_| !self.told.is_empty());
        let repeat = last.map(|last| last.saturating_add(micros(notify.repeat_interval) as i64));
        let both = [news.map(|due| (due, Why::News)), repeat.map(|due| (due, Why::Repeat))];
        both.into_iter().flatten().min_by_key(|(due, _)| *due)
    }

    /// Its message. What fires and is news has room first, then what is over, then what goes on and was told longest ago. It is
    /// told in this order: what fires, the worst first, then what is over.
    fn draft(mut self, labels: &Labels<'_>, why: Why, view: &View<'_>) -> Draft {
        self.owed.sort_by_key(|(_, entry)| (entry.over, owed_us(entry)));
        self.told.sort_by_key(|(_, entry)| entry.told.as_ref().map(|told| told.at_us));
        let why = if self.owed.is_empty() { why } else { Why::News };
        let left_out = (self.owed.len() + self.told.len()).saturating_sub(NOTIFY_MESSAGE_ALERTS_MAX) as u64;
        let owed = self.owed.iter().map(|(id, entry)| (*id, true, entry.over));
        let going_on = self.told.iter().map(|(id, _)| (*id, false, false));
        let mut all: Vec<(&AlertId, bool, bool)> =
            owed.chain(going_on).take(NOTIFY_MESSAGE_ALERTS_MAX).collect();
        all.sort_by_key(|(id, news, over)| match view.alerts.get(*id) {
            Some(alert) if !over => (0, u8::MAX - alert.state.severity(), !news, *id),
            _ => (1, 0, false, *id),
        });
        let alerts = all.into_iter().map(|(id, news, _)| (id.clone(), news)).collect();
        let group_labels: LabelSet =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let group_key = group_key(&view.target.name, &group_labels);
        Draft { group_key, group_labels, why, alerts, left_out }
    }
}

/// The next message to a target that keeps states: every change, and what was told so long ago that it is told again.
fn next_states(ledger: &Ledger, view: &View<'_>) -> Next {
    let resend_us = micros(view.target.resend) as i64;
    // Each with whether it is told again, and since when it is due.
    let mut due: Vec<(bool, i64, &AlertId)> = Vec::new();
    let mut wake_us: Option<i64> = None;
    for (id, entry) in &ledger.entries {
        let (again, due_us) = match (&entry.owed, &entry.told) {
            (Some(owed), _) if may_tell(id, entry, view) => (false, owed.since_us.min(view.now_us)),
            // Muted or not, it goes on, and must not be taken to be over.
            (_, Some(told)) if told.firing => (true, told.at_us.saturating_add(resend_us)),
            _ => continue,
        };
        if due_us > view.now_us {
            wake_us = Some(wake_us.map_or(due_us, |wake| wake.min(due_us)));
        } else {
            due.push((again, due_us, id));
        }
    }
    if due.is_empty() {
        return wake_us.map_or(Next::Nothing, Next::At);
    }
    due.sort_unstable();
    let why = if due.iter().any(|(again, ..)| !again) { Why::News } else { Why::Repeat };
    let left_out = due.len().saturating_sub(NOTIFY_MESSAGE_ALERTS_MAX) as u64;
    let first = due.iter().take(NOTIFY_MESSAGE_ALERTS_MAX);
    let alerts = first.map(|(again, _, id)| ((*id).clone(), !again)).collect();
    let group_key = group_key(&view.target.name, &LabelSet::new());
    Next::Message(Draft { group_key, group_labels: LabelSet::new(), why, alerts, left_out })
}
