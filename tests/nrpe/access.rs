//! Items 42 to 44: who may connect.

use std::net::{SocketAddr, TcpStream};

use custos_compat::nrpe::{Packet, Version};

use crate::reply::Reply;
use crate::server::{Pair, Server, Which};
use crate::stage::PATIENCE;

fn query_from(daemon: &Server, address: &str) -> Option<Reply> {
    use std::io::Write;
    let address = SocketAddr::new(address.parse().unwrap(), daemon.port);
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(&Packet::encode_query(Version::V4, b"_NRPE_CHECK"));
    Some(Reply::read(&mut stream))
}

/// Whether a client on this address gets an answer.
pub(crate) fn served(daemon: &Server, address: &str) -> bool {
    matches!(query_from(daemon, address), Some(Reply::Packet(..)))
}

#[test]
fn hosts_are_judged_alike() {
    for list in [
        "127.0.0.1",
        "127.0.0.2",
        "192.0.2.1,127.0.0.1",
        "192.0.2.1, 127.0.0.1 ",
        "192.0.2.1 127.0.0.1",
        "127.0.0.0/8",
        "127.0.0.1/32",
        "127.0.0.5/24",
        "127.0.0.0/255.0.0.0",
        "127.000.000.001",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "127.0.0.300",
        "localhost",
        "no-such-host.invalid,127.0.0.1",
        "no-such-host.invalid",
        "*",
        "*,127.0.0.1",
        "::1",
        "::1,127.0.0.1",
        "::/0",
        "::1/0",
        "::2/128",
        "127.0.0.1/33",
        "1.2.3",
        "127.0.0.1/0",
        "127.0.0.2/0",
        "127.0.0.1/00",
        "localhost.",
        "127.0.0.1.",
        "a..b,127.0.0.1",
        "127.1",
    ] {
        let pair = Pair::start(&format!("allowed_hosts={list}"), &["-n"]);
        for address in ["127.0.0.1", "::1"] {
            pair.same(&format!("{list} from {address}"), |daemon| served(daemon, address));
        }
    }
}

/// A client that is closed on before it has sent its first bytes would be killed by SIGPIPE instead.
#[test]
fn who_is_turned_away_is_reset_as_by_nrpe() {
    for (options, words) in [(&[][..], "Connection reset by peer"), (&["-n"], "only -1 bytes received")] {
        let daemon = Server::start(Which::Custos, "allowed_hosts=192.0.2.1", options);
        for _ in 0..5 {
            let answer = daemon.ask(options);
            let said = format!("{}{}", answer.stdout, answer.stderr);
            assert!(answer.code.is_some() && said.contains(words), "{answer:?}");
        }
    }
}

#[test]
fn several_lists_add_up_and_no_list_means_everyone() {
    let pair = Pair::start("allowed_hosts=192.0.2.1\nallowed_hosts=127.0.0.1", &["-n"]);
    assert!(pair.same("two lists", |daemon| served(daemon, "127.0.0.1")));
    let pair = Pair::start("", &["-n"]);
    assert!(pair.same("no list", |daemon| served(daemon, "127.0.0.1") && served(daemon, "::1")));
}

#[test]
fn all_zeros_means_everyone_where_nrpe_lets_nobody_in() {
    let pair = Pair::start("allowed_hosts=0.0.0.0/0", &["-n"]);
    assert_eq!(pair.both(|daemon| served(daemon, "127.0.0.1")), (false, true));
}

#[test]
fn both_families_are_served_unless_one_is_asked_for() {
    for (lines, options, v4, v6) in [
        ("", &["-n"][..], true, true),
        ("", &["-n", "-4"], true, false),
        ("", &["-n", "-6"], false, true),
        ("server_address=127.0.0.1", &["-n"], true, false),
        ("server_address=::1", &["-n"], false, true),
    ] {
        let pair = Pair::start(lines, options);
        let heard = pair.same("families", |daemon| (served(daemon, "127.0.0.1"), served(daemon, "::1")));
        assert_eq!(heard, (v4, v6), "{lines} {options:?}");
    }
}

#[test]
fn refused_peers_are_closed_before_a_byte_is_read() {
    let pair = Pair::start("allowed_hosts=192.0.2.1", &[]);
    let reply = pair.same("silent peer", |daemon| Reply::read(&mut daemon.connect()));
    assert_eq!(reply, Reply::Closed);
    for daemon in [&pair.real, &pair.custos] {
        assert!(daemon.log().contains("Host 127.0.0.1 is not allowed to talk to us!"), "{:?}", daemon.which);
    }
}
