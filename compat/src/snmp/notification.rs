//! Traps and informs of every version in one form: that of version 2, after RFC 3584.

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
/// Version 1's word for a trap of the enterprise's own.
const ENTERPRISE_SPECIFIC: i32 = 6;

/// A trap or an inform, whichever version brought it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The version of the message.
    pub version: Version,
    /// The community, or the name of the user of version 3. A community is a secret.
    pub security_name: Vec<u8>,
    /// What happened.
    pub trap: Oid,
    /// Since the sender's start, in hundredths of a second.
    pub uptime: u32,
    /// The enterprise of version 1, or what a proxy said of it.
    pub enterprise: Option<Oid>,
    /// The sender as version 1 names it, or what a proxy said of it. Not to be trusted.
    pub agent: Option<Ipv4Addr>,
    /// The variables, without those that became `trap` and `uptime`.
    pub varbinds: Vec<VarBind>,
    /// The request to acknowledge, if this is an inform.
    pub inform: Option<i32>,
}

impl Notification {
    /// What a message says happened. An error if it is no notification at all, or one without time and identity.
    pub fn from_body(version: Version, security_name: Vec<u8>, body: Body) -> Result<Notification, Error> {
        let pdu = match body {
            Body::TrapV1(trap) => return from_v1(version, security_name, trap),
            Body::Pdu(pdu) => pdu,
        };
        if version == Version::V1 || !matches!(pdu.kind, PduKind::Trap | PduKind::Inform) {
            return Err(Error::NotANotification);
        }
        let mut varbinds = pdu.varbinds;
        let (uptime, trap) = match &varbinds[..] {
            [
                VarBind { oid: first, value: Value::TimeTicks(ticks) },
                VarBind { oid: second, value: Value::ObjectId(trap) },
                ..,
            ] if first.ids() == UPTIME && second.ids() == TRAP_OID => (*ticks, trap.clone()),
            _ => return Err(Error::NotANotification),
        };
        varbinds.drain(..2);
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

fn from_v1(version: Version, security_name: Vec<u8>, trap: TrapV1) -> Result<Notification, Error> {
    let TrapV1 { enterprise, agent, generic, specific, uptime, varbinds } = trap;
    let oid = match u32::try_from(generic) {
        Ok(standard) if generic < ENTERPRISE_SPECIFIC => {
            Oid::new(SNMP_TRAPS).and_then(|o| o.join(&[standard + 1]))
        }
        Ok(_) if generic == ENTERPRISE_SPECIFIC => {
            u32::try_from(specific).ok().and_then(|specific| enterprise.join(&[0, specific]))
        }
        _ => None,
    };
    let trap = oid.ok_or(Error::NotANotification)?;
    let (enterprise, agent) = (Some(enterprise), Some(agent));
    Ok(Notification { version, security_name, trap, uptime, enterprise, agent, varbinds, inform: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snmp::Pdu;

    fn v1(generic: i32, specific: i32) -> Result<Notification, Error> {
        let enterprise = Oid::from_ids([1, 3, 6, 1, 4, 1, 9]);
        let agent = Ipv4Addr::new(192, 0, 2, 1);
        let trap = TrapV1 { enterprise, agent, generic, specific, uptime: 7, varbinds: Vec::new() };
        Notification::from_body(Version::V1, b"public".to_vec(), Body::TrapV1(trap))
    }

    #[test]
    fn traps_of_version_1_get_the_names_of_version_2() {
        assert_eq!(v1(2, 0).unwrap().trap.to_string(), "1.3.6.1.6.3.1.1.5.3");
        assert_eq!(v1(0, 9).unwrap().trap.to_string(), "1.3.6.1.6.3.1.1.5.1");
        assert_eq!(v1(6, 17).unwrap().trap.to_string(), "1.3.6.1.4.1.9.0.17");
        assert_eq!(v1(6, 17).unwrap().agent, Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(v1(7, 0), Err(Error::NotANotification));
        assert_eq!(v1(-1, 0), Err(Error::NotANotification));
        assert_eq!(v1(6, -1), Err(Error::NotANotification));
    }

    #[test]
    fn traps_of_version_2_begin_with_time_and_identity() {
        let bind = |oid: &[u32], value| VarBind { oid: Oid::new(oid).unwrap(), value };
        let link_down = Oid::from_ids([1, 3, 6, 1, 6, 3, 1, 1, 5, 3]);
        let varbinds = vec![
            bind(UPTIME, Value::TimeTicks(100)),
            bind(TRAP_OID, Value::ObjectId(link_down.clone())),
            bind(TRAP_ADDRESS, Value::IpAddress(Ipv4Addr::new(192, 0, 2, 9))),
        ];
        let pdu = Pdu { kind: PduKind::Inform, request_id: 5, error_status: 0, error_index: 0, varbinds };
        let read = |pdu: Pdu| Notification::from_body(Version::V2c, Vec::new(), Body::Pdu(pdu));
        let notification = read(pdu.clone()).unwrap();
        assert_eq!((&notification.trap, notification.uptime), (&link_down, 100));
        assert_eq!((notification.inform, notification.varbinds.len()), (Some(5), 1));
        assert_eq!(notification.agent, Some(Ipv4Addr::new(192, 0, 2, 9)));
        let headless = Pdu { varbinds: pdu.varbinds[1..].to_vec(), ..pdu.clone() };
        assert_eq!(read(headless), Err(Error::NotANotification));
        assert_eq!(read(Pdu { kind: PduKind::Get, ..pdu }), Err(Error::NotANotification));
    }
}
