//! Checks that are about several things: each has a state of its own, which survives the agent.

use serde_json::Value;

use crate::receiver::{LINK, LINK_DOWN, LINK_UP, Receiver};
use crate::stage::{text, wait_for};

fn states(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["state"].as_str().unwrap()).collect()
}

#[test]
fn up_clears_its_own_down_and_no_other() {
    let receiver = Receiver::start("", LINK);
    for (trap, index) in [(LINK_DOWN, "3"), (LINK_DOWN, "5"), (LINK_UP, "5"), (LINK_UP, "3")] {
        receiver.link(trap, index);
    }
    let runs = receiver.runs("link", 4);
    assert_eq!(states(&runs), ["CRITICAL", "CRITICAL", "CRITICAL", "OK"]);
    assert_eq!(runs[0]["text"], "linkDown on 3 of 127.0.0.1: down(2)");
    assert_eq!(
        runs[2]["text"],
        "linkUp on 5 of 127.0.0.1: up(1) (still CRITICAL ifIndex=3: linkDown on 3 of 127.0.0.1: down(2))"
    );
    let metric = &runs[1]["metrics"][1];
    assert_eq!(
        (&metric["label"], &metric["value"], &metric["labels"]["ifIndex"]),
        (&"state".into(), &2.into(), &"5".into())
    );
    assert_eq!(runs[1]["metrics"][0]["value"], 2, "the status");
    assert!(runs.iter().all(|run| run["hard"] == true));
}

#[test]
fn the_instances_survive_a_kill() {
    let mut receiver = Receiver::start("", LINK);
    receiver.link(LINK_DOWN, "3");
    receiver.link(LINK_DOWN, "5");
    let runs = receiver.runs("link", 2);
    let labels: Vec<&Value> =
        runs[1]["instances"].as_array().unwrap().iter().map(|instance| &instance["labels"]).collect();
    assert_eq!(labels, [&serde_json::json!({"ifIndex": "3"}), &serde_json::json!({"ifIndex": "5"})]);
    receiver.kill();
    receiver.resume();
    receiver.link(LINK_UP, "5");
    let runs = receiver.runs("link", 3);
    assert_eq!(runs[2]["state"], "CRITICAL", "{}", runs[2]);
    receiver.link(LINK_UP, "3");
    assert_eq!(receiver.runs("link", 4)[3]["state"], "OK");
}

#[test]
fn whoever_asks_is_told_the_last_of_it() {
    let receiver = Receiver::start("", LINK);
    let ask = || receiver.stage.custos(&["check", "link"]);
    assert_eq!((ask().status.code(), text(&ask().stdout)), (Some(0), "OK - no trap yet\n".to_owned()));
    receiver.link(LINK_DOWN, "3");
    receiver.runs("link", 1);
    let told = ask();
    assert_eq!(told.status.code(), Some(2));
    let told = text(&told.stdout);
    assert!(told.starts_with("linkDown on 3 of 127.0.0.1: down(2)\n"), "{told}");
    let listed = "CRITICAL ifIndex=3: linkDown on 3 of 127.0.0.1: down(2)\n1 instance is not OK\n";
    assert!(told.ends_with(listed), "{told}");
    assert!(text(&receiver.stage.custos(&["status"]).stdout).contains("CRITICAL"));
}

#[test]
fn a_problem_that_nobody_repeats_expires() {
    let receiver = Receiver::start("", &format!("{LINK}      expires: 1s\n"));
    receiver.link(LINK_DOWN, "3");
    let over = wait_for("the problem to expire", || {
        receiver.stage.history("link").last().filter(|run| run["state"] == "OK").cloned()
    });
    assert_eq!(over["text"], "ifIndex=3: not reported for 1s, so it counts as over");
    assert_eq!(over["origin"], "expired");
}
