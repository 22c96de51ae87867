//! Checks that are watched over HTTP: who may have them run for that, what comes, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::stage::{Daemon, PATIENCE, Stage, free_port, text, wait_for};

const TOKEN: &str = "0123456789abcdef-token";

/// An agent that answers HTTP, with a check that is due once an hour.
struct Agent {
    stage: Stage,
    port: u16,
    daemon: Daemon,
}

impl Agent {
    fn start(more: &str) -> Agent {
        let (stage, port) = (Stage::new(), free_port());
        stage.write_secret("token", &format!("{TOKEN}\n"));
        let http = format!("http: {{ listen: '127.0.0.1:{port}'{more} }}");
        stage.configure(&http, "  a: { command: \"/bin/echo 'OK <b> | x=1'\", check_interval: 1h }\n");
        let daemon = stage.start();
        wait_for("the server", || TcpStream::connect(("127.0.0.1", port)).ok());
        wait_for("the agent", || stage.path("store/agent.socket").exists().then_some(()));
        Agent { stage, port, daemon }
    }

    fn ask(&self, target: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
        stream
    }

    fn status(&self, target: &str, headers: &str) -> String {
        let mut answer = [0; 12];
        self.ask(target, headers).read_exact(&mut answer).unwrap();
        text(&answer[9..])
    }

    /// How many runs there are that were made because of watching, once they are no more.
    fn clones(&self) -> usize {
        let count = || text(&self.stage.custos(&["stream", "a@watched"]).stdout).lines().count();
        let mut last = usize::MAX;
        wait_for("the end of the clone", || {
            let now = count();
            std::mem::replace(&mut last, now).eq(&now).then_some(())
        });
        last
    }
}

/// The lines of an answer, without what frames its pieces.
fn lines(stream: TcpStream) -> impl Iterator<Item = Value> {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines
        .filter_map(|line| serde_json::from_str(line.trim_start_matches("data: ")).ok())
        .filter(Value::is_object)
}

#[test]
fn a_token_has_a_check_run_more_often_for_as_long_as_somebody_is_there() {
    let agent = Agent::start(", tokens: token");
    let authorized = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(agent.status("/api/watch?check=a&every=100ms", ""), "401");
    assert_eq!(agent.status("/api/watch?every=100ms", &authorized), "400");
    let stream = agent.ask("/api/watch?check=a&every=100ms", &authorized);
    let mut lines = lines(stream.try_clone().unwrap());
    // The clock comes first, then what was granted.
    assert!(lines.next().unwrap()["time"]["now_ms"].is_i64());
    let watching = lines.next().unwrap();
    assert_eq!(watching["watching"]["every_ms"], 100, "{watching}");
    let runs: Vec<Value> =
        lines.by_ref().filter(|line| line["run"]["provenance"] == "watched").take(12).collect();
    assert_eq!((&runs[0]["run"]["check"], &runs[0]["run"]["text"]), (&"a".into(), &"OK <b>".into()));
    // The time comes in between, as a sign of life.
    assert!(lines.any(|line| line["time"]["now_ms"].is_i64()));
    drop((stream, lines));
    assert!(agent.clones() >= 12);
    assert!(agent.daemon.end().success());
}

#[test]
fn who_shows_nothing_sees_what_is_run_anyway() {
    let agent = Agent::start("");
    assert_eq!(agent.status("/api/watch?check=a&every=100ms", ""), "403");
    let stream = agent.ask("/api/watch?check=a", "Accept: text/event-stream\r\n");
    let mut rest = stream.try_clone().unwrap();
    let mut lines = lines(stream);
    assert_eq!(lines.find(|line| line["watching"].is_object()).unwrap()["watching"]["every_ms"], Value::Null);
    assert_eq!(agent.stage.custos(&["check", "a"]).status.code(), Some(0));
    assert_eq!(lines.find(|line| line["run"].is_object()).unwrap()["run"]["check"], "a");
    // The end of the agent ends what is watched.
    let Agent { daemon, .. } = agent;
    assert!(daemon.end().success());
    assert!(rest.read_to_end(&mut Vec::new()).is_ok());
}

#[test]
fn the_configuration_can_let_everybody_have_checks_run() {
    let agent = Agent::start(", open_watch: true");
    let mut lines = lines(agent.ask("/api/watch?check=a&every=100ms&format=sse", ""));
    assert!(lines.any(|line| line["run"]["provenance"] == "watched"));
    drop(lines);
    let mut answer = String::new();
    agent.ask("/api/time", "Connection: close\r\n").read_to_string(&mut answer).unwrap();
    let time: Value = serde_json::from_str(answer.lines().last().unwrap()).unwrap();
    assert!(time["sent_ms"].as_i64().unwrap() >= time["received_ms"].as_i64().unwrap(), "{answer}");
    agent.daemon.end();
}
