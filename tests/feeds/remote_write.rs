//! Remote write 1.0 and 2.0, to a receiver that takes one or both. Debian has none that takes 2.0, so it is one of the tests.

use std::sync::{Arc, Mutex};

use custos_compat::remote_write::{Series, decode, decode_symbols, decompress};

use crate::series::{Labels, Times, difference, stored};
use crate::stage::{Stage, text, wait_for};
use crate::stub::{self, Request};

/// What a receiver does with a request of 2.0.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Takes {
    /// It stores it, and says how many samples it wrote.
    Two,
    /// It says that it does not take such a content type.
    Refuses,
    /// It takes it for an empty one of 1.0.
    Ignores,
}

#[derive(Default)]
struct Received {
    samples: Times,
    /// How many requests of each version.
    requests: [usize; 2],
    /// The unit and the type of each metric, as 2.0 has them.
    units: Vec<(String, u64, String)>,
}

/// Starts a receiver; the port, and what it gets.
fn receiver(takes: Takes) -> (u16, Arc<Mutex<Received>>) {
    let received = Arc::new(Mutex::new(Received::default()));
    let shared = Arc::clone(&received);
    let port = stub::start(move |request| {
        let Request { method, head, body, .. } = request;
        let is_two = request.is_two();
        let says_two = head.iter().any(|line| line.starts_with("x-prometheus-remote-write-version: 2"));
        assert!(is_two || !says_two, "{head:?}");
        let head = match method == "POST" {
            true => shared.lock().unwrap().take(body, is_two, takes),
            false => "404 Not Found".to_owned(),
        };
        (head, String::new())
    });
    (port, received)
}

impl Received {
    fn take(&mut self, body: &[u8], is_two: bool, takes: Takes) -> String {
        self.requests[usize::from(is_two)] += 1;
        let body = decompress(body, 1 << 26).unwrap();
        if !is_two {
            decode(&body).unwrap().into_iter().for_each(|series| self.add(series));
            return "204 No Content".to_owned();
        }
        match takes {
            Takes::Refuses => "415 Unsupported Media Type".to_owned(),
            Takes::Ignores => {
                assert_eq!(body.first(), Some(&0x22), "a receiver of 1.0 would find something in it");
                "204 No Content".to_owned()
            }
            Takes::Two => {
                let mut written = 0;
                for (series, kind, unit) in decode_symbols(&body).unwrap() {
                    let metric = series.labels.iter().find(|(name, _)| name == "metric");
                    self.units.extend(metric.map(|(_, metric)| (metric.clone(), kind, unit)));
                    written += series.samples.len();
                    self.add(series);
                }
                format!("204 No Content\r\nX-Prometheus-Remote-Write-Samples-Written: {written}")
            }
        }
    }

    fn add(&mut self, series: Series) {
        let labels: Labels = series.labels.into_iter().collect();
        let times =
            series.samples.into_iter().filter(|(_, value)| !value.is_nan()).map(|(time_ms, _)| time_ms);
        self.samples.entry(labels).or_default().extend(times);
    }
}

/// Delivers something with a setting, and returns what was received.
fn delivered(takes: Takes, setting: &str) -> Arc<Mutex<Received>> {
    let stage = Stage::new();
    let (port, received) = receiver(takes);
    stage.configure(
        &format!(
            "host: web1\nsinks: {{ it: {{ remote_write: 'http://127.0.0.1:{port}/api/v1/write'{setting} }} }}"
        ),
        "  disk: { command: \"/bin/echo 'OK | used=7MB sent=5c'\", check_interval: 200ms }\n",
    );
    let _agent = stage.start();
    stage.runs("disk", 20);
    let until_ms = stage.history("disk").last().unwrap()["time_ms"].as_i64().unwrap() - 1000;
    let mut last = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("all to be delivered", || {
            let mut samples = received.lock().unwrap().samples.clone();
            samples.values_mut().for_each(|times| times.retain(|time_ms| *time_ms <= until_ms));
            samples.retain(|_, times| !times.is_empty());
            last = difference(&stored(&stage.path("store"), "web1", until_ms), &samples);
            last.is_none().then_some(())
        });
    }));
    assert!(result.is_ok(), "{takes:?}: {last:?}\n{}", text(&stage.custos(&["sink", "status"]).stdout));
    received
}

#[test]
fn each_receiver_gets_the_version_that_it_takes() {
    let received = delivered(Takes::Two, "");
    let received = received.lock().unwrap();
    assert!(received.requests[0] == 0 && received.requests[1] > 0, "{:?}", received.requests);
    for unit in [("used", 2, "B"), ("sent", 1, "")]
        .map(|(metric, kind, unit)| (metric.to_owned(), kind, unit.to_owned()))
    {
        assert!(received.units.contains(&unit), "{unit:?} of {:?}", received.units);
    }
    for old in [Takes::Refuses, Takes::Ignores] {
        let received = delivered(old, "");
        let requests = received.lock().unwrap().requests;
        // Each of the two connections tries once.
        assert!(requests[0] > 0 && (1..=2).contains(&requests[1]), "{old:?}: {requests:?}");
    }
    let received = delivered(Takes::Two, ", protocol: 1");
    assert_eq!(received.lock().unwrap().requests[1], 0);
}
