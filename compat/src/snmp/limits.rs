//! The bounds on what one packet may hold.

/// Largest message, in bytes: what a UDP datagram over IPv4 can carry.
pub const MESSAGE_MAX_BYTES: usize = 65_507;
/// Most sub-identifiers of an object identifier (RFC 2578, section 3.5).
pub const OID_MAX_LEN: usize = 128;
/// Most variable bindings of one message: as many as a datagram has room for, as the smallest has 6 bytes.
pub const VARBINDS_MAX: usize = MESSAGE_MAX_BYTES / 6;
