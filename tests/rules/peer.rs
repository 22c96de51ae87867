//! A running Prometheus, and what it scrapes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use custos_promql::Labels;

use crate::connection::Connection;
use crate::stage::{Daemon, Stage, free_port};

/// A Prometheus that evaluates rules while it scrapes.
pub(crate) struct Prometheus {
    connection: Connection,
    _daemon: Daemon,
}

impl Prometheus {
    /// Starts it in a stage, with a rule file there and what is to be scraped: each second, if that says nothing else.
    pub(crate) fn start(stage: &Stage, rules: &str, scrape: &str) -> Prometheus {
        stage.write(
            "prometheus.yml",
            &format!(
                "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
                 rule_files: [{rules}]\nscrape_configs: [{scrape}]\n"
            ),
        );
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("/usr/bin/prometheus");
        command.args([
            &format!("--config.file={}", stage.shown("prometheus.yml")),
            &format!("--storage.tsdb.path={}", stage.shown("data")),
            &format!("--web.listen-address={address}"),
            "--log.level=warn",
        ]);
        let daemon = Daemon::start(&mut command, &stage.path("prometheus.log"));
        Prometheus { connection: Connection::new(&address), _daemon: daemon }
    }

    /// The connection to it.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// All samples of series, by their labels and times.
    pub(crate) fn samples(&self, selector: &str) -> BTreeMap<Labels, BTreeMap<i64, f64>> {
        let mut all = BTreeMap::new();
        let query = format!("{selector}[10m]");
        if self.connection.try_get("/-/ready").is_none_or(|(status, _)| status != 200) {
            return all;
        }
        let (status, body) = self.connection.post("/api/v1/query", &[("query", &query)]);
        assert_eq!(status, 200, "{body}");
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        for series in answer["data"]["result"].as_array().unwrap() {
            let labels = series["metric"].as_object().unwrap();
            let labels = Labels::new(labels.iter().map(|(name, value)| (name, value.as_str().unwrap())));
            let samples = series["values"].as_array().unwrap().iter().map(|pair| {
                let time_ms = (pair[0].as_f64().unwrap() * 1e3).round() as i64;
                (time_ms, pair[1].as_str().unwrap().parse().unwrap())
            });
            all.insert(labels, samples.collect());
        }
        all
    }

    /// The times of the samples of one series.
    pub(crate) fn times(&self, name: &str) -> Vec<i64> {
        self.samples(name).into_values().flat_map(BTreeMap::into_keys).collect()
    }
}

/// Serves a page that depends on how many were served before, and is refused where there is none; its address.
pub(crate) fn exporter(page: impl Fn(usize) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let scrapes = AtomicUsize::new(0);
        for stream in listener.incoming().map_while(Result::ok) {
            let index = scrapes.fetch_add(1, Ordering::Relaxed);
            // A peer that goes away has its answer no more.
            let _ = answer(&stream, page(index));
        }
    });
    address
}

fn answer(stream: &TcpStream, page: Option<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        line.clear();
    }
    let status = if page.is_some() { "200 OK" } else { "503 Service Unavailable" };
    let body = page.unwrap_or_default();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
