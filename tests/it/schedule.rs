//! When checks are not run: outside of their period, and while another is in trouble.

use serde_json::Value;

use crate::stage::{Stage, text, wait_for};

#[test]
fn a_check_is_skipped_while_what_it_depends_on_is_in_trouble() {
    let stage = Stage::new();
    stage.write("mounted", "2");
    stage.plugin("mount", &format!("echo MOUNT; exit $(cat {})\n", stage.path("mounted").display()));
    stage.plugin("ok", "echo FINE");
    stage.configure(
        "defaults: { check_interval: 200ms, max_check_attempts: 1 }",
        "  mount: { command: mount }\n  files: { command: ok, depends_on: mount }\n  \
         deep: { command: ok, depends_on: [files] }\n",
    );
    let daemon = stage.start();
    let skipped = |check: &str| {
        let history: Vec<Value> = stage.history(check);
        history.iter().filter(|run| run["reason"] == "skipped").count()
    };
    wait_for("skipped slots", || (skipped("files") > 2 && skipped("deep") > 2).then_some(()));
    let status = text(&stage.custos(&["status"]).stdout);
    assert!(status.contains("[skipped: mount is CRITICAL]"), "{status}");
    let history = text(&stage.custos(&["history", "files"]).stdout);
    assert!(history.contains("skipped") && history.contains("mount is CRITICAL"), "{history}");
    assert_eq!(stage.custos(&["check", "files"]).status.code(), Some(0), "who asks gets a run");

    stage.write("mounted", "0");
    let ran = |check: &str| {
        let history = stage.history(check);
        history.iter().filter(|run| run["reason"] == "exited" && run["origin"] == "").count()
    };
    let (files, deep) = (ran("files"), ran("deep"));
    wait_for("runs again", || (ran("files") > files && ran("deep") > deep).then_some(()));
    assert!(daemon.end().success());
}

#[test]
fn a_check_rests_outside_of_its_period() {
    let stage = Stage::new();
    stage.plugin("ok", "echo FINE");
    stage.configure(
        "defaults: { check_interval: 100ms }\nperiods: { never: {}, day: { monday - sunday: 00:00-24:00 } }",
        "  resting: { command: ok, check_period: never }\n  daily: { command: ok, check_period: day }\n",
    );
    let daemon = stage.start();
    wait_for("runs of the other", || (stage.history("daily").len() > 5).then_some(()));
    assert!(stage.history("resting").is_empty());
    let status = text(&stage.custos(&["status", "resting"]).stdout);
    assert!(status.contains("[outside its period never, which does not open within a year]"), "{status}");
    assert_eq!(stage.custos(&["check", "resting"]).status.code(), Some(0), "who asks gets a run");
    assert_eq!(stage.history("resting").len(), 1);
    assert!(daemon.end().success());

    // Nothing is missed while there is no daemon, either.
    let daemon = stage.start();
    let runs = stage.history("daily").len();
    wait_for("runs of the other", || (stage.history("daily").len() > runs + 2).then_some(()));
    assert_eq!(stage.history("resting").len(), 1);
    assert!(daemon.end().success());
}

#[test]
fn requests_take_their_turn_and_never_run_beside_the_schedule() {
    let stage = Stage::new();
    // `mkdir` fails if the directory is there: then two plugins run at once.
    let (busy, overlap) = (stage.path("busy"), stage.path("overlap"));
    let script = format!(
        "mkdir {busy} 2>/dev/null || touch {overlap}\nsleep 0.05\nrmdir {busy}\necho OK\n",
        busy = busy.display(),
        overlap = overlap.display()
    );
    stage.plugin("slow", &script);
    stage.configure(
        "max_concurrent_checks: 1\ndefaults: { check_interval: 100ms }",
        "  one: { command: slow }\n  two: { command: slow }\n",
    );
    let daemon = stage.start();
    wait_for("runs of both", || {
        (stage.history("one").len() > 2 && stage.history("two").len() > 2).then_some(())
    });
    std::thread::scope(|scope| {
        for check in ["one", "two", "one", "two"] {
            let stage = &stage;
            scope.spawn(move || {
                for _ in 0..5 {
                    assert_eq!(stage.custos(&["check", check]).status.code(), Some(0));
                }
            });
        }
    });
    let history = [stage.history("one"), stage.history("two")].concat();
    assert!(history.iter().any(|run| run["origin"] != ""), "some runs were asked for");
    assert!(history.iter().any(|run| run["reason"] == "missed"), "there is one place for twice the work");
    assert!(!overlap.exists(), "two plugins ran at once");
    assert!(daemon.end().success());
}
