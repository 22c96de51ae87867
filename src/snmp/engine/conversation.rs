//! A poll with its conversation.

use std::net::SocketAddr;
use std::sync::Arc;

use super::manner::Manner;
use super::poll::Poll;
use super::talk::Talk;
use crate::snmp::flaw::Flaw;
use crate::snmp::question::Failure;
use crate::snmp::target::Target;

/// A device as one set of credentials sees it. The device holds its credentials, so an address is never another's.
pub(super) type DeviceKey = (SocketAddr, usize);

/// The device of a target.
pub(super) fn device_key(target: &Target) -> DeviceKey {
    (target.address, Arc::as_ptr(&target.credentials).addr())
}

/// A poll with its conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) poll: Poll,
    pub(super) device: DeviceKey,
    pub(super) talk: Talk,
    /// The id of the request under way; none while the poll waits for its device.
    pub(super) request_id: Option<i32>,
    /// When to act: the request is to be repeated, or the poll ends.
    pub(super) due_us: u64,
    /// How often the request under way was sent.
    pub(super) attempts: u32,
    /// How often it was sent again because of what the device said of its engine.
    pub(super) relearned: u32,
    pub(super) requests: u32,
    pub(super) retries: u32,
    /// What came for the request under way, or from its device, and was not its answer.
    pub(super) flaw: Option<Flaw>,
}

impl Conversation {
    /// A conversation that has not begun.
    pub(super) fn new(poll: Poll, manner: Manner) -> Conversation {
        let target = &poll.target;
        let device = device_key(target);
        let talk = Talk::new(&poll.question, target.credentials.version(), target.max_repetitions, manner);
        let due_us = poll.deadline_us;
        Conversation {
            poll,
            device,
            talk,
            request_id: None,
            due_us,
            attempts: 0,
            relearned: 0,
            requests: 0,
            retries: 0,
            flaw: None,
        }
    }

    /// Why it ends when no answer to the request under way came in time.
    pub(super) fn silence(&mut self) -> Failure {
        match self.flaw.take() {
            Some(flaw) => Failure::Unusable { attempts: self.attempts, flaw },
            None if self.talk.begun() => Failure::OutOfTime,
            None => Failure::NoAnswer { attempts: self.attempts },
        }
    }

    /// The request under way was answered.
    pub(super) fn go_on(&mut self) {
        (self.attempts, self.relearned, self.flaw) = (0, 0, None);
    }
}

/// An address without what makes no other device: a scope, a flow label, the form of IPv4 in IPv6.
pub(super) fn place(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
