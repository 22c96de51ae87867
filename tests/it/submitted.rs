//! Results that others submit, by `custos submit` and `custos cron`, and those that do not come.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::stage::{Daemon, Stage, custos, text, wait_for};

fn stage(checks: &str) -> Stage {
    let stage = Stage::new();
    stage.configure("", checks);
    stage
}

/// An agent that answers.
fn start(stage: &Stage) -> Daemon {
    let agent = stage.start();
    wait_for("the agent", || text(&stage.custos(&["status"]).stdout).contains("agent: pid ").then_some(()));
    agent
}

fn submit(stage: &Stage, words: &[&str]) -> String {
    let output = stage.custos(&[&["submit"], words].concat());
    assert!(output.status.success() || !output.stderr.is_empty(), "{output:?}");
    assert_eq!(text(&output.stdout), "", "{words:?}");
    text(&output.stderr).to_owned()
}

fn cron(stage: &Stage, check: &str, job: &[&str]) -> Output {
    let config = stage.shown("custos.yaml");
    custos(&[&["cron", "--config", &config, check, "--"], job].concat()).output().unwrap()
}

fn newest(stage: &Stage, check: &str) -> Value {
    stage.runs(check, 1).pop().unwrap()
}

#[test]
fn a_result_is_a_run_like_any_other() {
    let stage = stage(
        "  backup:\n    passive: {}\n    thresholds: [{ metric: size, warning: '10:' }]\n  own: { command: /bin/true }\n",
    );
    let agent = start(&stage);
    let checked = stage.custos(&["check", "backup"]);
    assert_eq!((&*text(&checked.stdout), checked.status.code()), ("UNKNOWN - no result yet\n", Some(3)));
    assert_eq!(submit(&stage, &["backup", "ok", "all done | size=25GB", "--took", "12.5"]), "");
    let run = newest(&stage, "backup");
    assert_eq!((run["state"].as_str(), run["text"].as_str()), (Some("OK"), Some("all done")), "{run}");
    assert_eq!(
        (run["metrics"][0]["label"].as_str(), run["duration_ms"].as_f64()),
        (Some("size"), Some(12_500.0))
    );
    assert!(run["origin"].as_str().unwrap().starts_with("command uid "), "{run}");
    // Thresholds judge it.
    assert_eq!(submit(&stage, &["backup", "0", "done | size=5"]), "");
    let checked = stage.custos(&["check", "backup"]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    assert!(text(&checked.stdout).contains("done"), "{checked:?}");
    // What is not given is read, with its further lines.
    let mut piped = stage.command(&["submit", "backup", "CRITICAL"]).stdin(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"no space\nleft on tape 7\n").unwrap();
    assert!(piped.wait().unwrap().success());
    let run = wait_for("the third result", || stage.history("backup").into_iter().nth(2));
    assert_eq!((run["state"].as_str(), run["text"].as_str()), (Some("CRITICAL"), Some("no space")), "{run}");
    assert!(run["long_text"].as_str().unwrap().contains("tape 7"), "{run}");
    for (words, why) in [
        (&["own", "ok", "x"][..], "own takes no results: a check that does has `passive`"),
        (&["none", "ok", "x"], "no check none is defined"),
        (&["backup", "fine", "x"], "invalid value 'fine'"),
    ] {
        let said = submit(&stage, words);
        assert!(said.contains(why), "{said}");
    }
    assert!(agent.end().success());
    assert!(submit(&stage, &["backup", "ok", "x"]).contains("no agent is running"));
}

#[test]
fn a_result_that_does_not_come_is_told_once() {
    let stage = stage("  job: { passive: { freshness: 1s, stale_state: warning } }\n");
    let agent = start(&stage);
    let run = newest(&stage, "job");
    assert_eq!(
        (run["state"].as_str(), run["origin"].as_str()),
        (Some("WARNING"), Some("freshness")),
        "{run}"
    );
    assert!(run["text"].as_str().unwrap().starts_with("no result for "), "{run}");
    assert_eq!(submit(&stage, &["job", "ok", "there"]), "");
    let again = wait_for("the next one not to come", || stage.history("job").into_iter().nth(2));
    assert_eq!(again["origin"], "freshness");
    agent.kill();
    // A restart does not tell it again.
    let agent = start(&stage);
    assert_eq!(submit(&stage, &["job", "critical", "late"]), "");
    let origins: Vec<Value> = stage.history("job").iter().map(|run| run["origin"].clone()).collect();
    assert!(origins.len() == 4 && origins[3] != "freshness", "{origins:?}");
    assert!(agent.end().success());
}

#[test]
fn the_end_of_a_job_is_a_result_and_the_job_is_as_without() {
    let stage = stage("  job: { passive: {} }\n");
    let agent = start(&stage);
    let done = cron(&stage, "job", &["sh", "-c", "echo out; echo trouble\\|x >&2; exit 3"]);
    assert_eq!(
        (&*text(&done.stdout), &*text(&done.stderr), done.status.code()),
        ("out\n", "trouble|x\n", Some(3))
    );
    let run = newest(&stage, "job");
    assert_eq!(run["state"], "CRITICAL");
    assert!(run["text"].as_str().unwrap().starts_with("exited with 3 after "), "{run}");
    assert!(run["long_text"].as_str().unwrap().contains("trouble/x"), "{run}");
    assert_eq!(run["metrics"][0]["label"], "duration");
    let nth = |index: usize| wait_for("a result", || stage.history("job").into_iter().nth(index));
    let done = cron(&stage, "job", &["sh", "-c", "kill -9 $$"]);
    assert_eq!(done.status.code(), Some(137));
    assert!(nth(1)["text"].as_str().unwrap().starts_with("ended by SIGKILL after "));
    let done = cron(&stage, "job", &["/nowhere/at/all"]);
    assert_eq!(done.status.code(), Some(127));
    assert!(
        nth(2)["text"].as_str().unwrap().starts_with("not run: /nowhere/at/all: No such file"),
        "{}",
        nth(2)
    );
    // What it leaves behind prints on, after the result.
    let gate = stage.shown("gate");
    let left = format!("(until [ -e {gate} ]; do sleep 0.05; done; echo late) & echo begun");
    let config = stage.shown("custos.yaml");
    let job = custos(&["cron", "--config", &config, "job", "--", "sh", "-c", &left])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(nth(3)["state"], "OK");
    stage.write("gate", "");
    assert_eq!(text(&job.wait_with_output().unwrap().stdout), "begun\nlate\n");
    // Monitoring that fails is no failure of the job.
    let unknown = cron(&stage, "none", &["true"]);
    assert_eq!(unknown.status.code(), Some(0));
    let said = text(&unknown.stderr);
    assert!(said.contains("the end of the job was not submitted: no check none is defined"), "{said}");
    assert!(agent.end().success());
}
