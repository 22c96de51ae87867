//! The types of BER that SNMP knows, each as the byte that an element of it begins with.

/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// NULL.
pub(super) const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE.
pub(super) const SEQUENCE: u8 = 0x30;
/// IpAddress.
pub(super) const IP_ADDRESS: u8 = 0x40;
/// Counter32.
pub(super) const COUNTER32: u8 = 0x41;
/// Gauge32, and Unsigned32.
pub(super) const GAUGE32: u8 = 0x42;
/// TimeTicks.
pub(super) const TIME_TICKS: u8 = 0x43;
/// Opaque.
pub(super) const OPAQUE: u8 = 0x44;
/// NsapAddress, of the first draft of SMIv2.
pub(super) const NSAP: u8 = 0x45;
/// Counter64.
pub(super) const COUNTER64: u8 = 0x46;
/// Counters and gauges of SMIv2's first draft, which some agents still send: a number without sign.
pub(super) const UINTEGER32: u8 = 0x47;
/// A Counter64 that net-snmp puts into an Opaque.
pub(super) const OPAQUE_COUNTER64: u8 = 0x76;
/// A float of 32 bits that net-snmp puts into an Opaque.
pub(super) const OPAQUE_FLOAT: u8 = 0x78;
/// A float of 64 bits that net-snmp puts into an Opaque.
pub(super) const OPAQUE_DOUBLE: u8 = 0x79;
/// A signed number of 64 bits that net-snmp puts into an Opaque.
pub(super) const OPAQUE_INT64: u8 = 0x7a;
/// A number of 64 bits without sign that net-snmp puts into an Opaque.
pub(super) const OPAQUE_UINT64: u8 = 0x7b;
