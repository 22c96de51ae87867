//! The poller's state, and each event that changes it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use custos_compat::snmp::usm::{ReportKind, SecureMessage};
use custos_compat::snmp::{Body, Message, Pdu, PduKind, Version};

use super::conversation::{Conversation, DeviceKey, device_key, place};
use super::counters::Counters;
use super::device::{Device, Heard};
use super::poll::Poll;
use crate::clock::{Moment, micros};
use crate::limits::{
    SNMP_DEVICE_POLLS_MAX, SNMP_DEVICE_QUEUE_MAX, SNMP_DEVICES_MAX, SNMP_ENDED_IDS_MAX, SNMP_POLLS_MAX,
    SNMP_RELEARN_MAX,
};
use crate::snmp::flaw::Flaw;
use crate::snmp::question::{Answer, Failure, Outcome};
use crate::snmp::target::Credentials;

/// The state.
#[derive(Debug)]
pub struct Engine {
    devices: HashMap<DeviceKey, Device>,
    conversations: HashMap<u64, Conversation>,
    /// Requests that wait for an answer, with the ticket of their poll.
    requests: HashMap<i32, u64>,
    /// The tickets of the polls whose requests went to an address and wait for an answer.
    asked: HashMap<SocketAddr, Vec<u64>>,
    timers: BTreeSet<(u64, u64)>,
    /// Ids of requests that ended lately, to tell late answers from strange ones.
    ended: HashSet<i32>,
    ended_order: VecDeque<i32>,
    random: u64,
    salt: u64,
    counters: Counters,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
    done: Vec<(u64, Outcome)>,
}

impl Engine {
    /// A poller without devices. Ids and salts follow from `seed`, which nobody should be able to guess.
    pub fn new(seed: u64) -> Engine {
        let mut engine = Engine {
            devices: HashMap::new(),
            conversations: HashMap::new(),
            requests: HashMap::new(),
            asked: HashMap::new(),
            timers: BTreeSet::new(),
            ended: HashSet::new(),
            ended_order: VecDeque::new(),
            random: seed,
            salt: 0,
            counters: Counters::default(),
            outbox: Vec::new(),
            done: Vec::new(),
        };
        engine.salt = engine.random();
        engine
    }

    /// Begins a poll, or has it wait for its device.
    pub fn submit(&mut self, poll: Poll, now: Moment) {
        let ticket = poll.ticket;
        let key = device_key(&poll.target);
        let known = self.devices.contains_key(&key);
        if !known && self.devices.len() >= SNMP_DEVICES_MAX {
            self.devices.retain(|_, device| !device.is_idle());
        }
        let full = self.conversations.len() >= SNMP_POLLS_MAX || self.conversations.contains_key(&ticket);
        let credentials = &poll.target.credentials;
        let device = self.devices.entry(key).or_insert_with(|| Device::new(Arc::clone(credentials)));
        if full || device.waiting.len() >= SNMP_DEVICE_QUEUE_MAX {
            self.counters.refused += 1;
            self.done.push((ticket, Err(Failure::Busy)));
            return;
        }
        let conversation = Conversation::new(poll, device.manner);
        self.timers.insert((conversation.due_us, ticket));
        self.conversations.insert(ticket, conversation);
        device.waiting.push_back(ticket);
        self.start_waiting(key, now);
    }

    /// Takes a datagram from the socket.
    pub fn datagram(&mut self, from: SocketAddr, packet: &[u8], now: Moment) {
        match Version::of(packet) {
            Ok(Version::V3) => self.secure_datagram(from, packet, now),
            Ok(_) => self.community_datagram(from, packet, now),
            Err(error) => self.malformed(from, Flaw::Unreadable(error)),
        }
    }

    /// Time passed: repeats what was not answered, ends what took too long.
    pub fn tick(&mut self, now: Moment) {
        while let Some(&(due_us, ticket)) = self.timers.first() {
            if due_us > now.mono_us {
                break;
            }
            self.timers.pop_first();
            let Some(conversation) = self.conversations.get_mut(&ticket) else { continue };
            let target = &conversation.poll.target;
            if now.mono_us >= conversation.poll.deadline_us || conversation.attempts > target.retries {
                let failure = conversation.silence();
                self.end(ticket, Err(failure), now);
                continue;
            }
            conversation.talk.shorten();
            conversation.retries += 1;
            self.counters.retries += 1;
            self.send(ticket, now);
        }
    }

    /// When [`Engine::tick`] is next wanted, on the monotonic clock.
    pub fn next_due_us(&self) -> Option<u64> {
        self.timers.first().map(|timer| timer.0)
    }

    /// The socket did not take a datagram to this address.
    pub fn unsent(&mut self) {
        self.counters.unsent += 1;
    }

    /// A poll cannot be asked for.
    pub fn refuse(&mut self, ticket: u64, failure: Failure) {
        self.counters.failed += 1;
        self.done.push((ticket, Err(failure)));
    }

    /// What is to be sent.
    pub fn take_outbox(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    /// The polls that ended.
    pub fn take_done(&mut self) -> Vec<(u64, Outcome)> {
        std::mem::take(&mut self.done)
    }

    /// What became of the datagrams so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Polls that are under way or wait.
    pub fn under_way(&self) -> usize {
        self.conversations.len()
    }

    /// Ends everything.
    pub fn stop(&mut self, now: Moment) {
        let tickets: Vec<u64> = self.conversations.keys().copied().collect();
        self.devices.values_mut().for_each(|device| device.waiting.clear());
        for ticket in tickets {
            self.end(ticket, Err(Failure::Stopped), now);
        }
    }

    fn community_datagram(&mut self, from: SocketAddr, packet: &[u8], now: Moment) {
        let (version, community, pdu) = match Message::read(packet) {
            Ok(Message { version, community, body: Body::Pdu(pdu) }) if pdu.kind == PduKind::Response => {
                (version, community, pdu)
            }
            Ok(_) => return self.malformed(from, Flaw::NoResponse),
            Err(error) => return self.malformed(from, Flaw::Unreadable(error)),
        };
        let Some(ticket) = self.waiting_for(pdu.request_id, from) else { return };
        let Some(conversation) = self.conversations.get(&ticket) else { return };
        let target = &conversation.poll.target;
        let flaw = match &*target.credentials {
            Credentials::Community { version: own, .. } if *own != version => Flaw::OtherVersion(version),
            Credentials::User { .. } => Flaw::OtherVersion(version),
            Credentials::Community { community: own, .. }
                if *own != community && !target.answers.with_any_community =>
            {
                Flaw::OtherCommunity
            }
            Credentials::Community { .. } => return self.answer(ticket, pdu, now),
        };
        self.counters.unauthentic += 1;
        self.note(ticket, flaw);
    }

    fn secure_datagram(&mut self, from: SocketAddr, packet: &[u8], now: Moment) {
        let message = match SecureMessage::read(packet) {
            Ok(message) => message,
            Err(error) => return self.malformed(from, Flaw::Unreadable(error)),
        };
        let Some(ticket) = self.waiting_for(i64::from(message.msg_id), from) else { return };
        let Some(conversation) = self.conversations.get_mut(&ticket) else { return };
        let Some(device) = self.devices.get_mut(&conversation.device) else { return };
        match device.hear(&message, now) {
            // The id of the message tells whose answer it is; that of the PDU in it does not count, as with net-snmp.
            Heard::Answer(pdu) => self.answer(ticket, pdu, now),
            Heard::Learned if conversation.relearned < SNMP_RELEARN_MAX => {
                conversation.relearned += 1;
                // This was an answer, so the patience for the request begins anew.
                conversation.attempts = 0;
                self.send(ticket, now);
            }
            Heard::Learned => self.refused(ticket, ReportKind::NotInTimeWindow, now),
            Heard::Refused(kind) => self.refused(ticket, kind, now),
            Heard::Unauthentic(flaw) => {
                self.counters.unauthentic += 1;
                self.note(ticket, flaw);
            }
            Heard::Malformed(flaw) => {
                self.counters.malformed += 1;
                self.note(ticket, flaw);
            }
        }
    }

    /// Counts a datagram that answers nothing. Whoever asked its sender is told if no answer comes.
    fn malformed(&mut self, from: SocketAddr, flaw: Flaw) {
        self.counters.malformed += 1;
        self.note_all(from, flaw);
    }

    fn note_all(&mut self, from: SocketAddr, flaw: Flaw) {
        for ticket in self.asked.get(&place(from)).cloned().unwrap_or_default() {
            self.note(ticket, flaw.clone());
        }
    }

    fn note(&mut self, ticket: u64, flaw: Flaw) {
        if let Some(conversation) = self.conversations.get_mut(&ticket) {
            conversation.flaw = Some(flaw);
        }
    }

    fn refused(&mut self, ticket: u64, kind: ReportKind, now: Moment) {
        self.counters.answers += 1;
        self.end(ticket, Err(Failure::Refused(kind)), now);
    }

    /// The poll whose request has this id and went to this address. Counts what belongs to none.
    fn waiting_for(&mut self, id: i64, from: SocketAddr) -> Option<u64> {
        let own = i32::try_from(id).ok();
        let Some(ticket) = own.and_then(|id| self.requests.get(&id).copied()) else {
            if own.is_some_and(|id| self.ended.contains(&id)) {
                self.counters.late += 1;
            } else {
                self.counters.unknown += 1;
                self.note_all(from, Flaw::OtherId(id));
            }
            return None;
        };
        let target = &self.conversations.get(&ticket)?.poll.target;
        if place(target.address) != place(from) && !target.answers.from_any_address {
            self.counters.strangers += 1;
            self.note(ticket, Flaw::OtherAddress(place(from)));
            return None;
        }
        Some(ticket)
    }

    fn answer(&mut self, ticket: u64, pdu: Pdu, now: Moment) {
        self.counters.answers += 1;
        let Some(conversation) = self.conversations.get_mut(&ticket) else { return };
        let replied = conversation.talk.reply(pdu);
        let goes_on = conversation.talk.request().is_some();
        if let Some(id) = conversation.request_id.take() {
            self.forget_request(id);
        }
        match replied {
            Err(failure) => self.end(ticket, Err(failure), now),
            Ok(()) if goes_on => {
                if let Some(conversation) = self.conversations.get_mut(&ticket) {
                    conversation.go_on();
                }
                self.send(ticket, now);
            }
            Ok(()) => self.end(ticket, Ok(Answer::default()), now),
        }
    }

    fn forget_request(&mut self, id: i32) {
        self.requests.remove(&id);
        if self.ended_order.len() >= SNMP_ENDED_IDS_MAX
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        if self.ended.insert(id) {
            self.ended_order.push_back(id);
        }
    }

    /// Ends a poll, and lets the next one have its device.
    fn end(&mut self, ticket: u64, outcome: Outcome, now: Moment) {
        let Some(conversation) = self.conversations.remove(&ticket) else { return };
        self.timers.remove(&(conversation.due_us, ticket));
        let address = place(conversation.device.0);
        if let Some(asked) = self.asked.get_mut(&address) {
            asked.retain(|asked| *asked != ticket);
            if asked.is_empty() {
                self.asked.remove(&address);
            }
        }
        if let Some(id) = conversation.request_id {
            self.forget_request(id);
        }
        let Some(device) = self.devices.get_mut(&conversation.device) else { return };
        let waited = device.waiting.iter().position(|waiting| *waiting == ticket);
        match waited {
            Some(place) => drop(device.waiting.remove(place)),
            None => device.under_way = device.under_way.saturating_sub(1),
        }
        let outcome = outcome.map(|_| {
            let (uptime, found, manner) = conversation.talk.finish();
            let restarted = uptime.is_some_and(|ticks| device.take_uptime(ticks, now));
            device.learn(manner, restarted);
            let (requests, retries) = (conversation.requests, conversation.retries);
            Answer { uptime, restarted, found, requests, retries }
        });
        self.counters.failed += u64::from(outcome.is_err());
        self.done.push((ticket, outcome));
        self.start_waiting(conversation.device, now);
    }

    fn start_waiting(&mut self, key: DeviceKey, now: Moment) {
        while let Some(device) = self.devices.get_mut(&key)
            && device.under_way < SNMP_DEVICE_POLLS_MAX
            && let Some(ticket) = device.waiting.pop_front()
        {
            device.under_way += 1;
            self.asked.entry(place(key.0)).or_default().push(ticket);
            let nothing = self.conversations.get(&ticket).is_some_and(|c| c.talk.request().is_none());
            if nothing {
                self.end(ticket, Ok(Answer::default()), now);
            } else {
                self.send(ticket, now);
            }
        }
    }

    /// Sends the request under way of a poll, and sets when it is to be repeated.
    fn send(&mut self, ticket: u64, now: Moment) {
        let id = match self.conversations.get(&ticket) {
            Some(conversation) => conversation.request_id.unwrap_or_else(|| self.new_id()),
            None => return,
        };
        self.salt = self.salt.wrapping_add(1);
        let Some(conversation) = self.conversations.get_mut(&ticket) else { return };
        let Some(request) = conversation.talk.request() else { return };
        let Some(device) = self.devices.get(&conversation.device) else { return };
        conversation.request_id = Some(id);
        self.requests.insert(id, ticket);
        self.timers.remove(&(conversation.due_us, ticket));
        let wait_us = micros(conversation.poll.target.timeout) << conversation.attempts.min(16);
        conversation.due_us = now.mono_us.saturating_add(wait_us).min(conversation.poll.deadline_us);
        conversation.attempts += 1;
        conversation.requests += 1;
        self.timers.insert((conversation.due_us, ticket));
        match device.write(&request, id, self.salt, now) {
            Ok(packet) => {
                self.counters.sent += 1;
                self.outbox.push((conversation.poll.target.address, packet));
            }
            Err(error) => self.end(ticket, Err(Failure::Unsent(error.to_string())), now),
        }
    }

    fn new_id(&mut self) -> i32 {
        loop {
            // 31 bits: the id of a message of version 3 is not negative.
            let id = (self.random() >> 33) as i32;
            if !self.requests.contains_key(&id) && !self.ended.contains(&id) {
                return id;
            }
        }
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
