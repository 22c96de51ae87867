//! Why alerts that fire are not told now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::alert::{Alert, AlertId, LabelSet};
use super::silence::{Acks, Silences};
use super::trouble::Troubles;
use crate::config::{Config, Inhibition, NotifyConfig};

/// Why an alert is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mute {
    /// Somebody acknowledged it.
    Acknowledged,
    /// The silence of this number holds.
    Silenced(u64),
    /// This check, which its own depends on, is in trouble.
    Parent(String),
    /// An alert of this check makes it redundant.
    Inhibited(String),
}

impl Mute {
    /// In a clause.
    pub(super) fn text(&self) -> String {
        match self {
            Mute::Acknowledged => "acknowledged".to_owned(),
            Mute::Silenced(id) => format!("silence {id}"),
            Mute::Parent(check) => format!("depends on {check}"),
            Mute::Inhibited(check) => format!("inhibited by {check}"),
        }
    }
}

/// All that alerts can be held back by.
pub(super) struct Reasons<'r> {
    pub(super) config: &'r Config,
    pub(super) notify: &'r NotifyConfig,
    pub(super) silences: &'r Silences,
    pub(super) acks: &'r Acks,
    pub(super) troubles: &'r Troubles,
}

/// The alerts that are not told at a time, each with the reason.
pub(super) fn muted(
    alerts: &BTreeMap<AlertId, Arc<Alert>>,
    reasons: &Reasons<'_>,
    now_ms: i64,
) -> HashMap<AlertId, Mute> {
    let all = || alerts.iter().map(|(id, alert)| (id, alert.as_ref()));
    let firing = || all().filter(|(_, alert)| alert.ended_ms.is_none());
    let inhibiting: Vec<Inhibiting<'_>> =
        reasons.notify.inhibit.iter().map(|rule| Inhibiting::of(rule, firing())).collect();
    let why = |id: &AlertId, alert: &Alert| {
        if reasons.acks.has(id) {
            return Some(Mute::Acknowledged);
        }
        let silenced = reasons.silences.of(&id.check, &alert.labels, now_ms).map(Mute::Silenced);
        let held = || reasons.troubles.above(reasons.config, &id.check).map(Mute::Parent);
        let inhibited = || inhibiting.iter().find_map(|rule| rule.why(id, alert)).map(Mute::Inhibited);
        silenced.or_else(held).or_else(inhibited)
    };
    firing().filter_map(|(id, alert)| Some((id.clone(), why(id, alert)?))).collect()
}

/// An inhibition with the alerts that make it hold, by the values of its equal labels. Two are kept of each, so that one is
/// another than the alert that is asked about.
struct Inhibiting<'a> {
    rule: &'a Inhibition,
    sources: HashMap<Vec<&'a str>, Vec<&'a AlertId>>,
}

impl<'a> Inhibiting<'a> {
    fn of(rule: &'a Inhibition, firing: impl Iterator<Item = (&'a AlertId, &'a Alert)>) -> Inhibiting<'a> {
        let mut sources: HashMap<Vec<&str>, Vec<&AlertId>> = HashMap::new();
        for (id, alert) in firing.filter(|(id, alert)| rule.source.matches(&id.check, &alert.labels)) {
            let of_values = sources.entry(values(rule, &alert.labels)).or_default();
            if of_values.len() < 2 {
                of_values.push(id);
            }
        }
        Inhibiting { rule, sources }
    }

    /// The check of an alert that makes this one redundant.
    fn why(&self, id: &AlertId, alert: &Alert) -> Option<String> {
        // As in Alertmanager, what is on both sides of a rule is not inhibited by its like.
        if !self.rule.target.matches(&id.check, &alert.labels)
            || self.rule.source.matches(&id.check, &alert.labels)
        {
            return None;
        }
        let sources = self.sources.get(&values(self.rule, &alert.labels))?;
        sources.iter().find(|source| **source != id).map(|source| source.check.clone())
    }
}

fn values<'l>(rule: &Inhibition, labels: &'l LabelSet) -> Vec<&'l str> {
    rule.equal.iter().map(|name| labels.get(name).map_or("", String::as_str)).collect()
}
