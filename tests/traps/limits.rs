//! Repeats and floods: counted and told, never dropped in silence.

use crate::receiver::{LINK, LINK_DOWN, LINK_UP, Receiver};
use crate::stage::wait_for;

#[test]
fn repeats_are_counted_and_told_once() {
    let receiver = Receiver::start("", &format!("{LINK}      deduplicate: 2s\n"));
    for _ in 0..5 {
        receiver.link(LINK_DOWN, "3");
    }
    let told = wait_for("the repeats", || {
        let runs = receiver.stage.history("link");
        let repeats =
            |run: &serde_json::Value| run["text"].as_str().is_some_and(|text| text.contains("times more"));
        let told = runs.iter().rfind(|run| repeats(run)).cloned()?;
        let traps = runs.iter().filter(|run| !repeats(run)).count() as u64;
        let counted: u64 = runs
            .iter()
            .filter(|run| repeats(run))
            .filter_map(|run| run["metrics"][0]["value"].as_u64())
            .sum();
        (traps + counted == 5).then_some(told)
    });
    assert_eq!(told["state"], "CRITICAL", "a repeat changes no state");
    assert_eq!(told["metrics"][0]["label"], "repeats");
    // Down, up, down again is no repeat.
    let before = receiver.count("repeated");
    for trap in [LINK_DOWN, LINK_UP, LINK_DOWN] {
        receiver.link(trap, "7");
    }
    wait_for("three runs of interface 7", || {
        let of_7 = |run: &serde_json::Value| run["metrics"][1]["labels"]["ifIndex"] == "7";
        (receiver.stage.history("link").iter().filter(|run| of_7(run)).count() == 3).then_some(())
    });
    assert_eq!(receiver.count("repeated"), before);
}

#[test]
fn a_flood_is_bounded_and_told() {
    let receiver = Receiver::start("    per_source: 1", LINK);
    // More than one in the second that the first of them begins, however slowly they are sent.
    let told = wait_for("a dropped trap", || {
        (0..10).for_each(|_| receiver.link(LINK_DOWN, "3"));
        receiver.stage.history("custos.traps").pop()
    });
    assert_eq!((&told["state"], &told["origin"]), (&"WARNING".into(), &"traps of 127.0.0.1".into()));
    assert!(
        told["text"].as_str().unwrap().ends_with("traps of 127.0.0.1 were dropped: too many a second"),
        "{told}"
    );
    assert_eq!(told["metrics"][0]["label"], "dropped");
    assert!(receiver.count("limited") > 0);
}
