//! The dashboard in `examples/grafana`, asked of a host that watches what `examples/custos.yaml` names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::library::node_with;
use crate::server::Server;
use crate::stage::{Stage, custos, text, wait_for};

const SPAN_S: i64 = 4 * 3600;
/// How long the check `uptime` has been CRITICAL at the end.
const CRITICAL_S: i64 = 600;

#[test]
fn every_panel_of_the_dashboard_shows_something() {
    let runs = one_run_of_each();
    let end_s = Timestamp::now().as_second() / 60 * 60;
    let lines: String = runs.iter().map(|run| hours_of(run, end_s)).collect();
    let units = serde_json::to_string(&units(&runs)).unwrap();
    node_with("node/dashboard.cjs", &Server::over(&lines, end_s), &[("CUSTOS_UNITS", &units)]);
}

/// What the real plugins of the example's checks say here, and a check of each hour.
fn one_run_of_each() -> Vec<Value> {
    let stage = Stage::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for file in std::fs::read_dir(examples.join("plugins")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), stage.path("plugins").join(file.file_name())).unwrap();
    }
    let configuration = std::fs::read_to_string(examples.join("custos.yaml")).unwrap();
    stage.write("custos.yaml", &configuration.replace("store: /var/lib/custos", "store: store"));
    let daemon = stage.start();
    let checks = ["load", "memory", "disk", "uptime"];
    for check in checks {
        // The agent is asked, rather than waited for.
        wait_for(&format!("a run of {check}"), || {
            stage.custos(&["check", check]);
            (!stage.history(check).is_empty()).then_some(())
        });
    }
    daemon.end();
    let exported = custos(&["store", "export", &stage.shown("store")]).output().unwrap();
    let runs: BTreeMap<String, Value> = text(&exported.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|run| (run["check"].as_str().unwrap().to_owned(), run))
        .collect();
    let mut runs = checks.map(|check| runs[check].clone()).to_vec();
    // And one that runs each hour, of which a graph must not have a dot an hour.
    let mut hourly = runs[3].clone();
    hourly["check"] = json!("hourly");
    runs.push(hourly);
    runs
}

/// The unit of each metric by check and name.
fn units(runs: &[Value]) -> BTreeMap<String, String> {
    let metrics = runs.iter().flat_map(|run| {
        let check = run["check"].as_str().unwrap();
        run["metrics"].as_array().unwrap().iter().map(move |metric| {
            let name = format!("{check} {}", metric["label"].as_str().unwrap());
            (name, metric["unit"].as_str().unwrap().to_owned())
        })
    });
    metrics.collect()
}

/// The same run over and over, for hours, by the interval that the example has.
fn hours_of(run: &Value, end_s: i64) -> String {
    let check = run["check"].as_str().unwrap();
    let interval_s = match check {
        "load" | "memory" => 10,
        "hourly" => 3600,
        _ => 60,
    };
    let mut lines = String::new();
    for before_s in (0..SPAN_S / interval_s).rev().map(|n| n * interval_s) {
        let critical = check == "uptime" && before_s < CRITICAL_S;
        let state = if critical { "CRITICAL" } else { "OK" };
        let mut run = run.clone();
        for (key, value) in [
            ("time_ms", json!((end_s - before_s) * 1000)),
            ("state", json!(state)),
            ("hard_state", json!(state)),
            ("lateness_ms", json!(0.5)),
        ] {
            run[key] = value;
        }
        writeln!(lines, "{run}").unwrap();
    }
    lines
}
