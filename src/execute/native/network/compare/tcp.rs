//! `check_tcp` and its kin, and `check_ssh`.

use super::cases::{Case, combined, compare, compare_each, lines};
use super::servers::{Act, closed, send, socket, tcp, tls, udp};

pub(super) fn ports(of: impl IntoIterator<Item = u16>) -> Vec<Vec<String>> {
    of.into_iter().map(|port| vec!["-p".to_owned(), port.to_string()]).collect()
}

fn greetings() -> Vec<Vec<Act>> {
    let long = |count: usize| send([b"220 ".to_vec(), vec![b'x'; count], b"\r\n".to_vec()].concat());
    let in_pieces =
        |text: &str| text.chars().flat_map(|piece| [send(piece.to_string()), Act::Pause(20)]).collect();
    vec![
        vec![send("220 hello there\r\n"), Act::Hold],
        vec![send("220 hello there\r\n220 and more\r\n"), Act::Hear, Act::Pause(50), send("221 bye\r\n")],
        vec![send("220 no end"), Act::Hold],
        in_pieces("220 in pieces\r\n+OK"),
        in_pieces("* OK"),
        vec![Act::Pause(300), send("+OK late\r\n"), Act::Hold],
        vec![send("22"), Act::Pause(2500), send("0 too late\r\n"), Act::Hold],
        vec![send("22"), Act::Hold],
        vec![send("* OK imap | ready \u{1}\r\n \t \r\n"), Act::Hold],
        vec![send("421 not now\r\n"), Act::Hold],
        vec![send("\r\n\r\n"), Act::Hold],
        vec![send("2"), Act::Hold],
        vec![send("2")],
        vec![send("220 a\0b\r\n"), Act::Hold],
        vec![send("\u{0}220\r\n"), Act::Hold],
        vec![send(b"220 \xff\xfe latin\xe9\r\n"), Act::Hold],
        vec![long(1000), Act::Hold],
        vec![long(1018), Act::Hold],
        vec![long(1019), Act::Hold],
        vec![long(5000), Act::Pause(100), send("PONG"), Act::Hold],
        vec![send("<?xml version='1.0'?><stream>"), Act::Hold],
        vec![send("200 news\r\n"), Act::Hold],
        vec![send("201 news\r\n")],
        vec![Act::Hear, send("PONG\n")],
        vec![Act::Echo],
        vec![],
        vec![Act::Hold],
        vec![Act::Pause(50), Act::Reset],
        vec![send("220 and gone\r\n"), Act::Pause(50), Act::Reset],
        vec![Act::Flood(b"abcdefgh")],
        vec![Act::Flood(b"220 again\r\n")],
    ]
}

const OPTIONS: [&str; 30] = [
    "",
    "-w 5 -c 9",
    "-w 0 -c 9",
    "-w 0 -c 0",
    "--warning=0.5 -c 0",
    "-w 1.5 -t 2",
    "-e 220",
    "-e hello -e more",
    "-e hello -e more -A",
    "-e OK -M crit",
    "-e nothing -M ok",
    "-e nothing -M warning -w 0",
    "-e nothing -j",
    "-e 22 -q BYE",
    "-j",
    "-s PING",
    "-s PING -e PONG",
    "-E -s PI\\nNG\\r\\n\\t\\\\x\\y\\ -e PI",
    "-E -q A\\n -e 2",
    "-m 1 -e x",
    "-m 5 -e 220",
    "-m 2000 -e no",
    "-m 010 -e 220",
    "-d 1 -e 220",
    "-r ok",
    "-r warn -4",
    "-r critical -w 1",
    "--esc --exp 220",
    "-v",
    "-C x",
];

const SERVICES: [&str; 9] = [
    "check_tcp",
    "check_ftp",
    "check_imap",
    "check_pop",
    "check_jabber",
    "check_nntp",
    "check_clamd",
    "check_udp",
    "check_spop",
];

#[test]
fn plain_services() {
    let mut all = Vec::new();
    let servers: Vec<u16> = greetings().into_iter().map(tcp).chain([closed()]).collect();
    for plugin in SERVICES {
        let hosts = match plugin {
            "check_tcp" => lines(&["-H 127.0.0.1 -t 3", "-t 4", "-H localhost -t 3", "-6 -t 3"]),
            _ => lines(&["-H 127.0.0.1 -t 3"]),
        };
        all.extend(combined(plugin, &[hosts, ports(servers.clone()), lines(&OPTIONS)]));
    }
    compare(all, 200);
}

#[test]
fn other_ways_to_a_server() {
    let place = tempfile::Builder::new().prefix("custos-compare-").tempdir_in("/run").unwrap();
    let path = socket(place.path(), vec![Act::Hear, send("PONG\n"), Act::Hold]);
    let there = path.to_str().unwrap();
    let gone = place.path().join("gone");
    let hosts =
        [vec!["-H".to_owned(), there.to_owned()], vec!["-H".to_owned(), gone.to_str().unwrap().to_owned()]];
    let mut all = combined(
        "check_clamd",
        &[hosts.to_vec(), lines(&["", "-t 2", "-e x -t 2", "-r ok", "-s P -e PONG -w 0", "-S"])],
    );
    let port = tcp(vec![send("220 hello\r\n"), Act::Hold]).to_string();
    let plain = [
        format!("127.0.0.1 -p {port}"),
        format!("localhost -p {port} -e 220"),
        format!("-p {port} 127.0.0.1"),
        format!("-H ::1 -p {port}"),
        format!("-H 127.1 -p {port}"),
        format!("-H no-such-name.invalid -p {port}"),
        format!("-H [::1] -p {port}"),
        format!("-H 127.0.0.1 -p {port} -t 0"),
        format!("-H 127.0.0.1 -p 0{port}"),
        format!("-H 127.0.0.1 -p {port} -w 1: -e 220"),
        format!("-H 127.0.0.1 -p {port} -e 220 stray"),
        format!("-H 127.0.0.1 -p {port} -wt 3"),
        "-H 127.0.0.1 -p 65536".to_owned(),
        "-H 127.0.0.1".to_owned(),
        "-H 240.0.0.1 -p 80 -t 1".to_owned(),
    ];
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    for plugin in ["check_tcp", "check_ftp"] {
        all.extend(combined(plugin, &[lines(&plain)]));
    }
    let datagrams = [udp(Some(b"PONG\n")), udp(Some(b"")), udp(Some(&[b'x'; 1500])), udp(None), closed()];
    let asks = lines(&[
        "-s PING -e PONG",
        "-s P -e x -M crit",
        "-s P",
        "-e P",
        "-s P -e PONG -w 0 -j",
        "-s P -e x -m 1",
    ]);
    let hosts = lines(&["-H 127.0.0.1 -t 2", "-t 1"]);
    all.extend(combined("check_udp", &[hosts.clone(), ports(datagrams), asks.clone()]));
    compare_each(all, 60);
}

#[test]
fn services_behind_tls() {
    const DAY_S: i64 = 86_400;
    let mut servers = Vec::new();
    for (index, acts) in greetings().into_iter().enumerate() {
        servers.push(tls(acts, Some(&format!("host{index}")), 400 * DAY_S));
    }
    let greeting = || vec![send("220 hello\r\n"), Act::Hold];
    servers.push(tcp(greeting()));
    servers.push(closed());
    let mut all = Vec::new();
    for plugin in ["check_tcp", "check_ssmtp", "check_simap", "check_nntps"] {
        let options = lines(&[
            "-S",
            "-S -w 5 -c 9",
            "-S -e 220 -q BYE",
            "-S -e OK",
            "-S -e nothing -w 0",
            "-S -m 1500 -e nothing",
            "-S -s PING -e PING",
            "--sni example.org -e 2",
            "-D 30,10",
            "-D 500",
            "-D 500,450",
        ]);
        all.extend(combined(plugin, &[lines(&["-H 127.0.0.1 -t 3"]), ports(servers.clone()), options]));
    }
    // Half an hour and half a day are left in between, so that nothing comes due meanwhile.
    let lives = [
        -1000,
        -DAY_S - 1800,
        1830,
        30,
        3 * 3600 + 1800,
        DAY_S / 2,
        DAY_S + 1800,
        29 * DAY_S + 1800,
        30 * DAY_S + 1800,
        31 * DAY_S + 1800,
        10_000 * DAY_S + 1800,
    ];
    let mut ends: Vec<u16> =
        lives.iter().map(|life| tls(greeting(), Some("www.example.org"), *life)).collect();
    ends.push(tls(greeting(), None, 30 * DAY_S + 1800));
    ends.push(tls(greeting(), Some("m\u{fc}ller"), 30 * DAY_S + 1800));
    ends.push(tls(greeting(), Some("*.a'b"), 30 * DAY_S + 1800));
    let days =
        lines(&["-D 30", "-D 30,10", "-D 40,30", "-D 0", "-D 1,1", "-D 30,40", "-D x", "-D 30 -e 220 -w 0"]);
    let ends = combined("check_tcp", &[lines(&["-H 127.0.0.1"]), ports(ends), days]);
    all.extend(ends);
    compare(all, 100);
}

#[test]
fn servers_of_ssh() {
    let mut greetings = greetings();
    greetings.extend([
        vec![send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), Act::Hold],
        vec![send("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")],
        vec![send("SSH-1.99-Cisco-1.25\n"), Act::Hold],
        vec![send("SSH-2.0OpenSSH \t\r\n\r\n"), Act::Hold],
        vec![send("SSH-2.0"), Act::Hold],
        vec![send("SSH"), Act::Hold],
        vec![send("SSH-"), Act::Hold],
        vec![send("SSH-2.0-a\0b\r\n"), Act::Hold],
        vec![send("SSH-2.0-x | y=1\r\nmore\r\n"), Act::Hold],
        vec![send(format!("SSH-2.0-{}\r\n", "x".repeat(300))), Act::Hold],
        vec![send("SS"), Act::Pause(50), send("H-2.0-x\r\n"), Act::Hold],
        vec![send("SSH-2.0-dropbear\r\n"), Act::Pause(50), Act::Reset],
    ]);
    let servers: Vec<u16> = greetings.into_iter().map(tcp).chain([closed()]).collect();
    let options = lines(&[
        "-H 127.0.0.1 -t 2",
        "-t 2 127.0.0.1",
        "-t 2 -4 localhost",
        "-H 127.0.0.1 -t 2 -r OpenSSH_9.2p1",
        "-H 127.0.0.1 -t 2 -P 2.0",
        "-H 127.0.0.1 -t 2 -P 1.5 --remote-version=x",
        "-H 127.0.0.1 -v -t 2",
    ]);
    let mut all = combined("check_ssh", &[ports(servers.clone()), options]);
    for port in servers {
        let words = ["-t".to_owned(), "2".to_owned(), "127.0.0.1".to_owned(), port.to_string()];
        all.push(Case { plugin: "check_ssh", words: words.to_vec() });
    }
    compare(all, 20);
}
