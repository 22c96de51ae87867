//! The notifier: follows the alerts of judged runs, and decides what is owed to which target, and when it is sent.
//!
//! Invariants: a target has one delivery under way at most. What is owed is noted before it is sent, and what was acknowledged as
//! soon as that is known, so that after a restart nothing is lost, and nothing is sent twice that was acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use custos_query::is_judged;
use custos_store::Run;

use super::addressee::{Addressee, Noting};
use super::alert::{Alert, AlertId, Firing, of_rule, of_run};
use super::checked::checked;
use super::handler::Handlers;
use super::ledger::Ledger;
use super::muted::{Mute, Reasons, muted};
use super::note::{self, ACKS_NOTE, SILENCES_NOTE, target_note};
use super::notification::{Notification, NotifiedCheck};
use super::plan::{self, Next, View};
use super::pseudo;
use super::send::Taken;
use super::silence::{Ack, Acks, Remark, Silence, Silences};
use super::trouble::Troubles;
use crate::clock::{Moment, micros};
use crate::config::{CheckNotify, Config, Matchers, Target};
use crate::limits::{NOTIFY_ALERTS_MAX, NOTIFY_NOTE_GATHER, NOTIFY_TRIALS_MAX};
use crate::rules::ActiveAlert;

/// What the notifier wants done.
#[derive(Debug)]
pub enum Effect {
    /// Send a message, and report what became of each of its alerts under this ticket.
    Send {
        /// Number of the delivery, unique in the life of the notifier.
        ticket: u64,
        /// To whom.
        target: Arc<Target>,
        /// What.
        notification: Box<Notification>,
    },
    /// Keep a note in the store.
    Note {
        /// Its name.
        name: String,
        /// What it says.
        text: String,
    },
    /// A trial ended.
    Tried {
        /// Who asked for it.
        asker: u64,
        /// How it went.
        result: Result<(), String>,
    },
}

/// What a ticket is for.
#[derive(Debug)]
enum Errand {
    Delivery(String),
    Heartbeat(String),
    Trial(u64),
    Handler(String),
}

/// The notifier's state.
#[derive(Debug)]
pub struct Notifier {
    pub(super) config: Arc<Config>,
    pub(super) targets: BTreeMap<String, Addressee>,
    pub(super) alerts: BTreeMap<AlertId, Alert>,
    pub(super) silences: Silences,
    pub(super) acks: Acks,
    pub(super) handlers: Handlers,
    pub(super) muted: HashMap<AlertId, Mute>,
    /// Alerts that fire and are not followed, by check, as there are too many.
    pub(super) not_followed: BTreeMap<String, u64>,
    troubles: Troubles,
    /// Whether what is muted has to be found out anew.
    stale: bool,
    /// When a silence begins or ends next, on the monotonic clock (µs).
    silence_us: Option<i64>,
    heartbeat_us: Option<i64>,
    errands: HashMap<u64, Errand>,
    last_ticket: u64,
    silences_noted: bool,
    acks_noted: bool,
    /// Whether nothing more is sent, as the agent ends.
    stopping: bool,
}

/// Notes that a notifier goes on from, as they are in the store.
#[derive(Clone, Debug, Default)]
pub struct Noted {
    /// By the names of their targets.
    pub targets: BTreeMap<String, Vec<u8>>,
    /// The note of silences.
    pub silences: Vec<u8>,
    /// The note of acknowledgements.
    pub acks: Vec<u8>,
}

impl Notifier {
    /// A notifier that goes on from notes. Hand it the last run of each check next.
    pub fn new(config: Arc<Config>, noted: &Noted, now: Moment) -> Notifier {
        let list = |text: &[u8]| serde_json::from_slice::<Vec<Silence>>(text).unwrap_or_default();
        let acks = serde_json::from_slice::<Vec<Ack>>(&noted.acks).unwrap_or_default();
        let mut notifier = Notifier {
            config: Arc::clone(&config),
            targets: BTreeMap::new(),
            alerts: BTreeMap::new(),
            silences: Silences::restore(list(&noted.silences)),
            acks: Acks::restore(acks),
            handlers: Handlers::default(),
            muted: HashMap::new(),
            not_followed: BTreeMap::new(),
            troubles: Troubles::default(),
            stale: true,
            silence_us: None,
            heartbeat_us: config
                .notify
                .as_ref()
                .and_then(|notify| notify.heartbeat.as_ref())
                .map(|_| i64::MIN),
            errands: HashMap::new(),
            last_ticket: 0,
            silences_noted: true,
            acks_noted: true,
            stopping: false,
        };
        for (name, target) in config.notify.iter().flat_map(|notify| &notify.targets) {
            let text = noted.targets.get(name).map(Vec::as_slice).unwrap_or_default();
            notifier.restore(target, note::decode(text, now).unwrap_or_default());
        }
        notifier.end_undefined(now);
        notifier
    }

    fn restore(&mut self, target: &Arc<Target>, restored: note::Restored) {
        let mut ledger = Ledger::default();
        for (id, alert, entry) in restored.alerts {
            ledger.entries.insert(id.clone(), entry);
            match self.alerts.get_mut(&id) {
                // Of what several targets know, the newest counts.
                Some(known) if known.changed_ms >= alert.changed_ms => {}
                Some(known) => *known = alert,
                None => {
                    self.alerts.insert(id, alert);
                }
            }
        }
        let mut addressee = Addressee::new(Arc::clone(target), ledger);
        addressee.last_success_ms = restored.last_success_ms;
        (addressee.delivered, addressee.failed, addressee.refused) =
            (restored.delivered, restored.failed, restored.refused);
        self.targets.insert(target.name.clone(), addressee);
    }

    /// Takes in the last run that a check had before the start.
    pub fn restored(&mut self, check: &str, run: &Run, now: Moment) {
        self.take(check, run, None, true, now);
    }

    /// Takes in a run that was judged. `alerts` are those of a rule.
    pub fn ran(&mut self, check: &str, run: &Run, alerts: Option<&[ActiveAlert]>, now: Moment) {
        self.take(check, run, alerts, false, now);
    }

    fn take(&mut self, check: &str, run: &Run, alerts: Option<&[ActiveAlert]>, restored: bool, now: Moment) {
        if !is_judged(run.reason) || !self.is_defined(check) {
            return;
        }
        let (before, stands) = self.troubles.take(check, run);
        let definition = self.config.checks.get(check).cloned();
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
            Some(alerts) => of_rule(host, check, run, alerts),
            None => of_run(host, check, run),
        };
        let is_known = self.of_check(check).next().is_some();
        if firing.is_empty() && !is_known {
            self.not_followed.remove(check);
            return;
        }
        let volatile = definition.is_some_and(|definition| definition.volatile);
        let about = checked(check, attempts, stands.previous, run);
        self.follow_check(check, firing, &about, volatile, now);
    }

    /// Checks whose alerts are told: those of the configuration and the agent's own.
    fn is_defined(&self, check: &str) -> bool {
        self.config.checks.contains_key(check) || self.config.own_checks().any(|own| own == check)
    }

    fn of_check(&self, check: &str) -> impl Iterator<Item = (&AlertId, &Alert)> {
        let first = AlertId { check: check.to_owned(), of: String::new() };
        let check = check.to_owned();
        self.alerts.range(first..).take_while(move |(id, _)| id.check == check)
    }

    /// Brings the alerts of a check up to date: these fire, and no others.
    fn follow_check(
        &mut self,
        check: &str,
        firing: Vec<Firing>,
        about: &NotifiedCheck,
        volatile: bool,
        now: Moment,
    ) {
        let fires: BTreeSet<&str> = firing.iter().map(|firing| firing.of.as_str()).collect();
        let over = self
            .of_check(check)
            .filter(|(id, alert)| alert.ended_ms.is_none() && !fires.contains(id.of.as_str()));
        for id in over.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.end_alert(&id, Some(about), now);
        }
        let mut too_many = 0;
        for firing in firing {
            let id = AlertId { check: check.to_owned(), of: firing.of.clone() };
            if !self.alerts.contains_key(&id) && self.alerts.len() >= NOTIFY_ALERTS_MAX {
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

    /// Takes in that an alert fires.
    fn fire(&mut self, id: AlertId, firing: Firing, about: &NotifiedCheck, volatile: bool, now: Moment) {
        let Firing { of: _, labels, annotations, state, since_ms } = firing;
        let at_ms = about.run_ms;
        match self.alerts.get_mut(&id) {
            None => {
                let (started_ms, check) = (since_ms, about.clone());
                let alert = Alert {
                    labels,
                    annotations,
                    state,
                    started_ms,
                    ended_ms: None,
                    changed_ms: at_ms,
                    check,
                };
                self.alerts.insert(id.clone(), alert);
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
                    (labels, annotations, state, about.clone());
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
        let Some(alert) = self.alerts.get_mut(id) else { return };
        let at_ms = about.map_or(now.wall_ms, |about| about.run_ms);
        alert.ended_ms = Some(at_ms.max(alert.started_ms));
        alert.changed_ms = at_ms.max(alert.changed_ms.saturating_add(1));
        if let Some(about) = about {
            alert.check = about.clone();
        }
        self.acks_noted &= !self.acks.remove(id);
        self.stale = true;
        self.follow(id, now);
    }

    /// Brings the entries of an alert up to date in the ledger of each target, and forgets one that is over and owed to nobody.
    fn follow(&mut self, id: &AlertId, now: Moment) {
        let Some(alert) = self.alerts.get(id) else { return };
        let whom = self.config.checks.get(&id.check).map(|definition| &definition.notify);
        for addressee in self.targets.values_mut() {
            let target = Arc::clone(&addressee.target);
            let wanted = match whom {
                None | Some(CheckNotify::All) => true,
                Some(CheckNotify::Nobody) => false,
                Some(CheckNotify::Only(names)) => names.contains(&target.name),
            };
            let fits =
                wanted && target.states.contains(&alert.state) && target.matchers.matches(&alert.labels);
            if addressee.ledger.follow(id, alert, fits, target.send_resolved, now) {
                addressee.touch();
                if addressee.note == Noting::Current {
                    addressee.note = Noting::At((now.mono_us + micros(NOTIFY_NOTE_GATHER)) as i64);
                }
            }
        }
        let is_kept = self.targets.values().any(|addressee| addressee.ledger.entries.contains_key(id));
        if alert.ended_ms.is_some() && !is_kept {
            self.alerts.remove(id);
        }
    }

    /// Alerts of checks that are no longer defined are over.
    fn end_undefined(&mut self, now: Moment) {
        let firing = self.alerts.iter().filter(|(_, alert)| alert.ended_ms.is_none());
        let gone = firing.filter(|(id, _)| !self.is_defined(&id.check)).map(|(id, _)| id.clone());
        for id in gone.collect::<Vec<_>>() {
            self.end_alert(&id, None, now);
        }
    }

    /// Takes in what became of each alert of a message.
    pub fn sent(&mut self, ticket: u64, outcomes: &[Taken], now: Moment, effects: &mut Vec<Effect>) {
        let why = outcomes.iter().find_map(|outcome| match outcome {
            Taken::Delivered => None,
            Taken::Later(why) | Taken::Refused(why) => Some(why.clone()),
        });
        match self.errands.remove(&ticket) {
            None => {}
            Some(Errand::Trial(asker)) => {
                effects.push(Effect::Tried { asker, result: why.map_or(Ok(()), Err) });
            }
            Some(Errand::Handler(check)) => self.handlers.ended(&check, why),
            Some(Errand::Heartbeat(name)) => {
                if let Some(addressee) = self.targets.get_mut(&name) {
                    match why {
                        None => addressee.last_success_ms = Some(now.wall_ms),
                        Some(why) => addressee.last_error = Some((why, now.wall_ms)),
                    }
                }
            }
            Some(Errand::Delivery(name)) => {
                let Some(addressee) = self.targets.get_mut(&name) else { return };
                if addressee.under_way.as_ref().is_none_or(|delivery| delivery.ticket != ticket) {
                    return;
                }
                for id in addressee.end(outcomes, now) {
                    self.follow(&id, now);
                }
            }
        }
    }

    /// Sends nothing more.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// Messages under way.
    pub fn under_way(&self) -> usize {
        self.errands.len()
    }

    /// Whether there may be something to do.
    fn is_due(&self, now: Moment) -> bool {
        let woken = self.next_wake_us().is_some_and(|wake| wake <= now.mono_us);
        self.stale || woken || !self.handlers.is_idle() || !self.silences_noted || !self.acks_noted
    }

    /// Decides what is to be done now.
    pub fn act(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.stopping || !self.is_due(now) {
            return;
        }
        self.find_muted(now);
        for wanted in self.handlers.take() {
            let ticket = self.ticket(Errand::Handler(wanted.check));
            effects.push(Effect::Send { ticket, target: wanted.target, notification: wanted.notification });
        }
        self.beat(now, effects);
        let names: Vec<String> = self.targets.keys().cloned().collect();
        for name in names {
            self.act_for(&name, now, effects);
        }
        self.note_remarks(effects);
    }

    /// Has silences and acknowledgements noted that changed.
    fn note_remarks(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.silences_noted, true) {
            let text = serde_json::to_string(&self.silences.list()).unwrap_or_default();
            effects.push(Effect::Note { name: SILENCES_NOTE.to_owned(), text });
        }
        if !std::mem::replace(&mut self.acks_noted, true) {
            let text = serde_json::to_string(&self.acks.list()).unwrap_or_default();
            effects.push(Effect::Note { name: ACKS_NOTE.to_owned(), text });
        }
    }

    /// Finds out what is muted, if that may have changed.
    fn find_muted(&mut self, now: Moment) {
        let now_us = now.mono_us as i64;
        if !self.stale && self.silence_us.is_none_or(|next| next > now_us) {
            return;
        }
        self.stale = false;
        self.silences_noted &= !self.silences.tidy(now.wall_ms);
        let next_ms = self.silences.next_ms(now.wall_ms);
        self.silence_us =
            next_ms.map(|next| now_us.saturating_add(next.saturating_sub(now.wall_ms).saturating_mul(1000)));
        let Some(notify) = &self.config.notify else { return };
        let reasons = Reasons {
            config: &self.config,
            notify,
            silences: &self.silences,
            acks: &self.acks,
            troubles: &self.troubles,
        };
        let found = muted(&self.alerts, &reasons, now.wall_ms);
        if found != self.muted {
            self.muted = found;
            self.targets.values_mut().for_each(Addressee::touch);
        }
    }

    /// Sends the heartbeat when it is due.
    fn beat(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(heartbeat) = self.config.notify.as_ref().and_then(|notify| notify.heartbeat.clone()) else {
            return;
        };
        let due = self.heartbeat_us.is_some_and(|due| due <= now.mono_us as i64);
        let under_way = |errand: &Errand| matches!(errand, Errand::Heartbeat(_));
        let Some(addressee) = self.targets.get(&heartbeat.target).filter(|_| due) else { return };
        self.heartbeat_us = Some((now.mono_us + micros(heartbeat.interval)) as i64);
        let target = Arc::clone(&addressee.target);
        // One that is still under way stands for this one: a target that hangs gathers none.
        if !self.errands.values().any(under_way) {
            let ticket = self.ticket(Errand::Heartbeat(heartbeat.target));
            let notification = Box::new(pseudo::heartbeat(&self.config.host, now));
            effects.push(Effect::Send { ticket, target, notification });
        }
    }

    /// Sends a target what is due, and has its note written.
    fn act_for(&mut self, name: &str, now: Moment, effects: &mut Vec<Effect>) {
        let now_us = now.mono_us as i64;
        let draft = self.draft_for(name, now);
        let sent = draft.map(|draft| {
            let ticket = self.ticket(Errand::Delivery(name.to_owned()));
            (ticket, draft)
        });
        let Some(addressee) = self.targets.get_mut(name) else { return };
        let send = sent.map(|(ticket, draft)| {
            let notification = Box::new(addressee.begin(draft, &self.alerts, ticket, now));
            Effect::Send { ticket, target: Arc::clone(&addressee.target), notification }
        });
        let is_due = match addressee.note {
            Noting::Current => false,
            Noting::At(time) => time <= now_us,
            Noting::Now => true,
        };
        if is_due {
            addressee.note = Noting::Current;
            let text = note::encode(addressee, |id| self.alerts.get(id));
            effects.push(Effect::Note { name: target_note(name), text });
        }
        effects.extend(send);
    }

    /// What a target is to be sent now, if anything is. Otherwise it is known when to look again.
    fn draft_for(&mut self, name: &str, now: Moment) -> Option<plan::Draft> {
        let now_us = now.mono_us as i64;
        let notify = self.config.notify.as_ref()?;
        let addressee = self.targets.get_mut(name)?;
        if addressee.under_way.is_some() || addressee.next_us.is_none_or(|next| next > now_us) {
            return None;
        }
        if addressee.retry_us > now_us {
            addressee.next_us = Some(addressee.retry_us);
            return None;
        }
        if let Some(until_us) = closed_until(&addressee.target, now) {
            addressee.next_us = until_us;
            return None;
        }
        let view =
            View { notify, target: &addressee.target, alerts: &self.alerts, muted: &self.muted, now_us };
        match plan::next(&addressee.ledger, &view) {
            Next::Message(draft) => return Some(draft),
            Next::At(time) => addressee.next_us = Some(time),
            Next::Nothing => addressee.next_us = None,
        }
        None
    }

    fn ticket(&mut self, errand: Errand) -> u64 {
        self.last_ticket += 1;
        self.errands.insert(self.last_ticket, errand);
        self.last_ticket
    }

    /// When [`Notifier::act`] is next wanted, on the monotonic clock (µs).
    pub fn next_wake_us(&self) -> Option<u64> {
        let of_targets = self.targets.values().flat_map(|addressee| {
            let note = match addressee.note {
                Noting::Current => None,
                Noting::At(time) => Some(time),
                Noting::Now => Some(i64::MIN),
            };
            [addressee.next_us, note]
        });
        let all = of_targets.chain([self.silence_us, self.heartbeat_us]).flatten();
        all.min().map(|time| u64::try_from(time).unwrap_or(0))
    }

    /// Takes a new configuration.
    pub fn reload(&mut self, config: Arc<Config>, now: Moment, effects: &mut Vec<Effect>) {
        let mut before = std::mem::take(&mut self.targets);
        self.config = Arc::clone(&config);
        for (name, target) in config.notify.iter().flat_map(|notify| &notify.targets) {
            let mut addressee =
                before.remove(name).unwrap_or_else(|| Addressee::new(Arc::clone(target), Ledger::default()));
            if addressee.target != *target {
                addressee.target = Arc::clone(target);
                addressee.retry_us = i64::MIN;
                // What it refused by its old definition, it may take now.
                let refused = |told: &super::ledger::Told| told.refused;
                for entry in addressee.ledger.entries.values_mut() {
                    entry.told.take_if(|told| refused(told));
                }
            }
            addressee.touch();
            self.targets.insert(name.clone(), addressee);
        }
        for name in before.into_keys() {
            effects.push(Effect::Note { name: target_note(&name), text: String::new() });
        }
        self.heartbeat_us =
            config.notify.as_ref().and_then(|notify| notify.heartbeat.as_ref()).map(|_| i64::MIN);
        let known =
            |check: &str| config.checks.contains_key(check) || config.own_checks().any(|own| own == check);
        self.troubles.keep(known);
        self.not_followed.retain(|check, _| known(check));
        self.end_undefined(now);
        for id in self.alerts.keys().cloned().collect::<Vec<_>>() {
            self.follow(&id, now);
        }
        self.stale = true;
    }

    /// Acknowledges the alerts that fire and fulfil conditions; returns them.
    ///
    /// # Errors
    /// There are none, or the remark is too long.
    pub fn ack(&mut self, matchers: &Matchers, remark: &Remark, now: Moment) -> Result<Vec<String>, String> {
        remark.check()?;
        let firing = self
            .alerts
            .iter()
            .filter(|(_, alert)| alert.ended_ms.is_none() && matchers.matches(&alert.labels));
        let ids: Vec<AlertId> = firing.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            return Err(
                "no alert that fires fulfils the conditions; one that is soft does not fire yet".to_owned()
            );
        }
        for id in &ids {
            self.acks.add(id.clone(), now.wall_ms, remark.clone());
        }
        (self.acks_noted, self.stale) = (false, true);
        Ok(ids.iter().map(AlertId::name).collect())
    }

    /// Takes acknowledgements back; returns their alerts.
    ///
    /// # Errors
    /// There are none.
    pub fn unack(&mut self, matchers: &Matchers) -> Result<Vec<String>, String> {
        let acked =
            self.alerts.iter().filter(|(id, alert)| self.acks.has(id) && matchers.matches(&alert.labels));
        let ids: Vec<AlertId> = acked.map(|(id, _)| id.clone()).collect();
        if ids.is_empty() {
            return Err("no alert that is acknowledged fulfils the conditions".to_owned());
        }
        for id in &ids {
            self.acks.remove(id);
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
        let addressee = self.targets.get(name).ok_or_else(|| format!("there is no target {name}"))?;
        let target = Arc::clone(&addressee.target);
        let notification = Box::new(pseudo::trial(&self.config.host, now));
        let ticket = self.ticket(Errand::Trial(asker));
        effects.push(Effect::Send { ticket, target, notification });
        Ok(())
    }

    /// The notes that are not written yet, for the end of the agent.
    pub fn last_notes(&mut self, effects: &mut Vec<Effect>) {
        for (name, addressee) in
            self.targets.iter_mut().filter(|(_, addressee)| addressee.note != Noting::Current)
        {
            addressee.note = Noting::Current;
            let text = note::encode(addressee, |id| self.alerts.get(id));
            effects.push(Effect::Note { name: target_note(name), text });
        }
        self.note_remarks(effects);
    }
}

impl AlertId {
    /// For people.
    pub(super) fn name(&self) -> String {
        if self.of.is_empty() { self.check.clone() } else { format!("{}{{{}}}", self.check, self.of) }
    }
}

/// Until when a target may not be told, by its hours: `None` if it may be told now. The inner option is none if that is for ever.
fn closed_until(target: &Target, now: Moment) -> Option<Option<i64>> {
    let standing = target.hours.as_ref()?.at(now.wall_ms);
    let until = |until_ms: i64| {
        (now.mono_us as i64).saturating_add(until_ms.saturating_sub(now.wall_ms).saturating_mul(1000))
    };
    (!standing.open).then(|| standing.until_ms.map(until))
}
