//! Item 58: the lines that log monitors and fail2ban look for.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use custos_compat::nrpe::{Packet, Version};

use crate::authority::Authority;
use crate::reply::Reply;
use crate::server::{Pair, Server, Which, write_config};
use crate::stage::{PATIENCE, Stage, free_port, wait_for};

/// Lines of a log without their times.
fn lines(daemon: &Server) -> Vec<String> {
    daemon.log().lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_end().to_owned())).collect()
}

/// Does something to both, waits until both have logged the line, and returns what each logged in between.
fn logged(pair: &Pair, act: impl Fn(&Server), last: &str) -> (Vec<String>, Vec<String>) {
    pair.both(|daemon| {
        let before = lines(daemon).len();
        act(daemon);
        wait_for(&format!("{:?} logging {last:?}", daemon.which), || {
            let new: Vec<String> = lines(daemon).into_iter().skip(before).collect();
            new.iter().any(|line| line.contains(last)).then_some(new)
        })
    })
}

#[test]
fn refusals_are_logged_alike() {
    let pair = Pair::start("command[a]=echo a\n", &["-n"]);
    let good = Packet::encode_query(Version::V4, b"a");
    let bad_crc = {
        let mut bad = good.clone();
        bad[4] ^= 1;
        bad
    };
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("bad CRC", bad_crc, "was invalid, bailing out"),
        ("type", Packet::encode_response(Version::V4, 0, b"a"), "was invalid, bailing out"),
        ("metachars", Packet::encode_query(Version::V4, b"a;b"), "was invalid, bailing out"),
        ("empty", Packet::encode_query(Version::V4, b""), "was invalid, bailing out"),
    ];
    for (what, bytes, last) in cases {
        let (real, custos) = logged(&pair, |daemon| drop(daemon.send(&bytes)), last);
        assert_eq!(real, custos, "{what}");
    }
    let version = [&[0_u8, 9], &good[2..]].concat();
    for bytes in [version.as_slice(), b"abc"] {
        let (real, custos) = logged(
            &pair,
            |daemon| {
                let stream = daemon.connect();
                let _ = std::io::Write::write_all(&mut &stream, bytes);
                let _ = stream.shutdown(std::net::Shutdown::Write);
            },
            "Could not read request from client",
        );
        for line in real.iter().filter(|line| line.contains("127.0.0.1") || line.contains("version")) {
            assert!(custos.contains(line), "{line} is missing in {custos:?}");
        }
    }
}

#[test]
fn refused_arguments_are_logged() {
    let pair = Pair::start("command[a]=echo a\n", &["-n"]);
    let query = Packet::encode_query(Version::V4, b"a!b");
    let (real, custos) = logged(&pair, |daemon| drop(daemon.send(&query)), "was invalid, bailing out");
    assert!(real[0].starts_with("Error: Request contained command arguments"), "{real:?}");
    assert!(custos[0].starts_with("Error: Request contained command arguments"), "{custos:?}");
    assert_eq!(real[1], custos[1]);
}

#[test]
fn a_start_is_logged() {
    let pair = Pair::start("allowed_hosts=127.0.0.1,::1\n", &["-n"]);
    let (real, custos) = pair.both(lines);
    for line in &custos {
        assert!(!line.is_empty());
    }
    for wanted in [
        "Starting up daemon",
        "Server listening on 0.0.0.0 port",
        "Server listening on :: port",
        "Allowing connections from: 127.0.0.1,::1",
    ] {
        assert!(real.iter().any(|line| line.starts_with(wanted)), "{wanted}: {real:?}");
        assert!(custos.iter().any(|line| line.starts_with(wanted)), "{wanted}: {custos:?}");
    }
}

#[test]
fn debug_lines_tell_what_is_run() {
    let pair = Pair::start("debug=1\ncommand[a]=echo out; exit 1\n", &["-n"]);
    let (real, custos) =
        logged(&pair, |daemon| drop(daemon.ask(&["-n", "-c", "a"])), "Return Code: 1, Output: out");
    for wanted in [
        "Host 127.0.0.1 is asking for command 'a' to be run...",
        "Running command: echo out; exit 1",
        "Command completed with return code 1 and output: out",
        "Return Code: 1, Output: out",
    ] {
        assert!(real.iter().any(|line| line == wanted), "{wanted}: {real:?}");
        assert!(custos.iter().any(|line| line == wanted), "{wanted}: {custos:?}");
    }
    let both =
        pair.both(|daemon| lines(daemon).iter().any(|line| line == "Added command[a]=echo out; exit 1"));
    assert_eq!(both, (true, true));
}

#[test]
fn settings_of_tls_and_connections_are_logged_alike() {
    // Without `allowed_hosts`, nrpe does not log who connects.
    let pair = Pair::start("ssl_logging=0xff\nallowed_hosts=127.0.0.1\ncommand[a]=echo a\n", &[]);
    let (real, custos) = pair.both(lines);
    for line in real.iter().filter(|line| line.starts_with("SSL ") && !line.starts_with("SSL Cipher List")) {
        // nrpe 4.1.0 prints the inverse here.
        if !line.starts_with("SSL Allow ADH") {
            assert!(custos.contains(line), "{line} is missing in {custos:?}");
        }
    }
    for suite in ["ADH-AES256-SHA", "ADH-AES256-GCM-SHA384"] {
        let list = format!("{suite}:@SECLEVEL=0");
        let last = "SSL Not asking for client certification";
        let (real, custos) = logged(&pair, |daemon| drop(daemon.ask(&["-c", "a", "-L", &list])), last);
        // What custos adds is a warning about anonymous TLS, once for each peer.
        let custos: Vec<String> =
            custos.into_iter().filter(|line| !line.contains("neither side knows the other")).collect();
        // nrpe 4.1.0 prints the port with its bytes exchanged.
        let but_for_the_port = |lines: Vec<String>| -> Vec<String> {
            let cut = |line: String| match line.split_once(" port ") {
                Some((before, port)) if port.parse::<u16>().is_ok() => before.to_owned(),
                _ => line,
            };
            lines.into_iter().map(cut).collect()
        };
        let (real, custos) = (but_for_the_port(real), but_for_the_port(custos));
        assert!(custos.contains(&"Connection from 127.0.0.1".to_owned()), "{custos:?}");
        assert_eq!(real, custos, "{suite}");
    }
}

#[test]
fn failed_handshakes_are_logged() {
    let pair = Pair::start("command[a]=echo a\n", &[]);
    let no_suite = ["-c", "a", "-L", "AES256-SHA:@SECLEVEL=0"];
    let line = "Could not complete SSL handshake with 127.0.0.1: 1";
    logged(&pair, |daemon| drop(daemon.ask(&no_suite)), line);
    wait_for("what it means", || {
        lines(&pair.custos).iter().any(|line| line.contains("no cipher suite in common")).then_some(())
    });
}

/// Lines of the log of a daemon that does not get to listen, without the reasons that Custos adds in parentheses.
fn lines_of_a_failure(which: Which, lines: &str) -> Vec<String> {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    write_config(directory.root(), port, lines);
    std::fs::write(directory.path("living.pid"), std::process::id().to_string()).unwrap();
    let mut command = which.command(directory.root());
    command.args(["-n", "-f", "-c"]).arg(directory.path("nrpe.cfg"));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(!status.success(), "{which:?} {lines}");
    let log = std::fs::read_to_string(directory.path("log")).unwrap_or_default();
    let log = log.replace(&directory.root().display().to_string(), "DIR").replace(&port.to_string(), "PORT");
    log.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_end().to_owned())).collect()
}

#[test]
fn a_start_that_fails_is_logged_alike() {
    for lines in [
        "command[x]=",
        "command[a]=x\nnonsense",
        "server_port=80",
        "unknown=1\ncommand_timeout=0",
        "include=%d/none.cfg\ninclude_dir=%d/nrpe.cfg\n;x",
        "pid_file=%d/living.pid",
        "pid_file=%d/none/nrpe.pid",
        "server_address=192.0.2.1",
        "server_address=no-such-host.invalid",
        "server_address=127.0.0.1,127.0.0.2",
    ] {
        let [real, custos] = [Which::Real, Which::Custos].map(|which| lines_of_a_failure(which, lines));
        assert_eq!(real.len(), custos.len(), "{lines}: {real:?} {custos:?}");
        for (real, custos) in real.iter().zip(&custos) {
            assert!(custos.starts_with(real.as_str()), "{lines}: {real:?} {custos:?}");
        }
    }
}

#[test]
fn lists_of_hosts_are_logged_as_they_are_written() {
    for list in ["127.0.0.1", ",, 127.0.0.1\t,::1/128 x,", "10.0.0.0/08,LOCALHOST"] {
        let pair = Pair::start(&format!("max_commands=-1\nallowed_hosts={list}"), &["-n"]);
        let (real, custos) = pair.both(|daemon| {
            wait_for("the list", || {
                let lines = lines(daemon);
                lines.last()?.starts_with("Allowing connections").then_some(lines)
            })
        });
        let ports = |lines: Vec<String>| -> Vec<String> {
            lines
                .iter()
                .map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned())
                .collect()
        };
        assert_eq!(ports(real), ports(custos));
    }
}

#[test]
fn certificates_that_are_refused_are_logged_alike() {
    let files = Stage::writable_by_all();
    let authority = Authority::new(files.root(), "ca");
    let server = authority.sign("server");
    let foreign = Authority::new(files.root(), "other").sign("foreign");
    // A name beyond ASCII is escaped in the log.
    let good = authority.sign("pöller");
    let over = authority.sign_for("over", "-1");
    let lines_of = |logging: &str| {
        format!(
            "ssl_logging={logging}\nssl_client_certs=1\nssl_cacert_file={}\nssl_cert_file={}\nssl_privatekey_file={}\n",
            authority.cert(),
            server.cert,
            server.key
        )
    };
    for logging in ["0x30", "0x20", "0x04"] {
        let pair = Pair::start(&lines_of(logging), &[]);
        for (client, last) in [
            (&foreign, "Could not complete SSL handshake"),
            (&over, "Could not complete SSL handshake"),
            (&good, "Remote 127.0.0.1 - SSL Version"),
        ] {
            let last = match (last, logging) {
                ("Remote 127.0.0.1 - SSL Version", "0x30" | "0x20") => "Cert Issuer",
                (last, _) => last,
            };
            let options = ["-S", "TLSv1.2", "-C", &client.cert, "-K", &client.key];
            let (real, custos) = logged(&pair, |daemon| drop(daemon.ask(&options)), last);
            // The client tries twice, and custos explains what went wrong.
            let first = |lines: Vec<String>| -> Vec<String> {
                let mut first: Vec<String> = Vec::new();
                for line in lines.into_iter().filter(|line| !line.starts_with("SSL handshake with")) {
                    if !first.contains(&line) {
                        first.push(line);
                    }
                }
                first
            };
            assert_eq!(first(real), first(custos), "{logging} {client:?}");
        }
        let no_suite = ["-S", "TLSv1.2", "-L", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"];
        let last = "Could not complete SSL handshake";
        let (real, custos) = logged(&pair, |daemon| drop(daemon.ask(&no_suite)), last);
        assert_eq!(real[0], custos[0], "{logging}");
        let expired = "SSL handshake with 127.0.0.1 failed: certificate has expired";
        assert!(lines(&pair.custos).iter().any(|line| line == expired), "{}", pair.custos.log());
    }
}

/// Starts a daemon in a mount namespace of its own, in which this socket is the one of syslog, sends it a request that is
/// refused, and ends it. What syslog got, without times and process ids, and what was on stderr.
fn told_to_syslog(which: Which) -> (Vec<String>, String) {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    let path = directory.root();
    let syslog = std::os::unix::net::UnixDatagram::bind(path.join("syslog")).unwrap();
    syslog.set_read_timeout(Some(PATIENCE)).unwrap();
    std::fs::set_permissions(path.join("syslog"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let user = if nix::unistd::geteuid().is_root() { "nrpe_user=nagios\nnrpe_group=nagios\n" } else { "" };
    let lines =
        format!("server_port={port}\nlog_facility=local3\nunknown=1\n{user}allowed_hosts=192.0.2.1\n");
    std::fs::write(path.join("nrpe.cfg"), lines).unwrap();
    let own = if nix::unistd::geteuid().is_root() { "-m" } else { "-rm" };
    let mount = "mount --make-rprivate / && mkdir \"$1/dev\" && for name in null zero random urandom; do \
                 touch \"$1/dev/$name\" && mount --bind \"/dev/$name\" \"$1/dev/$name\" || exit 1; done; \
                 touch \"$1/dev/log\" && mount --bind \"$1/syslog\" \"$1/dev/log\" && \
                 mount --rbind \"$1/dev\" /dev || exit 1; shift; exec \"$@\"";
    let daemon = which.command(path);
    let mut command = std::process::Command::new("unshare");
    command.args([own, "sh", "-c", mount, "sh"]).arg(path).arg(daemon.get_program()).args(daemon.get_args());
    command.args(["-n", "-f", "-c"]).arg(path.join("nrpe.cfg")).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut told = Vec::new();
    let mut until = |last: &str| loop {
        let mut buffer = [0; 4096];
        let len = syslog.recv(&mut buffer).unwrap();
        let message = String::from_utf8_lossy(&buffer[..len]).into_owned();
        let (priority, line) =
            (message.split_inclusive('>').next().unwrap(), message.split_once("]: ").unwrap().1);
        let line = line.trim_end().replace(&port.to_string(), "PORT");
        told.push(format!("{priority}{}", line.replace(&path.display().to_string(), "DIR")));
        if line.starts_with(last) {
            break;
        }
    };
    until("Allowing connections from");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(Reply::read(&mut stream), Reply::Closed);
    until("Host 127.0.0.1 is not allowed");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    until("Daemon shutdown");
    let mut stderr = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{which:?}");
    (told, stderr)
}

#[test]
fn syslog_gets_what_nrpe_tells_it_and_gets_it_once() {
    let (real, _) = told_to_syslog(Which::Real);
    let (custos, stderr) = told_to_syslog(Which::Custos);
    assert_eq!(real, custos);
    // Under systemd this ends in the same journal.
    assert!(!stderr.contains("is not allowed to talk to us!"), "{stderr}");
}
