//! Traps and informs of every version in one form: that of version 2, after RFC 3584.
//!
//! RFC 3416 has sysUpTime.0 and snmpTrapOID.0 first. Some senders leave the time out or put it elsewhere: a linkDown
//! is a linkDown all the same, so only snmpTrapOID.0 must be there.

use std::net::Ipv4Addr;

use super::error::Error;
use super::message::Version;
use super::oid::Oid;
use super::pdu::{Body, PduKind, TrapV1};
use super::value::{Value, VarBind};

/// sysUpTime.0
const UPTIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
/// snmpTrapOID.0
const TRAP_OID: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// snmpTrapEnterprise.0
const TRAP_ENTERPRISE: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0];
/// snmpTrapAddress.0
const TRAP_ADDRESS: &[u32] = &[1, 3, 6, 1, 6, 3, 18, 1, 3, 0];
/// snmpTraps, below which the six standard traps lie.
const SNMP_TRAPS: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 5];
/// zeroDotZero, for a trap that says which one it is by something that names nothing.
const NO_TRAP: [u32; 2] = [0, 0];
/// Version 1's word for a trap of the enterprise's own.
const ENTERPRISE_SPECIFIC: i64 = 6;

/// A trap or an inform, whichever version brought it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The version of the message.
    pub version: Version,
    /// The community, or the name of the user of version 3. A community is a secret.
    pub security_name: Vec<u8>,
    /// What happened.
    pub trap: Oid,
    /// Since the sender's start, in hundredths of a second, if it says.
    pub uptime: Option<u32>,
    /// The enterprise of version 1, or what a proxy said of it.
    pub enterprise: Option<Oid>,
    /// The sender as version 1 names it, or what a proxy said of it. Not to be trusted.
    pub agent: Option<Ipv4Addr>,
    /// The variables, without those that became `trap` and `uptime`.
    pub varbinds: Vec<VarBind>,
    /// The request to acknowledge, if this is an inform.
    pub inform: Option<i64>,
}

impl Notification {
    /// What a message says happened.
    ///
    /// # Errors
    /// [`Error::NotANotification`] for any other PDU, [`Error::NoTrapOid`] if it does not say what happened.
    pub fn from_body(version: Version, security_name: Vec<u8>, body: Body) -> Result<Notification, Error> {
        let pdu = match body {
            Body::TrapV1(trap) => return Ok(from_v1(version, security_name, trap)),
            Body::Pdu(pdu) => pdu,
        };
        if !matches!(pdu.kind, PduKind::Trap | PduKind::Inform) {
            return Err(Error::NotANotification);
        }
        let mut varbinds = pdu.varbinds;
        let index = index_of(&varbinds, TRAP_OID, 1).ok_or(Error::NoTrapOid)?;
        // What is not of the type that it should be stays a variable like others.
        let trap = match &varbinds[index].value {
            Value::ObjectId(trap) => {
                let trap = trap.clone();
                varbinds.remove(index);
                trap
            }
            _ => Oid::from_ids(NO_TRAP),
        };
        let mut uptime = None;
        if let Some(index) = index_of(&varbinds, UPTIME, 0)
            && let Value::TimeTicks(ticks) = varbinds[index].value
        {
            uptime = Some(ticks);
            varbinds.remove(index);
        }
        let enterprise = varbinds.iter().find(|varbind| varbind.oid.ids() == TRAP_ENTERPRISE);
        let enterprise = enterprise.and_then(|varbind| match &varbind.value {
            Value::ObjectId(oid) => Some(oid.clone()),
            _ => None,
        });
        let agent = varbinds.iter().find(|varbind| varbind.oid.ids() == TRAP_ADDRESS);
        let agent = agent.and_then(|varbind| match varbind.value {
            Value::IpAddress(address) => Some(address),
            _ => None,
        });
        let inform = (pdu.kind == PduKind::Inform).then_some(pdu.request_id);
        Ok(Notification { version, security_name, trap, uptime, enterprise, agent, varbinds, inform })
    }
}

/// Where a variable stands: at its usual index, else the first of that name.
fn index_of(varbinds: &[VarBind], name: &[u32], usual: usize) -> Option<usize> {
    let is_it = |varbind: &VarBind| varbind.oid.ids() == name;
    let found = Some(usual).filter(|usual| varbinds.get(*usual).is_some_and(is_it));
    found.or_else(|| varbinds.iter().position(is_it))
}

/// A trap of version 1. Of numbers beyond what the standard has, the last 32 bits count.
fn from_v1(version: Version, security_name: Vec<u8>, trap: TrapV1) -> Notification {
    let TrapV1 { enterprise, agent, generic, specific, uptime, varbinds } = trap;
    let oid = if generic == ENTERPRISE_SPECIFIC {
        // As net-snmp does, no second zero behind an enterprise that ends in one.
        let zero: &[u32] = if enterprise.ids().last() == Some(&0) { &[] } else { &[0] };
        enterprise.join(zero).and_then(|enterprise| enterprise.join(&[specific as u32]))
    } else {
        Oid::new(SNMP_TRAPS).and_then(|traps| traps.join(&[(generic as u32).wrapping_add(1)]))
    };
    // An enterprise without room for two more numbers stands for all of its traps.
    let trap = oid.unwrap_or_else(|| enterprise.clone());
    let (enterprise, agent, uptime) = (Some(enterprise), Some(agent), Some(uptime));
    Notification { version, security_name, trap, uptime, enterprise, agent, varbinds, inform: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snmp::Pdu;

    fn v1(enterprise: &[u32], generic: i64, specific: i64) -> String {
        let agent = Ipv4Addr::new(192, 0, 2, 1);
        let enterprise = Oid::new(enterprise).unwrap();
        let trap = TrapV1 { enterprise, agent, generic, specific, uptime: 7, varbinds: Vec::new() };
        let trap = Notification::from_body(Version::V1, b"public".to_vec(), Body::TrapV1(trap)).unwrap();
        assert_eq!((trap.agent, trap.uptime), (Some(agent), Some(7)));
        trap.trap.to_string()
    }

    #[test]
    fn traps_of_version_1_get_the_names_of_version_2() {
        const CISCO: &[u32] = &[1, 3, 6, 1, 4, 1, 9];
        assert_eq!(v1(CISCO, 2, 0), "1.3.6.1.6.3.1.1.5.3");
        assert_eq!(v1(CISCO, 0, 9), "1.3.6.1.6.3.1.1.5.1");
        assert_eq!(v1(CISCO, 7, 9), "1.3.6.1.6.3.1.1.5.8");
        assert_eq!(v1(CISCO, -1, 9), "1.3.6.1.6.3.1.1.5.0");
        assert_eq!(v1(CISCO, 6, 17), "1.3.6.1.4.1.9.0.17");
        assert_eq!(v1(&[1, 3, 6, 1, 4, 1, 9, 0], 6, 17), "1.3.6.1.4.1.9.0.17");
        assert_eq!(v1(CISCO, 6, 1 << 31), "1.3.6.1.4.1.9.0.2147483648");
        assert_eq!(v1(CISCO, 6, -1), "1.3.6.1.4.1.9.0.4294967295");
        assert_eq!(v1(&[1; 128], 6, 1), Oid::new(&[1; 128]).unwrap().to_string());
    }

    fn bind(oid: &[u32], value: Value) -> VarBind {
        VarBind { oid: Oid::new(oid).unwrap(), value }
    }

    fn read(varbinds: Vec<VarBind>) -> Result<Notification, Error> {
        let pdu = Pdu { kind: PduKind::Inform, request_id: 5, error_status: 0, error_index: 0, varbinds };
        Notification::from_body(Version::V2c, Vec::new(), Body::Pdu(pdu))
    }

    #[test]
    fn time_and_identity_may_stand_anywhere_and_only_the_identity_must_stand() {
        let link_down = Oid::from_ids([1, 3, 6, 1, 6, 3, 1, 1, 5, 3]);
        let time = || bind(UPTIME, Value::TimeTicks(100));
        let identity = || bind(TRAP_OID, Value::ObjectId(link_down.clone()));
        let address = || bind(TRAP_ADDRESS, Value::IpAddress(Ipv4Addr::new(192, 0, 2, 9)));
        for (varbinds, uptime) in [
            (vec![time(), identity(), address()], Some(100)),
            (vec![identity(), time(), address()], Some(100)),
            (vec![address(), identity(), time()], Some(100)),
            (vec![identity(), address()], None),
        ] {
            let notification = read(varbinds).unwrap();
            assert_eq!((&notification.trap, notification.uptime), (&link_down, uptime));
            assert_eq!(notification.varbinds, [address()]);
            assert_eq!(notification.inform, Some(5));
            assert_eq!(notification.agent, Some(Ipv4Addr::new(192, 0, 2, 9)));
        }
        let odd_time = bind(UPTIME, Value::Gauge32(7));
        let read_odd = read(vec![odd_time.clone(), identity()]).unwrap();
        assert_eq!((read_odd.uptime, read_odd.varbinds), (None, vec![odd_time]));
        let nameless = bind(TRAP_OID, Value::Integer(3));
        let read_nameless = read(vec![time(), nameless.clone()]).unwrap();
        assert_eq!(
            (read_nameless.trap.to_string(), read_nameless.varbinds),
            ("0.0".to_owned(), vec![nameless])
        );
        assert_eq!(read(vec![time(), address()]), Err(Error::NoTrapOid));
        let pdu = Pdu::request(PduKind::Get, 1, [link_down]);
        let read = Notification::from_body(Version::V2c, Vec::new(), Body::Pdu(pdu));
        assert_eq!(read, Err(Error::NotANotification));
    }
}
