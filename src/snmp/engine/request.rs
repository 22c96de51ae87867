//! One request of a conversation.

use custos_compat::snmp::{Oid, Pdu, PduKind};

/// What is to be sent next.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// [`PduKind::Get`], [`PduKind::GetNext`] or [`PduKind::GetBulk`].
    pub(super) kind: PduKind,
    /// How many of the names are not repeated, in a bulk request.
    pub(super) non_repeaters: u32,
    /// How often the others are.
    pub(super) max_repetitions: u32,
    /// The names.
    pub(super) oids: Vec<Oid>,
}

impl Request {
    pub(super) fn to_pdu(&self, request_id: i64) -> Pdu {
        let mut pdu = Pdu::request(self.kind, request_id, self.oids.iter().cloned());
        if self.kind == PduKind::GetBulk {
            pdu.error_status = i32::try_from(self.non_repeaters).unwrap_or(i32::MAX);
            pdu.error_index = i32::try_from(self.max_repetitions).unwrap_or(i32::MAX);
        }
        pdu
    }
}
