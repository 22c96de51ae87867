//! Every execution is a run in the history, whole, whatever becomes of the daemon.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::stage::{Stage, lines, wait_for};

const CHECKS: usize = 50;

/// Executions of each check in every part of the test; at one a second this is also its length in seconds.
/// `CUSTOS_TEST_EXECUTIONS` asks for a longer one than every day's.
fn executions() -> usize {
    std::env::var("CUSTOS_TEST_EXECUTIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(10)
}

/// A plugin that notes each execution in a file of its own before it prints it.
const COUNTING: &str = r#"
file="$1"
number=$(($(cat "$file.last" 2>/dev/null || echo 0) + 1))
echo "$number" >"$file.last"
echo "$number" >>"$file"
echo "COUNT OK - number $number | number=$number;5;10;0;100 twice=$((2 * number))B"
echo "and a line more"
"#;

fn counting() -> Stage {
    let stage = Stage::new();
    stage.plugin("count", COUNTING);
    let checks: String = (0..CHECKS)
        .map(|index| {
            format!("  c{index}: {{ command: [count, {}] }}\n", stage.path(&format!("c{index}")).display())
        })
        .collect();
    stage.configure("defaults: { check_interval: 1s, retry_interval: 1s, timeout: 30s }", &checks);
    stage
}

fn noted(stage: &Stage, check: &str) -> Vec<u64> {
    lines(&stage.path(check)).iter().filter_map(|line| line.parse().ok()).collect()
}

/// The numbers of the stored runs, each of which is looked at in full.
fn stored(stage: &Stage, check: &str) -> Vec<u64> {
    let history = stage.history(check);
    history.iter().filter(|run| run["reason"] == "exited").map(number_of).collect()
}

fn number_of(run: &Value) -> u64 {
    let number = run["metrics"][0]["value"].as_f64().unwrap() as u64;
    assert_eq!(run["text"], format!("COUNT OK - number {number}"), "{run}");
    assert_eq!(run["long_text"], "and a line more", "{run}");
    assert_eq!((&run["state"], run["exit_code"].as_u64()), (&Value::from("OK"), Some(0)), "{run}");
    let labels: Vec<&str> =
        run["metrics"].as_array().unwrap().iter().map(|m| m["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["number", "twice"], "{run}");
    assert_eq!(run["metrics"][1]["value"].as_f64().unwrap() as u64, 2 * number, "{run}");
    assert_eq!(run["metrics"][1]["unit"], "B", "{run}");
    number
}

fn wait_until_each_ran(stage: &Stage, times: usize) {
    wait_for("every check to have run that often", || {
        (0..CHECKS).all(|index| noted(stage, &format!("c{index}")).len() >= times).then_some(())
    });
}

#[test]
fn every_execution_is_one_run_also_after_kill_9_and_a_restart() {
    let stage = counting();
    let daemon = stage.start();
    wait_until_each_ran(&stage, executions());
    daemon.kill();
    let before: Vec<Vec<u64>> = (0..CHECKS).map(|index| stored(&stage, &format!("c{index}"))).collect();
    for (index, stored) in before.iter().enumerate() {
        let noted = noted(&stage, &format!("c{index}"));
        // The last one may have been under way when the daemon died.
        let recorded: BTreeSet<u64> = stored.iter().copied().collect();
        assert_eq!(recorded.len(), stored.len(), "c{index} has a run twice");
        let lost: Vec<u64> = noted.iter().copied().filter(|number| !recorded.contains(number)).collect();
        assert!(lost.is_empty() || lost == noted[noted.len() - 1..], "c{index} lost {lost:?}");
    }

    let daemon = stage.start();
    wait_until_each_ran(&stage, 2 * executions());
    assert!(daemon.end().success());
    for (index, before) in before.iter().enumerate() {
        let check = format!("c{index}");
        let (noted, stored) = (noted(&stage, &check), stored(&stage, &check));
        assert!(stored.starts_with(before), "{check} lost something in the restart");
        let lost: Vec<u64> = noted.iter().copied().filter(|number| !stored.contains(number)).collect();
        assert!(lost.len() <= 1, "{check} lost {lost:?}");
        assert_eq!(stored.len() + lost.len(), noted.len(), "{check} has runs that never were");
    }
}

#[test]
fn time_without_a_daemon_is_recorded_as_missed() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    stage.configure("defaults: { check_interval: 500ms }", "  a: { command: ok }\n");
    let daemon = stage.start();
    wait_for("a run", || (!stage.history("a").is_empty()).then_some(()));
    daemon.kill();
    let before = stage.history("a").len();
    let last_ms = stage.history("a")[before - 1]["time_ms"].as_i64().unwrap();
    wait_for("three slots to pass", || (custos::clock::now_ms() > last_ms + 2_000).then_some(()));
    let daemon = stage.start();
    let missed = wait_for("the gap to be recorded", || {
        let history = stage.history("a");
        history[before..].iter().find(|run| run["reason"] == "missed").cloned()
    });
    assert!(missed["missed_slots"].as_u64().unwrap() >= 2, "{missed}");
    assert_eq!(missed["metrics"], Value::Array(Vec::new()), "{missed}");
    assert!(daemon.end().success());
}
