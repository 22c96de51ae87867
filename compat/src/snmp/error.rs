//! Why bytes are not the message they should be.

use std::fmt;

/// A fault of a packet. The text continues "failed to read the packet: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A length points beyond the end of what holds it.
    Truncated,
    /// A length is of indefinite form or has more than four bytes.
    Length,
    /// An element of another type was expected.
    Tag {
        /// The tag that is there.
        found: u8,
        /// The tag that should be there.
        expected: u8,
    },
    /// The type of a value is none of SNMP's.
    ValueType(u8),
    /// A number is empty or larger than its type.
    Number,
    /// An object identifier is empty, cut, or has more than 128 sub-identifiers or one beyond 32 bits.
    Oid,
    /// A text is not an object identifier.
    OidText,
    /// The version of SNMP is none of 1, 2c and 3.
    Version(i64),
    /// The kind of PDU is unknown, or does not exist in this version.
    Pdu(u8),
    /// Bytes follow where the packet should end.
    Trailing,
    /// There are more variable bindings than one message may have.
    TooManyVarBinds,
    /// A trap without time or identity.
    NotANotification,
    /// A security model other than the user-based one, or flags that contradict one another.
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Truncated => f.write_str("a length points beyond the end"),
            Error::Length => f.write_str("a length is malformed"),
            Error::Tag { found, expected } => {
                write!(f, "type 0x{found:02x} where 0x{expected:02x} should be")
            }
            Error::ValueType(tag) => write!(f, "a value of unknown type 0x{tag:02x}"),
            Error::Number => f.write_str("a number is empty or out of range"),
            Error::Oid => f.write_str("an object identifier is malformed"),
            Error::OidText => f.write_str("not an object identifier"),
            Error::Version(version) => write!(f, "unknown version {version}"),
            Error::Pdu(tag) => write!(f, "an unexpected PDU of type 0x{tag:02x}"),
            Error::Trailing => f.write_str("bytes follow its end"),
            Error::TooManyVarBinds => f.write_str("too many variable bindings"),
            Error::NotANotification => f.write_str("a notification without sysUpTime.0 or snmpTrapOID.0"),
            Error::Security => f.write_str("its security model or its flags are not understood"),
            Error::Digest => f.write_str("its digest is wrong"),
            Error::Decryption => f.write_str("it cannot be decrypted"),
            Error::Crypto => f.write_str("the cryptographic library refused"),
            Error::ShortPassphrase => f.write_str("the passphrase has fewer than 8 characters"),
        }
    }
}

impl std::error::Error for Error {}
