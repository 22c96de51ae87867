//! `custos store export` into Prometheus and VictoriaMetrics: what they answer then is what `custos serve` answers.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::history::history;
use crate::server::{Server, get, post};
use crate::stage::{Daemon, custos, free_port, text, wait_for};

/// Questions that have the same answer wherever series end, as the formats do not tell that.
const QUERIES: [&str; 8] = [
    "max without (host) (last_over_time({metric=\"load1\"}[70m]))",
    "max without (host) (load{metric=\"load1\"})",
    "sum by (check, metric) (sum_over_time({metric!=\"\"}[70m]))",
    "sum by (check, metric) (rate({check=~\"net|switch.1\",metric!=\"\"}[30m] offset 10m))",
    "max by (check) (max_over_time(check_state[70m]))",
    "sum by (check) (count_over_time(check_duration_seconds[70m]))",
    "count by (host, check) (last_over_time({host=\"web1\",check!=\"\"}[70m]))",
    "stddev by (check) (quantile_over_time(0.9, {check=\"memory\",metric!=\"\"}[70m]))",
];

/// The history of the other tests, and values that are not finite.
fn server() -> Server {
    let mut history = history();
    for (place, value) in ["NaN", "+Inf", "-Inf"].iter().enumerate() {
        let time_ms = (history.end_s - 100 + place as i64 * 10) * 1000;
        let metrics = json!([{"label": "a", "value": value}]);
        let run = json!({"check": "odd", "time_ms": time_ms, "state": "OK", "metrics": metrics});
        history.lines += &format!("{run}\n");
    }
    Server::over(&history.lines, history.end_s)
}

/// What an export writes.
fn export(server: &Server, options: &[&str]) -> Vec<u8> {
    let store = server.stage.shown("store");
    let arguments = [&["store", "export", &store, "--host", "web1"], options].concat();
    let output = custos(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    output.stdout
}

fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The result of an instant query, sorted.
fn answer(address: &str, query: &str, time_s: i64) -> Vec<Value> {
    let target = format!("/api/v1/query?query={}&time={time_s}", encoded(query));
    let (status, body) = get(address, &target).unwrap();
    assert_eq!(status, 200, "{query}: {body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    let mut result = answer["data"]["result"].as_array().unwrap().clone();
    result.sort_by_key(|one| one["metric"].to_string());
    result
}

/// A number as answers have it.
fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    }
}

/// Compares what two servers answer. Of one without the label `host` nothing is asked for it.
fn compare(custos: &str, other: &str, time_s: i64) {
    for query in QUERIES {
        let of_custos = query.replace("host=\"web1\",", "").replace("(host, check)", "(check)");
        let (expected, mut found) = (answer(custos, &of_custos, time_s), answer(other, query, time_s));
        assert!(!expected.is_empty(), "{query}");
        for one in &mut found {
            let host = one["metric"].as_object_mut().unwrap().remove("host");
            assert_eq!(host.is_some(), query.contains("by (host"), "{query}");
        }
        assert_eq!(found.len(), expected.len(), "{query}: {found:?}, {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found["metric"], expected["metric"], "{query}");
            let [one, two] = [found, expected].map(|one| number(one["value"][1].as_str().unwrap()));
            let is_near = (one - two).abs() <= 1e-9 * two.abs();
            assert!(one == two || is_near || one.is_nan() && two.is_nan(), "{query}: {found}, {expected}");
        }
    }
}

#[test]
fn prometheus_answers_the_same_of_blocks_that_promtool_made() {
    let server = server();
    for escaping in ["underscores", "dots", "values"] {
        let text_of = export(&server, &["--format", "openmetrics", "--escaping", escaping]);
        let input = server.stage.path("metrics.txt");
        std::fs::write(&input, &text_of).unwrap();
        let data = server.stage.path(escaping);
        let mut promtool = Command::new("promtool");
        promtool.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&input).arg(&data);
        let output = promtool.output().expect("promtool is there (scripts/test installs it)");
        assert!(output.status.success(), "{escaping}: {}", text(&output.stderr));
        // Points change identifiers, too; that it was taken is enough.
        if escaping == "dots" {
            continue;
        }
        let config = server.stage.write("prometheus.yml", "");
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={address}"));
        let _daemon = Daemon::start(&mut command, &server.stage.path("prometheus.log"));
        wait_for("Prometheus", || get(&address, "/-/ready").filter(|(status, _)| *status == 200));
        compare(server.url.trim_start_matches("http://"), &address, server.end_s);
        let infinite = answer(&address, "odd[2m]", server.end_s);
        let values: Vec<&str> = infinite[0]["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point[1].as_str().unwrap())
            .collect();
        assert_eq!(values, ["NaN", "+Inf", "-Inf"]);
    }
}

/// The finite samples of lines of VictoriaMetrics by series: values and times.
fn samples(lines: &str) -> BTreeMap<String, Vec<(String, i64)>> {
    let mut all: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let times = line["timestamps"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap());
        for (value, time) in line["values"].as_array().unwrap().iter().zip(times) {
            if let Some(value) = value.as_f64() {
                let labels: BTreeMap<String, Value> = serde_json::from_value(line["metric"].clone()).unwrap();
                all.entry(format!("{labels:?}")).or_default().push((value.to_string(), time));
            }
        }
    }
    all
}

#[test]
fn victoria_metrics_answers_the_same_of_what_it_imported() {
    let server = server();
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new("victoria-metrics");
    command
        .arg(format!("-storageDataPath={}", server.stage.shown("victoria")))
        .arg(format!("-httpListenAddr={address}"))
        .arg("-search.disableCache")
        .arg("-search.latencyOffset=0s");
    let daemon = Daemon::start(&mut command, &server.stage.path("victoria.log"));
    wait_for("VictoriaMetrics", || get(&address, "/health").filter(|(status, _)| *status == 200));
    let lines = export(&server, &["--format", "vmjson"]);
    // What is not finite, Debian's version drops, line by line.
    let expected = samples(&text(&lines));
    assert_eq!(post(&address, "/api/v1/import", &lines).0, 204);
    wait_for("what was imported", || {
        get(&address, "/internal/force_flush")?;
        let (_, body) = get(&address, "/api/v1/export?match[]=%7Bcheck!%3D%22%22%7D")?;
        (samples(&body) == expected).then_some(())
    });
    let queries = "sum by (check, metric) (sum_over_time({metric!=\"\",check!=\"odd\"}[70m]))";
    for (query, span) in
        [(queries, server.end_s), ("max by (check) (max_over_time(check_state[70m]))", server.end_s)]
    {
        let custos = answer(server.url.trim_start_matches("http://"), query, span);
        let shown = |all: &[Value]| -> Vec<String> {
            all.iter()
                .map(|one| format!("{} {:.6}", one["metric"], number(one["value"][1].as_str().unwrap())))
                .collect()
        };
        // It exports what it does not find in a query yet, for a moment.
        wait_for(query, || (shown(&answer(&address, query, span)) == shown(&custos)).then_some(()));
    }
    drop(daemon);
}

#[test]
fn tables_have_every_sample_and_every_end() {
    let server = server();
    let table = text(&export(&server, &["--format", "csv", "--check", "odd", "--check", "über"]));
    let odd: Vec<&str> = table.lines().filter(|line| line.starts_with("\"odd{")).collect();
    let name = "\"odd{check=\"\"odd\"\", host=\"\"web1\"\", metric=\"\"a\"\"}\"";
    let start_ms = (server.end_s - 100) * 1000;
    let expected = [(0, "NaN"), (10_000, "+Inf"), (20_000, "-Inf")];
    assert_eq!(odd, expected.map(|(after, value)| format!("{name},{},\"{value}\"", start_ms + after)));
    let half = format!("@{}", server.end_s - 1800);
    let at = |option: &str| {
        let options = ["--format", "csv", "--check", "über", option, &half];
        text(&export(&server, &options)).lines().filter(|line| line.starts_with("\"{\"\"über\"\",")).count()
    };
    // Two halves are the whole.
    assert_eq!((at("--since"), at("--until")), (181, 179));
}
