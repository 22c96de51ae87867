//! Packets that break rules, read by net-snmp and by Custos: whatever the one reads of a packet, the other reads, too.
//!
//! An agent answers both with the same bytes but for the id of the request. The packets are made from numbers without
//! pattern; a failure names the number of its packet, and `CUSTOS_PACKETS=43..44` makes that one again, or as many others
//! as there is patience for.

use std::process::{Command, Stdio};
use std::time::Duration;

use custos::snmp::{Absence, Failure, Flaw, Found, Outcome, Question};
use custos_compat::snmp::{Oid, Value, Version};

use crate::agent::Agent;
use crate::ber::{Random, name, pair, tlv};
use crate::odd::{is_printed, value};
use crate::snmpd::{ask, community, device};

/// The variables that are asked for.
const ASKED: [[u32; 9]; 4] = [
    [1, 3, 6, 1, 4, 1, 99, 1, 0],
    [1, 3, 6, 1, 4, 1, 99, 2, 0],
    [1, 3, 6, 1, 4, 1, 99, 3, 0],
    [1, 3, 6, 1, 4, 1, 99, 4, 0],
];
const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];
/// Packets that one test makes.
const PACKETS: u64 = 160;

/// Where the id of a request stands in a packet that was made for this one.
const PLACEHOLDER: [u8; 4] = [0x5a, 0x3c, 0x17, 0x29];

/// A response to these names, with the placeholder as its id.
fn packet(random: &mut Random, names: &[&[u32]]) -> Vec<u8> {
    let pairs = names.iter().map(|ids| {
        let mut name = name(ids);
        if random.one_in(60) {
            let at = 2 + random.below(name.len() - 2);
            name[at] = random.next() as u8;
        }
        let mut inside = [name, value(random)].concat();
        if random.one_in(40) {
            let junk = random.below(3);
            inside.extend(random.bytes(junk));
        }
        tlv(0x30, &inside)
    });
    let list = tlv(0x30, &pairs.collect::<Vec<_>>().concat());
    let zero = |random: &mut Random| {
        if random.one_in(10) { tlv(2, &vec![0; 1 + random.below(9)]) } else { vec![2, 1, 0] }
    };
    let junk = |random: &mut Random| {
        if random.one_in(8) {
            let len = random.below(16);
            random.bytes(len)
        } else {
            Vec::new()
        }
    };
    let pdu = [&tlv(2, &PLACEHOLDER), &zero(random), &zero(random), &list, &junk(random)]
        .map(Vec::as_slice)
        .concat();
    let community = if random.one_in(12) {
        tlv([0x40, 0x44, 0x45][random.below(3)], b"public")
    } else {
        tlv(4, b"public")
    };
    let version = if random.one_in(12) { vec![2, 3, 0, 0, 1] } else { vec![2, 1, 1] };
    let message = [version, community, tlv(0xa2, &pdu), junk(random)].concat();
    let mut packet = [tlv(0x30, &message), junk(random)].concat();
    if random.one_in(10) {
        let at = random.below(packet.len());
        packet[at] ^= 1 << random.below(8);
    }
    packet
}

/// The packet with another id, if the placeholder is still in it.
fn with_id(packet: &[u8], id: i64) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let at = packet.windows(4).position(|bytes| bytes == PLACEHOLDER);
    if let (Some(at), Ok(id)) = (at, u32::try_from(id)) {
        packet[at..at + 4].copy_from_slice(&id.to_be_bytes());
    }
    packet
}

/// What `snmpget` prints behind the names, one a line; none if it takes nothing for the answer.
fn snmpget(port: u16) -> Option<Vec<(String, String)>> {
    let names = ASKED.iter().map(|ids| Oid::new(ids).unwrap().to_string());
    let output = Command::new("snmpget")
        .args(["-m", "", "-OnetUx", "-v2c", "-cpublic", "-r0", "-t0.15"])
        .arg(format!("127.0.0.1:{port}"))
        .args(names)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once(" = "));
    let lines: Vec<_> = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    output.status.success().then_some(lines)
}

async fn custos(port: u16, retries: u32) -> Outcome {
    let mut device = device(port, community(Version::V2c));
    (device.timeout, device.retries) = (Duration::from_millis(150), retries);
    // As net-snmp does: a community whose bytes were changed is not what this is about.
    device.answers.with_any_community = true;
    let asked = ASKED.iter().map(|ids| Oid::new(ids).unwrap()).collect();
    ask(&device, Question::Get(asked)).await
}

/// Both readings of one packet, and what is wrong with them.
async fn compare(number: u64) -> Result<bool, String> {
    let names: Vec<&[u32]> = ASKED.iter().map(|ids| &ids[..]).collect();
    let packet = packet(&mut Random(number), &names);
    let shown = || packet.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sent = packet.clone();
    // Custos asks for the uptime in front; net-snmp does not.
    let agent = Agent::start(move |_, pdu| {
        let uptime = pdu.varbinds.first().is_some_and(|varbind| varbind.oid.ids() == UPTIME);
        let reply = with_id(&sent, pdu.request_id);
        Some(if uptime { with_uptime(&reply).unwrap_or(reply) } else { reply })
    });
    let peer = snmpget(agent.port);
    let own = custos(agent.port, 0).await;
    match (&peer, &own) {
        (_, Err(Failure::NoAnswer { .. })) => Err(format!("silence was read of {}", shown())),
        (None, _) => Ok(false),
        (Some(lines), Ok(answer)) => {
            let Found::Values(values) = &answer.found else { return Err("no values".to_owned()) };
            for (ids, value) in ASKED.iter().zip(values) {
                let name = format!(".{}", Oid::new(ids).unwrap());
                let Some((_, line)) = lines.iter().find(|(own, _)| *own == name) else { continue };
                if !is_printed(value, line) {
                    return Err(format!("{name} is {line}, was read as {value:?} of {}", shown()));
                }
            }
            Ok(true)
        }
        (Some(_), Err(failure)) => Err(format!("{failure} of {}", shown())),
    }
}

/// The packet with an uptime in front of its variables, if its lengths allow it: each that holds it has a byte or three.
fn with_uptime(packet: &[u8]) -> Option<Vec<u8>> {
    let uptime = pair(&UPTIME, &[0x43, 1, 100]);
    // Heads from the outermost in: message, PDU, list.
    let mut heads = Vec::new();
    let mut at = 0;
    let len_of = |at: usize| -> Option<(usize, usize)> {
        match *packet.get(at + 1)? {
            len @ ..0x80 => Some((usize::from(len), 2)),
            0x82 => Some((usize::from(packet[at + 2]) << 8 | usize::from(packet[at + 3]), 4)),
            _ => None,
        }
    };
    let skip = |at: usize| len_of(at).map(|(len, head)| at + head + len);
    for fields in [2, 3, 0] {
        let (_, head) = len_of(at)?;
        heads.push((at, head));
        at += head;
        for _ in 0..fields {
            at = skip(at)?;
        }
        packet.get(at)?;
    }
    let mut longer = packet.to_vec();
    longer.splice(at..at, uptime.iter().copied());
    for (head_at, head) in heads.into_iter().rev() {
        let (len, _) = len_of(head_at)?;
        let len = len + uptime.len();
        if head == 4 {
            longer[head_at + 2..head_at + 4].copy_from_slice(&(len as u16).to_be_bytes());
        } else if len < 0x80 {
            longer[head_at + 1] = len as u8;
        } else {
            longer.splice(head_at + 1..head_at + 2, [0x82, (len >> 8) as u8, len as u8]);
        }
    }
    Some(longer)
}

#[tokio::test]
async fn what_net_snmp_reads_of_odd_packets_is_read() {
    let given = std::env::var("CUSTOS_PACKETS").ok();
    let numbers = match given.as_deref().map(|range| range.split_once("..").unwrap()) {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..PACKETS,
    };
    let (mut read, mut faults) = (0, Vec::new());
    for number in numbers {
        match compare(number).await {
            Ok(was_read) => read += usize::from(was_read),
            Err(why) => faults.push(format!("packet {number}: {why}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(read > 20 || given.is_some(), "net-snmp read only {read} of them");
}

/// Answers of which the standards allow none, each as a change to a good one; what net-snmp makes of them is known.
#[tokio::test]
async fn known_oddities_are_read() {
    let good = |value: &[u8]| {
        let pairs: Vec<u8> = ASKED.iter().flat_map(|ids| pair(ids, value)).collect();
        let pdu = [&tlv(2, &PLACEHOLDER)[..], &[2, 1, 0, 2, 1, 0], &tlv(0x30, &pairs)].concat();
        tlv(0x30, &[&[2, 1, 1][..], &tlv(4, b"public"), &tlv(0xa2, &pdu)].concat())
    };
    for (what, packet, expected) in [
        ("a byte behind the message", [&good(&[2, 1, 7])[..], &[0]].concat(), Some(Value::Integer(7))),
        ("fifteen bytes behind it", [&good(&[2, 1, 7])[..], &[9; 15]].concat(), Some(Value::Integer(7))),
        ("an OID of no bytes", good(&[6, 0]), Some(Value::ObjectId(Oid::from_ids([0])))),
        ("a Counter64 of no bytes", good(&[0x46, 0]), Some(Value::Counter64(0))),
        ("a Counter32 of 8 bytes", good(&[0x41, 8, 0, 0, 0, 0, 0, 0, 1, 0]), Some(Value::Counter32(256))),
        ("a Gauge32 of 5 with a value", good(&[0x42, 5, 1, 0, 0, 0, 9]), Some(Value::Gauge32(9))),
        ("an INTEGER of 8", good(&[2, 8, 0, 0, 0, 0, 0, 0, 0, 5]), Some(Value::Integer(5))),
        ("an opaque Int64", good(&[0x44, 5, 0x9f, 0x7a, 2, 1, 0]), Some(Value::Int64(256))),
        ("an INTEGER of no bytes", good(&[2, 0]), None),
    ] {
        let agent = Agent::start(move |_, pdu| {
            let reply = with_id(&packet, pdu.request_id);
            let uptime = pdu.varbinds.first().is_some_and(|varbind| varbind.oid.ids() == UPTIME);
            Some(if uptime { with_uptime(&reply).unwrap() } else { reply })
        });
        let found = custos(agent.port, 0).await.unwrap().found;
        let Found::Values(values) = found else { panic!("not values") };
        match &expected {
            Some(expected) => {
                assert!(values.iter().all(|value| value.as_ref() == Ok(expected)), "{what}: {values:?}");
                assert!(snmpget(agent.port).is_some(), "{what}: net-snmp does not read it");
            }
            None => {
                assert!(values.iter().all(|value| matches!(value, Err(Absence::Unreadable(_)))), "{what}");
                assert_eq!(snmpget(agent.port), None, "{what}: net-snmp reads it");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_came_all_the_same() {
    let agent = Agent::start(|_, _| Some(b"no SNMP".to_vec()));
    let failure = custos(agent.port, 1).await.unwrap_err();
    assert!(matches!(failure, Failure::Unusable { attempts: 2, flaw: Flaw::Unreadable(_) }), "{failure}");
    assert!(failure.to_string().contains("malformed at byte 0"), "{failure}");
    let silent = Agent::start(|_, _| None);
    assert_eq!(custos(silent.port, 1).await, Err(Failure::NoAnswer { attempts: 2 }));
}
