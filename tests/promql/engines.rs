//! Both engines over the same samples, each with its own HTTP server on loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::data::Series;
use crate::stage::{Daemon, Running, Stage, custos, free_port, text, wait_for};

/// A query, to both engines.
pub(crate) struct Engines {
    pub(crate) prometheus: Connection,
    pub(crate) custos: Connection,
    _prometheus: Daemon,
    _custos: Running,
    _stage: Stage,
}

impl Engines {
    /// Starts both over these series.
    pub(crate) fn over(series: &[Series]) -> Engines {
        for program in ["prometheus", "promtool"] {
            let path = format!("/usr/bin/{program}");
            assert!(Path::new(&path).exists(), "{path} is missing: install prometheus");
        }
        let stage = Stage::new();
        let (daemon, prometheus) = start_prometheus(&stage, series);
        let (running, custos) = start_custos(&stage, series);
        Engines { prometheus, custos, _prometheus: daemon, _custos: running, _stage: stage }
    }
}

fn start_prometheus(stage: &Stage, series: &[Series]) -> (Daemon, Connection) {
    stage.write("samples.om", &openmetrics(series));
    stage.write("prometheus.yml", "global: {scrape_interval: 1h, evaluation_interval: 1m}\n");
    let data = stage.shown("prometheus");
    fs::create_dir_all(stage.path("prometheus/wal")).unwrap();
    let import = Command::new("/usr/bin/promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=744h"])
        .arg(stage.path("samples.om"))
        .arg(&data)
        .output()
        .unwrap();
    assert!(import.status.success(), "{}", text(&import.stderr));
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new("/usr/bin/prometheus");
    command.args([
        &format!("--config.file={}", stage.shown("prometheus.yml")),
        &format!("--storage.tsdb.path={data}"),
        "--storage.tsdb.retention.time=100y",
        &format!("--web.listen-address={address}"),
        "--log.level=warn",
    ]);
    let daemon = Daemon::start(&mut command, &stage.path("prometheus.log"));
    let connection = Connection::new(&address);
    wait_for("Prometheus to be ready", || (connection.try_get("/-/ready")?.0 == 200).then_some(()));
    (daemon, connection)
}

fn start_custos(stage: &Stage, series: &[Series]) -> (Running, Connection) {
    stage.write("runs.jsonl", &runs(series));
    let store = stage.shown("store");
    let mut import = custos(&["store", "import", &store]);
    let import = import.stdin(File::open(stage.path("runs.jsonl")).unwrap()).output().unwrap();
    assert!(import.status.success(), "{}", text(&import.stderr));
    let mut command = custos(&["serve", "--store", &store, "--listen", "127.0.0.1:0"]);
    let mut running = Running::start(command.stdout(Stdio::piped()));
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split([' ', ',']).nth(2).unwrap().trim_start_matches("http://");
    (running, Connection::new(address))
}

/// The series as OpenMetrics, where those of a name stand together.
fn openmetrics(series: &[Series]) -> String {
    let mut out = String::new();
    let mut by_name: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for one in series {
        by_name.entry(one.name).or_default().push(one);
    }
    for (name, all) in by_name {
        for one in all {
            let labels: Vec<String> =
                one.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            for (time_ms, value) in &one.samples {
                let value = match value {
                    value if value.is_nan() => "NaN".to_owned(),
                    value if value.is_infinite() => format!("{}Inf", if *value > 0.0 { '+' } else { '-' }),
                    value => format!("{value:e}"),
                };
                let seconds = *time_ms as f64 / 1e3;
                writeln!(out, "{name}{{{}}} {value} {seconds}", labels.join(",")).unwrap();
            }
        }
    }
    out + "# EOF\n"
}

/// The series as runs: a check for each name. A run is partial, since it says nothing of series that have no sample then.
fn runs(series: &[Series]) -> String {
    let mut runs: BTreeMap<(&str, i64), Vec<Value>> = BTreeMap::new();
    for one in series {
        let labels: Map<String, Value> =
            one.labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        for (time_ms, value) in &one.samples {
            let value = match value {
                value if value.is_nan() => json!("NaN"),
                value if value.is_infinite() => json!(if *value > 0.0 { "+Inf" } else { "-Inf" }),
                value => json!(value),
            };
            let metric = json!({"label": "", "labels": labels, "value": value});
            runs.entry((one.name, *time_ms)).or_default().push(metric);
        }
    }
    let mut out = String::new();
    for ((check, time_ms), metrics) in runs {
        let run =
            json!({"check": check, "time_ms": time_ms, "state": "OK", "partial": true, "metrics": metrics});
        writeln!(out, "{run}").unwrap();
    }
    out
}
