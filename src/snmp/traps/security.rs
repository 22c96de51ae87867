//! Who may send traps: communities of versions 1 and 2c, users of version 3, and what informs are answered.
//!
//! A trap of version 3 is protected with the keys and the clock of its sender's engine, an inform with those of this
//! agent's, which its sender asks for first. This engine counts its starts in seconds since 2020, so that the count
//! grows from start to start even if the note of it is lost; the note sees to it when the clock was set back.

use std::collections::HashMap;

use custos_compat::snmp::usm::{Keys, Level, MasterKeys, Outgoing, ReportKind, SecureMessage, TIME_WINDOW_S};
use custos_compat::snmp::{Body, Error, Message, Notification, Pdu, PduKind, Version};

use super::engines::{SharedEngines, Timeliness};
use super::refused::Refusal;
use crate::clock::Moment;
use crate::config::{SnmpAccess, SnmpUser, TrapsConfig};
use crate::limits::TRAPS_ENGINES_MAX;
use crate::lock::locked;

/// 2020-01-01, in seconds since the epoch.
const EPOCH_S: i64 = 1_577_836_800;
/// First bytes of an engine id that is a text, of no enterprise.
const TEXT_ENGINE_ID: [u8; 5] = [0x80, 0, 0, 0, 4];
/// Longest engine id.
const ENGINE_ID_MAX_BYTES: usize = 32;
/// Longest name of a user (RFC 3414, section 2.4).
const USER_MAX_BYTES: usize = 32;

/// What became of a packet.
#[derive(Debug)]
pub(super) enum Verdict {
    /// A notification of somebody who may send it, with the acknowledgement that is due to an inform.
    Accepted(Box<Notification>, Option<Vec<u8>>),
    /// Nothing to act on, and what the sender is told, if anything.
    Refused(Refusal, Option<Vec<u8>>),
}

/// A user, with the keys that its passphrases make.
#[derive(Debug)]
struct User {
    name: Vec<u8>,
    level: Level,
    keys: Option<MasterKeys>,
}

/// Who may send traps.
#[derive(Debug)]
pub(super) struct Security {
    communities: Vec<(Version, Box<[u8]>)>,
    users: Vec<User>,
    engine_id: Vec<u8>,
    boots: u32,
    started_us: u64,
    /// Messages sent, for salts that do not repeat.
    sent: u64,
    reports: u32,
    own_keys: Vec<Option<Keys>>,
    /// Keys of users (by index) at engines of senders, all verified.
    senders: HashMap<(usize, Box<[u8]>), Keys>,
    engines: SharedEngines,
}

impl Security {
    /// The communities and users of the profiles that traps are accepted by. What cannot be used is told in `faults`.
    pub(super) fn new(config: &TrapsConfig, host: &str, now: Moment, faults: &mut Vec<String>) -> Security {
        let mut communities = Vec::new();
        let mut users: Vec<User> = Vec::new();
        for profile in &config.profiles {
            match &profile.access {
                SnmpAccess::Community { version, community } => match community.bytes() {
                    Ok(bytes) => communities.push((*version, bytes.into())),
                    Err(why) => faults.push(why.to_owned()),
                },
                SnmpAccess::User(user) => match keyed(user) {
                    Ok(keyed) => users.push(keyed),
                    Err(why) => faults.push(format!("the user of profile `{}`: {why}", profile.name)),
                },
            }
        }
        let engine_id = match config.engine_id.as_slice() {
            [] => {
                let name = format!("custos-{host}").into_bytes();
                TEXT_ENGINE_ID.into_iter().chain(name).take(ENGINE_ID_MAX_BYTES).collect()
            }
            given => given.to_vec(),
        };
        let own_keys = users
            .iter()
            .map(|user| user.keys.as_ref().and_then(|keys| keys.localize(&engine_id).ok()))
            .collect();
        let boots = (now.wall_ms / 1000 - EPOCH_S).clamp(1, i64::from(i32::MAX) - 1);
        Security {
            communities,
            users,
            engine_id,
            boots: boots as u32,
            started_us: now.mono_us,
            sent: 0,
            reports: 0,
            own_keys,
            senders: HashMap::new(),
            engines: SharedEngines::default(),
        }
    }

    /// Goes on with what is known of engines. This one starts once more often than it was noted to.
    pub(super) fn with_engines(self, engines: SharedEngines) -> Security {
        let boots = locked(&engines).start_own(self.boots);
        Security { engines, boots, ..self }
    }

    /// What becomes of a packet.
    pub(super) fn judge(&mut self, packet: &[u8], now: Moment) -> Verdict {
        match Version::of(packet) {
            Ok(Version::V3) => match SecureMessage::read(packet) {
                Ok(message) => self.judge_secure(&message, now),
                Err(error) => malformed(error),
            },
            Ok(_) => self.judge_community(packet),
            Err(error) => malformed(error),
        }
    }

    fn judge_community(&self, packet: &[u8]) -> Verdict {
        let Message { version, community, body } = match Message::read(packet) {
            Ok(message) => message,
            Err(error) => return malformed(error),
        };
        // Each is compared, whichever fits, so that the time that this takes tells nothing.
        let is_known =
            |known: &[u8]| known.len() == community.len() && openssl::memcmp::eq(known, &community);
        let versions: Vec<Version> =
            self.communities.iter().filter(|(_, known)| is_known(known)).map(|(of, _)| *of).collect();
        if !versions.contains(&version) {
            let refusal = match versions.first() {
                Some(profile) => Refusal::Version { came: version, profile: *profile },
                None => Refusal::Community(version),
            };
            return Verdict::Refused(refusal, None);
        }
        let acknowledgement =
            inform(&body).map(|pdu| Message::write_pdu(version, &community, &pdu.acknowledgement()));
        match Notification::from_body(version, community, body) {
            Ok(notification) => Verdict::Accepted(Box::new(notification), acknowledgement),
            Err(error) => malformed(error),
        }
    }

    fn judge_secure(&mut self, message: &SecureMessage<'_>, now: Moment) -> Verdict {
        let own = message.engine_id == self.engine_id;
        if message.engine_id.is_empty() || message.reportable && !own {
            let reply = self.report(message, ReportKind::UnknownEngine, None, now);
            return Verdict::Refused(Refusal::Discovery, reply);
        }
        let index = self.users.iter().position(|user| user.name == message.user);
        let Some(index) = index else {
            let reply = self.report(message, ReportKind::UnknownUser, None, now);
            return Verdict::Refused(Refusal::User(user(message)), reply);
        };
        if message.level < self.users[index].level {
            let reply = self.report(message, ReportKind::UnsupportedLevel, None, now);
            return Verdict::Refused(Refusal::Level(user(message)), reply);
        }
        if own { self.judge_inform(message, index, now) } else { self.judge_trap(message, index, now) }
    }

    /// A message by the keys and the clock of this engine.
    fn judge_inform(&mut self, message: &SecureMessage<'_>, index: usize, now: Moment) -> Verdict {
        let keys = self.own_keys[index].as_ref();
        let scoped = match message.open(keys) {
            Ok(scoped) => scoped,
            Err(error) => return self.refuse(message, error, now),
        };
        let (boots, time) = self.clock(now);
        let timely = message.boots == boots && message.time.abs_diff(time) <= TIME_WINDOW_S;
        let signed = message.level > Level::NoAuth;
        if signed && !timely {
            let reply = self.report(message, ReportKind::NotInTimeWindow, Some(index), now);
            return Verdict::Refused(old(message, (boots, time)), reply);
        }
        let answer = inform(&scoped.body).map(Pdu::acknowledgement);
        let notification = match Notification::from_body(Version::V3, message.user.to_vec(), scoped.body) {
            Ok(notification) => notification,
            Err(error) => return malformed(error),
        };
        let context = (&scoped.context_engine_id[..], &scoped.context[..]);
        let reply =
            answer.and_then(|pdu| self.write(message, &pdu, signed.then_some(index), Some(context), now));
        if !signed {
            return Verdict::Accepted(Box::new(notification), reply);
        }
        let (own, time) = (&self.engine_id, (message.boots, message.time));
        match locked(&self.engines).judge_own(own, time, message.digest(), now.mono_s()) {
            Timeliness::New => Verdict::Accepted(Box::new(notification), reply),
            // Its sender did not get the acknowledgement, or somebody sends it again: nothing is done twice.
            Timeliness::Repeated => Verdict::Refused(Refusal::Repeated, reply),
            Timeliness::Old(heard) => Verdict::Refused(old(message, heard), None),
        }
    }

    /// A message by the keys and the clock of its sender.
    fn judge_trap(&mut self, message: &SecureMessage<'_>, index: usize, now: Moment) -> Verdict {
        let name = (index, Box::from(message.engine_id));
        let mut made = None;
        if !self.senders.contains_key(&name) {
            made = self.users[index].keys.as_ref().and_then(|keys| keys.localize(message.engine_id).ok());
        }
        let keys = self.senders.get(&name).or(made.as_ref());
        let scoped = match message.open(keys) {
            Ok(scoped) => scoped,
            Err(error) => return self.refuse(message, error, now),
        };
        // Only what was verified is remembered, so that nobody without a key fills the tables.
        let signed = message.level > Level::NoAuth;
        if let Some(keys) = made.filter(|_| signed) {
            if self.senders.len() >= TRAPS_ENGINES_MAX {
                self.senders.clear();
            }
            self.senders.insert(name, keys);
        }
        if signed {
            let time = (message.boots, message.time);
            let judged = locked(&self.engines).judge(message.engine_id, time, message.digest(), now.mono_s());
            match judged {
                Timeliness::New => {}
                Timeliness::Repeated => {
                    return Verdict::Refused(Refusal::Replayed(hex(message.engine_id)), None);
                }
                Timeliness::Old(heard) => return Verdict::Refused(old(message, heard), None),
            }
        }
        match Notification::from_body(Version::V3, message.user.to_vec(), scoped.body) {
            Ok(notification) => Verdict::Accepted(Box::new(notification), None),
            Err(error) => malformed(error),
        }
    }

    fn refuse(&mut self, message: &SecureMessage<'_>, error: Error, now: Moment) -> Verdict {
        let (refusal, kind) = match error {
            Error::Digest => (Refusal::Digest(user(message), error), ReportKind::WrongDigest),
            Error::Decryption | Error::Crypto => {
                (Refusal::Digest(user(message), error), ReportKind::DecryptionError)
            }
            Error::Security => (Refusal::Level(user(message)), ReportKind::UnsupportedLevel),
            _ => return malformed(error),
        };
        Verdict::Refused(refusal, self.report(message, kind, None, now))
    }

    /// What the sender is told of a message that is not processed, if it wants to be.
    fn report(
        &mut self,
        message: &SecureMessage<'_>,
        kind: ReportKind,
        user: Option<usize>,
        now: Moment,
    ) -> Option<Vec<u8>> {
        if !message.reportable {
            return None;
        }
        self.reports = self.reports.wrapping_add(1);
        let pdu = kind.to_pdu(0, self.reports);
        self.write(message, &pdu, user, None, now)
    }

    /// An answer to a message, protected with the keys of a user if one is given.
    fn write(
        &mut self,
        message: &SecureMessage<'_>,
        pdu: &Pdu,
        user: Option<usize>,
        context: Option<(&[u8], &[u8])>,
        now: Moment,
    ) -> Option<Vec<u8>> {
        let (boots, time) = self.clock(now);
        self.sent += 1;
        // Of this engine itself, unless the message was about another.
        let (context_engine_id, context) = context.unwrap_or((&self.engine_id, b""));
        let outgoing = Outgoing {
            msg_id: message.msg_id,
            reportable: false,
            engine_id: &self.engine_id,
            boots,
            time,
            user: message.user,
            keys: user.and_then(|index| self.own_keys[index].as_ref()),
            salt: u64::from(boots) << 32 | self.sent & 0xffff_ffff,
            context,
            pdu,
        };
        outgoing.write_of(context_engine_id).ok()
    }

    /// The clock of this engine.
    fn clock(&self, now: Moment) -> (u32, u32) {
        let time_s = now.mono_us.saturating_sub(self.started_us) / 1_000_000;
        (self.boots, u32::try_from(time_s).unwrap_or(u32::MAX).min(i32::MAX as u32))
    }
}

fn malformed(error: Error) -> Verdict {
    Verdict::Refused(Refusal::Malformed(error), None)
}

fn old(message: &SecureMessage<'_>, heard: (u32, u32)) -> Refusal {
    let engine = hex(message.engine_id);
    Refusal::Old { engine, time: (message.boots, message.time), heard }
}

/// The user that a message claims, as it may be shown.
fn user(message: &SecureMessage<'_>) -> String {
    let known = &message.user[..message.user.len().min(USER_MAX_BYTES)];
    format!("{:?}", String::from_utf8_lossy(known))
}

fn hex(engine_id: &[u8]) -> String {
    let known = engine_id.iter().take(ENGINE_ID_MAX_BYTES);
    known.fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

fn inform(body: &Body) -> Option<&Pdu> {
    match body {
        Body::Pdu(pdu) if pdu.kind == PduKind::Inform => Some(pdu),
        _ => None,
    }
}

fn keyed(user: &SnmpUser) -> Result<User, String> {
    let name = user.name.clone().into_bytes();
    let Some((auth, passphrase)) = &user.auth else {
        return Ok(User { name, level: Level::NoAuth, keys: None });
    };
    let privacy = match &user.privacy {
        Some((protocol, passphrase)) => Some((*protocol, passphrase.bytes()?)),
        None => None,
    };
    let level = if privacy.is_some() { Level::AuthPriv } else { Level::Auth };
    let keys = MasterKeys::derive(*auth, passphrase.bytes()?, privacy).map_err(|error| error.to_string())?;
    Ok(User { name, level, keys: Some(keys) })
}
