//! What receivers do not have as it is stored is found, delivered again, and proven.

use std::path::Path;
use std::process::{Command, Stdio};

use custos::feed::read::{Budget, Feed, FeedOptions, From, Order, Selection};
use custos_store::{Metric, Options, Run, Value, Writer};

use crate::peers::{prometheus, victoria_metrics};
use crate::series::{Labels, Times, difference, get, stored};
use crate::stage::{Stage, free_port, text, wait_for};

const HOUR_MS: i64 = 3_600_000;
/// Every 10 s for three hours.
const RUNS: i64 = 3 * 360;

/// The first of three hours, the last of which ended an hour ago or two.
fn start_ms() -> i64 {
    custos::clock::now_ms().div_euclid(HOUR_MS) * HOUR_MS - 4 * HOUR_MS
}

/// Stores runs, and has the sink take them for delivered, whether or not they are.
fn store(dir: &Path, check: &str, start_ms: i64, numbers: impl Iterator<Item = i64>) {
    let mut writer = Writer::open(dir, Options::default()).unwrap();
    for n in numbers {
        let metrics = vec![
            Metric::new("a", Value::from(n as f64 + 0.123_456_789_012_345_67)),
            Metric::new("b", Value::from(n)),
        ];
        let run =
            Run { time_ms: start_ms + n * 10_000 + n % 7, metrics, duration_us: 1500, ..Run::default() };
        writer.append(&[(check, &run)]).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    let options = FeedOptions {
        name: Some("sink-peer".to_owned()),
        from: From::Start,
        anew: false,
        order: Order::InOrder,
        selection: Selection::default(),
    };
    let mut feed = Feed::open(dir, options).unwrap();
    let now = custos::clock::now();
    while let Some(piece) = feed.next(Budget { runs: 1000, bytes: 1 << 20 }, now).unwrap() {
        feed.acknowledged(&piece.progress, now).unwrap();
    }
    feed.save().unwrap();
}

/// What `custos sink verify` says: whether it holds, the sum, and each series and hour that was not right.
fn verified(stage: &Stage, options: &[&str]) -> (bool, serde_json::Value, Vec<serde_json::Value>) {
    let output = stage.custos(&[&["sink", "verify", "peer", "--json"], options].concat());
    let mut lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sum = lines.pop().unwrap_or_else(|| panic!("{}", text(&output.stderr)));
    (output.status.success(), sum, lines)
}

/// All that a VictoriaMetrics has.
fn exported(url: &str) -> (String, Times) {
    let form = [("match[]", "{host=\"web1\"}"), ("start", "1")];
    let lines = get(&format!("{url}/api/v1/export"), &form).unwrap();
    let mut all = Times::new();
    for line in lines.lines() {
        let series: serde_json::Value = serde_json::from_str(line).unwrap();
        let labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
        let times = series["timestamps"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap());
        all.entry(labels).or_default().extend(times);
    }
    (lines, all)
}

#[test]
fn what_victoriametrics_lacks_or_has_twice_is_found_and_what_it_lacks_is_mended() {
    let stage = Stage::new();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let peer = victoria_metrics(&stage, port, &[]);
    stage.configure(
        &format!("host: web1\nsinks: {{ peer: {{ remote_write: '{url}/api/v1/write' }} }}"),
        "  {}\n",
    );
    let (dir, start_ms) = (stage.path("store"), start_ms());
    // Nothing of it was ever sent.
    store(&dir, "whole", start_ms, 0..RUNS);
    store(&dir, "holed", start_ms, (0..RUNS).filter(|n| !(100..110).contains(n)));
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(!holds && lines.len() == 2 * 5 * 3, "{sum}");
    assert_eq!(sum["missing"], 5 * (2 * RUNS - 10), "{sum}");
    let (holds, sum, lines) = verified(&stage, &["--repair"]);
    assert!(holds && lines.iter().all(|line| line["is_right_now"] == true), "{sum}");
    assert_eq!(difference(&stored(&dir, "web1", i64::MAX - 1), &exported(&url).1), None);
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(holds && lines.is_empty(), "{sum} {lines:?}");
    assert_eq!((&sum["samples"], &sum["series"]), (&(5 * (2 * RUNS - 10)).into(), &10.into()));
    // Some are stored that were not sent, and some are sent twice.
    store(&dir, "holed", start_ms, 100..110);
    let lines = exported(&url).0;
    let line =
        lines.lines().find(|line| line.contains("\"whole\"") && line.contains("\"metric\":\"b\"")).unwrap();
    stage.write("twice.jsonl", line);
    let mut again = Command::new("curl");
    again.args(["-s", "-f", "--data-binary", &format!("@{}", stage.shown("twice.jsonl"))]);
    let again = again.arg(format!("{url}/api/v1/import")).stdout(Stdio::null()).status().unwrap();
    assert!(again.success());
    wait_for("it to be doubled", || (exported(&url).0.len() > lines.len()).then_some(()));
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(!holds, "{sum}");
    assert_eq!((&sum["missing"], &sum["doubled"]), (&50.into(), &RUNS.into()), "{lines:?}");
    for line in &lines {
        let is_holed = line["check"] == "holed";
        let (missing, doubled) = if is_holed { (10, 0) } else { (0, 360) };
        assert_eq!((&line["missing"], &line["doubled"]), (&missing.into(), &doubled.into()), "{line}");
        let why = if is_holed { "acknowledged it" } else { "-dedup.minScrapeInterval=1ms" };
        assert!(line["why"].as_str().unwrap().contains(why), "{line}");
    }
    // Only what is missing is sent again; what is doubled stays so until the receiver is set up.
    let (holds, sum, _) = verified(&stage, &["--repair"]);
    assert!(!holds, "{sum}");
    assert_eq!(
        (&sum["missing"], &sum["doubled"], &sum["delivered_again"]),
        (&0.into(), &RUNS.into(), &50.into())
    );
    drop(peer);
    let _peer = victoria_metrics(&stage, port, &["-dedup.minScrapeInterval=1ms"]);
    // What it took in the last seconds may have gone with it.
    let (holds, sum, _) = verified(&stage, &["--repair"]);
    assert!(holds, "{sum}");
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(holds && lines.is_empty(), "{sum} {lines:?}");
    let shown = stage.custos(&["sink", "verify", "peer", "--since", "-3h"]);
    assert!(text(&shown.stdout).contains("missing: 0, doubled: 0"), "{}", text(&shown.stdout));
}

#[test]
fn what_prometheus_lacks_is_found_and_mended() {
    let stage = Stage::new();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let _peer = prometheus(&stage, port, "storage:\n  tsdb:\n    out_of_order_time_window: 30d\n");
    stage.configure(
        &format!("host: web1\nsinks: {{ peer: {{ remote_write: '{url}/api/v1/write' }} }}"),
        "  {}\n",
    );
    let (dir, start_ms) = (stage.path("store"), start_ms());
    store(&dir, "holed", start_ms, (0..RUNS).filter(|n| !(350..370).contains(n)));
    let (holds, sum, _) = verified(&stage, &["--repair"]);
    assert!(holds, "{sum}");
    // Times at the very ends of hours are of the right hours.
    store(&dir, "holed", start_ms, 350..370);
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(
        !holds && lines.len() == 5 * 2 && lines.iter().all(|line| line["missing"] == 10),
        "{sum} {lines:?}"
    );
    let (holds, sum, _) = verified(&stage, &["--repair"]);
    assert!(holds && sum["delivered_again"] == 100, "{sum}");
    let (holds, sum, lines) = verified(&stage, &[]);
    assert!(holds && lines.is_empty() && sum["samples"] == 5 * RUNS, "{sum}");
}
