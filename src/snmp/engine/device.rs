//! What is known of one device: its engine and keys in version 3, its uptime, and who waits for it.

use std::collections::VecDeque;
use std::sync::Arc;

use custos_compat::snmp::usm::{self, Keys, Level, Outgoing, ReportKind, SecureMessage};
use custos_compat::snmp::{Body, Error, Message, Pdu, PduKind, Version};

use super::manner::Manner;
use super::request::Request;
use crate::clock::Moment;
use crate::snmp::flaw::Flaw;
use crate::snmp::target::Credentials;

/// Lengths that an engine id may have (RFC 3411, section 5).
const ENGINE_ID_LEN: std::ops::RangeInclusive<usize> = 5..=32;
/// Hundredths of a second by which an uptime may be before its expected end of 32 bits and still have wrapped.
const WRAP_SLACK_TICKS: u64 = 360_000;

/// A device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) credentials: Arc<Credentials>,
    /// Its engine, once it said who it is.
    engine: Option<EngineState>,
    /// Conversations under way.
    pub(super) under_way: usize,
    /// Polls that wait for one of them to end.
    pub(super) waiting: VecDeque<u64>,
    uptime: Option<(u32, u64)>,
    /// In which manner it is asked for columns.
    pub(super) manner: Manner,
}

#[derive(Debug)]
struct EngineState {
    id: Vec<u8>,
    clock: usm::Engine,
    /// Whether the clock comes from a message whose digest was verified.
    verified: bool,
    keys: Option<Keys>,
}

/// What a message of version 3 turned out to be.
#[derive(Debug)]
pub(super) enum Heard {
    /// The answer.
    Answer(Pdu),
    /// The engine or its clock is known now: the request is to be sent, again.
    Learned,
    /// The device refuses the request.
    Refused(ReportKind),
    /// Not to be believed, and why.
    Unauthentic(Flaw),
    /// It makes no sense, and why.
    Malformed(Flaw),
}

impl Device {
    pub(super) fn new(credentials: Arc<Credentials>) -> Device {
        Device {
            credentials,
            engine: None,
            under_way: 0,
            waiting: VecDeque::new(),
            uptime: None,
            manner: Manner::default(),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way == 0 && self.waiting.is_empty()
    }

    /// The bytes of a request, or of the question who the device is.
    pub(super) fn write(&self, request: &Request, id: i32, salt: u64, now: Moment) -> Result<Vec<u8>, Error> {
        let (name, context) = match &*self.credentials {
            Credentials::Community { version, community } => {
                return Ok(Message::write_pdu(*version, community, &request.to_pdu(i64::from(id))));
            }
            Credentials::User { name, context, .. } => (name, context),
        };
        let Some(engine) = &self.engine else {
            let pdu = Pdu::request(PduKind::Get, i64::from(id), []);
            let discovery = Outgoing {
                msg_id: id,
                reportable: true,
                engine_id: &[],
                boots: 0,
                time: 0,
                user: &[],
                keys: None,
                salt,
                context: &[],
                pdu: &pdu,
            };
            return discovery.write();
        };
        let (boots, time) = engine.clock.now(now.mono_s());
        let pdu = request.to_pdu(i64::from(id));
        let outgoing = Outgoing {
            msg_id: id,
            reportable: true,
            engine_id: &engine.id,
            boots,
            time,
            user: name,
            keys: engine.keys.as_ref(),
            salt,
            context,
            pdu: &pdu,
        };
        outgoing.write()
    }

    /// Judges a message of version 3 that has the id of a request to this device.
    pub(super) fn hear(&mut self, message: &SecureMessage<'_>, now: Moment) -> Heard {
        let Credentials::User { keys: master, .. } = &*self.credentials else {
            return Heard::Unauthentic(Flaw::OtherVersion(Version::V3));
        };
        let Some(engine) = &mut self.engine else {
            // Whatever the device says first tells its engine id; nothing but a report can be expected.
            if message.level != Level::NoAuth || !ENGINE_ID_LEN.contains(&message.engine_id.len()) {
                return Heard::Malformed(Flaw::NoEngineId);
            }
            let keys = match master.as_ref().map(|master| master.localize(message.engine_id)).transpose() {
                Ok(keys) => keys,
                Err(error) => return Heard::Malformed(Flaw::Unreadable(error)),
            };
            let clock = usm::Engine::heard(message.boots, message.time, now.mono_s());
            self.engine = Some(EngineState { id: message.engine_id.to_vec(), clock, verified: false, keys });
            return Heard::Learned;
        };
        let scoped = match message.open(engine.keys.as_ref().filter(|_| message.engine_id == engine.id)) {
            Ok(scoped) => scoped,
            Err(error @ (Error::Digest | Error::Decryption | Error::Security)) => {
                return Heard::Unauthentic(Flaw::Unreadable(error));
            }
            Err(error) => return Heard::Malformed(Flaw::Unreadable(error)),
        };
        let Body::Pdu(pdu) = scoped.body else { return Heard::Malformed(Flaw::NoResponse) };
        let report = ReportKind::of(&pdu);
        if message.level == Level::NoAuth && self.credentials.level() > Level::NoAuth {
            // Reports about users and digests cannot be signed. They carry the request's random id.
            return match report {
                Some(ReportKind::UnknownEngine) => {
                    self.engine = None;
                    Heard::Learned
                }
                Some(ReportKind::NotInTimeWindow) if !engine.verified => {
                    engine.clock = usm::Engine::heard(message.boots, message.time, now.mono_s());
                    Heard::Learned
                }
                Some(kind) => Heard::Refused(kind),
                None => Heard::Unauthentic(Flaw::LessProtected),
            };
        }
        if message.level > Level::NoAuth {
            if report == Some(ReportKind::NotInTimeWindow) || !engine.verified {
                engine.clock = usm::Engine::heard(message.boots, message.time, now.mono_s());
                engine.verified = true;
            } else if !engine.clock.accept(message.boots, message.time, now.mono_s()) {
                return Heard::Unauthentic(Flaw::Old);
            }
        }
        match (report, pdu.kind) {
            (Some(ReportKind::NotInTimeWindow), _) => Heard::Learned,
            (Some(ReportKind::UnknownEngine), _) => {
                self.engine = None;
                Heard::Learned
            }
            (Some(kind), _) => Heard::Refused(kind),
            (None, PduKind::Response) if message.level < self.credentials.level() => {
                Heard::Unauthentic(Flaw::LessProtected)
            }
            (None, PduKind::Response) => Heard::Answer(pdu),
            (None, _) => Heard::Malformed(Flaw::NoResponse),
        }
    }

    /// Takes an uptime; returns whether the device was started anew since the one before.
    pub(super) fn take_uptime(&mut self, ticks: u32, now: Moment) -> bool {
        let before = self.uptime.replace((ticks, now.mono_us));
        before.is_some_and(|(old, at_us)| {
            let passed = now.mono_us.saturating_sub(at_us) / 10_000;
            let wrapped = u64::from(old) + passed + WRAP_SLACK_TICKS > u64::from(u32::MAX);
            ticks < old && !wrapped
        })
    }

    /// Remembers in which manner it was best asked. After a new start it may be another program that answers.
    pub(super) fn learn(&mut self, manner: Option<Manner>, restarted: bool) {
        self.manner = match manner {
            _ if restarted => Manner::default(),
            Some(manner) => self.manner.max(manner),
            None => self.manner,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_that_goes_back_is_a_new_start_unless_it_wrapped() {
        let credentials = Credentials::Community { version: Version::V2c, community: Vec::new() };
        let mut device = Device::new(Arc::new(credentials));
        let at = |mono_us| Moment { mono_us, wall_ms: 0 };
        assert!(!device.take_uptime(1000, at(0)));
        assert!(!device.take_uptime(2000, at(10_000_000)));
        assert!(device.take_uptime(1999, at(20_000_000)));
        assert!(!device.take_uptime(u32::MAX - 10, at(30_000_000)));
        assert!(!device.take_uptime(90, at(31_000_000)));
    }
}
