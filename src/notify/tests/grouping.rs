//! What is told together, and when.

use custos_store::State;

use super::stage::{Stage, one_target, s};
use crate::notify::send::Taken;
use crate::notify::{Status, Why};

const HOOK: &str = "webhook: 'http://127.0.0.1:1/'";

#[test]
fn what_breaks_together_is_told_together_after_the_wait() {
    let mut stage = Stage::new(&one_target("command: /bin/true", ""));
    stage.ran("a", State::Critical);
    stage.pass(s(10));
    stage.ran("b", State::Warning);
    stage.pass(s(19));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(1));
    assert_eq!(stage.told(), ["t: a CRITICAL*, b WARNING*"]);
    // More news waits for the interval of the group, with what goes on.
    stage.pass(s(10));
    stage.ran("c", State::Unknown);
    stage.pass(s(289));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(1));
    assert_eq!(stage.told(), ["t: a CRITICAL, c UNKNOWN*, b WARNING"]);
    // What is over is told with the next.
    stage.ran("a", State::Ok);
    stage.pass(s(300));
    assert_eq!(stage.told(), ["t: c UNKNOWN, b WARNING, a resolved*"]);
    for check in ["b", "c"] {
        stage.ran(check, State::Ok);
    }
    stage.pass(s(300));
    assert_eq!(stage.told(), ["t: b resolved*, c resolved*"]);
    stage.pass(s(100_000));
    assert_eq!((stage.told(), stage.notifier.next_wake_us()), (vec![], None));
}

#[test]
fn what_is_over_within_the_wait_is_never_told() {
    let mut stage = Stage::new(&one_target(HOOK, ""));
    stage.ran("a", State::Critical);
    stage.pass(s(29));
    stage.ran("a", State::Ok);
    stage.pass(s(100_000));
    assert_eq!(stage.told(), [""; 0]);
}

#[test]
fn what_goes_on_is_repeated_and_a_change_of_severity_is_news() {
    let mut stage = Stage::new(&one_target("command: /bin/true", "  repeat_interval: 1h\n"));
    stage.ran("a", State::Warning);
    stage.pass(s(30));
    assert_eq!(stage.told(), ["t: a WARNING*"]);
    stage.pass(s(3599));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(1));
    assert_eq!(stage.under_way[0].2.why, Why::Repeat);
    assert_eq!(stage.told(), ["t: a WARNING"]);
    stage.pass(s(300));
    stage.ran("a", State::Critical);
    assert_eq!(stage.under_way[0].2.why, Why::News);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
}

#[test]
fn groups_are_by_labels_and_each_alert_is_its_own_with_dots() {
    for (group_by, expected) in [("[alertname]", 2), ("'...'", 2), ("[host]", 1), ("[]", 1)] {
        let mut stage = Stage::new(&one_target(HOOK, &format!("  group_by: {group_by}\n  group_wait: 0s\n")));
        let (a, b) = (stage.run(State::Critical), stage.run(State::Critical));
        stage.notifier.ran("a", &a, None, stage.now);
        stage.notifier.ran("b", &b, None, stage.now);
        stage.act();
        let mut messages = 0;
        while !stage.told().is_empty() {
            messages += 1;
        }
        assert_eq!(messages, expected, "{group_by}");
    }
}

#[test]
fn a_medium_that_keeps_states_is_told_at_once_and_again() {
    let mut stage = Stage::new(&one_target("alertmanager: 'http://127.0.0.1:1', resend: 1m", ""));
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.pass(s(10));
    stage.ran("b", State::Critical);
    assert_eq!(stage.told(), ["t: b CRITICAL*"]);
    stage.pass(s(50));
    assert_eq!(stage.told(), ["t: a CRITICAL"]);
    stage.pass(s(10));
    assert_eq!(stage.told(), ["t: b CRITICAL"]);
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: a resolved*"]);
    // By its labels an alert of another severity is another one.
    stage.ran("b", State::Warning);
    assert_eq!(stage.told(), ["t: b resolved*, b WARNING*"]);
    stage.ran("b", State::Ok);
    let resolved = &stage.under_way[0].2.alerts[0];
    assert_eq!((resolved.status, resolved.labels["severity"].as_str()), (Status::Resolved, "warning"));
    assert_eq!(stage.told(), ["t: b resolved*"]);
    stage.pass(s(100_000));
    assert_eq!(stage.told(), [""; 0]);
}

#[test]
fn more_than_a_message_holds_goes_into_the_next() {
    let names: Vec<String> = (0..250).map(|n| format!("c{n:03}")).collect();
    let checks: String = names.iter().map(|name| format!("  {name}: {{ command: /bin/true }}\n")).collect();
    let mut stage =
        Stage::new(&format!("notify: {{ targets: {{ t: {{ command: /bin/true }} }} }}\nchecks:\n{checks}"));
    for name in &names {
        stage.ran(name, State::Critical);
    }
    stage.pass(s(30));
    let mut told = Vec::new();
    while let Some((_, _, notification)) = stage.under_way.first() {
        told.push((notification.alerts.iter().filter(|alert| alert.news).count(), notification.left_out));
        stage.end(&Taken::Delivered);
    }
    assert_eq!(told, [(100, 150), (100, 150), (50, 150)]);
}

#[test]
fn targets_choose_by_conditions_and_states_and_checks_choose_targets() {
    let mut stage = Stage::new(
        "notify:\n  group_wait: 0s\n  group_interval: 0s\n  targets:\n    all: { command: /bin/true }\n    \
         bad: { command: /bin/true, states: critical }\n    disk: { command: /bin/true, match: check=disk, send_resolved: false }\n\
         checks:\n  disk: { command: /bin/true }\n  own: { command: /bin/true, notify: [disk, bad] }\n  \
         silent: { command: /bin/true, notify: false }\n",
    );
    let mut told = |check: &str, state| {
        stage.ran(check, state);
        stage.told()
    };
    assert_eq!(told("disk", State::Warning), ["all: disk WARNING*", "disk: disk WARNING*"]);
    assert_eq!(
        told("disk", State::Critical),
        ["all: disk CRITICAL*", "bad: disk CRITICAL*", "disk: disk CRITICAL*"]
    );
    // For who is told of the critical alone, that is over.
    assert_eq!(
        told("disk", State::Warning),
        ["all: disk WARNING*", "bad: disk resolved*", "disk: disk WARNING*"]
    );
    assert_eq!(told("disk", State::Ok), ["all: disk resolved*"]);
    assert_eq!(told("own", State::Critical), ["bad: own CRITICAL*"]);
    assert_eq!(told("silent", State::Critical), [""; 0]);
    assert_eq!(told("not defined", State::Critical), [""; 0]);
    assert_eq!(told("custos", State::Warning), ["all: custos WARNING*"]);
}

#[test]
fn what_was_due_while_another_message_was_under_way_is_told_though_it_is_over() {
    for more in ["", ", send_resolved: false"] {
        let mut stage = Stage::new(&one_target(&format!("{HOOK}{more}"), "  group_by: [check]\n"));
        stage.ran("a", State::Critical);
        stage.pass(s(20));
        stage.ran("b", State::Critical);
        stage.ran("c", State::Critical);
        stage.pass(s(10));
        assert_eq!(stage.under_way.len(), 1);
        // `c` ends before it is due, `b` after that.
        stage.pass(s(10));
        stage.ran("c", State::Ok);
        stage.pass(s(15));
        stage.ran("b", State::Ok);
        assert_eq!(stage.told(), ["t: a CRITICAL*"]);
        assert_eq!(stage.told(), ["t: b resolved*"], "{more}");
        assert_eq!(stage.told(), [""; 0]);
    }
}
