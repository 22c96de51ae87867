//! A sender with the targets of a configuration, alerts to tell, and receivers that write down what they get.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use custos::config::{Surroundings, load_with};
use custos::execute::{Executor, ShimSettings, TableRows};
use custos::notify::send::{Receipt, Sender, Taken};
use custos::notify::{Notification, NotifiedAlert, NotifiedCheck, Status, Why};
use custos_shim::{Launch, SUBCOMMAND};
use custos_store::State;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::stage::{PROGRAM, Running, Stage, python, text, wait_for};

/// 2026-11-22 12:00 UTC.
const NOON: i64 = 1_795_348_800_000;

/// A sender of the host `web`.
pub(crate) struct Bench {
    pub(crate) stage: Stage,
    executor: Executor,
    sender: Sender,
}

impl Bench {
    pub(crate) fn set() -> Bench {
        let stage = Stage::writable_by_all();
        let launch = Launch { program: PathBuf::from(PROGRAM), args: vec![SUBCOMMAND.into()] };
        let settings = ShimSettings { launch, ..ShimSettings::default() };
        let executor = Executor::start(&settings, TableRows::default()).unwrap();
        let sender = Sender::new("web", TimeZone::UTC, executor.commands(), stage.path("store"));
        Bench { stage, executor, sender }
    }

    /// Sends to a target, which is given as the configuration has it.
    pub(crate) async fn send(&mut self, target: &str, notification: &Notification) -> Receipt {
        let config = self.stage.write(
            "custos.yaml",
            &format!("store: store\nnotify:\n  targets:\n    it: {target}\nchecks: {{ a: {{ command: /bin/true }} }}\n"),
        );
        let surroundings = Surroundings { host: "web".into(), cpus: 1, zone: TimeZone::UTC };
        let config = load_with(&config, &surroundings).unwrap_or_else(|mistakes| panic!("{mistakes}")).config;
        let target = &config.notify.unwrap().targets["it"];
        tokio::select! {
            receipt = self.sender.send(target, notification) => receipt,
            (ticket, _) = self.executor.ended() => panic!("{ticket} is none of a check"),
        }
    }

    /// Starts a receiver over HTTP that gives these answers in turn.
    pub(crate) fn receiver(&self, port: u16, answers: &[&str], further: &[&str]) -> Running {
        let mut command = Command::new(python());
        command.arg("tests/notify/receiver.py").arg(port.to_string()).arg(self.stage.path("log"));
        command.args(answers).args(further).stdin(Stdio::null());
        listening(Running::start(&mut command), port)
    }

    /// What a receiver has written down.
    pub(crate) fn received(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.stage.path("log")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Makes a certificate for an address, and its key; returns the paths.
    pub(crate) fn certificate(&self, address: &str) -> [String; 2] {
        let [certificate, key] = ["cert.pem", "key.pem"].map(|name| self.stage.shown(name));
        let alternative = format!("subjectAltName={address}");
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
            ])
            .args(["-subj", "/CN=web", "-addext", &alternative, "-out", &certificate, "-keyout", &key])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        [certificate, key]
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn secret(&self, name: &str, secret: &str) -> String {
        self.stage.write_secret(name, secret);
        format!("{{ file: {name} }}")
    }
}

/// Waits until something accepts connections.
pub(crate) fn listening<T>(server: T, port: u16) -> T {
    wait_for("a receiver to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
    server
}

/// A notification of an alert for each of these checks.
pub(crate) fn notification(checks: &[&str]) -> Notification {
    Notification {
        group_key: "{}:{}".into(),
        group_labels: BTreeMap::new(),
        why: Why::News,
        alerts: checks.iter().map(|check| alert(check)).collect(),
        left_out: 0,
        at_ms: NOON,
    }
}

fn alert(check: &str) -> NotifiedAlert {
    let labels = [("alertname", check), ("check", check), ("host", "web"), ("severity", "critical")];
    NotifiedAlert {
        status: Status::Firing,
        news: true,
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        annotations: [("summary".to_owned(), format!("{check} is bad"))].into(),
        state: State::Critical,
        started_ms: NOON,
        ended_ms: None,
        check: NotifiedCheck {
            name: check.to_owned(),
            state: State::Critical,
            hard: true,
            attempt: 3,
            max_attempts: 3,
            since_ms: NOON,
            run_ms: NOON,
            text: "CRITICAL - 97% <b>\"full\"</b>".into(),
            verdict: "CRITICAL - 97% <b>\"full\"</b>".into(),
            long_text: "second line".into(),
            perfdata: "/=97%;90;95".into(),
            ..NotifiedCheck::default()
        },
        relabelled: false,
        others_go_on: false,
    }
}

/// The same when it is over.
pub(crate) fn resolved(mut notification: Notification) -> Notification {
    for alert in &mut notification.alerts {
        alert.status = Status::Resolved;
        alert.ended_ms = Some(NOON + 60_000);
        alert.check.state = State::Ok;
        alert.check.run_ms = NOON + 60_000;
        alert.check.text = "OK".into();
        alert.check.verdict = "OK".into();
    }
    notification
}

/// Why the only alert is to be sent again.
pub(crate) fn later(receipt: &Receipt) -> &str {
    match &receipt.alerts[..] {
        [Taken::Later(why)] => why,
        other => panic!("{other:?}"),
    }
}

/// Why the only alert is refused.
pub(crate) fn refused(receipt: &Receipt) -> &str {
    match &receipt.alerts[..] {
        [Taken::Refused(why)] => why,
        other => panic!("{other:?}"),
    }
}
