//! The notifier: follows the alerts of judged runs, and decides what is owed to which target, and when it is sent.
//!
//! Invariants: a target has one delivery under way at most. What is owed is in the store before it is sent, and what was acknowledged as
//! soon as that is known, so that after a restart nothing is lost, and nothing is sent twice that was acknowledged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::addressee::{Addressee, Noting};
use super::alert::{Alert, AlertId};
use super::handler::Handlers;
use super::ledger::Ledger;
use super::muted::{Mute, Reasons, muted};
use super::note::{self, ACKS_NOTE, NoteText, SILENCES_NOTE};
use super::noted::Noted;
use super::notification::Notification;
use super::plan::{self, Next, View};
use super::pseudo;
use super::receiver::{receivers, target_note};
use super::send::Taken;
use super::silence::{Acks, Silences};
use super::telling::{Telling, telling};
use super::trouble::Troubles;
use super::withheld::Withheld;
use crate::clock::{Moment, micros};
use crate::config::{Config, Target};

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
        /// What must be in the store before, so that the end is told whatever happens meanwhile.
        first: Option<Note>,
    },
    /// Keep a note in the store.
    Note(Note),
    /// Keep for ever who was told of what.
    Keep(Box<Telling>),
    /// A trial ended.
    Tried {
        /// Who asked for it.
        asker: u64,
        /// How it went, in words for whoever asked if not all is well.
        result: Result<(), String>,
    },
}

/// A note for the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: NoteText,
}

/// What a ticket is for.
#[derive(Debug)]
pub(super) enum Errand {
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
    pub(super) alerts: BTreeMap<AlertId, Arc<Alert>>,
    /// Bytes that these take in a note at most.
    pub(super) noted_bytes: usize,
    pub(super) silences: Silences,
    pub(super) acks: Acks,
    pub(super) handlers: Handlers,
    pub(super) muted: HashMap<AlertId, Mute>,
    /// Alerts that fire and are not followed, by check, as there are too many.
    pub(super) not_followed: BTreeMap<String, u64>,
    pub(super) troubles: Troubles,
    /// Whether what is muted has to be found out anew.
    pub(super) stale: bool,
    /// When a silence begins or ends next, on the monotonic clock (µs).
    silence_us: Option<i64>,
    heartbeat_us: Option<i64>,
    pub(super) errands: HashMap<u64, Errand>,
    pub(super) last_ticket: u64,
    pub(super) silences_noted: bool,
    pub(super) acks_noted: bool,
    /// What the notes that could not be read mean, by their names.
    pub(super) unreadable: BTreeMap<String, String>,
    /// Whether nothing more is sent, as the agent ends.
    pub(super) stopping: bool,
    /// What was heard so far, if nobody is to be told yet.
    pub(super) withheld: Option<Withheld>,
    /// The time of what was kept last of who was told (ms since the epoch).
    kept_ms: i64,
}

impl Notifier {
    /// A notifier that goes on from notes. Hand it the last run of each check next.
    pub fn new(config: Arc<Config>, noted: &Noted, now: Moment) -> Notifier {
        let mut notifier = Notifier {
            config: Arc::clone(&config),
            targets: BTreeMap::new(),
            alerts: BTreeMap::new(),
            noted_bytes: 0,
            silences: noted.silences(),
            acks: Acks::restore(noted.acks()),
            unreadable: noted.faults(),
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
            withheld: None,
            kept_ms: i64::MIN,
        };
        for (name, target) in receivers(&config) {
            let text = noted.targets.get(&name).map(Vec::as_slice).unwrap_or_default();
            notifier.restore(name, target, note::decode(text, now).unwrap_or_default());
        }
        notifier.end_undefined(now);
        notifier
    }

    fn restore(&mut self, name: String, target: Arc<Target>, restored: note::Restored) {
        let mut ledger = Ledger::default();
        for (id, alert, entry) in restored.alerts {
            ledger.entries.insert(id.clone(), entry);
            match self.alerts.get_mut(&id) {
                // Of what several targets know, the newest counts.
                Some(known) if known.changed_ms >= alert.changed_ms => {}
                Some(known) => *known = Arc::new(Alert { noted_len: known.noted_len, ..alert }),
                None => {
                    self.noted_bytes += alert.noted_len;
                    self.alerts.insert(id, Arc::new(alert));
                }
            }
        }
        let mut addressee = Addressee::new(name.clone(), target, ledger);
        addressee.last_success_ms = restored.last_success_ms;
        (addressee.delivered, addressee.failed, addressee.refused) =
            (restored.delivered, restored.failed, restored.refused);
        self.targets.insert(name, addressee);
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
                let result = why.map_or(Ok(()), |why| Err(format!("the target was not told: {why}")));
                effects.push(Effect::Tried { asker, result });
            }
            Some(Errand::Handler(check)) => self.handlers.ended(&check, why),
            Some(Errand::Heartbeat(name)) => {
                for addressee in self.targets.values_mut().filter(|addressee| addressee.target.name == name) {
                    match why.clone() {
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
                for ended in addressee.end(outcomes, now) {
                    let id = &ended.item.id;
                    // In the store a millisecond has one run of a name.
                    let time_ms = now.wall_ms.max(self.kept_ms.saturating_add(1));
                    if let Some(told) = telling(&name, &ended, self.alerts.get(id).map(Arc::as_ref), time_ms)
                    {
                        self.kept_ms = time_ms;
                        effects.push(Effect::Keep(Box::new(told)));
                    }
                    self.follow(id, now);
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
        if self.stopping || self.is_withheld() || !self.is_due(now) {
            return;
        }
        self.find_muted(now);
        for wanted in self.handlers.take() {
            let ticket = self.ticket(Errand::Handler(wanted.check));
            let (target, notification) = (wanted.target, wanted.notification);
            effects.push(Effect::Send { ticket, target, notification, first: None });
        }
        self.beat(now, effects);
        let names: Vec<String> = self.targets.keys().cloned().collect();
        for name in names {
            self.act_for(&name, now, effects);
        }
        effects.extend(self.remark_notes().into_iter().map(Effect::Note));
    }

    /// The notes of silences and acknowledgements, if they changed since they were handed out.
    pub fn remark_notes(&mut self) -> Vec<Note> {
        let mut notes = Vec::new();
        if !std::mem::replace(&mut self.silences_noted, true) {
            let text = serde_json::to_string(&self.silences.noted()).unwrap_or_default();
            notes.push(Note { name: SILENCES_NOTE.to_owned(), text: text.into() });
        }
        if !std::mem::replace(&mut self.acks_noted, true) {
            let text = serde_json::to_string(&self.acks.list()).unwrap_or_default();
            notes.push(Note { name: ACKS_NOTE.to_owned(), text: text.into() });
        }
        // What stands there from now on can be read.
        notes.iter().for_each(|note| drop(self.unreadable.remove(&note.name)));
        notes
    }

    /// Finds out what is muted, if that may have changed.
    pub(super) fn find_muted(&mut self, now: Moment) {
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
            let before = std::mem::replace(&mut self.muted, found);
            let freed: Vec<&AlertId> = before.keys().filter(|id| !self.muted.contains_key(*id)).collect();
            for addressee in self.targets.values_mut() {
                freed.iter().for_each(|id| addressee.ledger.free(id, now));
                addressee.touch();
            }
        }
    }

    /// Sends the heartbeat when it is due.
    fn beat(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(heartbeat) = self.config.notify.as_ref().and_then(|notify| notify.heartbeat.clone()) else {
            return;
        };
        let due = self.heartbeat_us.is_some_and(|due| due <= now.mono_us as i64);
        let under_way = |errand: &Errand| matches!(errand, Errand::Heartbeat(_));
        let target = self.config.notify.as_ref().and_then(|notify| notify.targets.get(&heartbeat.target));
        let Some(target) = target.filter(|_| due).map(Arc::clone) else { return };
        self.heartbeat_us = Some((now.mono_us + micros(heartbeat.interval)) as i64);
        // One that is still under way stands for this one: a target that hangs gathers none.
        if !self.errands.values().any(under_way) {
            let ticket = self.ticket(Errand::Heartbeat(heartbeat.target));
            let notification = Box::new(pseudo::heartbeat(&self.config.host, now));
            effects.push(Effect::Send { ticket, target, notification, first: None });
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
        let send =
            sent.map(|(ticket, draft)| (ticket, Box::new(addressee.begin(draft, &self.alerts, ticket, now))));
        let is_due = match addressee.note {
            Noting::Current => false,
            Noting::At(time) => time <= now_us,
            Noting::Now => true,
        };
        let urgent = addressee.under_way.as_ref().is_some_and(|delivery| delivery.urgent);
        let target = Arc::clone(&addressee.target);
        let mut note = is_due.then(|| self.note_of(name)).flatten();
        let first = note.take_if(|_| send.is_some() && urgent);
        effects.extend(note.map(Effect::Note));
        effects.extend(send.map(|(ticket, notification)| Effect::Send {
            ticket,
            target,
            notification,
            first,
        }));
    }

    /// The note of a target as it stands.
    fn note_of(&mut self, name: &str) -> Option<Note> {
        let addressee = self.targets.get_mut(name)?;
        addressee.note = Noting::Current;
        let text = NoteText::of(addressee, &self.alerts);
        let name = target_note(name);
        // What stands there from now on can be read.
        self.unreadable.remove(&name);
        Some(Note { name, text })
    }

    /// What a target is to be sent now, if anything is. Otherwise it is known when to look again.
    fn draft_for(&mut self, name: &str, now: Moment) -> Option<plan::Draft> {
        let now_us = now.mono_us as i64;
        let notify = self.config.notify.as_ref()?;
        let addressee = self.targets.get_mut(name)?;
        if addressee.next_us.is_none_or(|next| next > now_us) {
            return None;
        }
        let target = Arc::clone(&addressee.target);
        // A delivery under way ends after its hours have, perhaps.
        if let Some(until_us) = closed_until(&target, now) {
            addressee.next_us = until_us;
            addressee.open_us = until_us.unwrap_or(i64::MAX);
            return None;
        }
        let view = View { notify, target: &target, alerts: &self.alerts, muted: &self.muted, now_us };
        if addressee.under_way.is_some() || addressee.retry_us > now_us {
            let (due, more_us) = plan::due(&addressee.ledger, &view);
            addressee.hold(due, more_us, now_us);
            return None;
        }
        match plan::next(&addressee.ledger, &view) {
            Next::Message(draft) => return Some(draft),
            Next::At(time) => addressee.next_us = Some(time),
            Next::Nothing => addressee.next_us = None,
        }
        None
    }

    pub(super) fn ticket(&mut self, errand: Errand) -> u64 {
        self.last_ticket += 1;
        self.errands.insert(self.last_ticket, errand);
        self.last_ticket
    }

    /// When [`Notifier::act`] is next wanted, on the monotonic clock (µs).
    pub fn next_wake_us(&self) -> Option<u64> {
        if self.is_withheld() {
            return None;
        }
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
        if self.reload_withheld(&config) {
            return;
        }
        let mut before = std::mem::take(&mut self.targets);
        self.config = Arc::clone(&config);
        for (name, target) in receivers(&config) {
            let mut addressee = before
                .remove(&name)
                .unwrap_or_else(|| Addressee::new(name.clone(), Arc::clone(&target), Ledger::default()));
            if addressee.target != target {
                addressee.target = target;
                (addressee.retry_us, addressee.open_us) = (i64::MIN, i64::MIN);
                // What it refused by its old definition, it may take now.
                let refused = |told: &super::ledger::Told| told.refused;
                for entry in addressee.ledger.entries.values_mut() {
                    entry.told.take_if(|told| refused(told));
                }
            }
            addressee.touch();
            self.targets.insert(name, addressee);
        }
        for name in before.into_keys() {
            let name = target_note(&name);
            self.unreadable.remove(&name);
            effects.push(Effect::Note(Note { name, text: String::new().into() }));
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

    /// The notes that are not written yet, for the end of the agent.
    pub fn last_notes(&mut self, effects: &mut Vec<Effect>) {
        if self.is_withheld() {
            return;
        }
        let stale = self.targets.iter().filter(|(_, addressee)| addressee.note != Noting::Current);
        for name in stale.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            effects.extend(self.note_of(&name).map(Effect::Note));
        }
        effects.extend(self.remark_notes().into_iter().map(Effect::Note));
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
