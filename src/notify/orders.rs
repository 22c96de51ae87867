//! What people order: acknowledgements, silences, trials.

use std::sync::Arc;

use super::alert::AlertId;
use super::notifier::{Effect, Errand, Notifier};
use super::pseudo;
use super::silence::Remark;
use crate::clock::Moment;
use crate::config::Matchers;
use crate::limits::NOTIFY_TRIALS_MAX;

impl Notifier {
    /// Acknowledges the alerts that fire and fulfil conditions; returns them.
    ///
    /// # Errors
    /// There are none, or the remark is too long.
    pub fn ack(&mut self, matchers: &Matchers, remark: &Remark, now: Moment) -> Result<Vec<String>, String> {
        remark.check()?;
        let firing = self
            .alerts
            .iter()
            .filter(|(id, alert)| alert.ended_ms.is_none() && matchers.matches(&id.check, &alert.labels));
        let ids: Vec<AlertId> = firing.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            let why = if self.targets.is_empty() {
                "no alert fires, since nobody is told of any: `notify` in the configuration has no target"
            } else {
                "no alert that fires fulfils the conditions; one that is soft does not fire yet"
            };
            return Err(why.to_owned());
        }
        for id in &ids {
            self.acks.add(id.clone(), now.wall_ms, remark.clone());
        }
        (self.acks_noted, self.stale) = (false, true);
        Ok(ids.iter().map(AlertId::name).collect())
    }

    /// Takes acknowledgements back; returns their alerts. They are news, and are told at once where nothing else holds them back.
    ///
    /// # Errors
    /// There are none.
    pub fn unack(&mut self, matchers: &Matchers, now: Moment) -> Result<Vec<String>, String> {
        let acked = self
            .alerts
            .iter()
            .filter(|(id, alert)| self.acks.has(id) && matchers.matches(&id.check, &alert.labels));
        let ids: Vec<AlertId> = acked.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            return Err("no alert that is acknowledged fulfils the conditions".to_owned());
        }
        for id in &ids {
            self.acks.remove(id);
            if let Some(alert) = self.alerts.get_mut(id).map(Arc::make_mut) {
                alert.changed_ms = now.wall_ms.max(alert.changed_ms.saturating_add(1));
            }
            self.follow(id, now);
            self.targets.values_mut().for_each(|addressee| addressee.ledger.hurry(id));
        }
        (self.acks_noted, self.stale) = (false, true);
        Ok(ids.iter().map(AlertId::name).collect())
    }

    /// Adds a silence, and returns its number.
    ///
    /// # Errors
    /// It makes no sense, or there are too many.
    pub fn silence(
        &mut self,
        matchers: Matchers,
        from_ms: i64,
        until_ms: i64,
        remark: Remark,
    ) -> Result<u64, String> {
        let id = self.silences.add(matchers, from_ms, until_ms, remark)?;
        (self.silences_noted, self.stale) = (false, true);
        Ok(id)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn expire(&mut self, silence: u64) -> Result<(), String> {
        self.silences.expire(silence)?;
        (self.silences_noted, self.stale) = (false, true);
        Ok(())
    }

    /// Tries a target: [`Effect::Tried`] says how that went.
    ///
    /// # Errors
    /// There is none of that name, or too many are being tried.
    pub fn try_target(
        &mut self,
        name: &str,
        asker: u64,
        now: Moment,
        effects: &mut Vec<Effect>,
    ) -> Result<(), String> {
        let trials = self.errands.values().filter(|errand| matches!(errand, Errand::Trial(_))).count();
        if trials >= NOTIFY_TRIALS_MAX {
            return Err(format!("{NOTIFY_TRIALS_MAX} targets are being tried already"));
        }
        let target = self.config.notify.as_ref().and_then(|notify| notify.targets.get(name));
        let target = target.map(Arc::clone).ok_or_else(|| format!("there is no target {name}"))?;
        let notification = Box::new(pseudo::trial(&self.config.host, now));
        let ticket = self.ticket(Errand::Trial(asker));
        effects.push(Effect::Send { ticket, target, notification, first: None });
        Ok(())
    }
}
