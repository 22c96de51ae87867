//! Everything that is stored is in what takes OTLP, as the decoder of others reads it (`receive_otlp.py`).

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::series::{Labels, Times, difference, stored};
use crate::stage::{Daemon, Stage, free_port, text, wait_for};

fn receiver(stage: &Stage, port: u16) -> Daemon {
    let python = std::env::var_os("CUSTOS_PYTHON")
        .expect("CUSTOS_PYTHON is to be the Python that scripts/python makes, with opentelemetry-proto");
    let mut command = Command::new(python);
    command.arg("tests/feeds/receive_otlp.py").arg(port.to_string()).arg(stage.path("otlp"));
    let running = Daemon::start(&mut command, &stage.path("otlp.log"));
    wait_for("the receiver", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    running
}

fn received(stage: &Stage) -> Vec<Value> {
    let all = fs::read_to_string(stage.path("otlp")).unwrap_or_default();
    all.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The data points that have a value, by attributes and time. OTLP has no way to tell a repeat, so that one counts once.
fn points(received: &[Value], until_ms: i64) -> Times {
    let mut all = Times::new();
    for point in received.iter().filter(|line| line["which"].is_string()) {
        let mut labels: Labels = serde_json::from_value(point["attributes"].clone()).unwrap();
        labels.insert("__name__".to_owned(), point["name"].as_str().unwrap().to_owned());
        all.entry(labels).or_default().push(point["time_ns"].as_i64().unwrap() / 1_000_000);
    }
    for times in all.values_mut() {
        times.retain(|time_ms| *time_ms <= until_ms);
        times.sort_unstable();
        times.dedup();
    }
    all.retain(|_, times| !times.is_empty());
    all
}

/// The log records, by the number of their run.
fn records(received: &[Value]) -> BTreeMap<i64, Value> {
    let logs = received.iter().filter(|line| line.get("severity").is_some());
    logs.map(|log| (log["attributes"]["number"].as_i64().unwrap(), log.clone())).collect()
}

/// Waits until everything is there as points and as log records.
fn wait_for_all(stage: &Stage) {
    let newest_ms = stage.history("counter").last().unwrap()["time_ms"].as_i64().unwrap();
    let until_ms = newest_ms - 1000;
    let mut last = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("all to be delivered", || {
            let received = received(stage);
            last = difference(&stored(&stage.path("store"), "web1", until_ms), &points(&received, until_ms));
            let runs = text(&stage.custos(&["stream"]).stdout);
            let runs = runs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let old = runs.filter(|run| run["time_ms"].as_i64().unwrap() <= until_ms);
            let records = records(&received);
            let lacks = old
                .map(|run| run["position"].as_i64().unwrap() - 1)
                .find(|number| !records.contains_key(number));
            last = last.take().or(lacks.map(|number| format!("the run {number} is no log record")));
            last.is_none().then_some(())
        });
    }));
    assert!(
        result.is_ok(),
        "{}\n{}",
        last.unwrap_or_default(),
        text(&stage.custos(&["sink", "status"]).stdout)
    );
}

#[test]
fn everything_is_there_exactly_and_what_is_rejected_is_set_aside() {
    let stage = Stage::new();
    let port = free_port();
    let peer = receiver(&stage, port);
    stage.plugin(
        "counter",
        "echo \"CRITICAL - größer | big=9007199254740993 free=1.5MB;;;; sent=7c $(test $(($$ % 3)) = 0 && echo odd=1)\"\necho more\nexit 2\n",
    );
    let url = format!("http://127.0.0.1:{port}");
    stage.configure(
        &format!("host: web1\nsinks: {{ m: {{ otlp: '{url}' }}, l: {{ otlp: '{url}', signal: logs, labels: {{ site: lab }} }} }}"),
        "  counter: { command: counter, check_interval: 200ms }\n  'disk /': { command: \"/bin/echo 'OK | used=7'\", check_interval: 500ms }\n",
    );
    let _agent = stage.start();
    stage.runs("counter", 20);
    wait_for_all(&stage);
    let more = |count: usize| {
        let known = stage.history("counter").len();
        stage.runs("counter", known + count);
    };
    // It is not there for a while, and then asks to come later.
    peer.kill();
    more(10);
    stage.write("otlp.status", "503");
    let _peer = receiver(&stage, port);
    let status = |sink: &str| text(&stage.custos(&["sink", "status", sink]).stdout);
    wait_for("it to be waited for", || status("m").contains("waits: status 503").then_some(()));
    fs::remove_file(stage.path("otlp.status")).unwrap();
    more(10);
    wait_for_all(&stage);
    // What it rejects is set aside, and goes to it again when somebody says so.
    stage.write("otlp.reject", "2");
    for sink in ["m", "l"] {
        wait_for("something to be set aside", || {
            status(sink).contains("this one does not please").then_some(())
        });
    }
    fs::remove_file(stage.path("otlp.reject")).unwrap();
    for sink in ["m", "l"] {
        wait_for("it to be counted as refused", || status(sink).contains(", refused ").then_some(()));
        assert!(stage.custos(&["sink", "retry", sink]).status.success());
    }
    more(10);
    wait_for_all(&stage);
    let received = received(&stage);
    let of = |metric: &str| {
        let is = |line: &&Value| line["attributes"]["metric"] == metric;
        received.iter().find(is).unwrap_or_else(|| panic!("no point of {metric}"))
    };
    assert_eq!((&of("big")["which"], &of("big")["value"]), (&"as_int".into(), &"9007199254740993".into()));
    assert_eq!((&of("free")["unit"], &of("free")["kind"]), (&"By".into(), &"gauge".into()));
    let sent = of("sent");
    assert_eq!(
        (&sent["kind"], &sent["monotonic"], &sent["temporality"]),
        (&"sum".into(), &true.into(), &2.into())
    );
    assert_eq!(sent["resource"]["host.name"], "web1");
    // Where a series ends there is a point without a value.
    assert!(
        received
            .iter()
            .any(|line| line["attributes"]["metric"] == "odd" && line.get("which") == Some(&Value::Null))
    );
    let records = records(&received);
    // Where the machine is slow a run may have been missed, which is a record, too.
    let of = |check: &str, exit_code: i64| {
        let is =
            |log: &&Value| log["attributes"]["check"] == check && log["attributes"]["exit_code"] == exit_code;
        records.values().find(is).unwrap_or_else(|| panic!("no record of {check}"))
    };
    let critical = of("counter", 2);
    assert_eq!((&critical["severity"], &critical["severity_text"]), (&17.into(), &"CRITICAL".into()));
    assert_eq!(critical["body"], "CRITICAL - größer\nmore");
    assert_eq!(critical["attributes"]["site"], "lab");
    let fine = of("disk /", 0);
    assert_eq!((&fine["severity"], &fine["severity_text"]), (&9.into(), &"OK".into()));
}
