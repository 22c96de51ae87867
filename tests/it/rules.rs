//! Rules of a running agent: judged as of the runs that they select, asked for with Debian's `check_nrpe`, and in every table as
//! any check is.

use nix::sys::signal::Signal;

use crate::nrpe::{ask, port};
use crate::stage::{Stage, text, wait_for};

const RULES: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - { record: 'm:double', expr: m * 2 }\n  \
                     - { alert: Doubled, expr: 'm:double > 100', labels: { severity: warning } }\n";

/// An agent whose check `m` prints what the file `value` says.
fn ruled(hot: &str) -> Stage {
    let stage = Stage::new();
    stage.write("value", "5");
    stage.write("rules.yml", RULES);
    stage.plugin("m", &format!("echo \"OK | v=$(cat {})\"\n", stage.shown("value")));
    define(&stage, hot);
    stage
}

fn define(stage: &Stage, hot: &str) {
    stage.configure(
        "rules: rules.yml\nnrpe: { listen: '127.0.0.1:0' }",
        &format!("  m: {{ command: m, check_interval: 200ms, timeout: 2s }}\n  hot: {{ {hot} }}\n"),
    );
}

#[test]
fn rules_are_judged_asked_for_and_told_of_like_checks() {
    let stage = ruled("query: m > 80");
    let daemon = stage.start();
    let port = port(&daemon);
    let quiet = wait_for("a first judgement", || {
        Some(ask(&port, "hot", &[])).filter(|(status, _)| *status == Some(0))
    });
    assert_eq!(quiet.1, "OK - no alert | 'firing'=0 'pending'=0");
    stage.write("value", "97");
    let (_, answer) =
        wait_for("the alert", || Some(ask(&port, "hot", &[])).filter(|(status, _)| *status == Some(2)));
    assert!(answer.starts_with("CRITICAL - FIRING 1: m:v 97 > 80 ("), "{answer}");
    assert!(answer.lines().next().unwrap().ends_with(" | 'firing'=1 'pending'=0 'value_m_v'=97"), "{answer}");
    wait_for("the rule of the file", || {
        Some(ask(&port, "Doubled", &[]).0).filter(|status| *status == Some(1))
    });
    let check = stage.custos(&["check", "hot"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    let status = text(&stage.custos(&["status"]).stdout).to_owned();
    for wanted in ["hot", "Doubled", "m:double", "rules: judged"] {
        assert!(status.contains(wanted), "{wanted}: {status}");
    }
    assert!(daemon.end().success());

    let history = stage.history("hot");
    let fired = history.iter().find(|run| run["state"] == "CRITICAL").unwrap();
    assert_eq!(fired["instances"][0]["state"], "CRITICAL", "{fired}");
    let judged: Vec<_> = history.iter().map(|run| &run["time_ms"]).collect();
    let ran = stage.history("m");
    let ran: Vec<_> = ran.iter().map(|run| &run["time_ms"]).collect();
    assert!(judged.iter().all(|time| ran.contains(time)), "{judged:?}\n{ran:?}");
}

#[test]
fn a_reload_keeps_alerts_of_rules_that_stay_and_judges_others_anew() {
    let stage = ruled("query: m > 3, for: 0s");
    let daemon = stage.start();
    let port = port(&daemon);
    wait_for("the alert", || Some(ask(&port, "hot", &[]).0).filter(|status| *status == Some(2)));
    define(&stage, "query: m > 3, for: 0s, state: warning");
    daemon.signal(Signal::SIGHUP);
    wait_for("the other state", || Some(ask(&port, "hot", &[]).0).filter(|status| *status == Some(1)));
    define(&stage, "query: m > 50");
    daemon.signal(Signal::SIGHUP);
    wait_for("the other query", || Some(ask(&port, "hot", &[]).0).filter(|status| *status == Some(0)));
    assert!(daemon.end().success());
    let history = stage.history("hot");
    let since = |state: &str| {
        let run = history.iter().rev().find(|run| run["state"] == state).unwrap();
        run["instances"][0]["since_ms"].clone()
    };
    assert_eq!(since("WARNING"), since("CRITICAL"), "the alert is the same");
}
