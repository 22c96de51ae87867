//! A threshold turns a plugin's OK into a problem: soft first, hard after the last attempt, and back.

use serde_json::Value;

use crate::stage::{Stage, text, wait_for};

/// A stage whose plugin says OK and reports the number in the file `level`.
fn levelled(settings: &str) -> Stage {
    let stage = Stage::new();
    stage.write("level", "1");
    stage.plugin("level", &format!("echo \"OK | level=$(cat {})\"\n", stage.path("level").display()));
    let check = format!(
        "  a:\n    command: level\n    {settings}\n    thresholds: [{{ metric: level, warning: 50, critical: 90 }}]\n"
    );
    stage.configure("", &check);
    stage
}

/// The runs whose level is at least that.
fn above(history: &[Value], level: f64) -> Vec<&Value> {
    history
        .iter()
        .filter(|run| run["metrics"][0]["value"].as_f64().is_some_and(|value| value >= level))
        .collect()
}

#[test]
fn a_threshold_makes_soft_then_hard_critical_and_back() {
    let stage = levelled("check_interval: 300ms\n    retry_interval: 200ms\n    max_check_attempts: 3");
    let daemon = stage.start();
    wait_for("a good run", || (!stage.history("a").is_empty()).then_some(()));
    stage.write("level", "95");
    wait_for("four bad runs", || (above(&stage.history("a"), 90.0).len() >= 4).then_some(()));
    stage.write("level", "2");
    wait_for("recovery", || stage.history("a").last().filter(|run| run["state"] == "OK").cloned());
    assert!(daemon.end().success());

    let history = stage.history("a");
    let bad = above(&history, 90.0);
    for (index, run) in bad.iter().enumerate() {
        assert_eq!(run["state"], "CRITICAL", "{run}");
        assert_eq!(run["plugin_state"], "OK", "{run}");
        assert_eq!(run["attempt"].as_u64(), Some((index as u64 + 1).min(3)), "{run}");
        assert_eq!(run["hard"].as_bool(), Some(index >= 2), "{run}");
    }
    let last = history.last().unwrap();
    assert_eq!((&last["state"], last["hard"].as_bool()), (&"OK".into(), Some(true)), "{last}");
}

/// A problem that is kept for want of a value is still one after a restart, with a clock that is full or without.
#[test]
fn what_on_missing_keeps_survives_a_restart() {
    let stage = Stage::new();
    let shown = format!("read l < {}; echo \"OK$l\"\n", stage.path("output").display());
    stage.plugin("level", &shown);
    let check = |name: &str, hold: &str| {
        format!(
            "  {name}: {{ command: level, check_interval: 200ms, flap_detection: false, thresholds: [{{ metric: level, \
             critical: '~:90', for: {hold}, on_missing: keep }}] }}\n"
        )
    };
    stage.configure("", &(check("now", "0s") + &check("held", "1s")));
    let last = |name: &str| stage.history(name).last().cloned();
    let kept = |run: &Value| run["judgement"].as_str().is_some_and(|text| text.contains("(kept: no value"));
    stage.write("output", " | level=95");
    let daemon = stage.start();
    for name in ["now", "held"] {
        wait_for("a problem", || last(name).filter(|run| run["state"] == "CRITICAL"));
    }
    stage.write("output", "");
    for name in ["now", "held"] {
        wait_for("a run without a value", || last(name).filter(&kept));
        let many = stage.history(name).len() + 8;
        wait_for("more of them", || (stage.history(name).len() > many).then_some(()));
    }
    assert!(daemon.end().success());
    let before = ["now", "held"].map(|name| stage.history(name).len());
    let daemon = stage.start();
    for (name, before) in ["now", "held"].into_iter().zip(before) {
        let first = wait_for("a run after the restart", || {
            stage.history(name).into_iter().skip(before).find(|run| run["reason"] == "exited")
        });
        assert!(first["state"] == "CRITICAL" && kept(&first), "{name}: {first}");
    }
    assert!(daemon.end().success());
}

#[test]
fn check_gives_the_verdict_as_a_plugin_would() {
    let stage = levelled("max_check_attempts: 1");
    for (level, status) in [("1", 0), ("60", 1), ("95", 2)] {
        stage.write("level", level);
        let output = stage.custos(&["check", "a", "--dry-run"]);
        assert_eq!(output.status.code(), Some(status), "{level}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains(&format!("level={level}")), "{}", text(&output.stdout));
    }
    assert!(stage.history("a").is_empty(), "a dry run was stored");
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(2));
    assert_eq!(stage.history("a").len(), 1);
}

#[test]
fn check_of_a_passive_check_answers_from_the_store_and_runs_nothing() {
    let stage = Stage::new();
    let top =
        "snmp: { profiles: { two: { version: 2c, community: public } }, traps: { listen: '127.0.0.1:0' } }";
    stage.configure(top, "  link: { trap: { oid: linkDown, state: critical } }\n");
    let check = || {
        let output = stage.custos(&["check", "link"]);
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(check(), (Some(0), "OK - no trap yet\n".to_owned()));
    assert_eq!(stage.history("link").len(), 0, "nothing was run, so nothing is stored");
    let run = custos_store::Run {
        time_ms: 1_790_000_000_000,
        state: custos_store::State::Critical,
        plugin_state: custos_store::State::Critical,
        text: "eth0 is down".to_owned(),
        long_text: "ifIndex.3 = 3".to_owned(),
        origin: "trap 192.0.2.1".to_owned(),
        ..custos_store::Run::default()
    };
    let mut writer =
        custos_store::Writer::open(&stage.path("store"), custos_store::Options::default()).unwrap();
    writer.append(&[("link", &run)]).unwrap();
    writer.close().unwrap();
    assert_eq!(check(), (Some(2), "eth0 is down\nifIndex.3 = 3\n".to_owned()));
    assert_eq!(stage.history("link").len(), 1);
}

#[test]
fn status_agrees_and_gives_the_worst_hard_state() {
    let stage = levelled("max_check_attempts: 2");
    stage.write("level", "95");
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(2));
    let soft = stage.custos(&["status", "--exit-code"]);
    assert_eq!(soft.status.code(), Some(0), "a soft state is not hard yet: {}", text(&soft.stdout));
    assert!(text(&soft.stdout).contains("CRITICAL"), "{}", text(&soft.stdout));
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(2));
    let hard = stage.custos(&["status", "--exit-code"]);
    assert_eq!(hard.status.code(), Some(2), "{}", text(&hard.stdout));
    assert_eq!(stage.custos(&["status"]).status.code(), Some(0));
}

#[test]
fn a_name_that_is_not_defined_is_refused() {
    let stage = levelled("max_check_attempts: 1");
    let output = stage.custos(&["check", "b"]);
    assert!(output.status.code().is_some_and(|code| code != 0));
    assert!(text(&output.stdout).contains('b'), "{}", text(&output.stderr));
}

/// The checks that the status shows by default, and with what `--exit-code` ends.
fn standing(stage: &Stage) -> (Vec<String>, Option<i32>) {
    let names = shown_names(stage, &[]);
    (names, stage.custos(&["status", "--exit-code"]).status.code())
}

fn shown_names(stage: &Stage, options: &[&str]) -> Vec<String> {
    let output = stage.custos(&[&["status", "--json"], options].concat());
    let rows = text(&output.stdout);
    let name =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["check"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = rows.lines().map(name).collect();
    names.sort();
    names
}

#[test]
fn what_is_no_longer_defined_shows_only_when_it_is_asked_for() {
    let stage = Stage::new();
    stage.plugin("ok", "echo OK");
    stage.plugin("bad", "echo BAD; exit 2");
    let often = "check_interval: 200ms, max_check_attempts: 1";
    let kept = format!("  kept: {{ command: ok, {often} }}\n");
    let served = "nrpe: { config: nrpe.cfg, listen: '127.0.0.1:0' }";
    let head = "nrpe_user=nobody\nnrpe_group=nogroup\ncommand[served]=/bin/echo fine\n";
    stage.write("nrpe.cfg", &format!("{head}command[former]=/bin/sh -c 'echo F; exit 2'\n"));
    stage.configure(served, &format!("{kept}  gone: {{ command: bad, {often} }}\n"));
    let daemon = stage.start();
    wait_for("a hard problem", || (standing(&stage).1 == Some(2)).then_some(()));
    // By hand, so that the last run has somebody who asked for it.
    stage.custos(&["check", "gone"]);
    wait_for("the first runs", || (!stage.history("kept").is_empty()).then_some(()));
    let port = crate::nrpe::port(&daemon);
    assert_eq!(crate::nrpe::ask(&port, "served", &[]).0, Some(0));
    assert_eq!(crate::nrpe::ask(&port, "former", &[]).0, Some(2));
    let all = ["custos", "former", "gone", "kept", "served"];
    wait_for("all to be there", || (standing(&stage).0 == all).then_some(()));

    stage.write("nrpe.cfg", head);
    stage.configure(served, &kept);
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    let left = (["custos", "kept", "served"].map(str::to_owned).to_vec(), Some(0));
    wait_for("the reload", || (standing(&stage) == left).then_some(()));
    let asked = |how: &str| {
        assert_eq!(standing(&stage), left, "{how}");
        assert!(!text(&stage.custos(&["status", "--problems"]).stdout).contains("critical"), "{how}");
        assert_eq!(shown_names(&stage, &["--all"]), all, "{how}");
        assert_eq!(shown_names(&stage, &["gone"]), ["gone"], "{how}");
        assert_eq!(stage.custos(&["status", "--exit-code", "gone"]).status.code(), Some(2), "{how}");
    };
    asked("reloaded");
    assert!(daemon.end().success());
    asked("stopped");
    let daemon = stage.start();
    wait_for("the restart", || text(&stage.custos(&["status"]).stdout).contains("agent: pid").then_some(()));
    asked("restarted");
    assert!(daemon.end().success());

    // Nothing says what is defined.
    std::fs::remove_file(stage.path("nrpe.cfg")).unwrap();
    assert_eq!(shown_names(&stage, &[]), all);
}
