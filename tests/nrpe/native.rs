//! What nrpe never had: history, native keys, access to single commands, shared executions, answers from the schedule.

use std::fs;
use std::path::Path;
use std::process::Command;

use custos_compat::nrpe::{Packet, Version};
use nix::sys::signal::Signal;

use crate::authority::Authority;
use crate::reply::{Answer, Reply};
use crate::server::{REAL_CLIENT, Server, Which, ask_with, write_config};
use crate::stage::{Daemon, Stage, custos, free_port, text, wait_for};

/// `custos run` with a configuration of its own.
struct Agent {
    daemon: Daemon,
    port: u16,
    stage: Stage,
}

impl Agent {
    /// Starts an agent. `%d` in the lines is its directory, `%p` its port.
    fn start(yaml: &str, nrpe_cfg: &str) -> Agent {
        let (stage, port) = (Stage::writable_by_all(), free_port());
        write_config(stage.root(), port, nrpe_cfg);
        configure(&stage, port, yaml);
        let agent = Agent { daemon: stage.start(), port, stage };
        wait_for("the agent's listener", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        agent
    }

    /// Gives it another configuration, for the next time that it reads it.
    fn configure(&self, yaml: &str) {
        configure(&self.stage, self.port, yaml);
    }

    fn ask(&self, options: &[&str]) -> Answer {
        ask_with(Command::new(REAL_CLIENT), self.port, options)
    }

    fn send(&self, query: &[u8]) -> Reply {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        std::io::Write::write_all(&mut stream, &Packet::encode_query(Version::V4, query)).unwrap();
        Reply::read(&mut stream)
    }
}

/// Writes an agent's configuration.
fn configure(stage: &Stage, port: u16, yaml: &str) {
    let yaml = yaml.replace("%d", &stage.shown("")).replace("%p", &port.to_string());
    stage.write("custos.yaml", &format!("store: store\n{yaml}"));
}

/// The runs of a check, each a line of JSON.
pub(crate) fn history(store: &Path, check: &str) -> Vec<serde_json::Value> {
    let output =
        custos(&["history", check, "--json", "--since", "-1h", "--store"]).arg(store).output().unwrap();
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_request_is_kept_with_its_metrics() {
    let lines = "command[disk]=echo 'DISK OK | /=5MB;8;9;0;10'\ncommand[bad]=echo broken; exit 2\n";
    let daemon = Server::start(Which::Custos, lines, &[]);
    let store = daemon.stage.path("store");
    for _ in 0..3 {
        assert_eq!(daemon.ask(&["-c", "disk"]).stdout, "DISK OK | /=5MB;8;9;0;10\n");
    }
    daemon.ask(&["-c", "bad"]);
    let runs = wait_for("the runs to be stored", || {
        let runs = history(&store, "disk");
        (runs.len() == 3 && history(&store, "bad").len() == 1).then_some(runs)
    });
    for run in &runs {
        assert_eq!(run["state"], "OK");
        assert_eq!(run["text"], "DISK OK");
        assert_eq!(run["metrics"][0]["label"], "/");
        assert_eq!(run["metrics"][0]["value"], 5e6);
    }
    assert_eq!(history(&store, "bad")[0]["state"], "CRITICAL");
}

#[test]
fn a_store_that_cannot_be_used_keeps_no_answer_back() {
    let (directory, port) = (Stage::writable_by_all(), free_port());
    write_config(directory.root(), port, "command[a]=echo a");
    // A file where the directory of the store should be.
    fs::write(directory.path("store"), "").unwrap();
    let mut command = Which::Custos.command(directory.root());
    command.args(["-n", "-f", "-c"]).arg(directory.path("nrpe.cfg"));
    let daemon = Daemon::start(&mut command, &directory.path("stderr"));
    let agent = Agent { daemon, port, stage: directory };
    wait_for("the listener", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    assert_eq!(agent.ask(&["-n", "-c", "a"]).stdout, "a\n");
}

#[test]
fn checks_are_commands_without_an_nrpe_cfg() {
    let yaml = "nrpe: {listen: '127.0.0.1:%p', tls: false}\nchecks:\n  load:\n    \
        command: [/bin/sh, -c, 'echo fine; exit 1']\n    check_interval: 1h\n";
    let agent = Agent::start(yaml, "");
    let answer = agent.ask(&["-n", "-c", "load"]);
    assert_eq!((answer.stdout.trim_end(), answer.code), ("fine", Some(1)));
    assert_eq!(agent.ask(&["-n", "-c", "other"]).code, Some(3));
}

#[test]
fn the_agents_own_check_can_be_asked_for() {
    let keys = "nrpe: {listen: '127.0.0.1:%p', tls: false";
    let agent = Agent::start(&format!("{keys}}}\n"), "");
    let report = wait_for("a report", || {
        let answer = agent.ask(&["-n", "-c", "custos"]);
        answer.stdout.contains("plugins_running").then_some(answer)
    });
    assert_eq!(report.code, Some(0), "{}", report.stdout);
    let here = agent.stage.custos(&["check", "custos"]);
    assert_eq!(here.status.code(), Some(0), "{}", text(&here.stderr));
    assert!(text(&here.stdout).contains("plugins_running"), "{}", text(&here.stdout));
    let not_defined = "NRPE: Command 'custos.traps' not defined\n";
    assert_eq!(agent.ask(&["-n", "-c", "custos.traps"]).stdout, not_defined);

    let kept = Agent::start(&format!("{keys}, access: {{custos: [192.0.2.1]}}}}\n"), "");
    assert_eq!(kept.ask(&["-n", "-c", "custos"]).stdout, "NRPE: Command 'custos' not defined\n");
    let traps = "snmp: {profiles: {p: {version: 2c, community: public}}, traps: {listen: '127.0.0.1:0'}}\n";
    let own = Agent::start(
        &format!("{keys}, config: '%d/nrpe.cfg'}}\n{traps}"),
        "command[custos]=echo of nrpe.cfg\n",
    );
    assert_eq!(own.ask(&["-n", "-c", "custos"]).stdout, "of nrpe.cfg\n");
    assert_eq!(own.ask(&["-n", "-c", "custos.traps"]).stdout, "OK - no trap yet\n");
    // In nrpe's place, there is what nrpe.cfg defines and nothing else.
    let daemon = Server::start(Which::Custos, "command[a]=echo a\n", &["-n"]);
    assert_eq!(daemon.ask(&["-n", "-c", "custos"]).stdout, "NRPE: Command 'custos' not defined\n");
}

#[test]
fn commands_are_for_whom_they_are_meant() {
    let files = Stage::writable_by_all();
    let ca = Authority::new(files.root(), "ca");
    let (server, poller, other) = (ca.sign("server"), ca.sign("poller"), ca.sign("other"));
    let yaml = format!(
        "nrpe:\n  config: %d/nrpe.cfg\n  tls_certificate: {}\n  tls_key: {}\n  tls_client_ca: {}\n  \
         tls_client_certificates: ask\n  access:\n    'restart_*': ['cert:/O=Custos/CN=poller']\n    \
         never: [192.0.2.1]\n    local: [127.0.0.0/8]\n",
        server.cert,
        server.key,
        ca.cert()
    );
    let commands = "command[restart_web]=echo restarted\ncommand[never]=echo never\ncommand[local]=echo local\n\
        command[free]=echo free\n";
    let agent = Agent::start(&yaml, commands);
    let with = |certificate: &crate::authority::Certificate, name: &str| {
        agent.ask(&["-C", &certificate.cert, "-K", &certificate.key, "-c", name]).stdout
    };
    assert_eq!(with(&poller, "restart_web"), "restarted\n");
    assert_eq!(with(&other, "restart_web"), "NRPE: Command 'restart_web' not defined\n");
    assert_eq!(agent.ask(&["-c", "restart_web"]).stdout, "NRPE: Command 'restart_web' not defined\n");
    assert_eq!(agent.ask(&["-c", "never"]).code, Some(3));
    assert_eq!(agent.ask(&["-c", "local"]).stdout, "local\n");
    assert_eq!(agent.ask(&["-c", "free"]).stdout, "free\n");
}

#[test]
fn ten_who_ask_at_once_share_one_execution() {
    let yaml = "nrpe: {config: '%d/nrpe.cfg', tls: false, coalesce: true}\n";
    let agent = Agent::start(yaml, "command[count]=echo x >> %d/counted; sleep 1; echo done\n");
    let said: Vec<(i16, String)> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..10).map(|_| scope.spawn(|| agent.send(b"count").said())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(said, vec![(0, "done".to_owned()); 10]);
    let counted = fs::read_to_string(agent.stage.path("counted")).unwrap();
    // Who comes when the first execution has just ended begins another.
    assert!((1..=2).contains(&counted.lines().count()), "{counted:?}");
}

#[test]
fn a_check_that_was_changed_answers_by_its_new_command_only() {
    let yaml = |command: &str| {
        format!(
            "nrpe: {{listen: '127.0.0.1:%p', tls: false}}\nchecks:\n  cached:\n    command: [/bin/sh, -c, '{command}']\n    \
             check_interval: 24h\n    serve: cached\n    max_age: 24h\n    timeout: 1m\n"
        )
    };
    let slow = "touch %d/began; until [ -e %d/go ]; do sleep 0.05; done; echo old";
    let agent = Agent::start(&yaml(slow), "");
    let stage = &agent.stage;
    let reload = |command: &str, times: usize| {
        agent.configure(&yaml(command));
        agent.daemon.signal(Signal::SIGHUP);
        wait_for("the reload", || {
            let log = agent.daemon.log();
            (log.matches("the configuration is reloaded").count() == times).then_some(())
        });
    };
    std::thread::scope(|scope| {
        let before = scope.spawn(|| agent.send(b"cached").said());
        wait_for("the run to begin", || stage.path("began").exists().then_some(()));
        reload("echo new; exit 1", 1);
        let after = scope.spawn(|| agent.send(b"cached").said());
        // Whether the second request has arrived by now cannot be seen; if it has, it waits.
        fs::write(stage.path("go"), "").unwrap();
        assert_eq!(before.join().unwrap(), (0, "old".to_owned()));
        assert_eq!(after.join().unwrap(), (1, "new".to_owned()));
    });
    assert_eq!(agent.send(b"cached").said(), (1, "new".to_owned()));
    reload("echo newest; exit 2", 2);
    assert_eq!(agent.send(b"cached").said(), (2, "newest".to_owned()));
}
