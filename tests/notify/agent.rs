//! The whole agent, with receivers that are down, refuse, or are killed, and itself killed.
//!
//! `CUSTOS_SOAK_ROUNDS` has more rounds of kills; `scripts/soak-notify` runs a thousand.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::alertmanager::{self, firing, names};
use crate::bench::listening;
use crate::stage::{Random, Running, Stage, free_port, pause, python, text, wait_for};

/// Rounds of kills, unless somebody wants more.
const ROUNDS: u64 = 4;

/// A directory whose check `door` is as the file `state` says.
fn stage(targets: &str) -> Stage {
    let stage = Stage::writable_by_all();
    set(&stage, 0);
    let state = stage.shown("state");
    stage.plugin("door", &format!("read state <{state}; echo \"DOOR $state | door=$state\"; exit $state\n"));
    stage.configure(
        &format!(
            "host: web\nnotify:\n  group_wait: 0s\n  group_interval: 0s\n  targets: {{ {targets} }}\n\
             defaults: {{ check_interval: 200ms, retry_interval: 200ms, max_check_attempts: 1 }}"
        ),
        "  door: { command: door }\n",
    );
    stage
}

fn set(stage: &Stage, state: u8) {
    stage.write("state", &format!("{state}\n"));
}

fn hook(stage: &Stage, port: u16, answers: &[&str]) -> Running {
    let mut command = Command::new(python());
    command.arg("tests/notify/receiver.py").arg(port.to_string()).arg(stage.path("received")).args(answers);
    listening(Running::start(command.stdin(Stdio::null())), port)
}

/// Status, time at which it began and end of each alert that a webhook got.
fn received(stage: &Stage) -> Vec<[String; 3]> {
    let log = std::fs::read_to_string(stage.path("received")).unwrap_or_default();
    let bodies = log.lines().map(|line| -> Value {
        let request: Value = serde_json::from_str(line).unwrap();
        serde_json::from_str(request["body"].as_str().unwrap()).unwrap()
    });
    let field = |alert: &Value, name: &str| alert[name].as_str().unwrap().to_owned();
    bodies
        .flat_map(|body| body["alerts"].as_array().unwrap().clone())
        .map(|alert| ["status", "startsAt", "endsAt"].map(|name| field(&alert, name)))
        .collect()
}

fn wait_for_door(port: u16, fires: bool) {
    wait_for(if fires { "the alert to fire" } else { "the alert to end" }, || {
        (names(&firing(port)).contains(&"door") == fires).then_some(())
    });
}

#[test]
fn what_is_owed_outlives_outages_and_is_sent_once() {
    let (port, hook_port) = (free_port(), free_port());
    let targets = format!(
        "am: {{ alertmanager: 'http://127.0.0.1:{port}', resend: 1s }}, hook: {{ webhook: 'http://127.0.0.1:{hook_port}/' }}"
    );
    let stage = stage(&targets);
    let agent = stage.start();
    stage.runs("door", 1);
    set(&stage, 2);
    wait_for("the agent to say what it owes", || {
        let said = stage.custos(&["notify", "status", "--json"]);
        String::from_utf8_lossy(&said.stdout).contains("Connection refused").then_some(())
    });
    agent.kill();
    let agent = stage.start();
    let manager = alertmanager::start(&stage, port);
    let _hook = hook(&stage, hook_port, &["503", "200"]);
    wait_for_door(port, true);
    wait_for("the webhook to be told again after a refusal", || (received(&stage).len() >= 2).then_some(()));
    stage.noted_as_told("hook");
    // It acknowledged, so neither a restart nor time has it told again.
    agent.kill();
    let agent = stage.start();
    drop(manager);
    let _manager = alertmanager::start(&stage, port);
    wait_for_door(port, true);
    set(&stage, 0);
    wait_for_door(port, false);
    wait_for("the webhook to be told of the end", || {
        (received(&stage).last()?[0] == "resolved").then_some(())
    });
    let told = received(&stage);
    let statuses: Vec<&str> = told.iter().map(|[status, ..]| status.as_str()).collect();
    assert_eq!(statuses, ["firing", "firing", "resolved"]);
    assert!(told.iter().all(|[_, started, _]| *started == told[0][1]), "{told:?}");
    let kept = wait_for("the store to have who was told last", || {
        let runs = stage.history("door@told").into_iter().filter(|run| run["origin"] == "hook");
        let texts: Vec<String> = runs.map(|run| run["text"].as_str().unwrap().to_owned()).collect();
        (texts.last()? == "hook was told: door resolved").then_some(texts)
    });
    // That of the beginning may have waited for the disk when the agent was killed.
    assert!(
        kept.len() == 1 || kept == ["hook was told: door CRITICAL", "hook was told: door resolved"],
        "{kept:?}"
    );
    agent.end();
}

#[test]
fn each_alert_and_its_end_arrive_whoever_is_killed() {
    let rounds = std::env::var("CUSTOS_SOAK_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let port = free_port();
    let stage = stage(&format!("am: {{ alertmanager: 'http://127.0.0.1:{port}', resend: 60s }}"));
    let mut random = Random(u64::from(std::process::id()));
    let (mut agent, mut manager) = (stage.start(), alertmanager::start(&stage, port));
    stage.runs("door", 1);
    let some_time = |random: &mut Random| pause(Duration::from_millis(random.below(500)));
    for round in 0..rounds {
        for state in [2, 0] {
            // Alertmanager forgets what fires when it is killed, and is told once that something ended. So it is down while that
            // happens, and not killed after it was told.
            let manager_is_down = random.below(2) == 0;
            let ended_before = if manager_is_down { 0 } else { ended(port) };
            let up = if manager_is_down {
                drop(manager);
                None
            } else {
                Some(manager)
            };
            set(&stage, state);
            some_time(&mut random);
            if random.below(2) == 0 {
                agent.kill();
                some_time(&mut random);
                agent = stage.start();
            }
            manager = up.unwrap_or_else(|| alertmanager::start(&stage, port));
            match state {
                2 => wait_for_door(port, true),
                _ => wait_for("the end of the alert", || (ended(port) > ended_before).then_some(())),
            }
        }
        wait_for_door(port, false);
        if (round + 1).is_multiple_of(50) {
            eprintln!("{} rounds", round + 1);
        }
    }
    drop(manager);
    agent.end();
}

/// How often an Alertmanager was told of the end of an alert since it was started.
fn ended(port: u16) -> u64 {
    let url = format!("http://127.0.0.1:{port}/metrics");
    let asked = Command::new("curl").args(["-sS", "--fail", &url]).output().unwrap();
    let metrics = text(&asked.stdout);
    let count = metrics.lines().find_map(|line| {
        let rest =
            line.strip_prefix("alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"} ")?;
        rest.parse().ok()
    });
    count.unwrap_or_else(|| panic!("{metrics}"))
}
