//! Exact samples: what Prometheus' own `promtool`, VictoriaMetrics and line protocol have is what the store has afterwards.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::keeping::Keeping;
use crate::stage::{free_port, text, wait_for};

const START_MS: i64 = 1_795_305_600_000;

/// The samples of a metric in the store: (time in ms, value).
fn samples(keeping: &Keeping, check: &str, label: &str) -> Vec<(i64, Option<f64>)> {
    let value = |run: &Value| {
        let metric = run["metrics"].as_array().unwrap().iter().find(|metric| metric["label"] == label)?;
        Some((run["time_ms"].as_i64().unwrap(), metric["value"].as_f64()))
    };
    keeping.runs(check).iter().filter_map(value).collect()
}

/// Text of two series of a metric with a day of samples.
fn exposition() -> String {
    let mut text = "# TYPE node_load1 gauge\n".to_owned();
    for (instance, factor) in [("web1:9100", 1.0), ("web1:9200", 10.0)] {
        for minute in 0..1440_i64 {
            let time = format!("{}.{:03}", START_MS / 1000 + minute * 60, minute % 1000);
            let value = 0.1 + factor * ((minute * 7919) % 1009) as f64 / 1009.0;
            writeln!(text, "node_load1{{instance=\"{instance}\",job=\"node\"}} {value} {time}").unwrap();
        }
    }
    text + "# EOF\n"
}

#[test]
fn samples_of_promtool_are_exact_and_queries_select_them_as_before() {
    let keeping = Keeping::new();
    let written = exposition();
    keeping.write("in.txt", &written);
    keeping.run("promtool", &["tsdb", "create-blocks-from", "openmetrics", "in.txt", "blocks"]);
    // Its dump has milliseconds; that of later versions is what it was given here.
    // It looks for what a server writes before it makes blocks.
    std::fs::create_dir_all(keeping.path("blocks/wal")).unwrap();
    let dump = keeping.run("promtool", &["tsdb", "dump", "blocks"]);
    keeping.write("dump.txt", &dump);
    keeping.imported(&["openmetrics", "dump.txt", "--milliseconds"]);
    let other = Keeping::new();
    other.write("in.txt", &written);
    other.imported(&["openmetrics", "in.txt"]);
    assert_eq!(samples(&other, "node", "node_load1").len(), samples(&keeping, "node", "node_load1").len());
    let found = samples(&keeping, "node", "node_load1");
    let mut by_time: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for run in keeping.runs("node") {
        for metric in run["metrics"].as_array().unwrap() {
            let bits = metric["value"].as_f64().unwrap().to_bits();
            by_time.entry(run["time_ms"].as_i64().unwrap()).or_default().push(bits);
        }
    }
    let mut expected: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for line in written.lines().filter(|line| line.starts_with("node")) {
        let words: Vec<&str> = line.split(' ').collect();
        let time_ms: i64 = words[2].replace('.', "").parse().unwrap();
        expected.entry(time_ms).or_default().push(words[1].parse::<f64>().unwrap().to_bits());
    }
    for values in by_time.values_mut().chain(expected.values_mut()) {
        values.sort_unstable();
    }
    assert_eq!(by_time, expected);
    assert!(found.len() >= 1440);
    let at = "2026-11-22T12:00:30Z";
    let query = "node_load1{instance=\"web1:9200\",job=\"node\"}";
    let answer = keeping.custos(&["query", query, "--at", at, "--json", "--store", "store"]);
    assert!(answer.contains("web1:9200") && !answer.contains("web1:9100"), "{answer}");
    // No state is known, and none is said.
    let states = keeping.custos(&["query", "check_state", "--at", at, "--json", "--store", "store"]);
    assert!(!states.contains("node"), "{states}");
    let again = keeping.imported(&["openmetrics", "dump.txt", "--milliseconds"]);
    assert!(again.starts_with("0 runs added, "), "{again}");
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_victoria_metrics_exports_is_what_was_put_in() {
    let keeping = Keeping::new();
    let address = format!("127.0.0.1:{}", free_port());
    let data = keeping.path("vm");
    let child = Command::new("victoria-metrics")
        .args([&format!("-storageDataPath={}", data.display()), &format!("-httpListenAddr={address}")])
        .args(["-retentionPeriod=100y", "-loggerLevel=ERROR"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("victoria-metrics, which scripts/test installs");
    let _server = Server(child);
    let curl = |words: &[&str]| {
        let output = Command::new("curl").args(["-sf", "--max-time", "20"]).args(words).output().unwrap();
        output.status.success().then(|| text(&output.stdout))
    };
    let url = |path: &str| format!("http://{address}{path}");
    wait_for("VictoriaMetrics to answer", || curl(&[&url("/health")]));
    // Not older than a day, or it would not be found at once.
    let now_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64 / 60_000 * 60_000;
    let times: Vec<i64> = (1..200).map(|minute| now_ms - minute * 60_000).rev().collect();
    let values: Vec<f64> = times.iter().map(|time| (time / 60_000 % 997) as f64 / 8.0).collect();
    let line = serde_json::json!({
        "metric": { "__name__": "net", "check": "net", "metric": "in", "if": "eth0", "host": "web1" },
        "values": values, "timestamps": times,
    });
    keeping.write("line.json", line.to_string());
    let file = format!("@{}", keeping.path("line.json").display());
    curl(&["--data-binary", &file, &url("/api/v1/import")]).unwrap();
    let export = url("/api/v1/export?match[]=net&reduce_mem_usage=1");
    let exported = wait_for("the series", || curl(&["-g", &export]).filter(|lines| lines.contains("eth0")));
    keeping.write("export.json", exported);
    keeping.imported(&["victoria", "export.json"]);
    let expected: Vec<(i64, Option<f64>)> = times.into_iter().zip(values.into_iter().map(Some)).collect();
    assert_eq!(samples(&keeping, "net", "in"), expected);
    let run = keeping.runs("net").pop().unwrap();
    assert_eq!(run["metrics"][0]["labels"], serde_json::json!({ "if": "eth0" }));
}

#[test]
fn points_of_icinga_and_telegraf_are_read_and_hosts_are_kept_apart() {
    let keeping = Keeping::new();
    let nanoseconds = |second: i64| (START_MS + second * 1000) * 1_000_000;
    let mut lines = String::new();
    for second in 0..300 {
        let time = nanoseconds(second * 10);
        writeln!(
            lines,
            "load,hostname=web1,metric=load1,service=load value={}.5,warn=5,crit=10 {time}",
            second % 7
        )
        .unwrap();
        writeln!(lines, "load,hostname=web1,metric=load5,service=load value=1 {time}").unwrap();
        writeln!(lines, "cpu,cpu=cpu0,host=web1 usage_idle={},model=\"x\" {time}", second % 100).unwrap();
    }
    keeping.write("points", &lines);
    let shown = keeping.imported(&["influx", "points", "--dry-run"]);
    assert!(
        shown.contains("load: 300 runs, 2026-11-22 00:00:00 to 2026-11-22 00:49:50\n    load1, load5\n"),
        "{shown}"
    );
    assert!(shown.contains("left out: 300 text fields"), "{shown}");
    keeping.imported(&["influx", "points"]);
    let expected: Vec<(i64, Option<f64>)> =
        (0..300).map(|second| (START_MS + second * 10_000, Some((second % 7) as f64 + 0.5))).collect();
    assert_eq!(samples(&keeping, "load", "load1"), expected);
    let run = keeping.runs("load").pop().unwrap();
    assert_eq!(run["metrics"].as_array().unwrap().len(), 2, "the metrics of one time are one run");
    assert_eq!(run["metrics"][0]["warn"]["end"].as_f64(), Some(5.0));
    assert_eq!(run["reason"], "imported");
    // Of two hosts none is guessed.
    keeping.write("two", lines.clone() + &format!("cpu,host=db1 usage_idle=1 {}\n", nanoseconds(1)));
    let output = keeping.import(&["influx", "two"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("choose one with --host: db1, web1"), "{output:?}");
    let chosen = keeping.imported(&["influx", "two", "--host", "web1"]);
    assert!(chosen.contains("1 sample of other hosts"), "{chosen}");
    // A line that is none is named, the others are taken in.
    keeping.write("bad", format!("nonsense\nx f=1 {}\n", nanoseconds(0)));
    let output = keeping.import(&["influx", "bad"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("1 run added"), "{output:?}");
    assert!(text(&output.stderr).contains("bad:1: it has no field"), "{output:?}");
}
