//! Items 1 to 12 of the conformance list: packets.

use std::io::Write;
use std::net::Shutdown;

use custos_compat::nrpe::{Kind, Packet, Version};

use crate::reply::Reply;
use crate::server::Pair;

const COMMANDS: &str = "command[ok]=echo fine\ncommand[slow]=sleep 1; echo slow\n";
const CRC: std::ops::Range<usize> = 4..8;

/// Puts the right CRC on a packet that was changed.
fn resealed(mut packet: Vec<u8>) -> Vec<u8> {
    packet[CRC].fill(0);
    let crc = crc32(&packet);
    packet[CRC].copy_from_slice(&crc.to_be_bytes());
    packet
}

/// The CRC of the protocol, bit by bit: not the code under test.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A query of version 4 with just its text and a NUL.
fn minimal(text: &[u8]) -> Vec<u8> {
    with_field([text, b"\0"].concat())
}

fn with_field(field: Vec<u8>) -> Vec<u8> {
    let len = i32::try_from(field.len()).unwrap();
    let mut packet = vec![0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(&len.to_be_bytes());
    packet.extend_from_slice(&field);
    resealed(packet)
}

fn changed(mut packet: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    packet[at..at + bytes.len()].copy_from_slice(bytes);
    packet
}

#[test]
fn queries_are_taken_and_refused_alike() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    let v4 = Packet::encode_query(Version::V4, b"ok");
    let v2 = Packet::encode_query(Version::V2, b"ok");
    let short = minimal(b"ok");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("v4 as check_nrpe sends it", v4.clone()),
        ("v2 as check_nrpe sends it", v2.clone()),
        ("v4 without padding", short.clone()),
        ("version, v4", Packet::encode_query(Version::V4, b"_NRPE_CHECK")),
        ("version, v2", Packet::encode_query(Version::V2, b"_NRPE_CHECK")),
        ("junk in the padding of v2", resealed(changed(v2.clone(), 1034, b"CT"))),
        ("junk behind the NUL of v2", resealed(changed(v2.clone(), 20, b"junk"))),
        ("junk as the result code of v2", resealed(changed(v2.clone(), 8, b"Pd"))),
        ("junk behind the NUL of v4", resealed(changed(v4.clone(), 30, b"junk"))),
        ("alignment that the CRC counts as zero", changed(short.clone(), 10, &[0x12, 0x34])),
        ("alignment in the CRC", resealed(changed(short.clone(), 10, &[0x12, 0x34]))),
        ("no NUL", with_field(b"ok".to_vec())),
        ("bytes behind the packet", [short.clone(), b"more".to_vec()].concat()),
        ("a second query", [short.clone(), short.clone()].concat()),
        ("version 0", resealed(changed(short.clone(), 0, &[0, 0]))),
        ("version 1", resealed(changed(short.clone(), 0, &[0, 1]))),
        ("version 5", resealed(changed(short.clone(), 0, &[0, 5]))),
        ("version -1", resealed(changed(short.clone(), 0, &[255, 255]))),
        ("bad CRC, v4", changed(short.clone(), 4, &[1, 2, 3, 4])),
        ("bad CRC, v2", changed(v2.clone(), 4, &[1, 2, 3, 4])),
        ("a response", resealed(changed(short.clone(), 2, &[0, 2]))),
        ("type 0", resealed(changed(short.clone(), 2, &[0, 0]))),
        ("no text", minimal(b"")),
        ("no text, v2", Packet::encode_query(Version::V2, b"")),
        ("length -1", changed(short.clone(), 12, &[255, 255, 255, 255])),
        ("length 65537", changed(short.clone(), 12, &[0, 1, 0, 1])),
        ("2047 bytes of a name", minimal(&[b'x'; 2047])),
        ("an unknown command", minimal(b"nosuch")),
        ("another case", minimal(b"OK")),
        ("a blank behind the name", minimal(b"ok ")),
        ("TLS", vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (what, bytes) in cases {
        let reply = pair.same(what, |daemon| daemon.send(&bytes));
        assert!(!matches!(reply, Reply::Junk(_)), "{what}: {reply:?}");
    }
}

#[test]
fn answers_have_the_layout_of_their_version() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    let reply = pair.custos.send(&Packet::encode_query(Version::V2, b"ok"));
    let Reply::Packet(packet, len) = reply else { panic!("{reply:?}") };
    assert_eq!((packet.version, packet.kind, len), (Version::V2, Kind::Response, 1036));
    let reply = pair.custos.send(&Packet::encode_query(Version::V4, b"ok"));
    let Reply::Packet(packet, len) = reply else { panic!("{reply:?}") };
    assert_eq!((packet.version, len), (Version::V4, 16 + "fine".len() + 1));
}

#[test]
fn version_3_is_answered_where_nrpe_closes() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    let (real, custos) = pair.both(|daemon| daemon.send(&Packet::encode_query(Version::V3, b"ok")));
    assert_eq!(real, Reply::Closed);
    assert_eq!(custos.said(), (0, "fine".into()));
    // The client complains of the first connection that nrpe closes, and needs a second one.
    let (real, custos) = pair.both(|daemon| daemon.ask(&["-n", "-3", "-c", "ok"]));
    assert!(real.stdout.ends_with("underflow - only -1 bytes received (4 expected).\nfine\n"), "{real:?}");
    assert_eq!((custos.stdout.as_str(), custos.code), ("fine\n", Some(0)));
}

#[test]
fn packets_may_come_in_any_pieces() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    for packet in [minimal(b"ok"), Packet::encode_query(Version::V2, b"ok")] {
        for size in [1, 9, 10, 11, 500] {
            let pieces: Vec<&[u8]> = packet.chunks(size).collect();
            let reply = pair.same("pieces", |daemon| daemon.send_pieces(&pieces));
            assert_eq!(reply.said(), (0, "fine".into()));
        }
    }
}

#[test]
fn long_queries_are_taken() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    for len in [2_000, 2_030, 2_048, 10_000] {
        let reply = pair.same("a long name", |daemon| daemon.send(&minimal(&vec![b'x'; len])));
        assert!(reply.said().1.starts_with("NRPE: Command 'xxx"), "{len}");
    }
    // nrpe takes this length for 1 by accident.
    assert_eq!(pair.custos.send(&minimal(&[b'x'; 65_535])).said().0, 3);
}

#[test]
fn half_closed_clients_get_their_answer() {
    let pair = Pair::start(COMMANDS, &["-n"]);
    let reply = pair.same("half-closed", |daemon| {
        let mut stream = daemon.connect();
        stream.write_all(&minimal(b"slow")).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        Reply::read(&mut stream)
    });
    assert_eq!(reply.said(), (0, "slow".into()));
}

#[test]
fn idle_connections_hold_nobody_up_and_commands_run_side_by_side() {
    let pair = Pair::start(
        "command[meet]=touch %d/$$$$; for i in 1 2 3 4 5 6 7 8 9 10; do \
        test $$(ls %d | grep -c '^[0-9]') -ge 4 && break; sleep 0.3; done; ls %d | grep -c '^[0-9]'\n",
        &["-n"],
    );
    for daemon in [&pair.real, &pair.custos] {
        let idle: Vec<_> = (0..20).map(|_| daemon.connect()).collect();
        // Each of four commands waits until all four have begun.
        let said: Vec<(i16, String)> = std::thread::scope(|scope| {
            let asked: Vec<_> =
                (0..4).map(|_| scope.spawn(|| daemon.send(&minimal(b"meet")).said())).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        assert_eq!(said, vec![(0, "4".to_owned()); 4], "{:?}", daemon.which);
        drop(idle);
    }
}

#[test]
fn plain_bytes_to_a_tls_port_get_no_answer() {
    let pair = Pair::start(COMMANDS, &[]);
    for daemon in [&pair.real, &pair.custos] {
        let reply = daemon.send(&[minimal(b"ok"), vec![0; 2000]].concat());
        // OpenSSL may send an alert before it closes.
        assert!(matches!(reply, Reply::Closed | Reply::Junk(_)), "{:?}: {reply:?}", daemon.which);
    }
}
