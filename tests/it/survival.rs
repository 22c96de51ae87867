//! Whatever a plugin does, its run is recorded for what it was, and the other checks go on.

use std::fs::File;
use std::io::{Read, Write};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::Value;

use crate::stage::{Daemon, Stage, lines, text, wait_for};

/// A stage with one odd check and a steady one, and the daemon in it.
fn beside(script: &str, settings: &str) -> (Stage, Daemon) {
    let stage = Stage::new();
    stage.plugin("odd", script);
    stage.plugin("steady", "echo \"OK | x=1\"");
    let checks = format!("  odd: {{ command: odd{settings} }}\n  steady: {{ command: steady }}\n");
    stage.configure("defaults: { check_interval: 300ms, retry_interval: 300ms, timeout: 20s }", &checks);
    let daemon = stage.start();
    (stage, daemon)
}

/// The first run of the odd check, once the steady one has run several times after it.
fn survived(stage: &Stage, daemon: Daemon) -> Value {
    let run = wait_for("the odd run", || stage.history("odd").first().cloned());
    let before = stage.history("steady").len();
    wait_for("the steady check to go on", || (stage.history("steady").len() > before + 2).then_some(()));
    assert!(daemon.end().success());
    run
}

fn has_ended(pid: &str) -> bool {
    // A zombie has ended as well; its parent reaps it.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.is_empty() || stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

#[test]
fn one_that_hangs_is_ended_with_its_children() {
    let stage = Stage::new();
    let pids = stage.path("pids");
    let script = format!("sleep 1000 &\necho $! >>{0}\necho $$ >>{0}\nwait\n", pids.display());
    stage.plugin("odd", &script);
    stage.plugin("steady", "echo OK");
    stage.configure(
        "defaults: { check_interval: 300ms }",
        "  odd: { command: odd, timeout: 200ms, timeout_state: critical }\n  steady: { command: steady }\n",
    );
    let daemon = stage.start();
    let run = survived(&stage, daemon);
    assert_eq!((&run["reason"], &run["state"]), (&"timeout".into(), &"CRITICAL".into()), "{run}");
    for pid in lines(&pids) {
        wait_for("every process of the plugin to end", || has_ended(&pid).then_some(()));
    }
}

#[test]
fn one_that_prints_100_mb_is_cut() {
    let (stage, daemon) = beside("echo 'first line'\nyes 'and a further one' | head -c 100000000\n", "");
    let run = survived(&stage, daemon);
    assert_eq!((&run["reason"], &run["text"]), (&"exited".into(), &"first line".into()));
    let kept = run["long_text"].as_str().unwrap().len();
    assert!(kept > 0 && kept < 1_000_000, "{kept} bytes were kept");
    assert!(run["judgement"].as_str().unwrap().contains("of 100000011 bytes"), "{}", run["judgement"]);
}

#[test]
fn one_that_prints_nothing_is_a_run_all_the_same() {
    let (stage, daemon) = beside("exit 0\n", "");
    let run = survived(&stage, daemon);
    assert_eq!((&run["reason"], run["exit_code"].as_u64()), (&"exited".into(), Some(0)), "{run}");
    assert_eq!(run["metrics"], Value::Array(Vec::new()), "{run}");
}

#[test]
fn one_that_prints_no_utf_8_keeps_its_metrics() {
    let (stage, daemon) = beside("printf 'caf\\351 \\377\\376 | x=7\\n'\n", "");
    let run = survived(&stage, daemon);
    assert!(run["text"].as_str().unwrap().starts_with("caf"), "{run}");
    assert_eq!(run["metrics"][0]["value"].as_f64(), Some(7.0), "{run}");
}

#[test]
fn one_that_dies_of_a_signal_says_which() {
    let (stage, daemon) = beside("kill -SEGV $$\n", "");
    let run = survived(&stage, daemon);
    assert_eq!((&run["reason"], &run["exit_code"]), (&"signal".into(), &Value::Null), "{run}");
    assert_eq!(run["signal"].as_u64(), Some(11), "{run}");
    assert_ne!(run["state"], "OK", "{run}");
}

#[test]
fn one_that_does_not_exist_says_what_is_missing() {
    let stage = Stage::new();
    stage.plugin("steady", "echo OK");
    stage.configure(
        "defaults: { check_interval: 300ms }",
        "  odd: { command: /nonexistent/check_odd }\n  steady: { command: steady }\n",
    );
    let daemon = stage.start();
    let run = survived(&stage, daemon);
    assert_eq!(run["reason"], "not_started", "{run}");
    assert!(run["text"].as_str().unwrap().contains("/nonexistent/check_odd"), "{run}");
    assert_ne!(run["state"], "OK", "{run}");
}

#[test]
fn checks_go_on_while_the_store_cannot_be_written() {
    let stage = Stage::new();
    stage.write("store", "a file where a directory is wanted");
    let noted = stage.path("noted");
    stage.plugin("note", &format!("echo x >>{}\necho OK\n", noted.display()));
    stage.configure("defaults: { check_interval: 200ms }", "  a: { command: note }\n");
    let mut daemon = stage.start();
    wait_for("the check to run again and again", || (lines(&noted).len() > 4).then_some(()));
    let own = wait_for("the agent to report itself", || {
        let output = text(&stage.custos(&["status", "custos", "--json"]).stdout);
        serde_json::from_str::<Value>(&output).ok().filter(|row| row["state"] == "CRITICAL")
    });
    assert!(own["text"].as_str().unwrap().contains("stor"), "{own}");
    let table = text(&stage.custos(&["status"]).stdout);
    assert!(table.contains("CRITICAL") && table.contains(" a "), "{table}");
    assert!(daemon.is_alive());
}

#[test]
fn a_second_daemon_stores_nothing_and_names_the_first() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/true, check_interval: 300ms }\n");
    let mut daemon = stage.start();
    wait_for("a run", || (!stage.history("a").is_empty()).then_some(()));
    let mut second = stage.start();
    let refused = format!("process {} is writing to it", daemon.pid());
    wait_for("the pid of the first in the log", || second.log().contains(&refused).then_some(()));
    let before = stage.history("a").len();
    wait_for("the first to go on", || (stage.history("a").len() > before + 2).then_some(()));
    assert!(daemon.is_alive() && second.is_alive());
    // What it could not store is told at its end.
    assert!(!second.end().success());
    assert!(daemon.end().success());
}

/// A check whose state changes with every run, each change a line of the log.
const RESTLESS: &str = "echo $$; test -e there && rm there || { touch there; exit 2; }\n";

#[test]
fn a_log_that_nobody_can_take_holds_up_nothing() {
    // A full disk, a reader that has gone, and one that reads nothing of a pipe that is full already.
    let full_disk = File::options().write(true).open("/dev/full").unwrap();
    let (gone, closed) = std::io::pipe().unwrap();
    drop(gone);
    let (mut idle, mut blocked) = std::io::pipe().unwrap();
    fcntl(&blocked, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while blocked.write_all(&[b'.'; 4096]).is_ok() {}
    while blocked.write_all(b".").is_ok() {}
    fcntl(&blocked, FcntlArg::F_SETFL(OFlag::empty())).unwrap();

    for stderr in [full_disk.into(), std::process::Stdio::from(closed), blocked.into()] {
        let stage = Stage::new();
        stage.plugin("restless", RESTLESS);
        let checks = format!(
            "  a: {{ command: restless, working_directory: \"{}\" }}\n",
            stage.path("plugins").display()
        );
        stage.configure("defaults: { check_interval: 100ms, retry_interval: 100ms }", &checks);
        let daemon = stage.start_with_log(stderr);
        wait_for("ten runs", || (stage.history("a").len() >= 10).then_some(()));
        assert!(daemon.end().success());
    }
    // What was in the pipe before is there, and nothing has torn it.
    let mut filling = vec![0; 4096];
    idle.read_exact(&mut filling).unwrap();
    assert!(filling.iter().all(|byte| *byte == b'.'));
}
