//! Packets that are no traps, or pretend to be: each is counted, and the agent goes on.

use std::net::UdpSocket;

use crate::receiver::{COMMUNITY, LINK, LINK_DOWN, Receiver};

#[test]
fn malformed_packets_are_counted_and_harmless() {
    let receiver = Receiver::start("", LINK);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let community = COMMUNITY.as_bytes();
    let deep = [0x30, 0x82].repeat(2000);
    let mut huge = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1, 4, community.len() as u8];
    huge.extend_from_slice(community);
    let mut cut = vec![0x30, 13 + community.len() as u8, 2, 1, 1, 4, community.len() as u8];
    cut.extend_from_slice(community);
    cut.extend_from_slice(&[0xa7, 4, 2, 2, 1]);
    let packets: [&[u8]; 7] = [b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", &deep, &huge, &cut, &[0xff; 1400]];
    for packet in packets {
        socket.send_to(packet, &receiver.address).unwrap();
    }
    receiver.await_count("malformed", packets.len() as u64);
    receiver.link(LINK_DOWN, "3");
    assert_eq!(receiver.runs("link", 1).len(), 1);
    assert_eq!((receiver.count("malformed"), receiver.count("matched")), (packets.len() as u64, 1));
}

#[test]
fn requests_are_no_traps() {
    let receiver = Receiver::start("", LINK);
    let asked = std::process::Command::new("snmpget")
        .args([
            "-m",
            "",
            "-v2c",
            "-c",
            COMMUNITY,
            "-r",
            "0",
            "-t",
            "1",
            &receiver.address,
            "1.3.6.1.2.1.1.1.0",
        ])
        .output()
        .unwrap();
    assert!(!asked.status.success());
    receiver.await_count("malformed", 1);
}
