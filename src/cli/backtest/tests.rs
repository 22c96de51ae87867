//! The command over a small store.

use std::io::Write;

use custos_store::{Metric, Notes, Reason, Run, Value};
use jiff::Zoned;
use tempfile::TempDir;

use super::args::BacktestArgs;
use super::run::answer;
use crate::backtest::{Incident, Incidents};
use crate::cli::read::Failure;
use crate::cli::stage::{self, NOON};
use crate::cli::style::Style;
use crate::exit_code::ExitCode;

/// A check whose value is 1 but for three minutes in which it is 9, 12 and 9, and one later on in which it is 7.
fn store() -> TempDir {
    stage::store(|writer| {
        let values = [1, 1, 9, 12, 9, 1, 1, 1, 7, 1];
        let runs: Vec<Run> = values
            .iter()
            .enumerate()
            .map(|(minute, value)| Run {
                time_ms: NOON - 600_000 + minute as i64 * 60_000,
                text: format!("load is {value}"),
                metrics: vec![Metric::new("load1", Value::from(f64::from(*value)))],
                ..Run::default()
            })
            .collect();
        writer.append(&runs.iter().map(|run| ("load", run)).collect::<Vec<_>>()).unwrap();
    })
}

fn shown(store: &TempDir, line: &[&str]) -> Result<String, Failure> {
    stage::shown(store, line, |args: &BacktestArgs, now: &Zoned, style: Style, out: &mut dyn Write| {
        answer(args, now, style, out)
    })
}

#[test]
fn alerts_are_lines_with_what_was_said_and_totals() {
    let store = store();
    let text = shown(&store, &["load:load1", "--critical", "5", "--for", "1m"]).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "2026-11-22 12:53:00  CRITICAL  for 2m  peak 12  load");
    assert_eq!(lines[1], "    CRITICAL: load1 is 12, outside 5 for at least 1m; load is 12");
    assert!(lines[2].starts_with("1 alert ("), "{text}");
    assert_eq!(lines[3], "by hour: 12:00 1; by day: Sun 1");
    assert!(text.contains("against the definition as it is: 1 alert new, 0 gone"), "{text}");
    let several = shown(&store, &["load:load1", "--critical", "5,10", "--for", "0s"]).unwrap();
    let alerts: Vec<&str> = several.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(alerts, ["--for 0s --critical 5: 2 alerts", "--for 0s --critical 10: 1 alert"]);
}

#[test]
fn json_has_all_of_it_and_the_curve() {
    let line = ["load:load1", "--critical", "5", "--curve", "--json"];
    let text = shown(&store(), &line).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let interval = &object["intervals"][0];
    assert_eq!(interval["since_ms"], NOON - 480_000);
    assert_eq!(interval["until_ms"], NOON - 300_000);
    assert_eq!((&interval["state"], &interval["peak"]), (&"CRITICAL".into(), &12.0.into()));
    assert_eq!(interval["labels"]["check"], "load");
    assert_eq!(object["not_observed"], serde_json::json!([]));
    let point = |threshold: f64| {
        let of = object["curve"].as_array().unwrap().iter().find(|point| point["threshold"] == threshold);
        of.map(|point| (point["alerts"].as_u64().unwrap(), (point["hours"].as_f64().unwrap() * 60.0).round()))
    };
    assert_eq!((point(5.0), point(8.0), point(10.0)), (Some((2, 4.0)), Some((1, 3.0)), Some((1, 1.0))));
}

#[test]
fn a_condition_fails_the_command() {
    let store = store();
    let failed = shown(&store, &["load:load1", "--critical", "5", "--fail-if", "alerts > 1"]).unwrap_err();
    assert_eq!(
        (failed.code, failed.message),
        (ExitCode::Failure, "--fail-if holds with --critical 5: 2".to_owned())
    );
    shown(&store, &["load:load1", "--critical", "5", "--fail-if", "alerts > 2"]).unwrap();
    let two = ["load:load1", "--critical", "5", "--fail-if", "alerts > 2", "--fail-if", "alerts >= 2"];
    assert_eq!(
        shown(&store, &two).unwrap_err().message,
        "--fail-if 'alerts >= 2' holds with --critical 5: 2"
    );
    let unobserved =
        ["load:load1", "--since", "2020-01-01", "--until", "2020-01-02", "--fail-if", "alerts > 0/week"];
    let failed = shown(&store, &unobserved).unwrap_err();
    assert_eq!(failed.code, ExitCode::Failure);
    assert_eq!(failed.message, "--fail-if: nothing was observed: the condition cannot be told");
    for wrong in [
        &["load:load1", "--fail-if", "alerts"][..],
        &["load", "--critical", "5"],
        &["load:load1", "--critical", "x"],
        &["load:load1", "--for=-1m"],
        &["load:load1", "--critical", "5", "--for", "5"],
        &["load:laod1", "--critical", "5"],
        &["nothing"],
    ] {
        assert_eq!(shown(&store, wrong).unwrap_err().code, ExitCode::Usage, "{wrong:?}");
    }
    let unknown = shown(&store, &["load:laod1", "--critical", "5"]).unwrap_err();
    assert!(unknown.message.ends_with("of the check \"load\"; did you mean load1?"), "{}", unknown.message);
}

#[test]
fn rules_of_a_file_are_judged_on_their_grid() {
    let (store, directory) = (store(), tempfile::tempdir().unwrap());
    let path = directory.path().join("rules.yml");
    std::fs::write(
        &path,
        "groups: [{ name: g, interval: 30s, rules: [{ record: worst, expr: max(load) }, { alert: Hot, expr: worst > 8, for: 1m, labels: { severity: warning } }] }]",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let text = shown(&store, &[path, "--json"]).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let interval = &object["intervals"][0];
    assert_eq!((&interval["state"], &interval["peak"]), (&"WARNING".into(), &12.0.into()));
    let (pending, since) =
        (interval["pending_since_ms"].as_i64().unwrap(), interval["since_ms"].as_i64().unwrap());
    assert_eq!(since - pending, 60_000);
    assert!((NOON - 480_000..NOON - 450_000).contains(&pending), "{interval}");
    assert_eq!(object["totals"]["alerts"], 1);
    let refused = shown(&store, &[path, "--rule", "Hot", "--curve"]).unwrap_err();
    assert_eq!(
        refused.message,
        "--curve is of stored series, and Hot reads what the rule worst of its group writes"
    );
    // The same file by another path has the same grid.
    let other = directory.path().join("./x/../rules.yml");
    std::fs::create_dir(directory.path().join("x")).unwrap();
    assert_eq!(shown(&store, &[other.to_str().unwrap(), "--json"]).unwrap(), text);
    assert_eq!(shown(&store, &[path, "--critical", "3"]).unwrap_err().code, ExitCode::Usage);
    assert_eq!(shown(&store, &[path, "--rule", "Cold"]).unwrap_err().code, ExitCode::Usage);
}

#[test]
fn what_a_recording_rule_reads_tells_when_nobody_looked() {
    let directory = tempfile::tempdir().unwrap();
    let store = stage::store(|writer| {
        let runs: Vec<Run> = (0..10)
            .filter(|minute| !(5..=6).contains(minute))
            .map(|minute| {
                let mut run = Run { time_ms: NOON - 600_000 + minute * 60_000, ..Run::default() };
                match minute {
                    4 => (run.reason, run.duration_us) = (Reason::Missed, 180_000_000),
                    _ => run.metrics = vec![Metric::new("load1", Value::from(1.0))],
                }
                run
            })
            .collect();
        writer.append(&runs.iter().map(|run| ("load", run)).collect::<Vec<_>>()).unwrap();
    });
    let path = directory.path().join("rules.yml");
    let rules =
        "groups: [{ name: g, rules: [{ record: worst, expr: max(load) }, { alert: Hot, expr: worst > 8 }] }]";
    std::fs::write(&path, rules).unwrap();
    let text = shown(&store, &[path.to_str().unwrap(), "--json"]).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!([{ "since_ms": NOON - 360_000, "until_ms": NOON - 180_000 }]);
    assert_eq!(object["not_observed"], expected);
}

#[test]
fn the_values_of_a_rule_are_drawn_against_its_number_and_its_words_are_said() {
    let (store, directory) = (store(), tempfile::tempdir().unwrap());
    let path = directory.path().join("rules.yml");
    let rules = "groups: [{ name: g, interval: 30s, rules: [{ alert: Hot, expr: max(load) > 8, annotations: { summary: 'load at {{ $value }}' } }] }]";
    std::fs::write(&path, rules).unwrap();
    let path = path.to_str().unwrap();
    let text = shown(&store, &[path, "--json"]).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["intervals"][0]["said"], "load at 9", "{text}");
    let plain = shown(&store, &[path]).unwrap();
    assert!(plain.contains("\n    load at 9\n"), "{plain}");
    let graph = shown(&store, &[path, "--graph"]).unwrap();
    assert!(
        graph.contains("Hot  min 1") && graph.contains("max 12") && graph.contains("crit ~:8"),
        "{graph}"
    );
    assert!(graph.lines().count() > plain.lines().count() + 5, "{graph}");
}

#[test]
fn what_is_still_to_come_is_neither_observed_nor_an_alert() {
    let store = store();
    let totals = |until: &[&str]| {
        let line = [&["load:load1", "--critical", "10", "--json"], until].concat();
        let object: serde_json::Value = serde_json::from_str(&shown(&store, &line).unwrap()).unwrap();
        object["totals"].clone()
    };
    assert_eq!(totals(&["--until", "2040-01-01"]), totals(&[]));
}

#[test]
fn an_incident_of_a_check_is_met_by_alerts_about_it_only() {
    let (store, directory) = (store(), tempfile::tempdir().unwrap());
    let path = directory.path().join("rules.yml");
    let rules = "groups: [{ name: g, interval: 30s, rules: [{ alert: High, expr: load > 8 }, { alert: Most, expr: max(load) > 8 }, { alert: Other, expr: vector(1) }, { record: most, expr: max(load) }, { record: further, expr: most + 0 }, { alert: Recorded, expr: further > 8 }] }]";
    std::fs::write(&path, rules).unwrap();
    let met = |check: &str, rule: &[&str]| {
        let incident = Incident {
            number: 1,
            since_ms: NOON - 450_000,
            until_ms: NOON - 400_000,
            check: Some(check.to_owned()),
            text: "slow".to_owned(),
        };
        let all = Incidents { next: 2, all: vec![incident] };
        Notes::new(store.path()).write("incidents", &serde_json::to_vec(&all).unwrap()).unwrap();
        let line = [&[path.to_str().unwrap(), "--json"], rule].concat();
        let object: serde_json::Value = serde_json::from_str(&shown(&store, &line).unwrap()).unwrap();
        let count = |key: &str| object["incidents"][key].as_array().map_or(0, Vec::len);
        (count("caught"), count("missed"), count("false_alerts"))
    };
    assert_eq!(met("High", &[]), (1, 0, 3), "those of other rules are not about it");
    assert_eq!(met("High", &["--rule", "Other"]), (0, 0, 0));
    assert_eq!(met("load", &["--rule", "High"]), (1, 0, 0), "its label says so");
    assert_eq!(met("load", &["--rule", "Most"]), (1, 0, 0), "it reads that check");
    assert_eq!(met("load", &["--rule", "Recorded"]), (1, 0, 0), "it reads what a rule has of that check");
    assert_eq!(met("load", &[]), (1, 0, 1));
    assert_eq!(met("disk", &[]), (0, 0, 0), "no rule could notice it");
}

#[test]
fn a_curve_is_of_one_comparison_and_counts_how_long_alerts_are_kept() {
    let (store, directory) = (store(), tempfile::tempdir().unwrap());
    let path = directory.path().join("rules.yml");
    let rules = "groups: [{ name: g, interval: 30s, rules: [{ alert: Both, expr: load > 8 and load > 0 }, { alert: Kept, expr: load > 6, keep_firing_for: 4m }] }]";
    std::fs::write(&path, rules).unwrap();
    let path = path.to_str().unwrap();
    let refused = shown(&store, &[path, "--rule", "Both", "--curve"]).unwrap_err();
    assert!(refused.message.contains("joins its sides by `and`"), "{}", refused.message);
    let text = shown(&store, &[path, "--rule", "Kept", "--curve", "--json"]).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let point = object["curve"].as_array().unwrap().iter().find(|point| point["threshold"] == 6.0).unwrap();
    assert_eq!((&point["alerts"], &object["totals"]["alerts"]), (&1.into(), &1.into()), "{text}");
    let hours = object["totals"]["firing_ms"].as_f64().unwrap() / 3_600_000.0;
    assert!((point["hours"].as_f64().unwrap() - hours).abs() < 1e-9, "{text}");
}
