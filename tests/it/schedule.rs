//! When checks are not run: outside of their period, and while another is in trouble.

use serde_json::Value;

use crate::world::{World, text, wait_for};

#[test]
fn a_check_is_skipped_while_what_it_depends_on_is_in_trouble() {
    let world = World::new();
    world.write("mounted", "2");
    world.plugin("mount", &format!("echo MOUNT; exit $(cat {})\n", world.path("mounted").display()));
    world.plugin("ok", "echo FINE");
    world.configure(
        "defaults: { check_interval: 200ms, max_check_attempts: 1 }",
        "  mount: { command: mount }\n  files: { command: ok, depends_on: mount }\n  \
         deep: { command: ok, depends_on: [files] }\n",
    );
    let daemon = world.start();
    let skipped = |check: &str| {
        let history: Vec<Value> = world.history(check);
        history.iter().filter(|run| run["reason"] == "skipped").count()
    };
    wait_for("skipped slots", || (skipped("files") > 2 && skipped("deep") > 2).then_some(()));
    let status = text(&world.custos(&["status"]).stdout);
    assert!(status.contains("[skipped: mount is CRITICAL]"), "{status}");
    assert!(text(&world.custos(&["history", "files"]).stdout).contains("skipped: mount is CRITICAL"));
    assert_eq!(world.custos(&["check", "files"]).status.code(), Some(0), "who asks gets a run");

    world.write("mounted", "0");
    let ran = |check: &str| {
        let history = world.history(check);
        history.iter().filter(|run| run["reason"] == "exited" && run["origin"] == "").count()
    };
    let (files, deep) = (ran("files"), ran("deep"));
    wait_for("runs again", || (ran("files") > files && ran("deep") > deep).then_some(()));
    assert!(daemon.end().success());
}

#[test]
fn a_check_rests_outside_of_its_period() {
    let world = World::new();
    world.plugin("ok", "echo FINE");
    world.configure(
        "defaults: { check_interval: 100ms }\nperiods: { never: {}, day: { monday - sunday: 00:00-24:00 } }",
        "  resting: { command: ok, check_period: never }\n  daily: { command: ok, check_period: day }\n",
    );
    let daemon = world.start();
    wait_for("runs of the other", || (world.history("daily").len() > 5).then_some(()));
    assert!(world.history("resting").is_empty());
    let status = text(&world.custos(&["status", "resting"]).stdout);
    assert!(status.contains("[outside its period never for more than a year]"), "{status}");
    assert_eq!(world.custos(&["check", "resting"]).status.code(), Some(0), "who asks gets a run");
    assert_eq!(world.history("resting").len(), 1);
    assert!(daemon.end().success());

    // Nothing is missed while there is no daemon, either.
    let daemon = world.start();
    let runs = world.history("daily").len();
    wait_for("runs of the other", || (world.history("daily").len() > runs + 2).then_some(()));
    assert_eq!(world.history("resting").len(), 1);
    assert!(daemon.end().success());
}

#[test]
fn requests_take_their_turn_and_never_run_beside_the_schedule() {
    let world = World::new();
    // `mkdir` fails if the directory is there: then two plugins run at once.
    let (busy, overlap) = (world.path("busy"), world.path("overlap"));
    let script = format!(
        "mkdir {busy} 2>/dev/null || touch {overlap}\nsleep 0.05\nrmdir {busy}\necho OK\n",
        busy = busy.display(),
        overlap = overlap.display()
    );
    world.plugin("slow", &script);
    world.configure(
        "max_concurrent_checks: 1\ndefaults: { check_interval: 100ms }",
        "  one: { command: slow }\n  two: { command: slow }\n",
    );
    let daemon = world.start();
    wait_for("runs of both", || {
        (world.history("one").len() > 2 && world.history("two").len() > 2).then_some(())
    });
    std::thread::scope(|scope| {
        for check in ["one", "two", "one", "two"] {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..5 {
                    assert_eq!(world.custos(&["check", check]).status.code(), Some(0));
                }
            });
        }
    });
    let history = [world.history("one"), world.history("two")].concat();
    assert!(history.iter().any(|run| run["origin"] != ""), "some runs were asked for");
    assert!(history.iter().any(|run| run["reason"] == "missed"), "there is one place for twice the work");
    assert!(!overlap.exists(), "two plugins ran at once");
    assert!(daemon.end().success());
}
