//! Alerts of rules: by their own labels, and what is told of a rule that cannot be judged.

use custos_promql::Labels;
use custos_store::{Run, State};

use super::stage::{Stage, s};
use crate::config::Matchers;
use crate::notify::Remark;
use crate::notify::send::Taken;
use crate::rules::{ActiveAlert, NOT_JUDGED, Stage as Of};

fn stage(target: &str, rule: &str) -> Stage {
    Stage::new(&format!(
        "notify: {{ group_wait: 0s, group_interval: 0s, targets: {{ t: {{ {target} }} }} }}\n\
         checks: {{ rule: {{ query: 'check_state > 0', {rule} }}, db: {{ command: /bin/true }} }}\n"
    ))
}

fn alert(check: &str, state: State) -> ActiveAlert {
    ActiveAlert {
        labels: Labels::new([("alertname", "rule"), ("check", check)]),
        annotations: Labels::default(),
        value: 1.0,
        state,
        stage: Of::Firing,
        active_since_ms: 0,
        firing_since_ms: Some(0),
        kept_since_ms: None,
    }
}

impl Stage {
    fn judged(&mut self, run: &Run, alerts: &[ActiveAlert]) {
        self.notifier.ran("rule", run, Some(alerts), self.now);
        self.act();
    }

    fn not_judged(&self) -> Run {
        Run { text: format!("{NOT_JUDGED}too many"), ..self.run(State::Unknown) }
    }
}

#[test]
fn alerts_of_a_rule_are_told_apart_by_their_own_labels() {
    let mut stage = stage("alertmanager: 'http://127.0.0.1:1'", "on: samples");
    let run = stage.run(State::Critical);
    stage.judged(&run, &["db", "door"].map(|check| alert(check, State::Critical)));
    let labels: Vec<_> =
        stage.under_way[0].2.alerts.iter().map(|alert| alert.labels["check"].clone()).collect();
    assert_eq!(labels, ["db", "door"]);
    stage.told();
    // Conditions see the labels that are told; the name of a rule stands for all of its alerts.
    let remark = Remark { author: "me".into(), comment: String::new() };
    let mut acked = |conditions: &Matchers| stage.notifier.ack(conditions, &remark, stage.now);
    let [db, door] = ["db", "door"].map(|check| format!("rule{{alertname=\"rule\",check=\"{check}\"}}"));
    assert_eq!(acked(&Matchers::parse(["check=door"]).unwrap()), Ok(vec![door.clone()]));
    assert_eq!(acked(&Matchers::of_check("rule")), Ok(vec![db, door]));
    assert!(acked(&Matchers::of_check("db")).is_err());
}

#[test]
fn a_rule_that_cannot_be_judged_is_told_and_its_alerts_are_not_over() {
    let mut stage = stage("webhook: 'http://127.0.0.1:1'", "limit: 1");
    let run = stage.run(State::Critical);
    stage.judged(&run, &[alert("db", State::Critical)]);
    assert_eq!(stage.told(), ["t: db CRITICAL*"]);
    let failed = stage.not_judged();
    stage.judged(&failed, &[]);
    assert_eq!(stage.told(), ["t: db CRITICAL, rule UNKNOWN*"]);
    stage.pass(s(60));
    let failed = stage.not_judged();
    stage.judged(&failed, &[]);
    assert_eq!(stage.told(), [""; 0]);
    let run = stage.run(State::Ok);
    stage.judged(&run, &[]);
    assert_eq!(stage.told(), ["t: rule resolved*, db resolved*"]);
}

#[test]
fn a_state_by_thresholds_is_an_alert_of_the_check_itself() {
    let thresholds = "thresholds: [{ metric: value, critical: 1 }]";
    let mut own = stage("alertmanager: 'http://127.0.0.1:1'", thresholds);
    let run = own.run(State::Critical);
    own.judged(&run, &[alert("db", State::Ok)]);
    assert_eq!(own.told(), ["t: rule CRITICAL*"]);
    let mut both = stage("webhook: 'http://127.0.0.1:1'", &format!("state: warning, {thresholds}"));
    both.judged(&run, &[alert("db", State::Warning)]);
    assert_eq!(both.told(), ["t: rule CRITICAL*, db WARNING*"]);
}

#[test]
fn an_alertmanager_is_told_of_alerts_that_stand_for_ok_and_others_where_they_want_it() {
    for (target, told) in [
        ("alertmanager: 'http://127.0.0.1:1'", true),
        ("alertmanager: 'http://127.0.0.1:1', states: critical", false),
        ("webhook: 'http://127.0.0.1:1'", false),
        ("webhook: 'http://127.0.0.1:1', states: [ok, critical]", true),
    ] {
        let mut stage = stage(target, "labels: { severity: info }");
        for _ in 0..2 {
            let run = stage.run(State::Ok);
            stage.judged(&run, &[alert("db", State::Ok)]);
        }
        let expected: &[&str] = if told { &["t: db OK*"] } else { &[] };
        assert_eq!(stage.told(), expected, "{target}");
        let run = stage.run(State::Ok);
        stage.judged(&run, &[]);
        let expected: &[&str] = if told { &["t: db resolved*"] } else { &[] };
        assert_eq!(stage.told(), expected, "{target}");
    }
}

#[test]
fn no_more_alerts_are_followed_than_a_note_can_keep() {
    let mut stage = stage("alertmanager: 'http://127.0.0.1:1', resend: 366d", "on: samples");
    let long = "\u{1}".repeat(300);
    let alerts: Vec<ActiveAlert> = (0..4000).map(|n| alert(&format!("{long}{n}"), State::Critical)).collect();
    let run = stage.run(State::Critical);
    stage.judged(&run, &alerts);
    let followed = stage.notifier.report(stage.now).targets[0].owed;
    assert!((300..4000).contains(&followed), "{followed}");
    assert_eq!(stage.notifier.report(stage.now).not_followed, 4000 - followed);
    let mut told = 0;
    while !stage.under_way.is_empty() {
        told += stage.under_way[0].2.alerts.len() as u64;
        stage.end(&Taken::Delivered);
    }
    assert_eq!(told, followed);
    // All of them are in the note: after a restart none is told again, and those that had no room have it once these are over.
    stage.write();
    stage.restart(&[]);
    stage.judged(&run, &alerts[..followed as usize]);
    stage.pass(s(600));
    assert_eq!(stage.told(), [""; 0]);
    stage.judged(&run, &alerts[followed as usize..]);
    // Their names are longer by a digit or two.
    assert!(stage.notifier.report(stage.now).targets[0].owed.abs_diff(followed) <= 2);
    while !stage.under_way.is_empty() {
        stage.end(&Taken::Delivered);
    }
    stage.judged(&run, &alerts[followed as usize..]);
    assert!(stage.notifier.report(stage.now).targets[0].owed >= followed - 2);
}

#[test]
fn the_end_of_one_alert_says_whether_another_of_its_check_goes_on() {
    let text = "notify: { group_by: ['...'], group_wait: 0s, group_interval: 0s, targets: { t: { command: /bin/true } } }\n\
                checks: { rule: { query: 'check_state > 0', on: samples } }\n";
    let mut stage = Stage::new(text);
    let [a, b] = ["a", "b"].map(|check| {
        let labels = Labels::new([("alertname", "rule"), ("check", "rule"), ("element", check)]);
        ActiveAlert { labels, ..alert(check, State::Critical) }
    });
    let run = stage.run(State::Critical);
    stage.judged(&run, &[a, b.clone()]);
    while !stage.under_way.is_empty() {
        stage.end(&Taken::Delivered);
    }
    stage.judged(&run, &[b]);
    assert!(stage.under_way[0].2.alerts[0].others_go_on);
    assert_eq!(stage.told(), ["t: rule resolved*"]);
    let run = stage.run(State::Ok);
    stage.judged(&run, &[]);
    assert!(!stage.under_way[0].2.alerts[0].others_go_on);
}

#[test]
fn an_alert_whose_severity_changes_is_over_by_its_old_labels_only() {
    let mut stage = stage("webhook: 'http://127.0.0.1:1'", "on: samples");
    stage.ran("db", State::Warning);
    stage.told();
    stage.ran("db", State::Critical);
    let relabelled: Vec<bool> = stage.under_way[0].2.alerts.iter().map(|alert| alert.relabelled).collect();
    assert_eq!(relabelled, [true, false]);
    stage.told();
    stage.ran("db", State::Ok);
    let alerts = &stage.under_way[0].2.alerts;
    assert!(alerts.len() == 1 && !alerts[0].relabelled, "{alerts:?}");
}
