//! Why bytes are not the message they should be.

use std::fmt;

use super::tag::{
    BIT_STRING, COUNTER32, COUNTER64, GAUGE32, INTEGER, IP_ADDRESS, NSAP, NULL, OBJECT_IDENTIFIER,
    OCTET_STRING, OPAQUE, OPAQUE_COUNTER64, OPAQUE_DOUBLE, OPAQUE_FLOAT, OPAQUE_INT64, OPAQUE_UINT64,
    SEQUENCE, TIME_TICKS, UINTEGER32,
};

/// What is wrong with a packet. The text continues "failed to read the packet: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Its bytes are not those of a message.
    Malformed {
        /// The byte where that shows, counted from 0 as in a dump. Of an encrypted message: within what was decrypted.
        at: usize,
        /// What is wrong there.
        fault: Fault,
    },
    /// A text is not an object identifier.
    OidText,
    /// A message that is neither a trap nor an inform.
    NotANotification,
    /// A notification that does not say which one it is: snmpTrapOID.0 is missing.
    NoTrapOid,
    /// Flags that contradict one another, or a level of security that the keys are not for.
    Security,
    /// The digest of an authenticated message is not that of its key.
    Digest,
    /// What was encrypted cannot be read with the key.
    Decryption,
    /// The cryptographic library refused an operation.
    Crypto,
    /// A passphrase is shorter than the 8 bytes that RFC 3414 demands.
    ShortPassphrase,
}

/// What is wrong at one byte of a packet, or with one value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end where something should follow.
    End,
    /// A length points beyond the end of what holds it.
    Truncated,
    /// A length is of indefinite form, or beyond 63 bits.
    Length,
    /// An element of another type was expected.
    Tag {
        /// The type that is there.
        found: u8,
        /// The type that should be there.
        expected: u8,
    },
    /// The type of a value is none of SNMP's.
    ValueType(u8),
    /// A value has more or fewer bytes than its type can have.
    Size {
        /// The type.
        tag: u8,
        /// Its bytes.
        len: usize,
    },
    /// An object identifier is cut, or has more than 128 sub-identifiers or one beyond 32 bits.
    Oid,
    /// The version of SNMP is none of 1, 2c and 3, or another than that of the conversation.
    Version(i64),
    /// The kind of PDU is unknown.
    Pdu(u8),
    /// A security model other than the user-based one.
    SecurityModel(i64),
    /// A number that says how often an engine was started, or since when it runs, is out of range.
    EngineTime(i64),
    /// There are more variable bindings than a datagram has room for.
    TooManyVarBinds,
}

impl Fault {
    /// The error that this fault is at a byte of a packet.
    pub(super) fn at(self, at: usize) -> Error {
        Error::Malformed { at, fault: self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Malformed { at, fault } => write!(f, "byte {at}: {fault}"),
            Error::OidText => f.write_str("not an object identifier"),
            Error::NotANotification => f.write_str("neither a trap nor an inform"),
            Error::NoTrapOid => f.write_str("no snmpTrapOID"),
            Error::Security => f.write_str("its level of security contradicts its flags or its keys"),
            Error::Digest => f.write_str("its digest is wrong"),
            Error::Decryption => f.write_str("it cannot be decrypted"),
            Error::Crypto => f.write_str("the cryptographic library refused"),
            Error::ShortPassphrase => f.write_str("the passphrase has fewer than 8 characters"),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::End => f.write_str("it ends where something should follow"),
            Fault::Truncated => f.write_str("a length points beyond the end"),
            Fault::Length => f.write_str("a length is malformed"),
            Fault::Tag { found, expected } => {
                write!(f, "{} where {} should be", Type(*found), Type(*expected))
            }
            Fault::ValueType(tag) => write!(f, "a value of {}", Type(*tag)),
            Fault::Size { tag, len: 0 } => write!(f, "{} of no bytes", Type(*tag)),
            Fault::Size { tag, len: 1 } => write!(f, "{} of 1 byte", Type(*tag)),
            Fault::Size { tag, len } => write!(f, "{} of {len} bytes", Type(*tag)),
            Fault::Oid => f.write_str("an object identifier is malformed"),
            Fault::Version(version) => write!(f, "version {version}, which is none of 0 (1), 1 (2c) and 3"),
            Fault::Pdu(tag) => write!(f, "a PDU of unknown type 0x{tag:02x}"),
            Fault::SecurityModel(model) => {
                write!(f, "security model {model}, which is not the user-based one")
            }
            Fault::EngineTime(number) => write!(f, "{number} as a count of starts or of seconds"),
            Fault::TooManyVarBinds => f.write_str("more variables than a datagram has room for"),
        }
    }
}

/// A type of BER by its name.
struct Type(u8);

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            INTEGER => "INTEGER",
            BIT_STRING => "BIT STRING",
            OCTET_STRING => "OCTET STRING",
            NULL => "NULL",
            OBJECT_IDENTIFIER => "OBJECT IDENTIFIER",
            SEQUENCE => "SEQUENCE",
            IP_ADDRESS => "IpAddress",
            COUNTER32 => "Counter32",
            GAUGE32 => "Gauge32",
            TIME_TICKS => "TimeTicks",
            OPAQUE => "Opaque",
            NSAP => "NsapAddress",
            COUNTER64 => "Counter64",
            UINTEGER32 => "UInteger32",
            OPAQUE_COUNTER64 => "opaque Counter64",
            OPAQUE_FLOAT => "opaque Float",
            OPAQUE_DOUBLE => "opaque Double",
            OPAQUE_INT64 => "opaque Int64",
            OPAQUE_UINT64 => "opaque UInt64",
            other => return write!(f, "type 0x{other:02x}"),
        };
        f.write_str(name)
    }
}
