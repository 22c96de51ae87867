//! Runs in: which alerts begin, change and end by them, and what each target's ledger has to say of that.

use std::collections::BTreeSet;
use std::sync::Arc;

use custos_query::is_judged;
use custos_store::Run;

use super::alert::{Alert, AlertId, Firing, of_rule, of_run};
use super::checked::{checked, gone as gone_check};
use super::note::noted_len;
use super::notification::NotifiedCheck;
use super::notifier::Notifier;
use crate::clock::Moment;
use crate::config::{CheckNotify, Command};
use crate::limits::{NOTIFY_ALERTS_MAX, NOTIFY_NOTE_GATHER, NOTIFY_NOTED_BYTES_MAX};
use crate::rules::{ActiveAlert, alert_line, is_failure, told};

impl Notifier {
    /// Takes in the last run that a check had before the start.
    pub fn restored(&mut self, check: &str, run: &Run, now: Moment) {
        self.take(check, run, None, true, now);
    }

    /// Takes in a run that was judged. `alerts` are those of a rule.
    pub fn ran(&mut self, check: &str, run: &Run, alerts: Option<&[ActiveAlert]>, now: Moment) {
        self.take(check, run, alerts, false, now);
    }

    fn take(&mut self, check: &str, run: &Run, alerts: Option<&[ActiveAlert]>, restored: bool, now: Moment) {
        if self.kept_back(check, run, alerts, restored) || !is_judged(run.reason) {
            return;
        }
        let definition = self.config.checks.get(check).cloned();
        if definition.is_none() && !self.is_defined(check) {
            return;
        }
        let is_rule = definition.as_ref().is_some_and(|definition| definition.command.is_rule());
        if is_rule && alerts.is_none() {
            // What fires is known with its alerts, which come next, or with its first judgement after the start.
            if restored {
                self.troubles.take(check, run);
            }
            return;
        }
        let (before, stands) = self.troubles.take(check, run);
        let attempts = definition.as_ref().map_or(1, |definition| definition.max_check_attempts);
        let changes = before.is_some_and(|before| (before.state, before.hard) != (stands.state, stands.hard));
        let depends = definition.as_ref().is_some_and(|definition| !definition.depends_on.is_empty());
        self.stale |= changes || depends;
        let on_change = definition.as_ref().and_then(|definition| definition.on_change.as_ref());
        if let Some(argv) = on_change.filter(|_| changes && !restored) {
            let about = checked(check, attempts, stands.previous, run);
            self.handlers.want(argv, &self.config.host, about, now);
        }
        if run.standing.flapping || self.config.notify.is_none() {
            return;
        }
        let host = &self.config.host;
        let firing = match alerts {
            Some(alerts) => {
                let rule = definition.as_ref().and_then(|definition| match &definition.command {
                    Command::Rule(rule) => Some(rule),
                    _ => None,
                });
                let line = |alert: &ActiveAlert| rule.map(|rule| alert_line(rule, alert)).unwrap_or_default();
                of_rule(
                    host,
                    check,
                    run,
                    &told(run, alerts, rule.is_some_and(|rule| rule.elements_are_alerts())),
                    &line,
                )
            }
            None => of_run(host, check, run),
        };
        let is_known = self.of_check(check).next().is_some();
        if firing.is_empty() && !is_known {
            self.not_followed.remove(check);
            return;
        }
        let volatile = definition.is_some_and(|definition| definition.volatile);
        let about = checked(check, attempts, stands.previous, run);
        if is_rule && is_failure(run) {
            self.keep_alerts(check, &about);
        } else {
            self.end_others(check, &firing, &about, now);
        }
        self.follow_check(check, firing, &about, volatile, now);
    }

    /// Checks whose alerts are told: those of the configuration and the agent's own.
    pub(super) fn is_defined(&self, check: &str) -> bool {
        self.config.checks.contains_key(check) || self.config.own_checks().any(|own| own == check)
    }

    fn of_check(&self, check: &str) -> impl Iterator<Item = (&AlertId, &Arc<Alert>)> {
        let first = AlertId { check: check.to_owned(), of: String::new() };
        let check = check.to_owned();
        self.alerts.range(first..).take_while(move |(id, _)| id.check == check)
    }

    /// Takes in that nothing is known of the alerts of a check: they are as they were.
    fn keep_alerts(&mut self, check: &str, about: &NotifiedCheck) {
        for (id, alert) in self.alerts.iter_mut().filter(|(id, _)| id.check == check) {
            if alert.ended_ms.is_none() && !id.of.is_empty() {
                let alert = Arc::make_mut(alert);
                let metric = alert.check.metric.take();
                let own = Arc::clone(&alert.check.own);
                alert.check = NotifiedCheck { metric, own, ..about.clone() };
            }
        }
    }

    /// Takes in that no other alerts of a check fire than these.
    fn end_others(&mut self, check: &str, firing: &[Firing], about: &NotifiedCheck, now: Moment) {
        let fires: BTreeSet<&str> = firing.iter().map(|firing| firing.of.as_str()).collect();
        let over = self
            .of_check(check)
            .filter(|(id, alert)| alert.ended_ms.is_none() && !fires.contains(id.of.as_str()));
        for id in over.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.end_alert(&id, Some(about), now);
        }
    }

    /// Brings the alerts of a check up to date that fire.
    fn follow_check(
        &mut self,
        check: &str,
        firing: Vec<Firing>,
        about: &NotifiedCheck,
        volatile: bool,
        now: Moment,
    ) {
        let mut too_many = 0;
        for firing in firing {
            let id = AlertId { check: check.to_owned(), of: firing.of.clone() };
            let is_new = !self.alerts.contains_key(&id);
            if is_new && !self.has_room_for(noted_len(&id, &firing.labels)) {
                too_many += 1;
                continue;
            }
            self.fire(id, firing, about, volatile, now);
        }
        match too_many {
            0 => self.not_followed.remove(check),
            _ => self.not_followed.insert(check.to_owned(), too_many),
        };
    }

    /// Whether one more alert can be followed, of which notes have so many bytes.
    fn has_room_for(&self, noted_len: usize) -> bool {
        self.alerts.len() < NOTIFY_ALERTS_MAX && self.noted_bytes + noted_len <= NOTIFY_NOTED_BYTES_MAX
    }

    /// Takes in that an alert fires.
    fn fire(&mut self, id: AlertId, firing: Firing, about: &NotifiedCheck, volatile: bool, now: Moment) {
        let Firing { of: _, labels, annotations, state, since_ms, metric, own } = firing;
        let mut check = about.clone();
        check.metric = metric.or(check.metric);
        check.own = own.into();
        let at_ms = about.run_ms;
        match self.alerts.get_mut(&id).map(Arc::make_mut) {
            None => {
                let started_ms = since_ms;
                let noted_len = noted_len(&id, &labels);
                self.noted_bytes += noted_len;
                let alert = Alert {
                    labels,
                    annotations,
                    state,
                    started_ms,
                    ended_ms: None,
                    changed_ms: at_ms,
                    check,
                    noted_len,
                };
                self.alerts.insert(id.clone(), Arc::new(alert));
            }
            Some(alert) => {
                let begins = alert.ended_ms.is_some();
                let again = volatile && since_ms > alert.check.since_ms;
                let changes = begins || again || alert.state != state;
                if begins {
                    (alert.started_ms, alert.ended_ms) = (since_ms, None);
                }
                if changes {
                    alert.changed_ms = at_ms.max(alert.changed_ms.saturating_add(1));
                }
                let same = !changes && alert.labels == labels;
                (alert.labels, alert.annotations, alert.state, alert.check) =
                    (labels, annotations, state, check);
                if same {
                    return;
                }
            }
        }
        self.stale = true;
        self.follow(&id, now);
    }

    /// Takes in that an alert is over.
    fn end_alert(&mut self, id: &AlertId, about: Option<&NotifiedCheck>, now: Moment) {
        let Some(alert) = self.alerts.get_mut(id).map(Arc::make_mut) else { return };
        let at_ms = about.map_or(now.wall_ms, |about| about.run_ms);
        alert.ended_ms = Some(at_ms.max(alert.started_ms));
        alert.changed_ms = at_ms.max(alert.changed_ms.saturating_add(1));
        if let Some(about) = about {
            let metric = about.metric.clone().or(alert.check.metric.take());
            let own = Arc::clone(&alert.check.own);
            alert.check = NotifiedCheck { metric, own, ..about.clone() };
        }
        self.acks_noted &= !self.acks.remove(id);
        self.stale = true;
        self.follow(id, now);
    }

    /// Brings the entries of an alert up to date in the ledger of each target, and forgets one that is over and owed to nobody.
    pub(super) fn follow(&mut self, id: &AlertId, now: Moment) {
        let Some(alert) = self.alerts.get(id) else { return };
        let whom = self.config.checks.get(&id.check).map(|definition| &definition.notify);
        for addressee in self.targets.values_mut() {
            let target = Arc::clone(&addressee.target);
            let wanted = match whom {
                None | Some(CheckNotify::All) => true,
                Some(CheckNotify::Nobody) => false,
                Some(CheckNotify::Only(names)) => names.contains(&target.name),
            };
            let fits = wanted
                && target.states.contains(&alert.state)
                && target.matchers.matches(&id.check, &alert.labels);
            if addressee.ledger.follow(id, alert, fits, target.send_resolved, now) {
                addressee.touch();
                addressee.note_within(NOTIFY_NOTE_GATHER, now);
            }
        }
        let is_kept = self.targets.values().any(|addressee| addressee.ledger.entries.contains_key(id));
        if alert.ended_ms.is_some() && !is_kept {
            let forgotten = self.alerts.remove(id).map_or(0, |alert| alert.noted_len);
            self.noted_bytes = self.noted_bytes.saturating_sub(forgotten);
        }
    }

    /// Alerts of checks that are no longer defined are over, which is no recovery.
    pub(super) fn end_undefined(&mut self, now: Moment) {
        let firing = self.alerts.iter().filter(|(_, alert)| alert.ended_ms.is_none());
        let gone = firing.filter(|(id, _)| !self.is_defined(&id.check)).map(|(id, _)| id.clone());
        for id in gone.collect::<Vec<_>>() {
            let about = self.alerts.get(&id).map(|alert| gone_check(&alert.check, now.wall_ms));
            self.end_alert(&id, about.as_ref(), now);
        }
    }
}
