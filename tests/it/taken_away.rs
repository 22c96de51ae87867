//! The store is taken away while the agent writes to it: it says so, goes on, and no run of its own is missing.

use std::fs;

use serde_json::Value;

use crate::stage::{Daemon, Stage, lines, text, wait_for};

/// A stage with one check that counts its runs, and the daemon in it, which has run it a few times.
fn counting() -> (Stage, Daemon) {
    let stage = Stage::new();
    let noted = stage.path("noted");
    stage.plugin("count", &format!("echo x >>{0}\necho \"OK $(wc -l <{0})\"\n", noted.display()));
    stage.configure("defaults: { check_interval: 200ms }", "  a: { command: count }\n");
    let daemon = stage.start();
    runs_again(&stage, 3);
    (stage, daemon)
}

fn runs_again(stage: &Stage, times: usize) {
    let noted = stage.path("noted");
    let before = lines(&noted).len();
    wait_for("the check to run again", || (lines(&noted).len() > before + times).then_some(()));
}

/// The daemon says what has happened, in its log and in its own check.
fn says_so(stage: &Stage, daemon: &Daemon) {
    wait_for("a line in the log", || daemon.log().contains("was taken away").then_some(()));
    let own = wait_for("the agent to warn", || {
        let output = text(&stage.custos(&["status", "custos", "--json"]).stdout);
        serde_json::from_str::<Value>(&output).ok().filter(|row| row["state"] == "WARNING")
    });
    assert!(own["text"].as_str().unwrap().contains("was taken away"), "{own}");
}

/// Every run that the plugin knows of is there once.
fn nothing_is_missing(stage: &Stage, daemon: Daemon) {
    runs_again(stage, 2);
    assert!(daemon.end().success());
    let mut found: Vec<String> = stage.history("a").iter().map(|run| run["text"].to_string()).collect();
    let mut expected: Vec<String> =
        (1..=lines(&stage.path("noted")).len()).map(|n| format!("\"OK {n}\"")).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_directory_is_removed() {
    let (stage, daemon) = counting();
    fs::remove_dir_all(stage.path("store")).unwrap();
    says_so(&stage, &daemon);
    nothing_is_missing(&stage, daemon);
}

#[test]
fn the_lock_is_removed_and_another_command_writes() {
    let (stage, daemon) = counting();
    fs::remove_file(stage.path("store/lock")).unwrap();
    // The second writer seals, and with that replaces, the log that the daemon writes to.
    let line = r#"{"check":"b","time_ms":1,"state":"OK","text":"imported"}"#;
    let mut import = stage.command(&["store", "import"]);
    import.stdin(fs::File::open(stage.write("lines", line)).unwrap());
    let imported = import.output().unwrap();
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    says_so(&stage, &daemon);
    nothing_is_missing(&stage, daemon);
    assert_eq!(stage.history("b").len(), 1);
}
