//! What is refused is told: how much, from whom and why, in the log, in the counts, and among the traps.

use std::net::UdpSocket;

use crate::receiver::{COMMUNITY, LINK, LINK_DOWN, Receiver};
use crate::stage::{text, wait_for};

fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&[tag, contents.len() as u8][..], contents].concat()
}

/// A trap of version 2c with these variables.
fn trap(community: &str, variables: &[u8]) -> Vec<u8> {
    let pdu = [&[2, 1, 7, 2, 1, 0, 2, 1, 0][..], &tlv(0x30, variables)].concat();
    tlv(0x30, &[&[2, 1, 1][..], &tlv(4, community.as_bytes()), &tlv(0xa7, &pdu)].concat())
}

fn uptime() -> Vec<u8> {
    tlv(0x30, &[&[6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0][..], &[0x43, 1, 1]].concat())
}

#[test]
fn refusals_are_told_with_source_and_reason() {
    let receiver = Receiver::start("", LINK);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |packet: &[u8]| assert_eq!(socket.send_to(packet, &receiver.address).unwrap(), packet.len());
    for _ in 0..3 {
        send(&trap(COMMUNITY, &uptime()));
    }
    send(&trap("some other word", &uptime()));
    send(b"hello");
    receiver.await_count("malformed", 4);
    receiver.await_count("wrong_community", 1);
    let told = [
        "malformed from 127.0.0.1: ",
        "1 with a wrong community from 127.0.0.1: no profile has it; they came in version 2c",
    ];
    for line in told {
        wait_for(line, || receiver.log().contains(line).then_some(()));
    }
    let traps = || text(&receiver.stage.custos(&["traps"]).stdout);
    wait_for("a run that tells", || traps().contains("malformed from 127.0.0.1").then_some(()));
    assert!(!receiver.log().contains("some other word") && !traps().contains("some other word"));
    // Whoever is allowed to goes on being heard.
    receiver.link(LINK_DOWN, "3");
    assert_eq!(receiver.runs("link", 1).len(), 1);
}

#[test]
fn a_trap_without_identity_says_that_it_has_none() {
    let receiver = Receiver::start("", LINK);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&trap(COMMUNITY, &uptime()), &receiver.address).unwrap();
    let line = "1 malformed from 127.0.0.1: no snmpTrapOID";
    wait_for(line, || receiver.log().contains(line).then_some(()));
}
