//! Everything that is stored is in what takes lines: InfluxDB, VictoriaMetrics by both protocols, and carbon of Graphite.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::peers;
use crate::series::{Labels, Times, difference, exported, get, stored};
use crate::stage::{Daemon, Stage, free_port, text, wait_for};

/// Something that takes lines.
struct Taker<'t> {
    sink: String,
    start: &'t dyn Fn(&Stage) -> Daemon,
    /// All that it has up to a time.
    delivered: &'t dyn Fn(&Stage, i64) -> Times,
    /// As it has what is stored.
    as_there: fn(Times) -> Times,
    /// What the status names it.
    name: &'static str,
    /// Whether its end is noticed, so that what it had not on the disk is sent again.
    rewinds: bool,
}

/// Delivers while the receiver and the agent are killed, until the receiver has everything once.
fn is_delivered_once(taker: &Taker<'_>) {
    let stage = Stage::new();
    let peer = (taker.start)(&stage);
    stage.plugin(
        "counter",
        "echo \"OK | n=$(date +%N | sed 's/^0*//');;;; $(test $(($$ % 3)) = 0 && echo odd=1)\"\n",
    );
    stage.configure(
        &format!("host: web1.example\nsinks: {{ lines: {{ {} }} }}", taker.sink),
        "  counter: { command: counter, check_interval: 200ms }\n  'disk /': { command: \"/bin/echo 'OK | used=7;;;; größe=5MB'\", \
         check_interval: 500ms }\n",
    );
    let status = || text(&stage.custos(&["sink", "status", "lines"]).stdout);
    let wait_for_all = || {
        let newest_ms = stage.history("counter").last().unwrap()["time_ms"].as_i64().unwrap();
        // Whole seconds, since some have no others.
        let until_ms = (newest_ms / 1000 - 1) * 1000 - 1;
        let mut last = None;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("all to be delivered", || {
                let stored = (taker.as_there)(stored(&stage.path("store"), "web1.example", until_ms));
                last = difference(&stored, &(taker.delivered)(&stage, until_ms));
                last.is_none().then_some(())
            });
        }));
        assert!(result.is_ok(), "{}\n{}", last.unwrap_or_default(), status());
    };
    let more = |count: usize| {
        let known = stage.history("counter").len();
        stage.runs("counter", known + count);
    };
    let agent = stage.start();
    stage.runs("counter", 20);
    wait_for_all();
    assert!(status().starts_with(&format!("lines to {}", taker.name)), "{}", status());
    peer.kill();
    more(20);
    let _peer = (taker.start)(&stage);
    more(20);
    wait_for_all();
    if taker.rewinds {
        wait_for("its end to be noticed", || status().contains("rewinds 1").then_some(()));
    }
    agent.signal(Signal::SIGKILL);
    drop(agent);
    let _agent = stage.start();
    more(20);
    wait_for_all();
}

/// The paths that series have in Graphite, and whole seconds.
fn as_paths(stored: Times) -> Times {
    let escaped = |text: &str| {
        text.replace(' ', "%20").replace('/', "%2F").replace('ö', "%C3%B6").replace('ß', "%C3%9F")
    };
    let path = |labels: &Labels| {
        let last = labels.get("metric").unwrap_or(&labels["__name__"]);
        format!("custos.web1%2Eexample.{}.{}", escaped(&labels["check"]), escaped(last))
    };
    let seconds =
        |times: Vec<i64>| times.into_iter().map(|time_ms| time_ms / 1000 * 1000).collect::<BTreeSet<_>>();
    stored
        .into_iter()
        .map(|(labels, times)| {
            (Labels::from([("__name__".to_owned(), path(&labels))]), seconds(times).into_iter().collect())
        })
        .collect()
}

#[test]
fn victoriametrics_has_everything_by_influxdbs_lines() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    is_delivered_once(&Taker {
        sink: format!("influxdb: '{url}/write'"),
        start: &|stage| {
            peers::victoria_metrics(stage, port, &["-dedup.minScrapeInterval=1ms", "-influxSkipSingleField"])
        },
        delivered: &|_, until_ms| exported(&url, "{host=\"web1.example\"}", until_ms),
        as_there: |stored| stored,
        name: "VictoriaMetrics",
        rewinds: true,
    });
}

#[test]
fn victoriametrics_has_everything_by_graphites_lines() {
    let (port, lines) = (free_port(), free_port());
    let url = format!("http://127.0.0.1:{port}");
    let listen = format!("-graphiteListenAddr=127.0.0.1:{lines}");
    is_delivered_once(&Taker {
        sink: format!("graphite: 'tcp://127.0.0.1:{lines}'"),
        start: &|stage| peers::victoria_metrics(stage, port, &["-dedup.minScrapeInterval=1ms", &listen]),
        delivered: &|_, until_ms| exported(&url, "{__name__=~\"custos.*\"}", until_ms),
        as_there: as_paths,
        name: "Graphite",
        rewinds: true,
    });
}

#[test]
fn influxdb_has_everything() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let delivered = |_: &Stage, until_ms: i64| {
        let query = format!("SELECT value FROM /.*/ WHERE time <= {until_ms}ms GROUP BY *");
        let answer = get(&format!("{url}/query"), &[("db", "custos"), ("epoch", "ms"), ("q", &query)]);
        let answer: serde_json::Value = serde_json::from_str(&answer.unwrap_or_default()).unwrap_or_default();
        let mut all = Times::new();
        for series in answer["results"][0]["series"].as_array().into_iter().flatten() {
            let mut labels: Labels = serde_json::from_value(series["tags"].clone()).unwrap();
            labels.retain(|_, value| !value.is_empty());
            labels.insert("__name__".to_owned(), series["name"].as_str().unwrap().to_owned());
            let rows = series["values"].as_array().unwrap().iter();
            all.insert(labels, rows.map(|row| row[0].as_i64().unwrap()).collect());
        }
        all
    };
    is_delivered_once(&Taker {
        sink: format!("influxdb: '{url}/write?db=custos'"),
        start: &|stage| peers::influxdb(stage, port),
        delivered: &delivered,
        as_there: |stored| stored,
        name: "InfluxDB 1.6.7",
        rewinds: true,
    });
}

/// The times of all files of whisper below a directory.
fn whispers(root: &Path, dir: &Path, until_ms: i64, all: &mut Times) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            whispers(root, &path, until_ms, all);
            continue;
        }
        let output = Command::new("whisper-fetch").arg("--from=1").arg(&path).output().unwrap();
        let lines = text(&output.stdout);
        let valued =
            lines.lines().filter_map(|line| line.split_once('\t').filter(|(_, value)| *value != "None"));
        let times = valued
            .map(|(time, _)| time.parse::<i64>().unwrap() * 1000)
            .filter(|time_ms| *time_ms <= until_ms);
        let name =
            path.strip_prefix(root).unwrap().with_extension("").display().to_string().replace('/', ".");
        all.insert(Labels::from([("__name__".to_owned(), name)]), times.collect());
    }
    all.retain(|_, times| !times.is_empty());
}

#[test]
fn carbon_has_everything_that_it_was_given_time_to_write() {
    let lines = free_port();
    let delivered = |stage: &Stage, until_ms: i64| {
        let (root, mut all) = (stage.path("carbon/whisper"), Times::new());
        whispers(&root, &root, until_ms, &mut all);
        all.retain(|labels, _| labels["__name__"].starts_with("custos."));
        all
    };
    is_delivered_once(&Taker {
        sink: format!("graphite: '127.0.0.1:{lines}'"),
        start: &|stage| peers::carbon(stage, lines),
        delivered: &delivered,
        as_there: as_paths,
        name: "Graphite",
        rewinds: true,
    });
}
