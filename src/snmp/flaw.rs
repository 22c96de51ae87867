//! What is wrong with a datagram that came from a device, or for it, and could not be taken as its answer.

use std::fmt;
use std::net::SocketAddr;

use custos_compat::snmp::{Error, Version};

/// Why a datagram is not the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// It is no message of SNMP, or its digest or its encryption is wrong.
    Unreadable(Error),
    /// It came from another address than the one asked.
    OtherAddress(SocketAddr),
    /// It has another community than the request.
    OtherCommunity,
    /// It is of another version of SNMP.
    OtherVersion(Version),
    /// It has the id of no request.
    OtherId(i64),
    /// It is no response.
    NoResponse,
    /// It does not say which engine it is of.
    NoEngineId,
    /// It is less protected than the request.
    LessProtected,
    /// It is of version 3 and was made too long ago, by the device's own clock.
    Old,
}

impl Flaw {
    /// Whether the text says how the device answered, as in "the device answered in version 1", and not what is wrong
    /// with it, as in "the device answered, but its digest is wrong".
    pub(super) fn is_about_how(&self) -> bool {
        !matches!(self, Flaw::Unreadable(_) | Flaw::NoResponse)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Unreadable(Error::Malformed { at, fault }) => {
                write!(f, "the packet is malformed at byte {at}: {fault}")
            }
            Flaw::Unreadable(error) => error.fmt(f),
            Flaw::OtherAddress(address) => {
                write!(f, "from {address}, which was not asked; `answers_from: any` in the profile takes that")
            }
            Flaw::OtherCommunity => f.write_str(
                "with another community than it was asked with; `answers_community: any` in the profile takes that",
            ),
            Flaw::OtherVersion(version) => write!(f, "in version {version}"),
            Flaw::OtherId(id) => write!(f, "with the id {id}, which no request has"),
            Flaw::NoResponse => f.write_str("not with a response"),
            Flaw::NoEngineId => f.write_str("without an engine id that can be one"),
            Flaw::LessProtected => f.write_str("with less protection than it was asked with"),
            Flaw::Old => f.write_str("with a message that is old by its own clock"),
        }
    }
}
