//! Items 59 to 65: the client, against the real daemon and against servers that misbehave.
//!
//! Where Custos' client says more, it says the same first.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use custos_compat::nrpe::{Packet, Version};

use crate::authority::Authority;
use crate::reply::Answer;
use crate::server::{REAL_CLIENT, Server, Which, ask_with};
use crate::stage::{PROGRAM, Stage, free_port};

fn custos_client() -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("check_nrpe");
    command
}

/// What both clients make of a server: the real one first.
fn both(port: u16, options: &[&str]) -> (Answer, Answer) {
    (ask_with(Command::new(REAL_CLIENT), port, options), ask_with(custos_client(), port, options))
}

/// Asserts that both say and do the same, up to what Custos adds behind the last line, and what the real one prints
/// of a first attempt that came to nothing.
fn compare(port: u16, options: &[&str]) -> Answer {
    let (real, custos) = both(port, options);
    assert_eq!(real.code, custos.code, "{options:?}: {real:?} {custos:?}");
    assert_eq!(real.stderr, custos.stderr, "{options:?}");
    let same = custos.stdout.starts_with(real.stdout.trim_end_matches(['\n', '.']));
    let noisy = real.stdout.ends_with(&custos.stdout) && real.stdout.starts_with("CHECK_NRPE: ");
    let last = real.stdout.lines().last().unwrap_or_default();
    let more = last.starts_with("CHECK_NRPE: ") && custos.stdout.starts_with(last.trim_end_matches('.'));
    assert!(same || noisy || more, "{options:?}: {real:?} {custos:?}");
    custos
}

#[test]
fn answers_of_the_real_daemon() {
    let commands = "command[ok]=echo 'fine | a=1'\ncommand[warn]=echo W; exit 1\ncommand[rc9]=echo nine; exit 9\n\
        command[multi]=printf 'a\\nb\\n\\n'\ncommand[empty]=echo\ncommand[big]=head -c 60000 /dev/zero | tr '\\0' x\n";
    for daemon_options in [&["-n"][..], &[]] {
        let daemon = Server::start(Which::Real, commands, daemon_options);
        for name in ["ok", "warn", "rc9", "multi", "empty", "big", "nosuch", "_NRPE_CHECK"] {
            for version in [&[][..], &["-2"]] {
                compare(daemon.port, &[daemon_options, version, &["-c", name]].concat());
            }
        }
        compare(daemon.port, daemon_options);
        // Debian's nrpe takes no arguments, and answers nothing.
        let refused = compare(daemon.port, &[daemon_options, &["-c", "ok", "-a", "x"]].concat());
        assert_eq!(refused.code, Some(3));
        let third = ask_with(custos_client(), daemon.port, &[daemon_options, &["-3", "-c", "ok"]].concat());
        assert_eq!((third.stdout.as_str(), third.code), ("fine | a=1\n", Some(0)));
    }
}

#[test]
fn tls_with_the_real_daemon() {
    let directory = Stage::writable_by_all();
    let (ca, other) = (Authority::new(directory.root(), "ca"), Authority::new(directory.root(), "other"));
    let (server, client) = (ca.sign("server"), ca.sign("client"));
    let files = format!("ssl_cert_file={}\nssl_privatekey_file={}\n", server.cert, server.key);
    let required = format!("{files}ssl_cacert_file={}\nssl_client_certs=2\n", ca.cert());
    let (authority, stranger) = (ca.cert(), other.cert());
    let options: [&[&str]; 10] = [
        &[],
        &["-d", "0"],
        &["-d", "2"],
        &["-S", "TLSv1"],
        &["-S", "TLSv1.2"],
        &["-S", "TLSv1.2+"],
        &["-L", "AES256-SHA:@SECLEVEL=0"],
        &["-A", &authority],
        &["-A", &stranger],
        &["-C", &client.cert, "-K", &client.key, "-A", &authority],
    ];
    for lines in ["", &files, &required] {
        let daemon = Server::start(Which::Real, &format!("{lines}command[ok]=echo fine"), &[]);
        for options in options {
            let (real, custos) = both(daemon.port, &[options, &["-c", "ok"]].concat());
            if lines.is_empty() && options.contains(&"-A") {
                // nrpe without a certificate passes for any authority's; here it does not.
                assert_eq!((real.code, custos.code), (Some(0), Some(2)), "{options:?}");
                continue;
            }
            let what = format!("{options:?} against {lines:?}: {real:?} {custos:?}");
            assert_eq!(real.code, custos.code, "{what}");
            assert_eq!(real.stdout == "fine\n", custos.stdout == "fine\n", "{what}");
        }
    }
}

/// A server that does this with each connection, given its number.
fn server(act: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (act, count) = (Arc::new(act), AtomicUsize::new(0));
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (act, number) = (Arc::clone(&act), count.fetch_add(1, Ordering::SeqCst));
            std::thread::spawn(move || act(number, stream));
        }
    });
    port
}

fn read_query(stream: &mut TcpStream) -> Vec<u8> {
    let mut query = vec![0; 1036];
    stream.read_exact(&mut query).unwrap();
    query
}

/// A server that answers a query, given its version, with these bytes.
fn answering(packet: impl Fn(u8) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    server(move |_, mut stream| {
        let query = read_query(&mut stream);
        let _ = stream.write_all(&packet(query[1]));
    })
}

/// A proper answer in the version of the query.
fn answer(version: u8, code: u8, text: &[u8]) -> Vec<u8> {
    let version = Version::from_number(version.into()).unwrap();
    Packet::encode_response(version, code, text)
}

/// The packet with something changed in it and the CRC that belongs to that.
fn changed(mut packet: Vec<u8>, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut packet);
    packet[4..8].fill(0);
    let crc = crc32fast::hash(&packet);
    packet[4..8].copy_from_slice(&crc.to_be_bytes());
    packet
}

const VERSIONS: [&[&str]; 3] = [&["-n"], &["-n", "-2"], &["-n", "-3"]];

#[test]
fn servers_that_misbehave() {
    let with_bad_crc = |version, only_newer: bool| {
        let mut packet = answer(version, 0, b"x");
        packet[4] ^= u8::from(!only_newer || version != 2);
        packet
    };
    let ports = [
        ("nothing", answering(|_| Vec::new())),
        ("a bad CRC", answering(move |version| with_bad_crc(version, false))),
        ("a bad CRC but for version 2", answering(move |version| with_bad_crc(version, true))),
        (
            "a query",
            answering(|version| Packet::encode_query(Version::from_number(version.into()).unwrap(), b"x")),
        ),
        (
            "a query with a bad CRC",
            answering(|_| {
                let mut packet = Packet::encode_query(Version::V2, b"x");
                packet[4] ^= 1;
                packet
            }),
        ),
        ("another version", answering(|_| Packet::encode_response(Version::V2, 1, b"two"))),
        ("version 4 always", answering(|_| Packet::encode_response(Version::V4, 1, b"four"))),
        ("version 5", answering(|version| changed(answer(version, 0, b"x"), |packet| packet[1] = 5))),
        ("HTTP", answering(|_| b"HTTP/1.0 400 Bad Request\r\n\r\n".to_vec())),
        (
            "no text field",
            answering(|version| match version {
                2 => answer(2, 1, b"two"),
                // Version 3 does not count the NUL.
                3 => answer(3, 2, b""),
                _ => changed(answer(4, 2, b""), |packet| {
                    packet.truncate(16);
                    packet[15] = 0;
                }),
            }),
        ),
        (
            "a negative length",
            answering(|version| match version {
                2 => answer(2, 1, b"two"),
                _ => changed(answer(version, 2, b"x"), |packet| packet[12..16].fill(0xff)),
            }),
        ),
        ("no NUL", answering(|_| changed(answer(2, 0, b""), |packet| packet[10..1034].fill(b'x')))),
        (
            "more than an answer",
            answering(|version| [answer(version, 0, b"x"), answer(version, 2, b"y")].concat()),
        ),
        ("an empty text", answering(|version| answer(version, 1, b""))),
        ("a result of 255", answering(|version| answer(version, 255, b"x"))),
        ("a result of 4", answering(|version| answer(version, 4, b"x"))),
        (
            "a result of -2",
            answering(|version| {
                changed(answer(version, 0, b"x"), |packet| packet[8..10].copy_from_slice(&[255, 254]))
            }),
        ),
        (
            "a result of 32767",
            answering(|version| {
                changed(answer(version, 0, b"x"), |packet| packet[8..10].copy_from_slice(&[127, 255]))
            }),
        ),
    ];
    for (what, port) in ports {
        for options in VERSIONS {
            println!("{what}");
            compare(port, options);
        }
    }
}

#[test]
fn answers_that_are_cut_short() {
    for len in [1, 9, 10, 11, 12, 15, 16, 17, 500, 1034, 1035] {
        let port = answering(move |version| {
            let mut packet = answer(version, 0, b"a text");
            packet.truncate(len);
            packet
        });
        for options in VERSIONS {
            println!("{len}");
            compare(port, options);
        }
    }
}

#[test]
fn a_failed_result_is_asked_for_again_once() {
    let failing = answering(|version| {
        changed(answer(version, 0, b"no"), |packet| packet[8..10].copy_from_slice(&[255, 255]))
    });
    for options in VERSIONS {
        let (real, custos) = both(failing, options);
        // The real client prints both answers.
        assert_eq!((real.stdout.as_str(), real.code), ("no\nno\n", Some(255)));
        assert_eq!((custos.stdout.as_str(), custos.code), ("no\n", Some(255)));
    }
}

#[test]
fn version_2_is_tried_after_any_failure() {
    let old = || {
        server(|_, mut stream| {
            // An old server knows version 2 only.
            let query = read_query(&mut stream);
            if query[..2] == [0, 2] {
                let _ = stream.write_all(&Packet::encode_response(Version::V2, 1, b"old"));
            }
        })
    };
    let answer = compare(old(), &["-n", "-c", "x"]);
    assert_eq!((answer.stdout.as_str(), answer.code), ("old\n", Some(1)));
    let refusing = server(|_, mut stream| {
        let query = read_query(&mut stream);
        let mut packet = Packet::encode_response(Version::V4, 0, b"no");
        if query[..2] == [0, 2] {
            packet = Packet::encode_response(Version::V2, 2, b"fallback");
        } else {
            packet = changed(packet, |packet| packet[8..10].copy_from_slice(&[0xff, 0xff]));
        }
        let _ = stream.write_all(&packet);
    });
    let (real, custos) = both(refusing, &["-n"]);
    // The real client prints the refused answer as well.
    assert_eq!((real.stdout.as_str(), real.code), ("no\nfallback\n", Some(2)));
    assert_eq!((custos.stdout.as_str(), custos.code), ("fallback\n", Some(2)));
}

#[test]
fn queries_on_the_wire_are_the_same() {
    for options in [
        &["-n", "-c", "check"][..],
        &["-n", "-2", "-c", "check"],
        &["-n", "-c", "check", "-a", "one", "two words", "", "-x", "--", "-H"],
        &["-n", "-c", "check", "--args=x", "y"],
        &["-n", "-c", "check", "-a", "x", "-c", "y"],
        &["-n", "-2", "-P", "2048", "-c", "check"],
        &["stray", "-n", "-c", "check"],
        &["-n"],
    ] {
        let (send, sent) = std::sync::mpsc::channel();
        let port = server(move |_, mut stream| {
            stream.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            // The CRC, and for version 2 the result code and the padding, hold junk in the real client.
            bytes[4..10].fill(0);
            if bytes[1] == 2 {
                let padding = bytes.len() - 2;
                bytes[padding..].fill(0);
            }
            send.send(bytes).unwrap();
        });
        let timeout = ["-t", "5"];
        ask_with(Command::new(REAL_CLIENT), port, &[&timeout, options].concat());
        let real = sent.recv().unwrap();
        while sent.recv_timeout(std::time::Duration::from_millis(400)).is_ok() {}
        ask_with(custos_client(), port, &[&timeout, options].concat());
        assert_eq!(real, sent.recv().unwrap(), "{options:?}");
    }
}

#[test]
fn timeouts() {
    let silent = server(|_, mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    for (options, text, code) in [
        (&["-t", "1"][..], "CHECK_NRPE STATE CRITICAL: Socket timeout after 1 seconds.\n", 2),
        (&["-t", "1:WARNING"], "CHECK_NRPE STATE WARNING: Socket timeout after 1 seconds.\n", 1),
        (&["-t", "1", "-u"], "CHECK_NRPE STATE UNKNOWN: Socket timeout after 1 seconds.\n", 3),
    ] {
        for transport in [&["-n"][..], &[]] {
            let answer = compare(silent, &[transport, options].concat());
            assert_eq!((answer.stdout.as_str(), answer.code), (text, Some(code)));
        }
    }
}

#[test]
fn connections_that_do_not_come_about() {
    let nobody = free_port();
    for options in [&[][..], &["-n"], &["-u"], &["-t", "3:OK"], &["-E"], &["-E", "-u"], &["-4"]] {
        compare(nobody, options);
    }
    // The last host counts.
    for options in [&["-H", "no-such-host.invalid"][..], &["-H", "no-such-host.invalid", "-E"]] {
        assert_eq!(compare(nobody, options).code, Some(1));
    }
    let closing = server(|_, stream| drop(stream));
    let (real, custos) = both(closing, &[]);
    // The real client dies of SIGPIPE where it writes before it notices, and then has no exit status.
    assert!(real.code.is_none() || real.code == custos.code, "{real:?} {custos:?}");
    // Whether the connection breaks or ends depends on what the client had sent by then.
    let told = [
        "CHECK_NRPE: Error - Could not connect to 127.0.0.1",
        "CHECK_NRPE: (ssl_err != 5) Error - Could not",
    ];
    assert!(told.iter().any(|text| custos.stdout.starts_with(text)), "{custos:?}");
}

#[test]
fn handshakes_that_fail() {
    let replying = |bytes: &'static [u8]| {
        server(move |_, mut stream| {
            // The whole of what a client says first, so that closing resets nothing.
            let mut head = [0; 5];
            stream.read_exact(&mut head).unwrap();
            let len = u16::from_be_bytes([head[3], head[4]]);
            stream.read_exact(&mut vec![0; usize::from(len)]).unwrap();
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        })
    };
    for bytes in [
        &b""[..],
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x15\x03\x03\x00\x02\x02\x30",
        b"\x15\x03\x03\x00\x02\x01\x00",
        b"\x16\x03\x03\x00\x05abc",
        b"HTTP/1.0 400 Bad Request\r\n\r\n",
        b"\x00\x04\x00\x02",
    ] {
        for options in [&[][..], &["-2"], &["-u"], &["-t", "3:WARNING"]] {
            println!("{bytes:?}");
            let answer = compare(replying(bytes), options);
            assert!(answer.stdout.starts_with("CHECK_NRPE: (ssl_err != 5) Error"), "{answer:?}");
        }
    }
}

#[test]
fn calls_that_do_not_ask() {
    for options in [
        &["-V"][..],
        &["-h"],
        &["-l"],
        &["--bogus"],
        &["-t", "x"],
        &["-t", "3:FOO"],
        &["-P", "100"],
        &["-2", "-3"],
        &["-C", "x"],
        &["-K", "x"],
        &["-d", "5"],
        &["-S", "foo"],
        &["-f", "/no/such/file"],
        &["-p", "x"],
        &["-c"],
    ] {
        let (real, custos) = both(free_port(), options);
        assert_eq!(real.code, custos.code, "{options:?}: {custos:?}");
    }
    for options in [&["-L", "NOSUCH"][..], &["-A", "/none"], &["-C", "/none", "-K", "/none"]] {
        let (real, custos) = both(free_port(), options);
        assert_eq!(real.code, custos.code, "{options:?}: {custos:?}");
        let first = real.stdout.lines().next().unwrap();
        assert!(custos.stdout.starts_with(first), "{options:?}: {first} {custos:?}");
    }
}
