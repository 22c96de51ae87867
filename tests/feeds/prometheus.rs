//! Everything that is stored is in Prometheus.

use custos_store::{Metric, Options, Run, Value, Writer};

use crate::peers;
use crate::series::{Times, difference, get, in_prometheus, stored};
use crate::stage::{Daemon, Stage, free_port, text, wait_for};

struct Prometheus {
    port: u16,
    _running: Daemon,
}

impl Prometheus {
    fn start(stage: &Stage, config: &str) -> Prometheus {
        let port = free_port();
        Prometheus { port, _running: peers::prometheus(stage, port, config) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All that it has up to a time.
    fn delivered(&self, until_ms: i64) -> Times {
        in_prometheus(&self.url(""), "web1", until_ms - 10 * 86_400_000..until_ms + 1)
    }
}

/// Delivers two days of runs beside new ones, and returns what differs in the end.
fn delivered_with(config: &str) -> (Option<String>, String) {
    let stage = Stage::new();
    let peer = Prometheus::start(&stage, config);
    let store = stage.path("store");
    let mut writer = Writer::open(&store, Options::default()).unwrap();
    let start_ms = custos::clock::now_ms() - 2 * 3_600_000;
    for n in 0..700_i64 {
        let run = Run {
            time_ms: start_ms + n * 10_000,
            metrics: vec![Metric::new("a", Value::from(n as f64))],
            ..Run::default()
        };
        writer.append(&[("old", &run), ("older", &run)]).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    stage.configure(
        &format!("host: web1\nsinks: {{ prom: {{ remote_write: '{}' }} }}", peer.url("/api/v1/write")),
        "  new: { command: \"/bin/echo 'OK | used=7'\", check_interval: 1s }\n",
    );
    let _agent = stage.start();
    let newest_ms = stage.runs("new", 5).last().unwrap()["time_ms"].as_i64().unwrap();
    let mut last = None;
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("all to be delivered", || {
            last = difference(&stored(&store, "web1", newest_ms), &peer.delivered(newest_ms));
            last.is_none().then_some(())
        });
    }));
    (done.err().and(last), text(&stage.custos(&["sink", "status"]).stdout))
}

#[test]
fn with_a_window_the_backlog_is_there_beside_what_is_new() {
    let (difference, status) = delivered_with("storage:\n  tsdb:\n    out_of_order_time_window: 30d\n");
    assert_eq!(difference, None, "{status}");
    assert!(status.starts_with("prom to Prometheus 2."), "{status}");
}

#[test]
fn without_a_window_the_backlog_comes_first_and_status_says_what_to_set() {
    let (difference, status) = delivered_with("global: {}\n");
    assert_eq!(difference, None, "{status}");
    assert!(status.contains("WARNING: it refuses samples that are older than others"), "{status}");
}

#[test]
fn what_it_has_already_is_not_set_aside_when_it_is_sent_again() {
    let stage = Stage::new();
    let peer = Prometheus::start(&stage, "global: {}\n");
    stage.configure(
        &format!("host: web1\nsinks: {{ prom: {{ remote_write: '{}' }} }}", peer.url("/api/v1/write")),
        "  new: { command: \"/bin/echo 'OK | used=7'\", check_interval: 300ms }\n",
    );
    let mut known = 0;
    for _ in 0..2 {
        // What was sent before is not known to be safe, and is sent again.
        let agent = stage.start();
        let runs = stage.runs("new", known + 5);
        known = runs.len();
        let newest_ms = runs.last().unwrap()["time_ms"].as_i64().unwrap();
        wait_for("all to be delivered", || {
            let stored = stored(&stage.path("store"), "web1", newest_ms);
            difference(&stored, &peer.delivered(newest_ms)).is_none().then_some(())
        });
        let status = text(&stage.custos(&["sink", "status"]).stdout);
        assert!(!status.contains("set aside"), "{status}");
        agent.kill();
    }
}

/// How often a Prometheus refused a request to write.
fn refusals(peer: &Prometheus) -> u64 {
    let metrics = get(&peer.url("/metrics"), &[]).unwrap();
    let of_write = |line: &&str| line.contains("handler=\"/api/v1/write\"") && line.contains("code=\"400\"");
    let count =
        metrics.lines().find(|line| line.starts_with("prometheus_http_requests_total") && of_write(line));
    count.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[test]
fn what_it_has_of_series_that_come_and_go_is_not_tried_piece_by_piece() {
    const ENDS: i64 = 200;
    let stage = Stage::new();
    let peer = Prometheus::start(&stage, "global: {}\n");
    let store = stage.path("store");
    let mut writer = Writer::open(&store, Options::default()).unwrap();
    let start_ms = custos::clock::now_ms() - 3_600_000;
    for n in 0..2 * ENDS {
        let metric = |label| Metric::new(label, Value::from(n as f64));
        let metrics = if n % 2 == 0 { vec![metric("stays"), metric("goes")] } else { vec![metric("stays")] };
        let run = Run { time_ms: start_ms + n * 5_000, metrics, ..Run::default() };
        writer.append(&[("flaps", &run)]).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    stage.configure(
        &format!("host: web1\nsinks: {{ prom: {{ remote_write: '{}' }} }}", peer.url("/api/v1/write")),
        "  new: { command: \"/bin/echo 'OK | used=7'\", check_interval: 1s }\n",
    );
    let mut known = 0;
    for _ in 0..2 {
        // What was sent before is not known to be safe, and is sent again.
        let agent = stage.start();
        let runs = stage.runs("new", known + 3);
        known = runs.len();
        let newest_ms = runs.last().unwrap()["time_ms"].as_i64().unwrap();
        wait_for("all to be delivered", || {
            difference(&stored(&store, "web1", newest_ms), &peer.delivered(newest_ms)).is_none().then_some(())
        });
        agent.kill();
    }
    let refused = refusals(&peer);
    assert!((1..50).contains(&refused), "{refused} requests were refused for {ENDS} ends of a series");
}
