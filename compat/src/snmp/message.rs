//! Messages of versions 1 and 2c: a community and a PDU (RFC 1157, RFC 1901).

use std::fmt;

use super::error::{Error, Fault};
use super::pdu::{Body, Pdu};
use super::reader::Reader;
use super::writer::Writer;

/// The version of SNMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Version 1: no 64-bit counters, no GetBulk, one error for a whole request.
    V1,
    /// Version 2 with communities.
    V2c,
    /// Version 3: users, digests, encryption.
    V3,
}

impl Version {
    pub(super) fn number(self) -> i64 {
        match self {
            Version::V1 => 0,
            Version::V2c => 1,
            Version::V3 => 3,
        }
    }

    /// The version that a packet says it has.
    pub fn of(packet: &[u8]) -> Result<Version, Error> {
        read_version(&mut Reader::new(packet).sequence()?)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1 => "1",
            Version::V2c => "2c",
            Version::V3 => "3",
        })
    }
}

pub(super) fn read_version(reader: &mut Reader<'_>) -> Result<Version, Error> {
    let at = reader.at();
    match reader.integer()? {
        0 => Ok(Version::V1),
        1 => Ok(Version::V2c),
        3 => Ok(Version::V3),
        other => Err(Fault::Version(other).at(at)),
    }
}

/// A message of version 1 or 2c.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// [`Version::V1`] or [`Version::V2c`].
    pub version: Version,
    /// The community, which is a password sent in the clear.
    pub community: Vec<u8>,
    /// What it carries.
    pub body: Body,
}

impl Message {
    /// Reads a packet of version 1 or 2c. Bytes behind the message, or behind what it carries, do not count.
    pub fn read(packet: &[u8]) -> Result<Message, Error> {
        let mut inside = Reader::new(packet).sequence()?;
        let at = inside.at();
        let version = read_version(&mut inside)?;
        if version == Version::V3 {
            return Err(Fault::Version(version.number()).at(at));
        }
        let community = inside.octets()?.to_vec();
        let body = Body::read(&mut inside)?;
        Ok(Message { version, community, body })
    }

    /// The bytes of this message.
    pub fn write(&self) -> Vec<u8> {
        write(self.version, &self.community, |writer| self.body.write(writer))
    }

    /// The bytes of a message that carries this PDU.
    pub fn write_pdu(version: Version, community: &[u8], pdu: &Pdu) -> Vec<u8> {
        write(version, community, |writer| pdu.write(writer))
    }
}

fn write(version: Version, community: &[u8], body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.sequence(|writer| {
        body(writer);
        writer.octets(community);
        writer.integer(version.number());
    });
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::snmp::{Oid, PduKind, TrapV1, Value, VarBind};

    /// `snmpget -v2c -c public HOST 1.3.6.1.2.1.1.3.0`, as sent by net-snmp 5.9.3.
    const GET: [u8; 40] = [
        0x30, 0x26, 0x02, 0x01, 0x01, 0x04, 0x06, b'p', b'u', b'b', b'l', b'i', b'c', 0xa0, 0x19, 0x02, 0x01,
        0x2a, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30, 0x0c, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x02,
        0x01, 0x01, 0x03, 0x00, 0x05, 0x00,
    ];

    #[test]
    fn a_request_of_net_snmp_is_read_and_written() {
        let message = Message::read(&GET).unwrap();
        let uptime = Oid::from_ids([1, 3, 6, 1, 2, 1, 1, 3, 0]);
        let expected = Pdu::request(PduKind::Get, 42, [uptime]);
        assert_eq!(message.body, Body::Pdu(expected.clone()));
        assert_eq!((message.version, &message.community[..]), (Version::V2c, &b"public"[..]));
        assert_eq!(Message::write_pdu(Version::V2c, b"public", &expected), GET);
    }

    #[test]
    fn every_cut_is_refused_and_what_follows_is_not_minded() {
        for len in 0..GET.len() {
            let error = Message::read(&GET[..len]).unwrap_err();
            let expected = if len == 0 { Fault::End } else { Fault::Truncated };
            assert_eq!(error, expected.at(0), "{len}");
        }
        let message = Message::read(&GET).unwrap();
        for more in [&[0][..], &[0; 15], &[0x30, 0xff]] {
            assert_eq!(Message::read(&[&GET, more].concat()), Ok(message.clone()));
            // Behind the PDU, and behind its variables.
            for heads in [&[1][..], &[1, 14]] {
                let mut longer = [&GET[..], more].concat();
                heads.iter().for_each(|at| longer[*at] += more.len() as u8);
                assert_eq!(Message::read(&longer), Ok(message.clone()));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_byte() {
        for (at, byte, error) in [
            (0, 0x31, "byte 0: type 0x31 where SEQUENCE should be"),
            (4, 2, "byte 2: version 2, which is none of 0 (1), 1 (2c) and 3"),
            (5, 5, "byte 5: NULL where OCTET STRING should be"),
            (13, 0xbf, "byte 13: a PDU of unknown type 0xbf"),
            (14, 0x1a, "byte 13: a length points beyond the end"),
            (15, 4, "byte 15: OCTET STRING where INTEGER should be"),
            (24, 0x31, "byte 24: type 0x31 where SEQUENCE should be"),
            (26, 0x31, "byte 26: type 0x31 where SEQUENCE should be"),
        ] {
            let mut bytes = GET;
            bytes[at] = byte;
            assert_eq!(Message::read(&bytes).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn lists_without_end_are_refused() {
        let uptime = Oid::from_ids([1, 3]);
        let pdu = Pdu::request(PduKind::Get, 1, vec![uptime; crate::snmp::VARBINDS_MAX + 1]);
        let bytes = Message::write_pdu(Version::V2c, b"", &pdu);
        assert!(matches!(Message::read(&bytes), Err(Error::Malformed { fault: Fault::TooManyVarBinds, .. })));
    }

    prop_compose! {
        fn oids()(first in 0u32..3, second in 0u32..40, rest in prop::collection::vec(any::<u32>(), 0..20)) -> Oid {
            let mut ids = vec![first, second];
            ids.extend(rest);
            Oid::new(&ids).unwrap()
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i32>().prop_map(|number| Value::Integer(i64::from(number))),
            any::<u32>().prop_map(|number| Value::Integer(i64::from(number))),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(Value::OctetString),
            Just(Value::Null),
            oids().prop_map(Value::ObjectId),
            any::<[u8; 4]>().prop_map(|octets| Value::IpAddress(octets.into())),
            any::<u32>().prop_map(Value::Counter32),
            any::<u32>().prop_map(Value::Gauge32),
            any::<u32>().prop_map(Value::TimeTicks),
            prop::num::f32::NORMAL.prop_map(Value::Float),
            prop::num::f64::NORMAL.prop_map(Value::Double),
            any::<u64>().prop_map(Value::Counter64),
            any::<i64>().prop_map(Value::Int64),
            any::<u64>().prop_map(Value::UInt64),
            prop::collection::vec(any::<u8>(), 1..20).prop_map(Value::Bits),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Nsap),
            Just(Value::NoSuchObject),
            Just(Value::NoSuchInstance),
            Just(Value::EndOfMibView),
        ]
    }

    prop_compose! {
        fn varbinds()(pairs in prop::collection::vec((oids(), values()), 0..10)) -> Vec<VarBind> {
            pairs.into_iter().map(|(oid, value)| VarBind { oid, value }).collect()
        }
    }

    prop_compose! {
        fn pdus()(kind in 0usize..8, request_id in (i32::MIN.into())..=i64::from(u32::MAX), error_status in any::<i32>(), error_index in any::<i32>(),
                  varbinds in varbinds()) -> Pdu {
            let kind = [PduKind::Get, PduKind::GetNext, PduKind::Response, PduKind::Set, PduKind::GetBulk,
                PduKind::Inform, PduKind::Trap, PduKind::Report][kind];
            Pdu { kind, request_id, error_status, error_index, varbinds }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(version in prop_oneof![Just(Version::V1), Just(Version::V2c)],
                                   community in prop::collection::vec(any::<u8>(), 0..40), pdu in pdus()) {
            let message = Message { version, community, body: Body::Pdu(pdu) };
            prop_assert_eq!(Message::read(&message.write()).unwrap(), message);
        }

        #[test]
        fn traps_of_version_1_are_read_as_written(enterprise in oids(), agent in any::<[u8; 4]>(), generic in 0i64..9,
                                                  specific in i64::from(i32::MIN)..=i64::from(u32::MAX), uptime in any::<u32>(), varbinds in varbinds()) {
            let agent = Ipv4Addr::from(agent);
            let trap = TrapV1 { enterprise, agent, generic, specific, uptime, varbinds };
            let message = Message { version: Version::V1, community: b"c".to_vec(), body: Body::TrapV1(trap) };
            prop_assert_eq!(Message::read(&message.write()).unwrap(), message);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(message) = Message::read(&bytes) {
                // Bytes are compared, because a float need not equal itself.
                let written = message.write();
                prop_assert_eq!(Message::read(&written).unwrap().write(), written);
            }
        }

        #[test]
        fn a_changed_byte_is_an_error_or_another_message(at in 0..GET.len(), byte in any::<u8>()) {
            let mut bytes = GET;
            bytes[at] = byte;
            if let Ok(message) = Message::read(&bytes) {
                // Bytes are compared, because a float need not equal itself.
                let written = message.write();
                prop_assert_eq!(Message::read(&written).unwrap().write(), written);
            }
        }
    }
}
