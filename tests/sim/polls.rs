//! Scenes of polls: they take no slots of plugins, and are otherwise checks like any other.

use std::sync::Arc;
use std::time::Duration;

use custos::agent::Wanted;
use custos::config::{Check, Command, SnmpPoll, SnmpWanted, Variable};
use custos::snmp::{Absence, Answer, Failure, Found};
use custos_compat::snmp::Value;
use custos_store::{Provenance, Reason, Run, State};

use crate::definitions::{config, poll};
use crate::scenes::{check, many};
use crate::stage::{SECOND_US, Stage};

/// A check that asks a device of its name.
fn polled(name: &str) -> Check {
    Check { command: Command::Snmp(poll(name)), ..check(name, 10) }
}

/// The same for a variable of another name and identifier.
fn polled_for(name: &str, label: &str, oid: &str) -> Check {
    let wanted = SnmpWanted::Get(vec![Variable { label: label.to_owned(), oid: oid.parse().unwrap() }]);
    Check { command: Command::Snmp(Arc::new(SnmpPoll { wanted, ..(*poll(name)).clone() })), ..polled(name) }
}

fn answer(value: Value) -> Answer {
    Answer { found: Found::Values(vec![Ok(value)]), ..Answer::default() }
}

fn last<'s>(stage: &'s Stage, name: &str) -> &'s Run {
    &stage.runs.iter().rfind(|(of, run)| of == name && run.reason != Reason::Missed).unwrap().1
}

#[test]
fn polls_take_no_slots_and_hung_plugins_hold_up_none() {
    let polls = (0..50).map(|number| polled(&format!("poll{number}")));
    let takes_us = |name: &str| if name.starts_with("hung") { 60 * SECOND_US } else { SECOND_US / 2 };
    let mut stage = Stage::new(config(many("hung", 8, 60).chain(polls), 4), takes_us);
    stage.device = Ok(answer(Value::Gauge32(7)));
    stage.live(600);
    assert_eq!(stage.missed("poll"), 0);
    assert!(stage.latest_us("poll") < SECOND_US, "{} us", stage.latest_us("poll"));
    assert!(stage.missed("hung") > 0);
}

#[test]
fn an_answer_becomes_a_run_that_is_shared_and_printed_on_demand() {
    let mut stage = Stage::new(config([polled("router")], 4), |_| 3 * SECOND_US);
    stage.device = Ok(answer(Value::Gauge32(7)));
    stage.ask(1, Wanted::Check("router".to_owned()));
    stage.ask(2, Wanted::Served("router".to_owned()));
    assert_eq!((stage.starts.len(), stage.agent.running()), (1, 1));
    stage.live(4);
    assert_eq!(stage.answers, [(1, Ok(0)), (2, Ok(0))]);
    assert_eq!(stage.outputs[&1], "SNMP OK - value 7 | 'value'=7\n");
    let run = last(&stage, "router");
    assert_eq!((run.duration_us, run.provenance), (3 * SECOND_US, Provenance::Asked));
    assert_eq!((run.cpu_us, run.max_rss_bytes), (None, None));
}

#[test]
fn silence_is_a_timeout_with_the_state_of_the_check_and_an_empty_answer_is_unknown() {
    let router = Check { timeout_state: State::Critical, ..polled("router") };
    let mut stage = Stage::new(config([router], 4), |_| 1000);
    stage.device = Err(Failure::NoAnswer { attempts: 2 });
    stage.live(12);
    let run = last(&stage, "router");
    assert_eq!((run.state, run.reason), (State::Critical, Reason::Timeout));
    stage.device = Ok(Answer { found: Found::Values(vec![Err(Absence::NoSuchObject)]), ..Answer::default() });
    stage.live(10);
    let run = last(&stage, "router");
    assert_eq!((run.state, run.reason, run.exit_code), (State::Unknown, Reason::Exited, Some(3)));
}

#[test]
fn an_answer_is_read_by_what_was_asked() {
    let mut stage = Stage::new(config([polled("router")], 4), |_| 3 * SECOND_US);
    stage.device = Ok(answer(Value::Gauge32(7)));
    stage.ask(1, Wanted::Check("router".to_owned()));
    stage.reload([polled_for("router", "other", "1.3.6.1.4.1.1.2")], 4);
    stage.ask(2, Wanted::Check("router".to_owned()));
    stage.live(4);
    assert_eq!(last(&stage, "router").metrics[0].label, "value");
    stage.live(3);
    assert_eq!(last(&stage, "router").metrics[0].label, "other");
    assert_eq!(stage.answers, [(1, Ok(0)), (2, Ok(0))]);
    // A check that asks nobody any more is not unknown for that.
    stage.ask(3, Wanted::Check("router".to_owned()));
    stage.reload([check("router", 10)], 4);
    stage.live(4);
    let run = last(&stage, "router");
    assert_eq!((run.state, run.metrics[0].label.as_str()), (State::Ok, "other"));
}

#[test]
fn polls_under_way_at_the_end_are_not_finished() {
    let slow = Check { timeout: Duration::from_secs(8), ..polled("router") };
    let mut stage = Stage::new(config([slow], 4), |_| 7 * SECOND_US);
    stage.ask(1, Wanted::Check("router".to_owned()));
    stage.live(2);
    let mut effects = Vec::new();
    stage.agent.abandon(stage.now, &mut effects);
    stage.perform(effects);
    let run = last(&stage, "router");
    assert_eq!((run.reason, run.duration_us), (Reason::NotFinished, 2 * SECOND_US));
    assert_eq!(stage.answers.len(), 1);
}
