//! Items 52 to 57: the process.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use custos_compat::nrpe::{Packet, Version};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::reply::Reply;
use crate::server::{Pair, Server, Which, write_config};
use crate::stage::{Stage, as_root, free_port, wait_for};

const BOTH: [Which; 2] = [Which::Real, Which::Custos];

/// Exit status and stdout of a call that ends by itself.
fn call(which: Which, words: &[&str]) -> (Option<i32>, String) {
    let directory = Stage::writable_by_all();
    let output = which.command(directory.root()).args(words).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn calls_that_do_not_serve_end_alike() {
    for words in [&[][..], &["-h"], &["-V"], &["-l"], &["--bogus"], &["-c", "/etc/nagios/nrpe.cfg"]] {
        let (real, custos) = (call(Which::Real, words), call(Which::Custos, words));
        assert_eq!((real.0, custos.0), (Some(3), Some(3)), "{words:?}");
        assert_eq!(real.1.is_empty(), custos.1.is_empty(), "{words:?}");
    }
    for which in BOTH {
        assert_eq!(call(which, &["-c", "/no/such/nrpe.cfg", "-f"]).0, Some(2), "{which:?}");
        assert!(call(which, &["-V"]).1.contains("Version: 4.1.0"), "{which:?}");
    }
}

#[test]
fn a_port_in_use_ends_the_start() {
    let first = Server::start(Which::Custos, "", &["-n"]);
    for which in BOTH {
        let directory = Stage::writable_by_all();
        write_config(directory.root(), first.port, "");
        let config = directory.path("nrpe.cfg");
        assert_eq!(call(which, &["-n", "-f", "-c", config.to_str().unwrap()]).0, Some(1), "{which:?}");
    }
}

#[test]
fn root_is_not_a_user_to_run_as() {
    as_root();
    for lines in ["nrpe_user=root", "nrpe_group=root", "nrpe_user=no-such-user", "nrpe_user=0"] {
        for which in BOTH {
            let directory = Stage::writable_by_all();
            write_config(directory.root(), free_port(), lines);
            let config = directory.path("nrpe.cfg");
            assert_eq!(
                call(which, &["-n", "-f", "-c", config.to_str().unwrap()]).0,
                Some(2),
                "{which:?} {lines}"
            );
        }
    }
}

#[test]
fn privileges_are_dropped_for_good() {
    let daemon = Server::start(Which::Custos, "", &["-n"]);
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.daemon.pid())).unwrap();
    let ids = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().skip(1).map(|id| id.parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    for key in ["Uid:", "Gid:"] {
        let ids = ids(key);
        assert!(ids.iter().all(|id| *id == ids[0]), "{key} {ids:?}");
        assert!(ids[0] != 0 || !nix::unistd::geteuid().is_root(), "{key} {ids:?}");
    }
}

#[test]
fn in_the_background_with_a_pid_file() {
    for which in BOTH {
        let (directory, port) = (Stage::writable_by_all(), free_port());
        let path = directory.path("nrpe.pid");
        // A stale file is replaced.
        fs::write(&path, "4194304\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_config(directory.root(), port, "pid_file=%d/nrpe.pid\n");
        let config = directory.path("nrpe.cfg");
        let config = config.to_str().unwrap();
        assert_eq!(call_in(which, &directory, &["-n", "-d", "-c", config]), Some(0), "{which:?}");
        let pid = wait_for("a pid file", || {
            let pid: i32 = fs::read_to_string(&path).ok()?.strip_suffix('\n')?.parse().ok()?;
            (pid != 4_194_304).then_some(Pid::from_raw(pid))
        });
        wait_for("the listener", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        // A second one is refused while the first is alive.
        assert_eq!(call_in(which, &directory, &["-n", "-f", "-c", config]), Some(2), "{which:?}");
        kill(pid, Signal::SIGTERM).unwrap();
        wait_for("the end of the daemon", || kill(pid, None).is_err().then_some(()));
        assert!(!path.exists(), "{which:?}");
    }
}

fn call_in(which: Which, directory: &Stage, words: &[&str]) -> Option<i32> {
    let mut command = which.command(directory.root());
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().code()
}

#[test]
fn hangup_rereads_everything_and_keeps_the_old_on_a_mistake() {
    let mut daemon = Server::start(
        Which::Custos,
        "command[a]=echo old\ncommand[gone]=echo gone\nallowed_hosts=127.0.0.1,::1",
        &["-n"],
    );
    let said = |daemon: &Server, name: &str| daemon.ask(&["-n", "-c", name]).stdout;
    assert_eq!(said(&daemon, "a"), "old\n");
    // A mistake changes nothing.
    write_config(daemon.stage.root(), daemon.port, "command[a]=echo broken\nnonsense");
    daemon.signal(Signal::SIGHUP);
    wait_for("the complaint", || daemon.log().contains("No variable value specified").then_some(()));
    assert_eq!(said(&daemon, "a"), "old\n");
    // A good file changes everything, the port too.
    let old = daemon.port;
    let new = free_port();
    write_config(daemon.stage.root(), new, "command[a]=echo new\ncommand[b]=echo b\n");
    daemon.signal(Signal::SIGHUP);
    daemon.port = new;
    wait_for("the new port", || std::net::TcpStream::connect(("127.0.0.1", new)).ok());
    assert_eq!(said(&daemon, "a"), "new\n");
    assert_eq!(said(&daemon, "b"), "b\n");
    assert_eq!(said(&daemon, "gone"), "NRPE: Command 'gone' not defined\n");
    wait_for("the old port to close", || {
        std::net::TcpStream::connect(("127.0.0.1", old)).is_err().then_some(())
    });
    assert!(daemon.log().contains("Caught SIGHUP - restarting..."));
    assert!(daemon.daemon.is_alive());
    // allowed_hosts is replaced, not added to.
    write_config(daemon.stage.root(), new, "allowed_hosts=192.0.2.1");
    daemon.signal(Signal::SIGHUP);
    wait_for("the new list", || {
        (daemon.send(&Packet::encode_query(Version::V4, b"a")) == Reply::Closed).then_some(())
    });
}

#[test]
fn a_change_of_address_on_the_same_port_is_followed() {
    let daemon = Server::start(Which::Custos, "", &["-n"]);
    let heard = |address: &str| std::net::TcpStream::connect((address, daemon.port)).is_ok();
    for (lines, v4, v6) in
        [("server_address=127.0.0.1", true, false), ("server_address=::1", false, true), ("", true, true)]
    {
        write_config(daemon.stage.root(), daemon.port, lines);
        daemon.signal(Signal::SIGHUP);
        wait_for(lines, || (heard("127.0.0.1") == v4 && heard("::1") == v6).then_some(()));
    }
    // An address of somebody else changes nothing.
    write_config(daemon.stage.root(), daemon.port, "server_address=192.0.2.1");
    daemon.signal(Signal::SIGHUP);
    wait_for("the complaint", || daemon.log().contains("Cannot bind to any address.").then_some(()));
    assert!(heard("127.0.0.1") && heard("::1"));
}

#[test]
fn running_commands_survive_hangup_and_termination() {
    for signal in [Signal::SIGHUP, Signal::SIGTERM] {
        let mut pair = Pair::start("command[slow]=touch %d/begun; sleep 1; echo done", &["-n"]);
        for daemon in [&mut pair.real, &mut pair.custos] {
            let mut stream = daemon.connect();
            stream.write_all(&Packet::encode_query(Version::V4, b"slow")).unwrap();
            let begun = daemon.stage.path("begun");
            wait_for("the command to begin", || begun.exists().then_some(()));
            daemon.signal(signal);
            assert_eq!(Reply::read(&mut stream).said(), (0, "done".into()), "{:?} {signal}", daemon.which);
            if signal == Signal::SIGTERM {
                assert_eq!(daemon.ended(), 0, "{:?}", daemon.which);
            }
        }
    }
}

#[test]
fn whoever_waits_for_a_turn_at_termination_is_told() {
    let mut daemon = Server::start(
        Which::Custos,
        "debug=1\nmax_commands=1\ncommand[slow]=touch %d/begun; while ! test -e %d/go; do sleep 0.05; done; echo done",
        &["-n"],
    );
    let ask = |daemon: &Server| {
        let mut stream = daemon.connect();
        stream.write_all(&Packet::encode_query(Version::V4, b"slow")).unwrap();
        stream
    };
    let mut running = ask(&daemon);
    let begun = daemon.stage.path("begun");
    wait_for("the command to begin", || begun.exists().then_some(()));
    let mut waiting = [ask(&daemon), ask(&daemon), ask(&daemon)];
    wait_for("the requests", || {
        (daemon.log().matches("is asking for command 'slow'").count() == 4).then_some(())
    });
    daemon.signal(Signal::SIGTERM);
    for stream in &mut waiting {
        assert_eq!(Reply::read(stream).said(), (3, "NRPE: The agent is shutting down".into()));
    }
    fs::write(daemon.stage.path("go"), "").unwrap();
    assert_eq!(Reply::read(&mut running).said(), (0, "done".into()));
    assert_eq!(daemon.ended(), 0);
}

#[test]
fn termination_is_at_once_and_quit_is_ignored() {
    let mut pair = Pair::start("", &["-n"]);
    for daemon in [&mut pair.real, &mut pair.custos] {
        let idle = daemon.connect();
        daemon.signal(Signal::SIGQUIT);
        assert_eq!(daemon.ask(&["-n"]).code, Some(0), "{:?}", daemon.which);
        daemon.signal(Signal::SIGTERM);
        assert_eq!(daemon.ended(), 0, "{:?}", daemon.which);
        assert!(daemon.log().contains("Caught SIGTERM - shutting down..."), "{:?}", daemon.which);
        assert!(daemon.log().contains("Daemon shutdown"), "{:?}", daemon.which);
        drop(idle);
    }
}

#[test]
fn one_request_on_standard_input() {
    let root = nix::unistd::geteuid().is_root();
    for which in BOTH {
        let directory = Stage::writable_by_all();
        // The list of hosts does not count here.
        write_config(
            directory.root(),
            free_port(),
            "allowed_hosts=192.0.2.1\ncommand[a]=printenv OF_INETD; exit 1",
        );
        let config = directory.path("nrpe.cfg");
        if root {
            // Refused as root, so it has to be called as somebody else.
            assert_eq!(call(which, &["-n", "-i", "-c", config.to_str().unwrap()]).0, Some(2), "{which:?}");
        }
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let plain = which.command(directory.root());
        let mut command = Command::new(plain.get_program());
        command.args(plain.get_args()).args(["-n", "-i", "-c"]).arg(&config);
        if root {
            use std::os::unix::process::CommandExt;
            let user = nix::unistd::User::from_name("nagios").unwrap().unwrap();
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
            .env("OF_INETD", "kept")
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        drop(command);
        (&ours).write_all(&Packet::encode_query(Version::V4, b"a")).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut &ours, &mut bytes).unwrap();
        assert_eq!(Reply::from_bytes(&bytes).said(), (1, "kept".into()), "{which:?}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{which:?}");
    }
}

#[test]
fn refusals_on_standard_input_are_logged_alike() {
    let mut bad_crc = Packet::encode_query(Version::V4, b"a");
    bad_crc[4] ^= 1;
    for bytes in [
        bad_crc,
        Packet::encode_query(Version::V4, b"a;b"),
        Packet::encode_query(Version::V4, b""),
        vec![0, 9],
    ] {
        let [real, custos] = BOTH.map(|which| {
            let directory = Stage::writable_by_all();
            write_config(directory.root(), free_port(), "unknown_option=1\ncommand[a]=echo a");
            fs::write(directory.path("log"), "").unwrap();
            fs::set_permissions(directory.path("log"), fs::Permissions::from_mode(0o666)).unwrap();
            let plain = which.command(directory.root());
            let mut command = Command::new(plain.get_program());
            command.args(plain.get_args()).args(["-n", "-i", "-c"]).arg(directory.path("nrpe.cfg"));
            if nix::unistd::geteuid().is_root() {
                use std::os::unix::process::CommandExt;
                let user = nix::unistd::User::from_name("nagios").unwrap().unwrap();
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
            command.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            drop(command);
            (&ours).write_all(&bytes).unwrap();
            ours.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0), "{which:?}");
            let log = fs::read_to_string(directory.path("log")).unwrap();
            let log = log.replace(&directory.root().display().to_string(), "DIR");
            log.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
        });
        assert!(real.len() > 1, "{real:?}");
        assert_eq!(real, custos);
    }
}
