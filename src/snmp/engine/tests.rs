//! The poller beside a device that answers as its script says, over a wire without time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::usm::{
    AuthProtocol, Keys, Level, MasterKeys, Outgoing, PrivProtocol, ReportKind, SecureMessage,
};
use custos_compat::snmp::{Body, Message, Oid, Pdu, PduKind, Value, Version};

use super::{Engine, Poll};
use crate::clock::Moment;
use crate::limits::SNMP_DEVICE_POLLS_MAX;
use crate::snmp::{Answer, Answers, Credentials, Failure, Found, Question, Target};

const ENGINE_ID: &[u8] = b"\x80\0\x1f\x88\x04device";

fn at(ms: u64) -> Moment {
    Moment { mono_us: 1_000_000_000 + ms * 1000, wall_ms: 0 }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 161))
}

fn oid() -> Oid {
    Oid::from_ids([1, 3, 6, 1, 4, 1, 9, 1])
}

fn community() -> Arc<Credentials> {
    Arc::new(Credentials::Community { version: Version::V2c, community: b"public".to_vec() })
}

fn user(level: Level) -> Arc<Credentials> {
    let privacy = (level == Level::AuthPriv).then_some((PrivProtocol::Aes128, &b"private passphrase"[..]));
    let keys = MasterKeys::derive(AuthProtocol::Sha256, b"auth passphrase", privacy).unwrap();
    let keys = (level > Level::NoAuth).then_some(keys);
    Arc::new(Credentials::User { name: b"mon".to_vec(), context: Vec::new(), keys })
}

fn poll(ticket: u64, credentials: &Arc<Credentials>, device: u8) -> Poll {
    Poll {
        ticket,
        target: Target {
            address: address(device),
            credentials: Arc::clone(credentials),
            timeout: Duration::from_secs(1),
            retries: 2,
            max_repetitions: 25,
            answers: Answers::default(),
        },
        question: Question::Get(vec![oid()]),
        deadline_us: at(60_000).mono_us,
    }
}

/// The one datagram that the poller wants to send.
fn sent(engine: &mut Engine) -> Vec<u8> {
    let mut outbox = engine.take_outbox();
    assert_eq!(outbox.len(), 1);
    outbox.remove(0).1
}

fn respond(pdu: &Pdu) -> Pdu {
    let mut pdu = Pdu { kind: PduKind::Response, ..pdu.clone() };
    for varbind in &mut pdu.varbinds {
        varbind.value =
            if varbind.oid == oid() { Value::Counter64(u64::MAX / 3) } else { Value::TimeTicks(100) };
    }
    pdu
}

/// What a device of version 2c answers.
fn answer(packet: &[u8]) -> Vec<u8> {
    let mut message = Message::read(packet).unwrap();
    let Body::Pdu(pdu) = &message.body else { panic!("no request") };
    message.body = Body::Pdu(respond(pdu));
    message.write()
}

fn expect_value(answer: &Answer) {
    assert_eq!(answer.found, Found::Values(vec![Ok(Value::Counter64(u64::MAX / 3))]));
}

#[test]
fn only_the_answer_to_its_own_request_ends_a_poll() {
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &community(), 1), at(0));
    let request = sent(&mut engine);
    let reply = answer(&request);
    engine.datagram(address(2), &reply, at(10));
    assert_eq!(engine.counters().strangers, 1);
    let mut forged = Message::read(&reply).unwrap();
    let Body::Pdu(pdu) = &mut forged.body else { panic!("no response") };
    pdu.request_id ^= 1;
    engine.datagram(address(1), &forged.write(), at(10));
    assert_eq!(engine.counters().unknown, 1);
    let mut other = Message::read(&reply).unwrap();
    other.community = b"secret".to_vec();
    engine.datagram(address(1), &other.write(), at(10));
    assert_eq!(engine.counters().unauthentic, 1);
    for garbage in [&[][..], &[0x30], &reply[..reply.len() - 1], &request, b"hello"] {
        engine.datagram(address(1), garbage, at(10));
    }
    assert_eq!(engine.counters().malformed, 5);
    assert_eq!((engine.take_done().len(), engine.under_way()), (0, 1));
    engine.datagram(address(1), &reply, at(10));
    let done = engine.take_done();
    expect_value(done[0].1.as_ref().unwrap());
    engine.datagram(address(1), &reply, at(11));
    assert_eq!((engine.counters().late, engine.under_way(), engine.next_due_us()), (1, 0, None));
}

#[test]
fn silence_is_met_with_more_patience_each_time_and_then_told() {
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &community(), 1), at(0));
    let first = sent(&mut engine);
    let mut waits = Vec::new();
    let mut before_us = at(0).mono_us;
    while let Some(due_us) = engine.next_due_us() {
        waits.push((due_us - before_us) / 1000);
        before_us = due_us;
        engine.tick(Moment { mono_us: due_us, wall_ms: 0 });
        for (to, again) in engine.take_outbox() {
            assert_eq!((to, &again), (address(1), &first), "a repetition is the same request");
        }
    }
    assert_eq!(waits, [1000, 2000, 4000]);
    assert_eq!(engine.take_done(), [(1, Err(Failure::NoAnswer { attempts: 3 }))]);
    assert_eq!((engine.counters().retries, engine.counters().failed), (2, 1));
}

#[test]
fn an_answer_to_the_first_request_is_taken_after_a_repetition() {
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &community(), 1), at(0));
    let first = sent(&mut engine);
    engine.tick(at(1000));
    engine.datagram(address(1), &answer(&first), at(1001));
    let done = engine.take_done();
    let found = done[0].1.as_ref().unwrap();
    assert_eq!((found.requests, found.retries), (2, 1));
}

#[test]
fn the_deadline_of_a_poll_is_kept_while_it_waits_too() {
    let mut engine = Engine::new(7);
    let credentials = community();
    for ticket in 0..3 {
        engine.submit(Poll { deadline_us: at(500).mono_us, ..poll(ticket, &credentials, 1) }, at(0));
    }
    engine.submit(poll(9, &credentials, 2), at(0));
    assert_eq!(engine.take_outbox().len(), SNMP_DEVICE_POLLS_MAX + 1);
    engine.tick(at(500));
    let mut done = engine.take_done();
    done.sort_by_key(|(ticket, _)| *ticket);
    assert_eq!(done.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(done.iter().all(|(_, outcome)| matches!(outcome, Err(Failure::NoAnswer { .. }))));
    assert_eq!(engine.under_way(), 1);
}

/// What a device sends back, and from where.
type Reply = (SocketAddr, Vec<u8>);

/// Ends a poll whose device sends this back each time.
fn ended(poll: Poll, answer: impl Fn(&[u8]) -> Reply) -> Result<Answer, Failure> {
    let mut engine = Engine::new(7);
    engine.submit(poll, at(0));
    let mut now = at(0);
    loop {
        for (_, request) in engine.take_outbox() {
            let (from, reply) = answer(&request);
            engine.datagram(from, &reply, now);
        }
        if let Some((_, outcome)) = engine.take_done().pop() {
            return outcome;
        }
        now.mono_us = engine.next_due_us().unwrap();
        engine.tick(now);
    }
}

fn changed(request: &[u8], change: impl Fn(&mut Message, &mut Pdu)) -> Vec<u8> {
    let mut message = Message::read(&answer(request)).unwrap();
    let Body::Pdu(mut pdu) = message.body.clone() else { panic!("no response") };
    change(&mut message, &mut pdu);
    message.body = Body::Pdu(pdu);
    message.write()
}

#[test]
fn what_came_and_was_no_answer_is_told() {
    let own = address(1);
    let unusable =
        |answer: &dyn Fn(&[u8]) -> Reply| ended(poll(1, &community(), 1), answer).unwrap_err().to_string();
    for (text, found) in [
        (
            "the device answered, but the packet is malformed at byte 0: a length points beyond the end",
            unusable(&|request| (own, answer(request)[..40].to_vec())),
        ),
        (
            "the device answered, but the packet is malformed at byte 5: NULL where OCTET STRING should be",
            unusable(&|request| {
                let mut reply = answer(request);
                reply[5] = 5;
                (own, reply)
            }),
        ),
        ("the device answered, but not with a response", unusable(&|request| (own, request.to_vec()))),
        (
            "the device answered from 192.0.2.2:161, which was not asked; `answers_from: any` in the profile takes that",
            unusable(&|request| (address(2), answer(request))),
        ),
        (
            "the device answered from 192.0.2.1:1161, which was not asked; `answers_from: any` in the profile takes that",
            unusable(&|request| (SocketAddr::from(([192, 0, 2, 1], 1161)), answer(request))),
        ),
        (
            "the device answered with another community than it was asked with; `answers_community: any` in the profile \
             takes that",
            unusable(&|request| (own, changed(request, |message, _| message.community = b"hush".to_vec()))),
        ),
        (
            "the device answered in version 1",
            unusable(&|request| (own, changed(request, |message, _| message.version = Version::V1))),
        ),
        (
            "the device answered with the id 5, which no request has",
            unusable(&|request| (own, changed(request, |_, pdu| pdu.request_id = 5))),
        ),
    ] {
        assert_eq!(found, format!("{text}, asked 3 times"));
    }
}

#[test]
fn a_profile_may_take_answers_from_anywhere_and_with_any_community() {
    let with = |answers| {
        let mut poll = poll(1, &community(), 1);
        poll.target.answers = answers;
        poll
    };
    let any_address = Answers { from_any_address: true, with_any_community: false };
    let any_community = Answers { from_any_address: false, with_any_community: true };
    let elsewhere = |request: &[u8]| (address(2), answer(request));
    let otherwise =
        |request: &[u8]| (address(1), changed(request, |message, _| message.community = b"x".to_vec()));
    expect_value(&ended(with(any_address), elsewhere).unwrap());
    expect_value(&ended(with(any_community), otherwise).unwrap());
    assert!(ended(with(any_address), otherwise).is_err());
    assert!(ended(with(any_community), elsewhere).is_err());
}

#[test]
fn silence_is_silence_even_if_others_speak() {
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &community(), 1), at(0));
    let request = sent(&mut engine);
    // Of another device, and of an earlier request.
    engine.datagram(address(2), b"garbage", at(1));
    engine.submit(poll(2, &community(), 2), at(1));
    let other = sent(&mut engine);
    engine.datagram(address(2), &answer(&other), at(2));
    engine.datagram(address(2), &answer(&other), at(3));
    drop(request);
    assert_eq!(engine.take_done().len(), 1);
    while let Some(due_us) = engine.next_due_us() {
        engine.tick(Moment { mono_us: due_us, wall_ms: 0 });
    }
    assert_eq!(engine.take_done(), [(1, Err(Failure::NoAnswer { attempts: 3 }))]);
}

/// A device of version 3.
struct Secure {
    keys: Option<Keys>,
    boots: u32,
    time: u32,
}

impl Secure {
    fn new(credentials: &Credentials) -> Secure {
        let Credentials::User { keys, .. } = credentials else { panic!("no user") };
        let keys = keys.as_ref().map(|keys| keys.localize(ENGINE_ID).unwrap());
        Secure { keys, boots: 5, time: 7000 }
    }

    fn write(&self, msg_id: i32, keys: Option<&Keys>, pdu: &Pdu) -> Vec<u8> {
        let message = Outgoing {
            msg_id,
            reportable: false,
            engine_id: ENGINE_ID,
            boots: self.boots,
            time: self.time,
            user: b"mon",
            keys,
            salt: 99,
            context: &[],
            pdu,
        };
        message.write().unwrap()
    }

    fn answer(&self, packet: &[u8]) -> Vec<u8> {
        let message = SecureMessage::read(packet).unwrap();
        let report = |kind: ReportKind, keys| self.write(message.msg_id, keys, &kind.to_pdu(0, 1));
        if message.engine_id.is_empty() {
            return report(ReportKind::UnknownEngine, None);
        }
        let Ok(scoped) = message.open(self.keys.as_ref()) else {
            return report(ReportKind::WrongDigest, None);
        };
        if self.keys.is_some() && (message.boots != self.boots || message.time.abs_diff(self.time) > 150) {
            return report(ReportKind::NotInTimeWindow, self.keys.as_ref());
        }
        let Body::Pdu(pdu) = scoped.body else { panic!("no request") };
        self.write(message.msg_id, self.keys.as_ref(), &respond(&pdu))
    }
}

#[test]
fn a_device_of_version_3_is_discovered_once() {
    for level in [Level::NoAuth, Level::Auth, Level::AuthPriv] {
        let credentials = user(level);
        let device = Secure::new(&credentials);
        let mut engine = Engine::new(7);
        engine.submit(poll(1, &credentials, 1), at(0));
        for _ in 0..2 {
            let packet = sent(&mut engine);
            engine.datagram(address(1), &device.answer(&packet), at(1));
        }
        expect_value(engine.take_done()[0].1.as_ref().unwrap());
        engine.submit(poll(2, &credentials, 1), at(1000));
        let packet = sent(&mut engine);
        engine.datagram(address(1), &device.answer(&packet), at(1001));
        expect_value(engine.take_done()[0].1.as_ref().unwrap());
        assert_eq!(engine.counters().sent, 3);
    }
}

#[test]
fn a_device_that_was_started_anew_is_believed_if_it_can_sign() {
    let credentials = user(Level::AuthPriv);
    let mut device = Secure::new(&credentials);
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &credentials, 1), at(0));
    for _ in 0..2 {
        let packet = sent(&mut engine);
        engine.datagram(address(1), &device.answer(&packet), at(1));
    }
    assert_eq!(engine.take_done().len(), 1);
    (device.boots, device.time) = (6, 3);
    engine.submit(poll(2, &credentials, 1), at(1000));
    for _ in 0..2 {
        let packet = sent(&mut engine);
        engine.datagram(address(1), &device.answer(&packet), at(1001));
    }
    expect_value(engine.take_done()[0].1.as_ref().unwrap());
    // A replay from before the start is not taken.
    engine.submit(poll(3, &credentials, 1), at(2000));
    let packet = sent(&mut engine);
    let old = Secure { boots: 5, ..Secure::new(&credentials) };
    let scoped = SecureMessage::read(&packet).unwrap().open(old.keys.as_ref()).unwrap();
    let Body::Pdu(pdu) = scoped.body else { panic!("no request") };
    let id = SecureMessage::read(&packet).unwrap().msg_id;
    engine.datagram(address(1), &old.write(id, old.keys.as_ref(), &respond(&pdu)), at(2001));
    assert_eq!((engine.counters().unauthentic, engine.take_done().len()), (1, 0));
    // Nor is an answer with less protection than was asked for.
    engine.datagram(address(1), &device.write(id, None, &respond(&pdu)), at(2001));
    assert_eq!((engine.counters().unauthentic, engine.take_done().len()), (2, 0));
    engine.datagram(address(1), &device.answer(&packet), at(2002));
    expect_value(engine.take_done()[0].1.as_ref().unwrap());
}

#[test]
fn a_wrong_passphrase_is_told_as_such() {
    let credentials = user(Level::Auth);
    let mut device = Secure::new(&credentials);
    let other = MasterKeys::derive(AuthProtocol::Sha256, b"another passphrase", None).unwrap();
    device.keys = Some(other.localize(ENGINE_ID).unwrap());
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &credentials, 1), at(0));
    for _ in 0..2 {
        let packet = sent(&mut engine);
        engine.datagram(address(1), &device.answer(&packet), at(1));
    }
    assert_eq!(engine.take_done(), [(1, Err(Failure::Refused(ReportKind::WrongDigest)))]);
}

#[test]
fn a_device_that_never_learns_is_given_up() {
    let credentials = user(Level::Auth);
    let mut device = Secure::new(&credentials);
    let mut engine = Engine::new(7);
    engine.submit(poll(1, &credentials, 1), at(0));
    let mut messages = 0;
    while engine.under_way() > 0 {
        messages += 1;
        assert!(messages < 20, "no end");
        let packet = sent(&mut engine);
        engine.datagram(address(1), &device.answer(&packet), at(1));
        device.time += 1000;
    }
    assert_eq!(engine.take_done(), [(1, Err(Failure::Refused(ReportKind::NotInTimeWindow)))]);
}
