//! A Prometheus without a window that is still starting when the agent finds it: it says what it is, and not yet how it is set up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use custos_compat::remote_write::{decode, decompress};

use crate::series::Labels;
use crate::stage::{Stage, text, wait_for};
use crate::stub::{self, Request};

/// How often it says that it is not ready.
const UNREADY: usize = 4;
/// Runs that were stored before.
const BACKLOG: i64 = 20_000;

const METRICS: &str =
    "process_start_time_seconds 1.79582492768e+09\nprometheus_build_info{version=\"2.42.0\"} 1\n";
const FLAGS: &str = r#"{"status":"success","data":{"web.enable-remote-write-receiver":"true"}}"#;
const CONFIG: &str = r#"{"status":"success","data":{"yaml":"global: {}\n"}}"#;

#[derive(Debug, Default)]
struct Head {
    asked: usize,
    /// The latest time of each series.
    latest_ms: BTreeMap<Labels, i64>,
    samples: usize,
    out_of_order: Vec<(Labels, i64)>,
}

impl Head {
    fn answer(&mut self, request: &Request) -> (String, String) {
        let with = |body: &str| ("200 OK".to_owned(), body.to_owned());
        let is_ready = self.asked >= UNREADY;
        match &*request.path {
            "/metrics" => with(METRICS),
            "/api/v1/status/config" | "/api/v1/status/flags" if !is_ready => {
                self.asked += 1;
                ("503 Service Unavailable".to_owned(), "Service Unavailable".to_owned())
            }
            "/api/v1/status/config" => with(CONFIG),
            "/api/v1/status/flags" => with(FLAGS),
            "/api/v1/write" if request.is_two() => ("415 Unsupported Media Type".to_owned(), String::new()),
            "/api/v1/write" => {
                self.take(&request.body);
                ("204 No Content".to_owned(), String::new())
            }
            _ => ("404 Not Found".to_owned(), String::new()),
        }
    }

    fn take(&mut self, body: &[u8]) {
        for series in decode(&decompress(body, 1 << 26).unwrap()).unwrap() {
            let labels: Labels = series.labels.into_iter().collect();
            let latest_ms = self.latest_ms.entry(labels.clone()).or_insert(i64::MIN);
            for (time_ms, _) in series.samples {
                if time_ms < *latest_ms {
                    self.out_of_order.push((labels.clone(), time_ms));
                }
                *latest_ms = time_ms.max(*latest_ms);
                self.samples += 1;
            }
        }
    }
}

#[test]
fn a_receiver_that_starts_gets_what_is_new_after_what_is_old() {
    let head = Arc::new(Mutex::new(Head::default()));
    let shared = Arc::clone(&head);
    let port = stub::start(move |request| shared.lock().unwrap().answer(request));
    let stage = Stage::new();
    let first_ms = custos::clock::now_ms() - 1000 * BACKLOG;
    let runs = (0..BACKLOG).fold(String::new(), |mut runs, n| {
        let time_ms = first_ms + 1000 * n;
        let _ = writeln!(
            runs,
            r#"{{"check":"disk","time_ms":{time_ms},"state":"OK","metrics":[{{"label":"used","value":{n}}}]}}"#
        );
        runs
    });
    stage.import(&runs);
    stage.configure(
        &format!("host: web1\nsinks: {{ it: {{ remote_write: 'http://127.0.0.1:{port}/api/v1/write', gather: 10ms }} }}"),
        "  disk: { command: \"/bin/echo 'OK | used=7'\", check_interval: 100ms }\n",
    );
    let _agent = stage.start();
    let newest_ms = stage.runs("disk", BACKLOG as usize + 10).last().unwrap()["time_ms"].as_i64().unwrap();
    wait_for("all to be delivered", || {
        let head = head.lock().unwrap();
        let of_used = head
            .latest_ms
            .iter()
            .find(|(labels, _)| labels.get("metric").is_some_and(|metric| metric == "used"));
        (*of_used?.1 >= newest_ms && head.asked == UNREADY).then_some(())
    });
    let head = head.lock().unwrap();
    let status = text(&stage.custos(&["sink", "status"]).stdout).to_owned();
    assert!(head.samples as i64 > 2 * BACKLOG, "{}: {status}", head.samples);
    assert!(head.out_of_order.is_empty(), "{:?} and more: {status}", head.out_of_order[0]);
}
