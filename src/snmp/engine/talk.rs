//! A conversation with a device, of either kind.

use custos_compat::snmp::{Pdu, Version};

use super::get::Get;
use super::manner::Manner;
use super::request::Request;
use super::walk::Walk;
use crate::snmp::question::{Failure, Found, Question};

/// The conversation.
#[derive(Debug)]
pub(super) enum Talk {
    /// About variables by name.
    Get(Get),
    /// About all below some names.
    Walk(Walk),
}

impl Talk {
    pub(super) fn new(question: &Question, version: Version, repetitions_max: u32, manner: Manner) -> Talk {
        match question {
            Question::Get(oids) => Talk::Get(Get::new(oids)),
            Question::Walk { roots, rows_max } => {
                Talk::Walk(Walk::new(roots, *rows_max, version, repetitions_max, manner))
            }
        }
    }

    /// The request under way; none when all is known.
    pub(super) fn request(&self) -> Option<Request> {
        match self {
            Talk::Get(get) => get.request(),
            Talk::Walk(walk) => walk.request(),
        }
    }

    /// Takes the answer to it.
    pub(super) fn reply(&mut self, pdu: Pdu) -> Result<(), Failure> {
        match self {
            Talk::Get(get) => {
                get.reply(pdu);
                Ok(())
            }
            Talk::Walk(walk) => walk.reply(pdu),
        }
    }

    /// Makes the request smaller, after it was not answered.
    pub(super) fn shorten(&mut self) {
        if let Talk::Walk(walk) = self {
            walk.shorten();
        }
    }

    /// Whether anything was answered yet.
    pub(super) fn begun(&self) -> bool {
        match self {
            Talk::Get(get) => get.begun(),
            Talk::Walk(walk) => walk.begun(),
        }
    }

    /// What was found, with the uptime, and in which manner the device is best asked, if that showed.
    pub(super) fn finish(self) -> (Option<u32>, Found, Option<Manner>) {
        match self {
            Talk::Get(get) => {
                let (uptime, values) = get.finish();
                (uptime, Found::Values(values), None)
            }
            Talk::Walk(walk) => {
                let (uptime, columns, manner) = walk.finish();
                (uptime, Found::Columns(columns), Some(manner))
            }
        }
    }
}
