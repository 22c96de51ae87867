//! What an engine says of a message that it does not process (RFC 3414, section 5).

use crate::snmp::oid::Oid;
use crate::snmp::pdu::{Pdu, PduKind};
use crate::snmp::value::{Value, VarBind};

/// usmStats, below which the counters lie.
const USM_STATS: [u32; 9] = [1, 3, 6, 1, 6, 3, 15, 1, 1];

/// Why a message was not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    /// The user may not use this level of security.
    UnsupportedLevel,
    /// The times of the two engines are too far apart.
    NotInTimeWindow,
    /// No such user.
    UnknownUser,
    /// No such engine: the answer to a discovery.
    UnknownEngine,
    /// The digest is wrong: most often the passphrase.
    WrongDigest,
    /// It could not be decrypted: most often the passphrase.
    DecryptionError,
}

impl ReportKind {
    const ALL: [ReportKind; 6] = [
        ReportKind::UnsupportedLevel,
        ReportKind::NotInTimeWindow,
        ReportKind::UnknownUser,
        ReportKind::UnknownEngine,
        ReportKind::WrongDigest,
        ReportKind::DecryptionError,
    ];

    fn oid(self) -> [u32; 11] {
        let mut ids = [0; 11];
        ids[..9].copy_from_slice(&USM_STATS);
        ids[9] = ReportKind::ALL.iter().position(|kind| *kind == self).unwrap_or(0) as u32 + 1;
        ids
    }

    /// What a report says; none if it is no report, or of another kind.
    pub fn of(pdu: &Pdu) -> Option<ReportKind> {
        let varbind = pdu.varbinds.first().filter(|_| pdu.kind == PduKind::Report)?;
        ReportKind::ALL.into_iter().find(|kind| varbind.oid.ids() == kind.oid())
    }

    /// The report with which an engine answers, with the counter that it counts such messages by.
    pub fn to_pdu(self, request_id: i64, count: u32) -> Pdu {
        let varbind = VarBind { oid: Oid::from_ids(self.oid()), value: Value::Counter32(count) };
        Pdu { kind: PduKind::Report, request_id, error_status: 0, error_index: 0, varbinds: vec![varbind] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_recognized() {
        for kind in ReportKind::ALL {
            assert_eq!(ReportKind::of(&kind.to_pdu(1, 7)), Some(kind));
        }
        let unknown = ReportKind::UnknownEngine.to_pdu(0, 0);
        assert_eq!(unknown.varbinds[0].oid.to_string(), "1.3.6.1.6.3.15.1.1.4.0");
        assert_eq!(ReportKind::of(&Pdu { kind: PduKind::Response, ..unknown }), None);
    }
}
