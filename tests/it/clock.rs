//! A clock that was ahead, and corrected: what arrived last is what counts.

use std::process::Stdio;

use custos::clock::now_ms;
use custos_store::{Options, Run, Standing, State, Writer};

use crate::stage::{Stage, text, wait_for};

const HOUR_MS: i64 = 3_600_000;

/// What the agent would have written of a result at that time.
fn run(time_ms: i64, since_ms: i64, state: State) -> Run {
    Run {
        time_ms,
        state,
        plugin_state: state,
        exit_code: Some(state.code()),
        text: if state == State::Ok { "fine" } else { "broken" }.to_owned(),
        standing: Standing { hard: true, attempt: 1, hard_state: state, since_ms, ..Standing::default() },
        ..Run::default()
    }
}

/// `x` was OK while the clock was two hours ahead, and is CRITICAL since it was corrected.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(
        "defaults: { check_interval: 300ms, max_check_attempts: 1 }",
        "  x: { command: \"/bin/sh -c 'echo broken; exit 2'\" }\n",
    );
    let mut writer = Writer::open(&stage.path("store"), Options::default()).unwrap();
    let now_ms = now_ms();
    let ahead_ms = now_ms + 2 * HOUR_MS;
    for run in [
        run(ahead_ms, ahead_ms, State::Ok),
        run(ahead_ms + 10, ahead_ms, State::Ok),
        run(now_ms - 20, now_ms - 20, State::Critical),
    ] {
        writer.append(&[("x", &run)]).unwrap();
    }
    writer.close().unwrap();
    stage
}

fn stdout(stage: &Stage, arguments: &[&str]) -> String {
    text(&stage.custos(arguments).stdout)
}

#[test]
fn commands_go_by_what_arrived_last() {
    let stage = stage();
    assert_eq!(stage.custos(&["status", "--exit-code"]).status.code(), Some(2));
    let status = stdout(&stage, &["status"]);
    assert!(status.contains("CRITICAL") && status.contains("ahead"), "{status}");
    for command in ["runs", "history"] {
        let newest = stdout(&stage, &[command, "x", "-n", "1"]);
        assert!(newest.contains("CRITICAL") && newest.contains("broken"), "{command}: {newest}");
    }
    let event = stdout(&stage, &["events", "-n", "1"]);
    assert!(event.contains("OK → CRITICAL") || event.contains("OK -> CRITICAL"), "{event}");
}

#[test]
fn the_agent_goes_on_from_what_arrived_last_and_names_the_runs_ahead() {
    let stage = stage();
    let changes = stdout(&stage, &["events", "--json"]);
    let daemon = stage.start();
    stage.runs("x", 5);
    let status = stdout(&stage, &["status"]);
    assert!(status.contains("runs have times up to 1h 59m ahead"), "{status}");
    assert_eq!(stage.custos(&["status", "x", "--exit-code"]).status.code(), Some(2));
    assert_eq!(stdout(&stage, &["events", "x", "--json"]), changes, "a restart is no change");
    let own = wait_for("the agent's own check", || stage.history("custos").pop());
    assert_eq!(own["state"], "WARNING", "{own}");
    assert!(daemon.end().success());
}

#[test]
fn what_was_imported_never_decides_where_a_check_stands() {
    let stage = stage();
    let exported = stdout(&stage, &["store", "export", "--check", "x"]);
    let ahead = exported.lines().find(|line| line.contains(r#""text":"fine""#)).unwrap();
    let mut run: serde_json::Value = serde_json::from_str(ahead).unwrap();
    for (check, offset_ms) in [("x", HOUR_MS), ("x", -5), ("only imported", -10_000)] {
        run["check"] = check.into();
        run["time_ms"] = (now_ms() + offset_ms).into();
        let mut import = stage.command(&["store", "import"]).stdin(Stdio::piped()).spawn().unwrap();
        serde_json::to_writer(import.stdin.take().unwrap(), &run).unwrap();
        assert!(import.wait().unwrap().success());
    }
    assert_eq!(stage.custos(&["status", "x", "--exit-code"]).status.code(), Some(2));
    let status = stdout(&stage, &["status", "--all", "only imported"]);
    assert!(status.contains("OK") && status.contains("fine"), "{status}");
    // They are listed by their time.
    let listed = stdout(&stage, &["history", "x", "--until", "now"]);
    assert!(listed.lines().last().unwrap().contains("fine"), "{listed}");
}
