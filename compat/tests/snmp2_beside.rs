//! Well-formed messages of versions 1 and 2c, read by the crate `snmp2` beside this codec.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::Ipv4Addr;

use custos_compat::snmp::{Body, Message, Oid, Pdu, PduKind, Value, VarBind, Version};
use proptest::prelude::*;
use snmp2::MessageType;

fn oid() -> impl Strategy<Value = Oid> {
    let rest = prop::collection::vec(prop_oneof![0..200_u32, any::<u32>()], 0..20);
    // The other reader has room for 32 bits of each number but the first two, which share a byte.
    (0..3_u32, 0..40_u32, rest)
        .prop_map(|(first, second, rest)| Oid::new(&[&[first, second][..], &rest].concat()).unwrap())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(|number| Value::Integer(i64::from(number))),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::OctetString),
        Just(Value::Null),
        oid().prop_map(Value::ObjectId),
        any::<[u8; 4]>().prop_map(|bytes| Value::IpAddress(Ipv4Addr::from(bytes))),
        any::<u32>().prop_map(Value::Counter32),
        any::<u32>().prop_map(Value::Gauge32),
        any::<u32>().prop_map(Value::TimeTicks),
        any::<u64>().prop_map(Value::Counter64),
        // What begins with 9f is a number of net-snmp's within the bytes.
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_filter("a number", |bytes| bytes.first() != Some(&0x9f))
            .prop_map(Value::Opaque),
        Just(Value::NoSuchObject),
        Just(Value::NoSuchInstance),
        Just(Value::EndOfMibView),
    ]
}

/// An object identifier as the other reader writes it: 0.0 is a single 0 there.
fn as_other(oid: &Oid) -> String {
    let text = oid.to_string();
    if text == "0.0" { "0".to_owned() } else { text }
}

/// Whether both readers see the same value.
fn same(own: &Value, other: &snmp2::Value<'_>) -> bool {
    match (own, other) {
        (Value::Integer(own), snmp2::Value::Integer(other)) => own == other,
        (Value::OctetString(own), snmp2::Value::OctetString(other)) => own == other,
        (Value::ObjectId(own), snmp2::Value::ObjectIdentifier(other)) => as_other(own) == other.to_string(),
        (Value::IpAddress(own), snmp2::Value::IpAddress(other)) => own.octets() == *other,
        (Value::Counter32(own), snmp2::Value::Counter32(other))
        | (Value::Gauge32(own), snmp2::Value::Unsigned32(other))
        | (Value::TimeTicks(own), snmp2::Value::Timeticks(other)) => own == other,
        (Value::Counter64(own), snmp2::Value::Counter64(other)) => own == other,
        (Value::Opaque(own), snmp2::Value::Opaque(other)) => own == other,
        (Value::Null, snmp2::Value::Null)
        | (Value::NoSuchObject, snmp2::Value::NoSuchObject)
        | (Value::NoSuchInstance, snmp2::Value::NoSuchInstance)
        | (Value::EndOfMibView, snmp2::Value::EndOfMibView) => true,
        _ => false,
    }
}

const KINDS: [(PduKind, MessageType); 5] = [
    (PduKind::Get, MessageType::GetRequest),
    (PduKind::GetNext, MessageType::GetNextRequest),
    (PduKind::Response, MessageType::Response),
    (PduKind::Inform, MessageType::InformRequest),
    (PduKind::Trap, MessageType::Trap),
];

proptest! {
    #[test]
    fn both_read_the_same(
        version in prop_oneof![Just(Version::V1), Just(Version::V2c)],
        community in prop::collection::vec(any::<u8>(), 0..40),
        kind in 0..KINDS.len(),
        request_id in any::<i32>(),
        status in 0..19_i32,
        error_index in 0..200_i32,
        varbinds in prop::collection::vec((oid(), value()), 0..12),
    ) {
        let (kind, other_kind) = KINDS[kind];
        let varbinds: Vec<VarBind> = varbinds.into_iter().map(|(oid, value)| VarBind { oid, value }).collect();
        let pdu = Pdu { kind, request_id: request_id.into(), error_status: status, error_index, varbinds };
        let written = Message::write_pdu(version, &community, &pdu);
        let own = Message::read(&written).unwrap();
        let other = snmp2::Pdu::from_bytes(&written).unwrap();
        prop_assert_eq!(&own.community[..], other.community);
        prop_assert!(own.version == version && matches!(
            (version, other.version().unwrap()),
            (Version::V1, snmp2::Version::V1) | (Version::V2c, snmp2::Version::V2C)
        ));
        let Body::Pdu(read) = own.body else { panic!("no PDU") };
        prop_assert_eq!(&read, &pdu);
        prop_assert!(other.message_type == other_kind);
        prop_assert_eq!(other.req_id, request_id);
        prop_assert_eq!((other.error_status, other.error_index), (status as u32, error_index as u32));
        let others: Vec<_> = other.varbinds.clone().collect();
        prop_assert_eq!(others.len(), pdu.varbinds.len());
        for (own, (name, other)) in pdu.varbinds.iter().zip(&others) {
            prop_assert_eq!(as_other(&own.oid), name.to_string());
            prop_assert!(same(&own.value, other), "{:?} {:?}", own.value, other);
        }
    }
}
