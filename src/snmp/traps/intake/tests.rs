//! Packets in; passive results, answers and counts out.

use std::os::unix::fs::PermissionsExt;

use custos_compat::snmp::usm::{AuthProtocol, Keys, Level, MasterKeys, Outgoing, ReportKind, SecureMessage};
use custos_compat::snmp::{Body, Message, Oid, Pdu, PduKind, Value, VarBind, Version};

use super::*;
use crate::config::{Surroundings, load_with};

const START: Moment = Moment { mono_us: 5_000_000, wall_ms: 1_790_000_000_000 };
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const PASSPHRASE: &str = "a long passphrase";
/// The engine of the intake, and that of a sender.
const OWN: [u8; 5] = [0x80, 0, 0, 0, 1];
const OTHER: [u8; 5] = [0x80, 0, 0, 0, 2];
/// Seconds between 2020 and `START`.
const BOOTS: u32 = 1_790_000_000 - 1_577_836_800;

fn intake(traps: &str, checks: &str) -> Intake {
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("auth");
    std::fs::write(&secret, PASSPHRASE).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let path = directory.path().join("custos.yaml");
    let text = format!(
        "snmp:\n  profiles:\n    two: {{ version: 2c, community: public }}\n    \
         signed: {{ version: 3, user: mon, auth: {{ protocol: md5, file: auth }} }}\n  \
         traps: {{ listen: '127.0.0.1:0', engine_id: 8000000001{traps} }}\nchecks:\n{checks}"
    );
    std::fs::write(&path, text).unwrap();
    let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: jiff::tz::TimeZone::UTC };
    let config = load_with(&path, &surroundings).unwrap_or_else(|mistakes| panic!("{mistakes}")).config;
    let mut faults = Vec::new();
    let intake = Intake::new(&config, config.snmp.traps.as_ref().unwrap(), START, &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    intake
}

const LINK: &str = "  link: { trap: { oid: [linkDown, linkUp], state: { linkDown: critical, linkUp: ok }, \
                    key: ifIndex, text: '{trap} {ifDescr}', deduplicate: 10s } }\n";

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

/// linkDown (3) or linkUp (4) of an interface.
fn pdu(kind: PduKind, trap: u32, interface: i32) -> Pdu {
    let bind = |name: &str, value| VarBind { oid: oid(name), value };
    let varbinds = vec![
        bind("1.3.6.1.2.1.1.3.0", Value::TimeTicks(7)),
        bind("1.3.6.1.6.3.1.1.4.1.0", Value::ObjectId(oid(&format!("1.3.6.1.6.3.1.1.5.{trap}")))),
        bind(&format!("1.3.6.1.2.1.2.2.1.8.{interface}"), Value::Integer(2)),
    ];
    Pdu { kind, request_id: 99, error_status: 0, error_index: 0, varbinds }
}

fn v2c(community: &[u8], pdu: &Pdu) -> Vec<u8> {
    Message::write_pdu(Version::V2c, community, pdu)
}

fn later(seconds: u64) -> Moment {
    START.after(std::time::Duration::from_secs(seconds))
}

#[test]
fn a_trap_is_what_its_check_makes_of_it() {
    let mut intake = intake("", LINK);
    let taken = intake.take(&v2c(b"public", &pdu(PduKind::Trap, 3, 12)), SOURCE, START);
    let [result] = &taken.results[..] else { panic!("{taken:?}") };
    assert_eq!((&*result.check, result.state), ("link", Some(State::Critical)));
    // The index is in the name of another variable of the row, and the description is not sent at all.
    assert_eq!(result.instance, [("ifIndex".to_owned(), "12".to_owned())]);
    assert_eq!(
        (result.text.as_str(), result.details.as_str()),
        ("linkDown ?", "ifOperStatus.12 = down(2)\n")
    );
    assert_eq!((taken.reply, result.origin.as_str()), (None, "trap 192.0.2.7"));
    let other = intake.take(&v2c(b"public", &pdu(PduKind::Trap, 1, 1)), SOURCE, START);
    assert_eq!(&*other.results[0].check, UNMATCHED_CHECK);
    assert!(other.results[0].details.starts_with("snmpTrapOID.0 = 1.3.6.1.6.3.1.1.5.1\n"));
    assert_eq!((intake.counters().matched, intake.counters().unmatched), (1, 1));
}

#[test]
fn an_inform_is_answered_with_its_own_variables() {
    let mut intake = intake("", LINK);
    let asked = pdu(PduKind::Inform, 3, 1);
    let reply = intake.take(&v2c(b"public", &asked), SOURCE, START).reply.unwrap();
    let Message { community, body, .. } = Message::read(&reply).unwrap();
    assert_eq!((&community[..], body), (&b"public"[..], Body::Pdu(asked.acknowledgement())));
    assert_eq!(intake.counters().acknowledged, 1);
    // Whoever may not send is not told that anybody listens.
    assert_eq!(intake.take(&v2c(b"guess", &asked), SOURCE, START), Taken::default());
    assert_eq!(intake.counters().wrong_community, 1);
}

#[test]
fn repeats_are_told_when_their_window_is_over_and_change_no_state() {
    let mut intake = intake("", LINK);
    let down = v2c(b"public", &pdu(PduKind::Trap, 3, 1));
    assert_eq!(intake.take(&down, SOURCE, START).results.len(), 1);
    assert_eq!(intake.take(&down, SOURCE, later(1)).results, []);
    assert_eq!(intake.take(&down, SOURCE, later(2)).results, []);
    assert_eq!(intake.tick(later(9)), []);
    let told = intake.tick(later(10));
    assert_eq!((told[0].state, told[0].text.as_str()), (None, "2 times more: linkDown ?"));
    assert_eq!((intake.counters().matched, intake.counters().repeated), (1, 2));
}

#[test]
fn what_is_too_much_is_told_by_source() {
    let mut intake = intake(", per_source: 2", LINK);
    for _ in 0..5 {
        intake.take(&v2c(b"public", &pdu(PduKind::Trap, 3, 1)), SOURCE, START);
    }
    assert_eq!(intake.counters().limited, 3);
    let told = intake.tick(later(1));
    assert_eq!(told[0].text, "3 traps of 192.0.2.7 were dropped: too many a second");
    assert_eq!((&*told[0].check, told[0].state), (UNMATCHED_CHECK, Some(State::Warning)));
}

fn keys(engine_id: &[u8], passphrase: &str) -> Keys {
    let master = MasterKeys::derive(AuthProtocol::Md5, passphrase.as_bytes(), None).unwrap();
    master.localize(engine_id).unwrap()
}

fn secure(engine_id: &[u8], clock: (u32, u32), keys: Option<&Keys>, reportable: bool, pdu: &Pdu) -> Vec<u8> {
    let (boots, time) = clock;
    let (user, context): (&[u8], &[u8]) = (if engine_id.is_empty() { b"" } else { b"mon" }, b"");
    let outgoing =
        Outgoing { msg_id: 5, reportable, engine_id, boots, time, user, keys, salt: 1, context, pdu };
    outgoing.write().unwrap()
}

/// What an answer of version 3 says, and by which clock.
fn answer(reply: Option<Vec<u8>>, keys: Option<&Keys>) -> (Pdu, u32, u32) {
    let reply = reply.unwrap();
    let message = SecureMessage::read(&reply).unwrap();
    assert_eq!((message.msg_id, message.engine_id), (5, &OWN[..]));
    let keys = keys.filter(|_| message.level > Level::NoAuth);
    let Body::Pdu(pdu) = message.open(keys).unwrap().body else { panic!("a trap of version 1") };
    (pdu, message.boots, message.time)
}

#[test]
fn a_sender_of_informs_of_version_3_is_led_to_the_clock_and_answered() {
    let mut intake = intake("", LINK);
    let inform = pdu(PduKind::Inform, 3, 1);
    let own = keys(&OWN, PASSPHRASE);
    let (report, ..) =
        answer(intake.take(&secure(b"", (0, 0), None, true, &inform), SOURCE, START).reply, None);
    assert_eq!(ReportKind::of(&report), Some(ReportKind::UnknownEngine));
    let early = secure(&OWN, (0, 0), Some(&own), true, &inform);
    let (report, boots, time) = answer(intake.take(&early, SOURCE, later(3)).reply, Some(&own));
    assert_eq!((ReportKind::of(&report), boots, time), (Some(ReportKind::NotInTimeWindow), BOOTS, 3));
    let good = secure(&OWN, (BOOTS, 3), Some(&own), true, &inform);
    let taken = intake.take(&good, SOURCE, later(3));
    assert_eq!(taken.results.len(), 1);
    assert_eq!(answer(taken.reply, Some(&own)).0, inform.acknowledgement());
    // The same packet, much later.
    let (report, ..) = answer(intake.take(&good, SOURCE, later(200)).reply, Some(&own));
    assert_eq!(ReportKind::of(&report), Some(ReportKind::NotInTimeWindow));
    let counters = intake.counters();
    assert_eq!((counters.discoveries, counters.not_timely, counters.acknowledged), (1, 2, 1));
}

#[test]
fn traps_of_version_3_go_by_the_clock_of_their_sender() {
    let mut intake = intake("", LINK);
    let trap = pdu(PduKind::Trap, 3, 1);
    let other = keys(&OTHER, PASSPHRASE);
    let send = |intake: &mut Intake, clock, keys: Option<&Keys>, now| {
        intake.take(&secure(&OTHER, clock, keys, false, &trap), SOURCE, now)
    };
    assert_eq!(send(&mut intake, (4, 1000), Some(&other), START).results.len(), 1);
    assert_eq!(intake.counters().matched, 1);
    // Before the sender's last start, and longer ago than a message may be.
    assert_eq!(send(&mut intake, (3, 1000), Some(&other), START), Taken::default());
    assert_eq!(send(&mut intake, (4, 1000), Some(&other), later(200)), Taken::default());
    assert_eq!(intake.counters().not_timely, 2);
    assert_eq!(send(&mut intake, (5, 1), Some(&keys(&OTHER, "another passphrase")), START), Taken::default());
    assert_eq!(intake.counters().wrong_digest, 1);
    assert_eq!(send(&mut intake, (4, 1000), None, START), Taken::default());
    assert_eq!(intake.counters().wrong_user, 1);
}

#[test]
fn a_message_of_version_3_counts_once() {
    let engines = crate::snmp::traps::SharedEngines::default();
    let mut first = intake("", LINK).with_engines(Arc::clone(&engines));
    let (other, own) = (keys(&OTHER, PASSPHRASE), keys(&OWN, PASSPHRASE));
    let trap = secure(&OTHER, (4, 1000), Some(&other), false, &pdu(PduKind::Trap, 3, 1));
    assert_eq!(first.take(&trap, SOURCE, START).results.len(), 1);
    for at in [0, 1, 149] {
        assert_eq!(first.take(&trap, SOURCE, later(at)), Taken::default());
    }
    // An inform that comes again is acknowledged again, as its sender may not have heard that it was.
    let inform = secure(&OWN, (BOOTS, 0), Some(&own), true, &pdu(PduKind::Inform, 3, 2));
    assert_eq!(first.take(&inform, SOURCE, START).results.len(), 1);
    let again = first.take(&inform, SOURCE, later(1));
    assert_eq!(again.results.len(), 0);
    assert_eq!(answer(again.reply, Some(&own)).0.kind, PduKind::Response);
    assert_eq!((first.counters().not_timely, first.counters().repeated), (3, 1));
    // Another reader of packets, as after a reload.
    let mut second = intake("", LINK).with_engines(engines);
    assert_eq!(second.take(&trap, SOURCE, later(2)), Taken::default());
    assert_eq!(second.take(&inform, SOURCE, later(2)).results.len(), 0);
    let next = secure(&OTHER, (4, 1002), Some(&other), false, &pdu(PduKind::Trap, 3, 1));
    assert_eq!(second.take(&next, SOURCE, later(2)).results.len(), 1);
}

#[test]
fn what_is_refused_is_told_by_source_and_reason_once_in_a_while() {
    let mut intake = intake(", sources: [192.0.2.0/24]", LINK);
    let headless = Pdu { varbinds: Vec::new(), ..pdu(PduKind::Trap, 3, 1) };
    for _ in 0..3 {
        intake.take(&v2c(b"public", &headless), SOURCE, START);
    }
    intake.take(&v2c(b"private", &headless), SOURCE, START);
    intake.take(b"", IpAddr::from([198, 51, 100, 7]), START);
    let told = |intake: &mut Intake, at| -> Vec<String> {
        let results = intake.tick(later(at)).into_iter();
        results
            .map(|result| {
                assert_eq!((&*result.check, result.state), (UNMATCHED_CHECK, None));
                result.text
            })
            .collect()
    };
    assert_eq!(
        told(&mut intake, 1),
        [
            format!("3 malformed from {SOURCE}: no snmpTrapOID"),
            format!("1 with a wrong community from {SOURCE}: no profile has it; they came in version 2c"),
            "1 refused from 198.51.100.7: `sources` has no such address".to_owned(),
        ]
    );
    intake.take(b"x", SOURCE, later(2));
    // A right community in a version that its profile is not for, beside a wrong one.
    intake.take(&v2c(b"private", &headless), SOURCE, later(2));
    intake.take(&Message::write_pdu(Version::V1, b"public", &headless), SOURCE, later(2));
    assert_eq!(told(&mut intake, 3), [""; 0]);
    let lines = told(&mut intake, 90);
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1..],
        [
            format!("1 with a wrong community from {SOURCE}: no profile has it; they came in version 2c"),
            format!(
                "1 of a wrong version from {SOURCE}: the community is right, but its profile is for version 2c and \
                 they came in version 1"
            ),
        ]
    );
    assert_eq!(told(&mut intake, 200), [""; 0]);
}

#[test]
fn packets_that_are_no_traps_are_malformed() {
    let mut intake = intake("", LINK);
    let request = Pdu::request(PduKind::Get, 1, [oid("1.3.6")]);
    let own = keys(&OWN, PASSPHRASE);
    for packet in [
        Vec::new(),
        vec![0x30, 0x80],
        v2c(b"public", &request),
        v2c(b"public", &Pdu { varbinds: Vec::new(), ..pdu(PduKind::Trap, 3, 1) }),
        secure(&OWN, (BOOTS, 0), Some(&own), false, &request),
    ] {
        assert_eq!(intake.take(&packet, SOURCE, START), Taken::default());
    }
    assert_eq!(intake.counters().malformed, 5);
}
