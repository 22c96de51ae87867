//! The agent's own HTTP server: the process that answers, how it is watched, replaced and reached.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::stage::{Daemon, PATIENCE, Stage, children, free_port, send, text, wait_for};

/// An agent that answers HTTP.
struct Agent {
    stage: Stage,
    daemon: Daemon,
    port: u16,
}

impl Agent {
    fn start() -> Agent {
        let (stage, port) = (Stage::new(), free_port());
        configure(&stage, port, "");
        let daemon = stage.start();
        let agent = Agent { stage, daemon, port };
        agent.runs_until(|body| body.contains("\"1\""));
        agent
    }

    /// Waits until a query is answered so.
    fn runs_until(&self, fits: impl Fn(&str) -> bool) {
        wait_for("an answer over HTTP", || get(self.port, "/api/v1/query?query=1").filter(|body| fits(body)));
    }

    /// The process that answers.
    fn server(&self) -> i32 {
        let is_server = |pid: &i32| command_line(*pid).contains("--of-agent");
        wait_for("the server", || children(self.daemon.pid()).into_iter().find(is_server))
    }

    /// The line of `custos status` on HTTP that begins so.
    fn status(&self, begin: &str) -> Option<String> {
        let output = self.stage.custos(&["status"]);
        text(&output.stdout).lines().find(|line| line.starts_with(begin)).map(str::to_owned)
    }
}

fn configure(stage: &Stage, port: u16, more: &str) {
    let http = format!("http: {{ listen: ['127.0.0.1:{port}', ./http.socket]{more} }}");
    let checks = "  a: { command: \"/bin/echo 'OK | x=1'\", check_interval: 1s }\n  later: { passive: {} }\n";
    stage.configure(&http, checks);
}

fn command_line(pid: i32) -> String {
    text(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default())
}

/// The answer to a request; none if there is no connection.
fn get(port: u16, target: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn the_server_stands_back_and_ends_with_the_agent() {
    let agent = Agent::start();
    let server = agent.server();
    let proc = |file: &str| std::fs::read_to_string(format!("/proc/{server}/{file}")).unwrap();
    assert_eq!(proc("oom_score_adj").trim(), "500");
    // Fields 19 and 41 of proc(5): the niceness, and the policy, of which 3 is SCHED_BATCH.
    let scheduled = |stat: &str| {
        let fields: Vec<i64> = stat
            .rsplit_once(") ")
            .unwrap()
            .1
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        (fields[16], fields[38])
    };
    // A session of its own, by which kernels group processes.
    assert!(proc("stat").rsplit_once(") ").unwrap().1.split(' ').nth(3) == Some(&server.to_string()));
    let (own, _) = scheduled(&std::fs::read_to_string("/proc/self/stat").unwrap());
    assert_eq!(scheduled(&proc("stat")), ((own + 10).min(19), 3));
    let status = proc("status");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(!command_line(server).contains(&agent.port.to_string()));
    let socket = Command::new("curl")
        .args(["-s", "--unix-socket", &agent.stage.shown("http.socket"), "http://x/-/healthy"])
        .output()
        .unwrap();
    assert_eq!(text(&socket.stdout), "Custos is healthy.\n");
    let mode = agent.stage.path("http.socket").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    wait_for("no connection", || agent.status("http: requests").filter(|line| !line.contains("connections")));
    assert!(agent.status("agent:").unwrap().contains(&format!("127.0.0.1:{}", agent.port)));
    let Agent { daemon, stage, .. } = agent;
    assert!(daemon.end().success());
    wait_for("the server to end", || (!command_line(server).contains("--of-agent")).then_some(()));
    assert!(!stage.path("http.socket").exists());
}

#[test]
fn a_server_that_dies_is_replaced_and_refuses_nobody_meanwhile() {
    let agent = Agent::start();
    let first = agent.server();
    send(first, Signal::SIGKILL);
    // The agent has the socket: whoever connects now is answered by the next.
    let answer = get(agent.port, "/api/v1/query?query=1").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_ne!(agent.server(), first);
    let told = "http: WARNING: HTTP was not answered for a moment: the HTTP server was ended by signal 9";
    wait_for("the end in the status", || agent.status(told));
    wait_for("the count in the status", || {
        agent.status("http: requests").filter(|line| line.contains("restarts 1"))
    });
}

#[test]
fn an_agent_that_is_killed_leaves_no_server() {
    let agent = Agent::start();
    let server = agent.server();
    agent.daemon.kill();
    wait_for("the server to end", || (!command_line(server).contains("--of-agent")).then_some(()));
}

#[test]
fn a_reload_replaces_the_server_only_for_other_settings() {
    let agent = Agent::start();
    let reload = |count: usize| {
        agent.daemon.signal(Signal::SIGHUP);
        wait_for("the reload", || {
            let log = agent.daemon.log();
            (log.matches("the configuration is reloaded").count() == count).then_some(())
        });
    };
    let first = agent.server();
    reload(1);
    assert_eq!(agent.server(), first);
    configure(&agent.stage, agent.port, ", hosts: [a.example]");
    reload(2);
    let replaced = wait_for("another server", || Some(agent.server()).filter(|server| *server != first));
    agent.runs_until(|body| body.contains("\"1\""));
    // One that cannot be taken leaves all as it was.
    configure(&agent.stage, agent.port, ", tls_certificate: none.pem, tls_key: none.pem");
    agent.daemon.signal(Signal::SIGHUP);
    wait_for("the refusal", || {
        agent.daemon.log().contains("the configuration is not reloaded: HTTP: failed to read").then_some(())
    });
    assert_eq!(agent.server(), replaced);
    agent.stage.configure("", "  a: { command: /bin/true }\n");
    reload(3);
    wait_for("nobody to answer", || get(agent.port, "/-/healthy").is_none().then_some(()));
}

#[test]
fn a_reload_refuses_what_is_no_file_for_tls_and_leaves_the_server() {
    let agent = Agent::start();
    let server = agent.server();
    mkfifo(&agent.stage.path("fifo.pem"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    std::os::unix::fs::symlink("/dev/zero", agent.stage.path("device.pem")).unwrap();
    std::fs::write(agent.stage.path("large.pem"), vec![b'#'; (1 << 20) + 1]).unwrap();
    for (file, why) in [
        ("fifo.pem", "it is not a regular file"),
        ("device.pem", "it is not a regular file"),
        ("large.pem", "the file is larger than 1048576 bytes"),
    ] {
        configure(&agent.stage, agent.port, &format!(", tls_certificate: {file}, tls_key: {file}"));
        agent.daemon.signal(Signal::SIGHUP);
        let refused = format!("HTTP: failed to read {}: {why}", agent.stage.shown(file));
        wait_for("the refusal", || agent.daemon.log().contains(&refused).then_some(()));
        agent.runs_until(|body| body.contains("\"1\""));
    }
    assert_eq!(agent.server(), server);
}

#[test]
fn an_address_that_is_taken_is_listened_on_later() {
    let (stage, port) = (Stage::new(), free_port());
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    configure(&stage, port, "");
    let daemon = stage.start();
    let agent = Agent { stage, daemon, port };
    wait_for("the reason", || {
        agent.status("http: CRITICAL: HTTP is not answered: failed to listen on 127.0.0.1")
    });
    drop(taken);
    agent.runs_until(|body| body.contains("\"1\""));
}

#[test]
fn the_board_has_checks_that_have_not_run() {
    let agent = Agent::start();
    let board = get(agent.port, "/api/board").unwrap();
    assert!(board.contains(r#"{"check":"later","state":null,"#), "{board}");
}
