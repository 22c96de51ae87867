//! Everything that is stored is in a file as lines, each once and in order.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::stage::{Stage, text, wait_for};

/// The lines of a file and of the full ones before it, oldest first, as far as they are whole.
fn lines(path: &Path) -> String {
    let numbered = (1..=50).rev().map(|number| format!("{}.{number}", path.display()));
    let files = numbered.chain([path.display().to_string()]);
    let all: String = files.filter_map(|file| fs::read_to_string(file).ok()).collect();
    all[..all.rfind('\n').map_or(0, |end| end + 1)].to_owned()
}

#[test]
fn each_run_is_a_line_once_whoever_is_killed() {
    let stage = Stage::new();
    let path = stage.path("runs.jsonl");
    stage.plugin("counter", "echo \"OK | n=$(date +%N | sed 's/^0*//')\"\n");
    stage.configure(
        &format!(
            "host: web1\nsinks: {{ all: {{ file: '{}', rotate: 4KiB, keep: 50 }} }}",
            path.display()
        ),
        "  counter: { command: counter, check_interval: 100ms }\n  other: { command: counter, check_interval: 100ms }\n",
    );
    let stream = || text(&stage.custos(&["stream", "--runs"]).stdout);
    for round in 1..=4 {
        let agent = stage.start();
        stage.runs("counter", 10 * round);
        let known = stream();
        wait_for("all to be written", || lines(&path).starts_with(&known).then_some(()));
        agent.signal(Signal::SIGKILL);
    }
    let agent = stage.start();
    let known = stream();
    wait_for("all to be written", || lines(&path).starts_with(&known).then_some(()));
    drop(agent);
    let (stored, written) = (stream(), lines(&path));
    assert!(stored.starts_with(&written), "{stored}\n\n{written}");
    assert!(path.with_extension("jsonl.1").exists(), "nothing was full");
}

#[test]
fn an_older_backup_that_was_put_back_is_named_by_the_sink_that_notices_it() {
    let stage = Stage::new();
    let path = stage.path("runs.jsonl");
    stage.plugin("counter", "echo \"OK | n=$(date +%N | sed 's/^0*//')\"\n");
    stage.configure(
        &format!("host: web1\nsinks: {{ all: {{ file: '{}' }} }}", path.display()),
        "  counter: { command: counter, check_interval: 100ms }\n",
    );
    let runs = |count: usize| {
        let agent = stage.start();
        wait_for("runs to be written", || (lines(&path).lines().count() >= count).then_some(()));
        agent.end();
    };
    let copy = |from: &str, to: &str| {
        let (from, to) = (stage.path(from), stage.path(to));
        let copied = std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap();
        assert!(copied.success());
    };
    runs(5);
    copy("store", "backup");
    let cursor = fs::read_dir(stage.path("store")).unwrap().filter_map(Result::ok);
    let cursor =
        cursor.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "cursor"));
    let cursor = cursor.unwrap();
    runs(lines(&path).lines().count() + 20);
    // The history is that of the backup, and the cursor that of now.
    fs::copy(&cursor, stage.path("newer.cursor")).unwrap();
    fs::remove_dir_all(stage.path("store")).unwrap();
    copy("backup", "store");
    fs::copy(stage.path("newer.cursor"), &cursor).unwrap();
    let agent = stage.start();
    let said = wait_for("the sink to say it", || {
        let said = text(&stage.custos(&["sink", "status"]).stdout);
        said.contains("backup").then_some(said)
    });
    assert!(said.contains("delivering from"), "{said}");
    wait_for("the agent's check to say it", || {
        text(&stage.custos(&["status"]).stdout).contains("backup").then_some(())
    });
    drop(agent);
    let log = fs::read_to_string(stage.path("log")).unwrap();
    assert!(log.contains("sink all: "), "{log}");
}
