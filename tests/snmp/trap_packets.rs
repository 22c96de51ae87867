//! Traps that break rules, read by `snmptrapd` and by Custos: whatever the one takes, the other takes, and says the same.
//!
//! Behind each odd packet goes a good one with a number, so that it shows whether `snmptrapd` took the odd one.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use custos::snmp::Absence;
use custos_compat::snmp::{Error, Message, Notification, Oid, Value};

use crate::ber::{Random, name, pair, tlv};
use crate::odd::{is_printed, value};
use crate::stage::{Running, free_port};

const UPTIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];
const TRAP_OID: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
const LINK_DOWN: [u32; 10] = [1, 3, 6, 1, 6, 3, 1, 1, 5, 3];
const VARIABLES: [[u32; 8]; 2] = [[1, 3, 6, 1, 4, 1, 99, 1], [1, 3, 6, 1, 4, 1, 99, 2]];
/// Packets that one test makes.
const PACKETS: u64 = 1000;

/// A running `snmptrapd`, ended when dropped.
struct Snmptrapd {
    _daemon: Running,
    lines: Box<dyn Iterator<Item = String>>,
    socket: UdpSocket,
    to: String,
    sent: u32,
    _directory: tempfile::TempDir,
}

impl Snmptrapd {
    fn start() -> Snmptrapd {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("snmptrapd.conf");
        std::fs::write(&config, "disableAuthorization yes\n").unwrap();
        let to = format!("127.0.0.1:{}", free_port());
        let mut daemon = Command::new("/usr/sbin/snmptrapd");
        daemon
            .args(["-f", "-Lo", "-n", "-C", "-m", "", "-OnetUx", "-F", "%w %q %T %N|%V|%v\\n", "-c"])
            .arg(&config)
            .arg(format!("udp:{to}"))
            .env("SNMP_PERSISTENT_DIR", directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut daemon = Running::start(&mut daemon);
        let output = BufReader::new(daemon.0.stdout.take().unwrap());
        let lines = Box::new(output.lines().map_while(Result::ok).filter(|line| line.contains('|')));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut snmptrapd = Snmptrapd { _daemon: daemon, lines, socket, to, sent: 0, _directory: directory };
        snmptrapd.wait();
        snmptrapd
    }

    /// Sends numbered traps until it listens.
    fn wait(&mut self) {
        let (socket, to) = (self.socket.try_clone().unwrap(), self.to.clone());
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = std::sync::Arc::clone(&stop);
        let sender = std::thread::spawn(move || {
            while !seen.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = socket.send_to(&numbered(0), &to);
                crate::stage::pause(std::time::Duration::from_millis(20));
            }
        });
        self.lines.next().unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        sender.join().unwrap();
    }

    /// What it prints of a packet; none if it does not take it.
    fn take(&mut self, packet: &[u8]) -> Option<String> {
        self.sent += 1;
        self.socket.send_to(packet, &self.to).unwrap();
        self.socket.send_to(&numbered(self.sent), &self.to).unwrap();
        let end = format!(".1.3.6.1.4.1.98.1 = INTEGER: {}", self.sent);
        let mut printed = None;
        loop {
            let line = self.lines.next().unwrap();
            if line.contains(&end) {
                return printed;
            }
            if !line.contains(".1.3.6.1.4.1.98.1 = INTEGER: 0") {
                printed = Some(line);
            }
        }
    }
}

fn link_down() -> Vec<u8> {
    name(&LINK_DOWN)
}

fn message(version: u8, tag: u8, pdu: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, version][..], &tlv(4, b"public"), &tlv(tag, pdu)].concat())
}

/// A good trap with a number in it.
fn numbered(number: u32) -> Vec<u8> {
    let pairs = [
        pair(&UPTIME, &[0x43, 1, 1]),
        pair(&TRAP_OID, &link_down()),
        pair(&[1, 3, 6, 1, 4, 1, 98, 1], &tlv(2, &number.to_be_bytes())),
    ];
    message(1, 0xa7, &[&[2, 1, 7, 2, 1, 0, 2, 1, 0][..], &tlv(0x30, &pairs.concat())].concat())
}

/// A trap, mostly one that keeps the rules.
fn packet(random: &mut Random) -> Vec<u8> {
    let own = VARIABLES.map(|ids| pair(&ids, &value(random)));
    let own = own[..random.below(3)].concat();
    let junk = |random: &mut Random| match random.one_in(10) {
        true => {
            let len = 1 + random.below(15);
            random.bytes(len)
        }
        false => Vec::new(),
    };
    let mut packet = if random.one_in(2) {
        v1(random, &own)
    } else {
        let uptime = pair(&UPTIME, &[0x43, 1, 100]);
        let identity = if random.one_in(12) { vec![2, 1, 5] } else { link_down() };
        let identity = pair(&TRAP_OID, &identity);
        let pairs = match random.below(8) {
            0 => [&identity[..], &own].concat(),
            1 => [&identity[..], &uptime, &own].concat(),
            2 => [&own[..], &identity, &uptime].concat(),
            3 => [&uptime[..], &own].concat(),
            _ => [&uptime[..], &identity, &own].concat(),
        };
        let pdu = [&[2, 1, 7, 2, 1, 0, 2, 1, 0][..], &tlv(0x30, &pairs), &junk(random)].concat();
        message(u8::from(!random.one_in(8)), 0xa7, &pdu)
    };
    packet.extend(junk(random));
    if random.one_in(8) {
        let at = random.below(packet.len());
        packet[at] ^= 1 << random.below(8);
    }
    packet
}

fn v1(random: &mut Random, own: &[u8]) -> Vec<u8> {
    let enterprise: &[u32] = match random.below(6) {
        0 => &[1, 3, 6, 1, 4, 1, 99, 0],
        1 => &[1, 3],
        _ => &[1, 3, 6, 1, 4, 1, 99],
    };
    let enterprise = if random.one_in(12) { vec![6, 0] } else { name(enterprise) };
    let address = tlv(0x40, &random.bytes(4)[..if random.one_in(8) { random.below(4) } else { 4 }]);
    let generic = if random.one_in(5) { random.below(256) as u8 } else { random.below(8) as u8 };
    let specific = match random.below(5) {
        0 => vec![0, 0x80, 0, 0, 1],
        1 => vec![0xff, 0xff, 0xff, 0xff],
        _ => vec![random.below(128) as u8],
    };
    let time = tlv([0x43, 0x41, 0x42, 0x47][if random.one_in(6) { random.below(4) } else { 0 }], &[1, 2]);
    let list = if random.one_in(15) { Vec::new() } else { tlv(0x30, own) };
    let pdu = [enterprise, address, tlv(2, &[generic]), tlv(2, &specific), time, list].concat();
    message(u8::from(random.one_in(12)), 0xa4, &pdu)
}

fn custos(packet: &[u8]) -> Result<Notification, Error> {
    let Message { version, community, body } = Message::read(packet)?;
    Notification::from_body(version, community, body)
}

/// What is wrong with a reading beside what `snmptrapd` printed.
fn compare(printed: &str, read: &Result<Notification, Error>) -> Option<String> {
    let read = match read {
        Ok(read) => read,
        Err(error) => return Some(error.to_string()),
    };
    let values = printed.rsplit('|').next().unwrap_or_default();
    for one in values.split('\t').filter(|one| !one.is_empty()) {
        let Some((oid, line)) = one.split_once(" = ") else { continue };
        let found = match oid.parse::<Oid>().ok() {
            Some(oid) if oid.ids() == UPTIME && read.uptime.is_some() => {
                read.uptime.map(|ticks| Ok(Value::TimeTicks(ticks)))
            }
            Some(oid) if oid.ids() == TRAP_OID && line.starts_with("OID") => {
                Some(Ok(Value::ObjectId(read.trap.clone())))
            }
            // Its value names nothing, so the trap has no name.
            Some(oid) if oid.ids() == TRAP_OID => continue,
            Some(oid) => {
                let own = read.varbinds.iter().filter(|varbind| varbind.oid == oid);
                let all: Vec<Result<Value, Absence>> = own.map(|varbind| Ok(varbind.value.clone())).collect();
                all.iter().find(|value| is_printed(value, line)).or(all.first()).cloned()
            }
            None => continue,
        };
        match found {
            Some(value) if is_printed(&value, line) || line.starts_with("No ") => {}
            found => return Some(format!("{oid} is {line}, was read as {found:?}")),
        }
    }
    None
}

#[test]
fn whatever_snmptrapd_takes_is_taken() {
    let given = std::env::var("CUSTOS_PACKETS").ok();
    let numbers = match given.as_deref().map(|range| range.split_once("..").unwrap()) {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..PACKETS,
    };
    let mut snmptrapd = Snmptrapd::start();
    let (mut taken, mut faults) = (0, Vec::new());
    for number in numbers {
        let packet = packet(&mut Random(number));
        let Some(printed) = snmptrapd.take(&packet) else { continue };
        taken += 1;
        if let Some(why) = compare(&printed, &custos(&packet)) {
            let bytes: String = packet.iter().map(|byte| format!("{byte:02x}")).collect();
            faults.push(format!("packet {number}: {printed:?}: {why}: {bytes}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(taken > 100 || given.is_some(), "snmptrapd took only {taken} of them");
}

/// The oddities of traps that are known from the field; `snmptrapd` takes each.
#[test]
fn known_oddities_of_traps_are_taken() {
    let mut snmptrapd = Snmptrapd::start();
    let (uptime, identity) = (pair(&UPTIME, &[0x43, 1, 1]), pair(&TRAP_OID, &link_down()));
    let v2 = |pairs: &[&[u8]]| {
        message(1, 0xa7, &[&[2, 1, 7, 2, 1, 0, 2, 1, 0][..], &tlv(0x30, &pairs.concat())].concat())
    };
    let v1 = |generic: u8, specific: &[u8], address: &[u8]| {
        let head = [name(&[1, 3, 6, 1, 4, 1, 99]), tlv(0x40, address), tlv(2, &[generic]), tlv(2, specific)]
            .concat();
        message(0, 0xa4, &[&head[..], &[0x43, 1, 1], &tlv(0x30, &[])].concat())
    };
    let empty_oid = pair(&VARIABLES[0], &[6, 0]);
    let link_down = Oid::new(&LINK_DOWN).unwrap().to_string();
    for (what, packet, trap) in [
        ("plain", v2(&[&uptime, &identity]), &*link_down),
        ("a byte behind", [&v2(&[&uptime, &identity])[..], &[0]].concat(), &*link_down),
        ("fifteen bytes behind", [&v2(&[&uptime, &identity])[..], &[7; 15]].concat(), &*link_down),
        ("no sysUpTime", v2(&[&identity]), &*link_down),
        ("sysUpTime behind", v2(&[&identity, &uptime]), &*link_down),
        ("an OID of no bytes", v2(&[&uptime, &identity, &empty_oid]), &*link_down),
        (
            "a specific number above 2^31",
            v1(6, &[0, 0x80, 0, 0, 1], &[1, 2, 3, 4]),
            "1.3.6.1.4.1.99.0.2147483649",
        ),
        ("generic 7", v1(7, &[0], &[1, 2, 3, 4]), "1.3.6.1.6.3.1.1.5.8"),
        ("an address of no bytes", v1(2, &[0], &[]), &*link_down),
        ("an empty list", v1(2, &[0], &[1, 2, 3, 4]), &*link_down),
    ] {
        assert!(snmptrapd.take(&packet).is_some(), "{what}: snmptrapd does not take it");
        assert_eq!(custos(&packet).map(|read| read.trap.to_string()), Ok(trap.to_owned()), "{what}");
    }
    // Without its list of variables net-snmp takes none, and without an identity neither.
    let list_at = v1(2, &[0], &[1, 2, 3, 4]).len() - 2;
    let mut cut = v1(2, &[0], &[1, 2, 3, 4])[..list_at].to_vec();
    cut[1] -= 2;
    cut[14] -= 2;
    for (packet, why) in [(cut, "byte"), (v2(&[&uptime]), "no snmpTrapOID")] {
        assert_eq!(snmptrapd.take(&packet), None);
        assert!(custos(&packet).unwrap_err().to_string().contains(why));
    }
}
