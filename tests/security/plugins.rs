//! Plugins of one user against the checks of others.

use crate::stage::{Running, Stage, as_root, wait_for};

/// A user of this test alone, all of whose processes are stopped.
const STOPPED: u32 = 54_403;

#[test]
fn signals_of_the_user_of_a_plugin_do_not_stop_the_checks_of_others() {
    as_root();
    let stage = Stage::new();
    stage.plugin("steady", "echo OK");
    let theirs: String = (0..4)
        .map(|n| {
            format!("  theirs{n}: {{ command: steady, user: \"{STOPPED}\", check_interval: 100ms, timeout: 1s }}\n")
        })
        .collect();
    stage.configure(
        "defaults: { check_interval: 200ms, max_check_attempts: 1 }",
        &format!("{theirs}  root: {{ command: steady }}\n"),
    );
    let agent = stage.start();
    stage.runs("theirs0", 2);
    let stopper = Running::stopper(STOPPED);
    let named = |check: &str| {
        stage.history(check).iter().any(|run| {
            run["text"].as_str().is_some_and(|text| text.contains("stopped it before it could execute"))
        })
    };
    wait_for("a plugin that was stopped to be named", || {
        (0..4).any(|n| named(&format!("theirs{n}"))).then_some(())
    });
    // The checks of others go on meanwhile.
    let before = stage.history("root").len();
    stage.runs("root", before + 10);
    drop(stopper);
    for run in stage.history("root").iter().filter(|run| run["reason"] != "missed") {
        assert_eq!((&run["state"], &run["reason"]), (&"OK".into(), &"exited".into()), "{run}");
    }
    assert!(agent.end().success());
}
