//! The client's command line and its file of options, side by side with the real one's.

use std::fs;
use std::process::Command;

use crate::reply::Answer;
use crate::server::{REAL_CLIENT, Server, Which};
use crate::stage::{PROGRAM, Stage, free_port};

/// What begins the words about the program, which are each program's own.
const OWN_WORDS: &str = "NRPE Plugin for Nagios\n";

/// Runs both clients with these words and nothing else.
fn both(words: &[&str]) -> (Answer, Answer) {
    let directory = Stage::writable_by_all();
    // Mistakes are told under the name that the program goes by.
    let link = directory.path("check_nrpe");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let run = |program: &str| {
        let mut answer = Answer::from(Command::new(program).args(words).output().unwrap());
        answer.stderr = answer.stderr.replace(program, "check_nrpe");
        if let Some((before, _)) = answer.stdout.split_once(OWN_WORDS) {
            answer.stdout = format!("{before}{OWN_WORDS}");
        }
        answer
    };
    (run(REAL_CLIENT), run(link.to_str().unwrap()))
}

fn same(words: &[&str]) -> Answer {
    let (real, custos) = both(words);
    assert_eq!(real, custos, "{words:?}: check_nrpe on the left, custos on the right");
    custos
}

/// The same behind `-H`, `-p` and `-n` for a daemon that knows the command `ok`.
fn same_with(daemon: &Server, words: &[&str]) -> Answer {
    same(&[&["-H", "127.0.0.1", "-p", &daemon.port.to_string(), "-n", "-c", "ok"], words].concat())
}

fn daemon() -> Server {
    Server::start(Which::Real, "command[ok]=echo fine", &["-n"])
}

#[test]
fn mistakes_of_the_command_line() {
    for words in [
        &[][..],
        &["-n"],
        &["-V"],
        &["-h"],
        &["-l"],
        &["-V", "--bogus=1"],
        &["-x", "-H", "h", "-y"],
        &["--h"],
        &["--v=1"],
        &["--=x"],
        &["--help=x"],
        &["-H"],
        &["--host"],
        &["-H", "h", "-c"],
        &["-H", "h", "-a"],
        &["-C", "x"],
        &["-K", "x", "-P", "5", "-2", "-3"],
        &["-2", "-3"],
        &["-2", "-3", "-P", "5"],
        &["-P", "5"],
        &["-h", "-t", "x"],
    ] {
        assert_eq!(same(words).code, Some(3), "{words:?}");
    }
}

#[test]
fn values_are_read_as_nrpe_reads_them() {
    let daemon = daemon();
    for timeout in [
        "5",
        "5:",
        ":",
        "",
        ":3",
        "5:OK:3",
        "5::3",
        "::OK",
        "5:FOO",
        "5:03",
        "5: 3",
        ":FOO",
        "5x",
        "0",
        "-1",
        "x",
        "4294967296",
    ] {
        same_with(&daemon, &["-t", timeout]);
    }
    for (option, values) in [
        ("-d", &["0", "1", "2", "3", "", "x", " 1", "+1", "15", "20", "2x", "02"][..]),
        ("-P", &["0", "", "x", "-5", "5"]),
        ("-S", &["TLSv1.3+", "SSLv2", "SSLv2+", "tlsv1", "TLSv1 ", ""]),
        ("-L", &["", "NOSUCH"]),
        ("-H", &[""]),
        ("-p", &["0", "65536", "x", ""]),
    ] {
        for value in values {
            same_with(&daemon, &[option, value]);
        }
    }
    // Of a port, the last 16 bits count.
    for port in [i64::from(daemon.port) + 65_536, i64::from(daemon.port) - 65_536] {
        assert_eq!(same_with(&daemon, &["-p", &port.to_string()]).stdout, "fine\n");
    }
    assert_eq!(same_with(&daemon, &["-2", "-P", "0"]).stdout, "fine\n");
}

#[test]
fn the_last_state_for_timeouts_counts() {
    let nobody = free_port().to_string();
    for (words, code) in [
        (&["-u", "-t", "3:OK"][..], 0),
        (&["-t", "3:OK", "-u"], 3),
        (&["-t", "3:OK", "-t", "4"], 0),
        (&["-u", "-t", "3:FOO"], 2),
    ] {
        let answer = same(&[&["-H", "127.0.0.1", "-p", &nobody, "-n"], words].concat());
        assert_eq!(answer.code, Some(code), "{words:?}");
    }
}

#[test]
fn a_file_of_options() {
    let (daemon, directory, nobody) = (daemon(), Stage::writable_by_all(), free_port());
    let file = directory.path("options");
    let file = file.to_str().unwrap();
    let many = |words: usize| "-n ".repeat(words);
    for content in [
        "",
        " \n",
        "-c ok",
        "-a x",
        "-f /none -n",
        "-t x",
        "-t 5:FOO",
        "-p 0 -S TLSv1",
        "-S foo",
        "-d 7",
        "-P 0",
        "-P 5",
        "-2 -3",
        "-4 -6",
        "-V",
        "-h",
        "--bogus",
        "-C x",
        "-K x",
        "stray -- -x",
        "# a comment\n-n",
        "-n\0-x",
        "-b 127.0.0.5",
        &many(48),
    ] {
        fs::write(file, content).unwrap();
        println!("{content:?}");
        same_with(&daemon, &["-f", file]);
        // The last file counts, and only that one.
        same_with(&daemon, &["-f", "/none", "-f", file]);
        same_with(&daemon, &["-S", "TLSv1", "-d", "1", "-K", "x", "-f", file]);
    }
    for content in ["-t 5:OK", "-u", "-u -t 5:OK", "-E"] {
        fs::write(file, content).unwrap();
        same(&["-f", file, "-H", "127.0.0.1", "-p", &nobody.to_string(), "-n"]);
        same(&["-f", file, "-H", "127.0.0.1", "-p", &nobody.to_string(), "-n", "-t", "3:WARNING"]);
    }
    // The real client tells these in the system's log only.
    fs::write(file, many(49)).unwrap();
    for unusable in [file, "/none", "/"] {
        let words = ["-H", "127.0.0.1", "-p", &nobody.to_string(), "-f", unusable];
        let (real, custos) = both(&words);
        assert_eq!((real.code, custos.code), (Some(3), Some(3)));
        assert!(custos.stdout.starts_with("Error: ") && custos.stdout.ends_with(&real.stdout), "{custos:?}");
    }
}

#[test]
fn addresses_to_connect_from() {
    let daemon = daemon();
    for from in ["127.0.0.5", "localhost", "127.1", "192.0.2.1"] {
        same_with(&daemon, &["-b", from]);
        same_with(&daemon, &["-b", from, "-u", "-E"]);
    }
    for from in ["::1", "no-such-host.invalid", ""] {
        let port = daemon.port.to_string();
        let (real, custos) = both(&["-H", "127.0.0.1", "-p", &port, "-n", "-c", "ok", "-b", from]);
        // The real client's second line ends in "Success".
        assert_eq!(real.stderr.lines().next(), custos.stderr.lines().next());
        assert_eq!((real.code, custos.code), (Some(2), Some(2)));
    }
}

#[test]
fn names_of_hosts() {
    let daemon = daemon();
    for host in ["::ffff:127.0.0.1", "127.0.0.1", "::1", "127.1", "a".repeat(150).as_str(), "x y"] {
        same_with(&daemon, &["-H", host, "-4"]);
        same_with(&daemon, &["-H", host]);
    }
    same_with(&daemon, &["-H", "127.0.0.1", "-6"]);
}
