//! Peers that mean harm or know no better: nobody else may suffer, and nothing may be left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use custos_compat::nrpe::{Packet, Version};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt};

use crate::reply::Reply;
use crate::server::{Server, Which};
use crate::stage::wait_for;

const MIB: u64 = 1024 * 1024;
/// Resident memory that may come on top of what the daemon has before, for the allocator's own needs.
const GROWTH_MAX_BYTES: u64 = 8 * MIB;
const COMMANDS: &str = "command[ok]=echo fine\n";

/// Resident memory, in bytes.
fn resident(daemon: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.daemon.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Descriptors of the daemon, but for those of its shims: many requests at once start further ones, which stay.
fn descriptors(daemon: &Server) -> usize {
    /// The socket and the handle on the process.
    const EACH_SHIM: usize = 2;
    let pid = daemon.daemon.pid();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().filter_map(Result::ok);
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let shims: usize = children.map(|list| list.split_whitespace().count()).sum();
    let all = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    all.saturating_sub(EACH_SHIM * shims)
}

fn assert_serves(daemon: &Server) {
    let reply = daemon.send(&Packet::encode_query(Version::V4, b"ok"));
    assert_eq!(reply.said(), (0, "fine".into()));
}

/// Runs an attack twice: what the first leaves behind is the daemon's working set, and the second may add nothing.
fn withstands(daemon: &Server, attack: impl Fn(&Server)) {
    assert_serves(daemon);
    let open = descriptors(daemon);
    attack(daemon);
    wait_for("the descriptors to be closed", || (descriptors(daemon) <= open + 1).then_some(()));
    let settled = resident(daemon);
    attack(daemon);
    assert_serves(daemon);
    wait_for("the descriptors to be closed", || (descriptors(daemon) <= open + 1).then_some(()));
    let grown = resident(daemon).saturating_sub(settled);
    assert!(grown <= GROWTH_MAX_BYTES, "{} KiB more after the second attack", grown / 1024);
}

/// Numbers without pattern, the same in every run.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// Sends bytes and reads to the end, whatever comes of it.
fn throw(daemon: &Server, bytes: &[u8]) {
    let mut stream = daemon.connect();
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn malformed_packets_of_every_kind() {
    let daemon = Server::start(Which::Custos, COMMANDS, &["-n"]);
    withstands(&daemon, |daemon| {
        for (seed, version) in (0..400).zip([Version::V2, Version::V3, Version::V4].into_iter().cycle()) {
            let mut numbers = noise(seed + 1);
            let mut packet = Packet::encode_query(version, b"ok");
            for _ in 0..1 + seed % 4 {
                let at = numbers.next().unwrap() as usize % packet.len().min(40);
                packet[at] = numbers.next().unwrap() as u8;
            }
            packet.truncate(numbers.next().unwrap() as usize % (packet.len() + 1));
            throw(daemon, &packet);
        }
    });
}

#[test]
fn garbage_in_tls() {
    let daemon = Server::start(Which::Custos, COMMANDS, &[]);
    assert_eq!(daemon.ask(&["-c", "ok"]).stdout, "fine\n");
    let open = descriptors(&daemon);
    for seed in 0..300 {
        // Begins as a handshake does, so that OpenSSL has to look at it.
        let mut bytes = vec![22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3];
        bytes.extend(noise(seed + 1).take(300).map(|number| number as u8));
        throw(&daemon, &bytes);
    }
    assert_eq!(daemon.ask(&["-c", "ok"]).stdout, "fine\n");
    wait_for("the descriptors to be closed", || (descriptors(&daemon) <= open + 1).then_some(()));
}

#[test]
fn connections_that_vanish() {
    let daemon = Server::start(Which::Custos, COMMANDS, &["-n"]);
    withstands(&daemon, |daemon| {
        for number in 0..2_000 {
            let stream = daemon.connect();
            if number % 2 == 0 {
                // The close becomes a reset.
                setsockopt(&stream, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
            }
            if number % 3 == 0 {
                let _ = (&stream).write_all(&[0, 4, 0]);
            }
        }
    });
}

#[test]
fn clients_that_do_not_wait_for_their_answer() {
    let daemon = Server::start(Which::Custos, COMMANDS, &["-n"]);
    withstands(&daemon, |daemon| {
        for _ in 0..50 {
            let _ = daemon.connect().write_all(&Packet::encode_query(Version::V4, b"ok"));
        }
    });
}

#[test]
fn five_thousand_idle_connections() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let wanted = 6_000.min(hard);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).unwrap();
    }
    let count = 5_000.min(wanted as usize - 500);
    let daemon = Server::start(Which::Custos, COMMANDS, &["-n"]);
    assert_serves(&daemon);
    let open = descriptors(&daemon);
    let idle: Vec<TcpStream> = (0..count).map(|_| daemon.connect()).collect();
    wait_for("all of them", || (descriptors(&daemon) >= open + count.min(700)).then_some(()));
    assert_serves(&daemon);
    let used = resident(&daemon);
    assert!(used <= 96 * MIB, "{} MiB with {count} idle connections", used / MIB);
    drop(idle);
    wait_for("the descriptors to be closed", || (descriptors(&daemon) <= open + 1).then_some(()));
    assert_serves(&daemon);
}

#[test]
fn silent_peers_cost_no_memory_of_tls_and_a_crowd_leaves_none_behind() {
    const COUNT: usize = 600;
    /// What OpenSSL wants for one connection is several times that.
    const EACH_MAX_BYTES: u64 = 16 * 1024;
    let daemon = Server::start(Which::Custos, COMMANDS, &[]);
    let open = descriptors(&daemon);
    let before = resident(&daemon);
    let crowd = |first: &[u8]| -> Vec<TcpStream> {
        let enter = |_| {
            let mut stream = daemon.connect();
            stream.write_all(first).unwrap();
            stream
        };
        let crowd = (0..COUNT).map(enter).collect();
        wait_for("all of them", || (descriptors(&daemon) >= open + COUNT).then_some(()));
        crowd
    };
    let silent = crowd(&[]);
    let used = resident(&daemon).saturating_sub(before);
    assert!(used <= COUNT as u64 * EACH_MAX_BYTES, "{} KiB for {COUNT} silent connections", used / 1024);
    drop(silent);
    wait_for("the descriptors to be closed", || (descriptors(&daemon) <= open + 1).then_some(()));
    // The beginning of a handshake, for which there has to be memory.
    drop(crowd(&[22, 3, 1, 2]));
    wait_for("the memory to be given back", || {
        (resident(&daemon).saturating_sub(before) <= GROWTH_MAX_BYTES).then_some(())
    });
}

#[test]
fn slow_senders_are_cut_off() {
    for options in [&["-n"][..], &[]] {
        let daemon = Server::start(Which::Custos, &format!("connection_timeout=1\n{COMMANDS}"), options);
        let packet = Packet::encode_query(Version::V4, b"ok");
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let stream = daemon.connect();
                    stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
                    let first = if options.is_empty() { &[22, 3, 1, 1, 0, 1][..] } else { &packet[..] };
                    // A byte now and then would keep a timeout from byte to byte from ever passing.
                    for byte in first.iter().cycle() {
                        if (&stream).write_all(&[*byte]).is_err() {
                            return;
                        }
                        match (&stream).read(&mut [0; 512]) {
                            Ok(0) => return,
                            Ok(_) => {}
                            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                            Err(_) => return,
                        }
                    }
                });
            }
        });
        let asked = daemon.ask(&[options, &["-c", "ok"]].concat());
        assert_eq!(asked.stdout, "fine\n");
    }
}

#[test]
fn max_commands_is_kept() {
    let lines =
        "max_commands=2\ncommand[count]=mkdir %d/$$$$; ls -d %d/[0-9]* | wc -l; sleep 0.2; rmdir %d/$$$$\n";
    let daemon = Server::start(Which::Custos, lines, &["-n"]);
    let most = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| match daemon.send(&Packet::encode_query(Version::V4, b"count")) {
                    Reply::Packet(packet, _) => {
                        String::from_utf8(packet.text).unwrap().trim().parse::<u32>().unwrap()
                    }
                    other => panic!("{other:?}"),
                })
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).max().unwrap()
    });
    assert_eq!(most, 2);
}
