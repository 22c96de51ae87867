//! What is held back, for how long, and what comes of it then.

use custos_store::{Run, Standing, State};

use super::stage::{Stage, one_target, s};
use crate::config::Matchers;
use crate::notify::send::Taken;
use crate::notify::{Remark, Why};

const AT_ONCE: &str = "  group_wait: 0s\n  group_interval: 0s\n";

fn at_once() -> Stage {
    Stage::new(&one_target("command: /bin/true", AT_ONCE))
}

fn remark() -> Remark {
    Remark { author: "me".into(), comment: "known".into() }
}

#[test]
fn soft_states_are_waited_for() {
    let mut stage = at_once();
    let soft =
        Run { standing: Standing { hard: false, ..Standing::default() }, ..stage.run(State::Critical) };
    stage.ran_as("a", &soft);
    assert_eq!(stage.told(), [""; 0]);
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
}

#[test]
fn a_check_that_flaps_is_held_as_it_was() {
    let mut stage = at_once();
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    for state in [State::Ok, State::Critical, State::Ok] {
        let mut run = stage.run(state);
        run.standing.flapping = true;
        stage.ran_as("a", &run);
        assert_eq!(stage.told(), [""; 0]);
    }
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: a resolved*"]);
}

#[test]
fn an_acknowledged_alert_is_silent_until_it_is_over_and_then_armed_again() {
    let mut stage = at_once();
    stage.ran("a", State::Warning);
    assert_eq!(stage.told(), ["t: a WARNING*"]);
    assert!(stage.notifier.ack(&Matchers::of_check("b"), &remark(), stage.now).is_err());
    assert_eq!(stage.notifier.ack(&Matchers::of_check("a"), &remark(), stage.now), Ok(vec!["a".to_owned()]));
    stage.ran("a", State::Critical);
    stage.pass(s(100_000));
    assert_eq!(stage.told(), [""; 0]);
    // It outlives a restart.
    let run = stage.run(State::Critical);
    stage.restart(&[("a", run)]);
    stage.pass(s(100_000));
    assert_eq!(stage.told(), [""; 0]);
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: a resolved*"]);
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.notifier.ack(&Matchers::of_check("a"), &remark(), stage.now).unwrap();
    stage.ran("a", State::Warning);
    assert_eq!(stage.told(), [""; 0]);
    stage.notifier.unack(&Matchers::of_check("a"), stage.now).unwrap();
    stage.act();
    assert_eq!(stage.told(), ["t: a WARNING*"]);
}

#[test]
fn what_is_no_longer_acknowledged_is_told_again_at_once() {
    let mut stage = Stage::new(&one_target("command: /bin/true", "  group_wait: 0s\n"));
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.pass(s(1));
    stage.notifier.ack(&Matchers::of_check("a"), &remark(), stage.now).unwrap();
    stage.act();
    stage.pass(s(1));
    stage.notifier.unack(&Matchers::of_check("a"), stage.now).unwrap();
    stage.act();
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.ran("a", State::Critical);
    stage.pass(s(3600));
    assert_eq!(stage.told(), [""; 0]);
}

#[test]
fn a_silence_holds_alerts_back_and_what_still_fires_at_its_end_is_told() {
    let mut stage = at_once();
    let now_ms = stage.now.wall_ms;
    let conditions = Matchers::parse(["check=~a|b"]).unwrap();
    stage.notifier.silence(conditions, now_ms + 60_000, now_ms + 120_000, remark()).unwrap();
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.pass(s(60));
    for check in ["b", "c", "d"] {
        stage.ran(check, State::Critical);
    }
    assert_eq!(stage.told(), ["t: c CRITICAL*"]);
    assert_eq!(stage.told(), ["t: d CRITICAL*, c CRITICAL"]);
    // That something is over which was told is told.
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: c CRITICAL, d CRITICAL, a resolved*"]);
    let report = stage.notifier.report(stage.now);
    assert_eq!((report.muted.len(), report.muted[0].why.as_str()), (1, "silence 1"));
    stage.restart(&[]);
    stage.pass(s(59));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(1));
    assert_eq!(stage.told(), ["t: b CRITICAL*, c CRITICAL, d CRITICAL"]);
    assert_eq!(stage.notifier.report(stage.now).silences, []);
    assert!(stage.notifier.expire(1).is_err());
}

#[test]
fn what_depends_on_a_check_in_trouble_is_held_until_it_ran_again() {
    let mut stage = Stage::new(
        "notify: { group_interval: 0s, targets: { t: { command: /bin/true } } }\nchecks:\n  net: { command: /bin/true }\n  \
         web: { command: /bin/true, depends_on: net }\n  page: { command: /bin/true, depends_on: web }\n",
    );
    stage.ran("page", State::Critical);
    stage.pass(s(20));
    stage.ran("net", State::Critical);
    stage.pass(s(30));
    assert_eq!(stage.told(), ["t: net CRITICAL*"]);
    stage.pass(s(300));
    stage.ran("net", State::Ok);
    assert_eq!(stage.told(), ["t: net resolved*"]);
    stage.pass(s(60));
    assert_eq!(stage.told(), [""; 0]);
    stage.ran("page", State::Critical);
    assert_eq!(stage.told(), ["t: page CRITICAL*"]);
}

#[test]
fn what_another_alert_makes_redundant_is_held() {
    let inhibit = "  inhibit: [{ source: severity=critical, target: severity=warning, equal: host }]\n";
    let mut stage = Stage::new(&one_target("command: /bin/true", &format!("{AT_ONCE}{inhibit}")));
    stage.ran("a", State::Critical);
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.ran("b", State::Warning);
    assert_eq!(stage.told(), [""; 0]);
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["t: b WARNING*, a resolved*"]);
}

#[test]
fn out_of_hours_nothing_is_told_and_then_what_still_fires() {
    let text = one_target("command: /bin/true, hours: day", AT_ONCE);
    let mut stage = Stage::new(&format!("{text}periods: {{ day: {{ monday - sunday: 08:00-18:00 }} }}\n"));
    stage.ran("a", State::Critical);
    stage.ran("b", State::Critical);
    stage.ran("b", State::Ok);
    stage.pass(s(8 * 3600 - 1));
    assert_eq!(stage.told(), [""; 0]);
    assert!(stage.notifier.report(stage.now).targets[0].closed);
    stage.pass(s(1));
    assert_eq!(stage.told(), ["t: a CRITICAL*"]);
    stage.pass(s(10 * 3600));
    stage.end(&Taken::Delivered);
    stage.ran("a", State::Ok);
    stage.pass(s(3600));
    assert_eq!(stage.told(), [""; 0]);
    stage.pass(s(13 * 3600));
    assert_eq!(stage.told(), ["t: a resolved*"]);
}

#[test]
fn a_heartbeat_comes_at_its_interval_and_none_waits_for_another() {
    let mut stage =
        Stage::new(&one_target("command: /bin/true", "  heartbeat: { target: t, interval: 1m }\n"));
    stage.act();
    assert_eq!(stage.under_way[0].2.why, Why::Heartbeat);
    stage.pass(s(600));
    assert_eq!(stage.under_way.len(), 1);
    stage.end(&Taken::Later("no".into()));
    stage.pass(s(60));
    assert_eq!(stage.under_way.len(), 1);
    // It is no state of an alert, and leaves nothing behind.
    stage.end(&Taken::Delivered);
    assert_eq!(stage.notifier.report(stage.now).targets[0].owed, 0);
}

#[test]
fn a_target_is_tried_by_hand() {
    let mut stage = at_once();
    let mut effects = Vec::new();
    assert!(stage.notifier.try_target("none", 1, stage.now, &mut effects).is_err());
    stage.notifier.try_target("t", 7, stage.now, &mut effects).unwrap();
    stage.perform(effects);
    assert_eq!(stage.under_way[0].2.why, Why::Trial);
    stage.end(&Taken::Refused("no".into()));
    assert_eq!(stage.tried, [(7, Err("the target was not told: no".to_owned()))]);
}

#[test]
fn event_handlers_are_run_at_each_change_soft_ones_too() {
    let mut stage = Stage::new("checks: { a: { command: /bin/true, on_change: /bin/echo } }\n");
    let run = stage.run(State::Ok);
    stage.restart(&[("a", run)]);
    let soft =
        Run { standing: Standing { hard: false, ..Standing::default() }, ..stage.run(State::Critical) };
    let mut handled = Vec::new();
    for run in
        [soft.clone(), soft, stage.run(State::Critical), stage.run(State::Critical), stage.run(State::Ok)]
    {
        stage.ran_as("a", &run);
        handled.push(stage.told().join("; "));
    }
    assert_eq!(
        handled,
        ["on_change: a CRITICAL*", "", "on_change: a CRITICAL*", "", "on_change: a resolved*"]
    );
    // Those of one check run one after the other.
    stage.ran("a", State::Warning);
    stage.ran("a", State::Ok);
    assert_eq!(stage.told(), ["on_change: a WARNING*"]);
    assert_eq!(stage.told(), ["on_change: a resolved*"]);
}
