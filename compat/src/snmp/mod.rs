//! SNMP as bytes: object identifiers, values, PDUs, messages of versions 1, 2c and 3, notifications.
//!
//! What net-snmp reads of a packet is read, and as it reads it: people have come to rely on that, whatever the standards
//! say. What it gives up on is confined to the variable where it is.
//!
//! Invariants: any bytes are a message or an [`Error`], never a panic; nothing is allocated by a length that a packet
//! claims; nothing here reads a clock, a socket or a source of chance: engine time and salts are given by the caller.

mod error;
mod limits;
mod message;
mod notification;
mod oid;
mod pdu;
mod reader;
mod tag;
pub mod usm;
mod value;
mod writer;

pub use error::{Error, Fault};
pub use limits::{MESSAGE_MAX_BYTES, OID_MAX_LEN, VARBINDS_MAX};
pub use message::{Message, Version};
pub use notification::Notification;
pub use oid::Oid;
pub use pdu::{Body, ErrorStatus, Pdu, PduKind, TrapV1};
pub use value::{Value, VarBind};
