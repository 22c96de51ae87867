//! An agent whose listeners cannot be started: checks run, the check `custos` says why, and it goes on trying.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal::SIGHUP;

use crate::authority::Authority;
use crate::server::{REAL_CLIENT, ask_with};
use crate::stage::{Daemon, Stage, as_root, free_port, text, wait_for};

/// A user other than root.
const SOMEBODY: u32 = 65_534;

fn staged(top: &str) -> Stage {
    let stage = Stage::writable_by_all();
    stage.plugin("ok", "echo OK\n");
    configure(&stage, top, "kept");
    stage
}

fn configure(stage: &Stage, top: &str, check: &str) {
    let checks = format!("  {check}: {{ command: ok, check_interval: 200ms }}\n");
    stage.configure(top, &checks);
}

/// Waits until the agent's report on itself is in this state and has this text.
fn wait_for_own(stage: &Stage, state: &str, needle: &str) {
    wait_for(&format!("{state}, {needle}"), || {
        let own = stage.history("custos");
        let last = own.last()?;
        (last["state"] == state && last.to_string().contains(needle)).then_some(())
    });
}

fn answers(port: u16) -> Option<()> {
    let answer = ask_with(Command::new(REAL_CLIENT), port, &["-c", "kept"]);
    (answer.stdout == "OK\n").then_some(())
}

fn only_for_root(path: &str) {
    fs::set_permissions(Path::new(path), fs::Permissions::from_mode(0o600)).unwrap();
}

fn everybodys(path: &str) {
    fs::set_permissions(Path::new(path), fs::Permissions::from_mode(0o644)).unwrap();
}

#[test]
fn a_busy_port_stops_no_check_and_is_listened_on_once_it_is_free() {
    let port = free_port();
    let stage = staged(&format!("nrpe: {{ listen: '127.0.0.1:{port}' }}"));
    let busy = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut daemon = stage.start();
    stage.runs("kept", 2);
    wait_for_own(&stage, "CRITICAL", &format!("NRPE is not answered: failed to listen on 127.0.0.1:{port}"));
    // Another configuration is taken meanwhile.
    configure(&stage, &format!("nrpe: {{ listen: '127.0.0.1:{port}' }}\nsync: 2s"), "new");
    daemon.signal(SIGHUP);
    stage.runs("new", 2);
    configure(&stage, &format!("nrpe: {{ listen: '127.0.0.1:{port}' }}"), "kept");
    daemon.signal(SIGHUP);
    drop(busy);
    wait_for("an answer", || answers(port));
    wait_for_own(&stage, "OK", "");
    assert!(daemon.is_alive());
    assert!(daemon.end().success());
}

#[test]
fn a_port_that_is_freed_is_listened_on_without_a_signal() {
    let port = free_port();
    let stage = staged(&format!("nrpe: {{ listen: '127.0.0.1:{port}' }}"));
    let busy = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let daemon = stage.start();
    stage.runs("kept", 1);
    drop(busy);
    wait_for("an answer", || answers(port));
    let answering = format!("answering NRPE on 127.0.0.1:{port}");
    wait_for("the log", || daemon.log().contains(&answering).then_some(()));
    assert_eq!(daemon.log().matches("ERROR").count(), 1, "{}", daemon.log());
    assert!(daemon.end().success());
}

#[test]
fn listeners_that_a_reload_adds_keep_nothing_else_from_being_taken_and_listen_later() {
    let (port, traps, http) = (free_port(), free_port(), free_port());
    let stage = staged("");
    let mut daemon = stage.start();
    stage.runs("kept", 1);
    let busy = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let busy_too =
        (UdpSocket::bind(("127.0.0.1", traps)).unwrap(), TcpListener::bind(("127.0.0.1", http)).unwrap());
    let listeners = format!(
        "nrpe: {{ listen: '127.0.0.1:{port}' }}\nhttp: {{ listen: ['127.0.0.1:{http}'] }}\nsnmp:\n  \
         profiles: {{ p: {{ version: 2c, community: public }} }}\n  traps: {{ listen: '127.0.0.1:{traps}' }}"
    );
    configure(&stage, &listeners, "new");
    daemon.signal(SIGHUP);
    stage.runs("new", 2);
    for why in ["NRPE is not answered", "traps are not received", "HTTP is not answered"] {
        wait_for_own(&stage, "CRITICAL", why);
    }
    drop((busy, busy_too));
    for listens in [
        format!("answering NRPE on 127.0.0.1:{port}"),
        format!("receiving traps on 127.0.0.1:{traps}"),
        format!("answering HTTP on 127.0.0.1:{http}"),
    ] {
        wait_for(&listens, || daemon.log().contains(&listens).then_some(()));
    }
    assert!(daemon.is_alive());
    assert!(daemon.end().success());
}

#[test]
fn a_busy_port_for_traps_stops_nothing_either() {
    let port = free_port();
    let stage = staged(&format!(
        "snmp:\n  profiles: {{ p: {{ version: 2c, community: public }} }}\n  traps: {{ listen: \"127.0.0.1:{port}\" }}"
    ));
    let busy = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let daemon = stage.start();
    stage.runs("kept", 2);
    wait_for_own(&stage, "CRITICAL", "traps are not received: failed to listen for traps");
    drop(busy);
    let receiving = format!("receiving traps on 127.0.0.1:{port}");
    wait_for("the receiver", || daemon.log().contains(&receiving).then_some(()));
    wait_for_own(&stage, "OK", "");
    assert!(daemon.end().success());
}

#[test]
fn a_key_that_the_agent_may_not_read_stops_no_check() {
    as_root();
    let port = free_port();
    let stage = Stage::writable_by_all();
    let server = Authority::new(stage.root(), "ca").sign("server");
    stage.plugin("ok", "echo OK\n");
    let nrpe_cfg = format!(
        "ssl_cert_file={}\nssl_privatekey_file={}\ncommand[listed]=/bin/true\n",
        server.cert, server.key
    );
    stage.write("nrpe.cfg", &nrpe_cfg);
    configure(&stage, &format!("nrpe: {{ config: nrpe.cfg, listen: '127.0.0.1:{port}' }}"), "kept");
    only_for_root(&server.key);
    let daemon = Daemon::start(stage.command(&["run"]).uid(SOMEBODY).gid(SOMEBODY), &stage.path("log"));
    stage.runs("kept", 2);
    wait_for_own(&stage, "CRITICAL", "failed to use private key file");
    // Root may read it, and says who may not.
    let user = nix::unistd::User::from_uid(SOMEBODY.into()).unwrap().unwrap().name;
    let checked = stage.custos(&["config", "check"]);
    let warning =
        format!("nrpe: warning: the agent runs as {user}, who probably may not read {}", server.key);
    assert!(checked.status.success() && text(&checked.stderr).contains(&warning), "{checked:?}");
    let examined = stage.custos(&["doctor", "--user", &user]);
    let reason = format!("nrpe: fails: the user may not read {}", server.key);
    assert!(text(&examined.stdout).contains(&reason), "{examined:?}");
    let asked = stage.custos(&["check", "listed"]);
    let advice = format!("custos check_nrpe -H 127.0.0.1 -p {port} -c listed");
    assert!(text(&asked.stdout).contains(&advice), "{asked:?}");
    everybodys(&server.key);
    wait_for("an answer", || answers(port));
    // Now a reload: refused as a whole, and the listener goes on with the key that it has.
    only_for_root(&server.key);
    daemon.signal(SIGHUP);
    wait_for("the refusal", || daemon.log().contains("the configuration is not reloaded: ").then_some(()));
    answers(port).unwrap();
    assert!(daemon.end().success());
}
