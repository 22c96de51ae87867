//! Protocol data units: requests, responses, notifications, and the trap of version 1 (RFC 1157, RFC 3416).

use std::net::Ipv4Addr;

use super::error::{Error, Fault};
use super::oid::Oid;
use super::reader::{Reader, unsigned32};
use super::tag::{COUNTER32, GAUGE32, IP_ADDRESS, OBJECT_IDENTIFIER, TIME_TICKS, UINTEGER32};
use super::value::{Value, VarBind};
use super::writer::Writer;

const TRAP_V1: u8 = 0xa4;
/// What net-snmp takes for the time of a trap of version 1.
const TIMES: [u8; 4] = [COUNTER32, GAUGE32, TIME_TICKS, UINTEGER32];

/// What a PDU asks for or brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PduKind {
    /// The named variables.
    Get,
    /// The variables that follow the named ones.
    GetNext,
    /// The answer to any request.
    Response,
    /// Sets variables. Never sent by this project.
    Set,
    /// Several times the variables that follow.
    GetBulk,
    /// A notification that is to be acknowledged.
    Inform,
    /// A notification.
    Trap,
    /// What an engine of version 3 says of a message that it does not process.
    Report,
}

impl PduKind {
    const ALL: [PduKind; 8] = [
        PduKind::Get,
        PduKind::GetNext,
        PduKind::Response,
        PduKind::Set,
        PduKind::GetBulk,
        PduKind::Inform,
        PduKind::Trap,
        PduKind::Report,
    ];

    fn tag(self) -> u8 {
        match self {
            PduKind::Get => 0xa0,
            PduKind::GetNext => 0xa1,
            PduKind::Response => 0xa2,
            PduKind::Set => 0xa3,
            PduKind::GetBulk => 0xa5,
            PduKind::Inform => 0xa6,
            PduKind::Trap => 0xa7,
            PduKind::Report => 0xa8,
        }
    }
}

/// Why a request as a whole was not answered (RFC 3416, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorStatus(pub i32);

impl ErrorStatus {
    /// All is well.
    pub const NO_ERROR: ErrorStatus = ErrorStatus(0);
    /// The answer would not fit a message.
    pub const TOO_BIG: ErrorStatus = ErrorStatus(1);
    /// Version 1's way to say that a variable is not there.
    pub const NO_SUCH_NAME: ErrorStatus = ErrorStatus(2);
    /// Something else went wrong.
    pub const GEN_ERR: ErrorStatus = ErrorStatus(5);

    /// The name that the standard gives the error; none beyond those it knows.
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 19] = [
            "noError",
            "tooBig",
            "noSuchName",
            "badValue",
            "readOnly",
            "genErr",
            "noAccess",
            "wrongType",
            "wrongLength",
            "wrongEncoding",
            "wrongValue",
            "noCreation",
            "inconsistentValue",
            "resourceUnavailable",
            "commitFailed",
            "undoFailed",
            "authorizationError",
            "notWritable",
            "inconsistentName",
        ];
        usize::try_from(self.0).ok().and_then(|number| NAMES.get(number).copied())
    }
}

/// Any PDU but version 1's trap.
#[derive(Clone, Debug, PartialEq)]
pub struct Pdu {
    /// What it asks for or brings.
    pub kind: PduKind,
    /// By which an answer finds its request. It has 32 bits, but some send as many without a sign.
    pub request_id: i64,
    /// The error status; how many variables not to repeat, in a [`PduKind::GetBulk`].
    pub error_status: i32,
    /// Which variable the error is of, from 1; how often to repeat, in a [`PduKind::GetBulk`].
    pub error_index: i32,
    /// The variables.
    pub varbinds: Vec<VarBind>,
}

impl Pdu {
    /// A request for variables by name.
    pub fn request(kind: PduKind, request_id: i64, oids: impl IntoIterator<Item = Oid>) -> Pdu {
        let varbinds = oids.into_iter().map(VarBind::asked).collect();
        Pdu { kind, request_id, error_status: 0, error_index: 0, varbinds }
    }

    /// The error status of a response.
    pub fn status(&self) -> ErrorStatus {
        ErrorStatus(self.error_status)
    }

    /// The acknowledgement of an inform: the same variables, as a response.
    pub fn acknowledgement(&self) -> Pdu {
        Pdu { kind: PduKind::Response, error_status: 0, error_index: 0, ..self.clone() }
    }
}

/// The trap of version 1.
#[derive(Clone, Debug, PartialEq)]
pub struct TrapV1 {
    /// What kind of thing sends it.
    pub enterprise: Oid,
    /// Who sends it, as it says itself; bytes that are missing are 0.
    pub agent: Ipv4Addr,
    /// One of six standard traps, or 6 for one of the enterprise's own. Some send other numbers.
    pub generic: i64,
    /// Which of the enterprise's own. It has 32 bits, but some send as many without a sign.
    pub specific: i64,
    /// Since its start, in hundredths of a second.
    pub uptime: u32,
    /// The variables.
    pub varbinds: Vec<VarBind>,
}

/// What a message carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Any PDU but version 1's trap.
    Pdu(Pdu),
    /// Version 1's trap.
    TrapV1(TrapV1),
}

impl Body {
    /// Reads the next PDU. What follows it where it is, or follows the variables within it, does not count.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Body, Error> {
        let element = reader.any()?;
        let mut inside = element.inside;
        if element.tag == TRAP_V1 {
            return read_trap_v1(&mut inside).map(Body::TrapV1);
        }
        let kind = PduKind::ALL.into_iter().find(|kind| kind.tag() == element.tag);
        let kind = kind.ok_or(Fault::Pdu(element.tag).at(element.at))?;
        let request_id = inside.integer()?;
        let error_status = narrow(inside.integer()?);
        let error_index = narrow(inside.integer()?);
        let varbinds = VarBind::read_all(&mut inside.sequence()?)?;
        Ok(Body::Pdu(Pdu { kind, request_id, error_status, error_index, varbinds }))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Body::Pdu(pdu) => pdu.write(writer),
            Body::TrapV1(trap) => trap.write(writer),
        }
    }
}

impl Pdu {
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.element(self.kind.tag(), |writer| {
            write_varbinds(writer, &self.varbinds);
            writer.integer(i64::from(self.error_index));
            writer.integer(i64::from(self.error_status));
            writer.integer(self.request_id);
        });
    }
}

impl TrapV1 {
    fn write(&self, writer: &mut Writer) {
        writer.element(TRAP_V1, |writer| {
            write_varbinds(writer, &self.varbinds);
            Value::TimeTicks(self.uptime).write(writer);
            writer.integer(self.specific);
            writer.integer(self.generic);
            Value::IpAddress(self.agent).write(writer);
            writer.oid(&self.enterprise);
        });
    }
}

/// The number, or the nearest of 32 bits: beyond them all mean the same, an error that nobody knows.
fn narrow(number: i64) -> i32 {
    number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn read_trap_v1(inside: &mut Reader<'_>) -> Result<TrapV1, Error> {
    let enterprise = inside.element(OBJECT_IDENTIFIER)?;
    let enterprise = Oid::from_ber(enterprise.contents()).map_err(|fault| fault.at(enterprise.at))?;
    let at = inside.at();
    let address = inside.octets()?;
    let mut octets = [0; 4];
    let Some(known) = octets.get_mut(..address.len()) else {
        return Err(Fault::Size { tag: IP_ADDRESS, len: address.len() }.at(at));
    };
    known.copy_from_slice(address);
    let generic = inside.integer()?;
    let specific = inside.integer()?;
    let time = inside.any()?;
    if !TIMES.contains(&time.tag) {
        return Err(Fault::Tag { found: time.tag, expected: TIME_TICKS }.at(time.at));
    }
    let uptime = unsigned32(time.contents()).ok_or(time.size().at(time.at))?;
    let varbinds = VarBind::read_all(&mut inside.sequence()?)?;
    Ok(TrapV1 { enterprise, agent: octets.into(), generic, specific, uptime, varbinds })
}

fn write_varbinds(writer: &mut Writer, varbinds: &[VarBind]) {
    writer.sequence(|writer| {
        for varbind in varbinds.iter().rev() {
            varbind.write(writer);
        }
    });
}
