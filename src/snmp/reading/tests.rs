//! From answers to runs: values, rows, and what is missing.

use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::usm::ReportKind;
use custos_compat::snmp::{Oid, VarBind, Version};
use custos_store::{self as store, Run};

use super::*;
use crate::config::{Condition, Secret, SnmpAccess, SnmpProfile, TablePoll, Wanted};
use crate::snmp::Column;

fn oid(name: &str) -> Oid {
    Names::builtin().resolve(name).unwrap()
}

fn variable(name: &str) -> Variable {
    Variable { label: name.trim_end_matches(".0").to_owned(), oid: oid(name) }
}

fn poll(wanted: SnmpWanted) -> SnmpPoll {
    let access = SnmpAccess::Community { version: Version::V2c, community: Secret::inline("public") };
    let timeout = Duration::from_secs(1);
    let profile =
        SnmpProfile { name: "core".into(), access, port: 161, timeout, retries: 1, max_repetitions: 25 };
    SnmpPoll { target: "router".into(), port: 161, profile: Arc::new(profile), wanted }
}

fn read_found(wanted: SnmpWanted, found: Found) -> (String, Run) {
    let answer = Answer { found, ..Answer::default() };
    let Observation { run, printed, .. } = read(&poll(wanted), Names::builtin(), &Ok(answer), State::Unknown);
    (String::from_utf8(printed.stdout(&run).into_owned()).unwrap(), run)
}

/// A column of a table as a device answers it.
fn column(name: &str, cells: &[(u32, Value)]) -> Column {
    let cell = |(index, value): &(u32, Value)| VarBind {
        oid: oid(name).join(&[*index]).unwrap(),
        value: value.clone(),
    };
    Column { varbinds: cells.iter().map(cell).collect(), cut: None }
}

fn text(text: &str) -> Value {
    Value::OctetString(text.into())
}

fn table(columns: &[&str], conditions: Vec<Condition>) -> SnmpWanted {
    let columns = columns.iter().map(|name| variable(name)).collect();
    SnmpWanted::Table(TablePoll { index: vec![variable("ifName")], columns, conditions })
}

fn metrics(run: &Run) -> Vec<(String, Option<store::Value>)> {
    run.metrics.iter().map(|metric| (series(&metric.label, &metric.labels), metric.value)).collect()
}

#[test]
fn each_value_is_a_metric_a_text_or_a_remark() {
    let wanted = ["sysUpTime.0", "sysName.0", "ifNumber.0"].map(variable).to_vec();
    let values = vec![Ok(Value::TimeTicks(6000)), Ok(text("a|b")), Err(Absence::NoSuchInstance)];
    let (output, run) = read_found(SnmpWanted::Get(wanted), Found::Values(values));
    assert_eq!(
        metrics(&run),
        [("sysUpTime".to_owned(), Some(store::Value::from(60.0))), ("ifNumber".to_owned(), None)]
    );
    assert_eq!(run.text, "SNMP OK - sysUpTime 1m, sysName a|b; 1 missing");
    assert_eq!(
        (run.long_text.as_str(), run.judgement.as_str()),
        ("sysName: a|b", "missing: ifNumber: noSuchInstance")
    );
    assert_eq!(
        output,
        "SNMP OK - sysUpTime 1m, sysName a/b; 1 missing | 'sysUpTime'=60s 'ifNumber'=U\nsysName: a/b\n"
    );
}

#[test]
fn a_device_without_any_of_it_is_unknown() {
    let (_, run) = read_found(
        SnmpWanted::Get(vec![variable("sysUpTime.0")]),
        Found::Values(vec![Err(Absence::NoSuchObject)]),
    );
    assert_eq!((run.state, run.exit_code), (State::Unknown, Some(3)));
    let found = Found::Columns(vec![Column::default(), Column::default()]);
    let (_, run) = read_found(table(&["ifMtu"], Vec::new()), found);
    assert_eq!((run.state, run.text.as_str()), (State::Unknown, "SNMP UNKNOWN - 0 rows; 1 missing"));
}

#[test]
fn the_long_twin_of_a_counter_is_taken_where_it_is() {
    let wanted = || SnmpWanted::Get(vec![Variable { label: "in".into(), oid: oid("ifInOctets.1") }]);
    let long = Ok(Value::Counter64(1 << 40));
    let (_, run) = read_found(wanted(), Found::Values(vec![Ok(Value::Counter32(7)), long]));
    assert_eq!(metrics(&run), [("in".to_owned(), Some(store::Value::from(1_i64 << 40)))]);
    let absent = Err(Absence::NoSuchObject);
    let (_, run) = read_found(wanted(), Found::Values(vec![Ok(Value::Counter32(7)), absent]));
    assert_eq!(metrics(&run), [("in".to_owned(), Some(store::Value::from(7_i64)))]);
}

#[test]
fn rows_are_joined_by_index_and_chosen_by_conditions() {
    let up = Condition { variable: variable("ifAdminStatus"), any_of: vec![Wanted::Number(1)] };
    let found = Found::Columns(vec![
        column("ifName", &[(1, text("lo")), (2, text("eth0")), (3, text("eth1"))]),
        column("ifMtu", &[(1, Value::Integer(65_536)), (2, Value::Integer(1500)), (3, Value::Integer(9000))]),
        column("ifOperStatus", &[(1, Value::Integer(1)), (3, Value::Integer(2))]),
        column("ifAdminStatus", &[(1, Value::Integer(2)), (2, Value::Integer(1)), (3, Value::Integer(1))]),
    ]);
    let (output, run) = read_found(table(&["ifMtu", "ifOperStatus"], vec![up]), found);
    assert_eq!(
        metrics(&run),
        [
            ("ifMtu eth0".to_owned(), Some(store::Value::from(1500_i64))),
            ("ifMtu eth1".to_owned(), Some(store::Value::from(9000_i64))),
            ("ifOperStatus eth0".to_owned(), None),
            ("ifOperStatus eth1".to_owned(), Some(store::Value::from(2_i64))),
        ]
    );
    assert_eq!(run.metrics[0].labels, [("ifName".to_owned(), "eth0".to_owned())]);
    assert_eq!(
        (run.text.as_str(), run.long_text.as_str()),
        ("SNMP OK - 2 rows; 1 missing", "ifOperStatus eth1: down(2)")
    );
    assert!(output.contains(" | 'ifMtu_eth0'=1500 'ifMtu_eth1'=9000 'ifOperStatus_eth0'=U "), "{output}");
}

#[test]
fn rows_of_one_name_are_told_apart_by_their_numbers() {
    let found = Found::Columns(vec![
        column("ifName", &[(1, text("eth0")), (2, text("eth0"))]),
        column("ifMtu", &[(1, Value::Integer(1)), (2, Value::Integer(2)), (7, Value::Integer(3))]),
    ]);
    let (_, run) = read_found(table(&["ifMtu"], Vec::new()), found);
    let labels: Vec<_> = run.metrics.iter().map(|metric| series("", &metric.labels)).collect();
    assert_eq!(labels, [" eth0 1", " eth0 2", " 7"]);
}

#[test]
fn a_cut_column_says_so_and_keeps_what_came() {
    let mut mtu = column("ifMtu", &[(1, Value::Integer(1500))]);
    mtu.cut = Some(Absence::NotIncreasing);
    let found = Found::Columns(vec![column("ifName", &[(1, text("eth0"))]), mtu]);
    let (_, run) = read_found(table(&["ifMtu"], Vec::new()), found);
    assert_eq!((run.state, run.metrics.len()), (State::Ok, 1));
    assert_eq!(run.judgement, "missing: ifMtu: the device answers in circles");
}

#[test]
fn a_new_start_of_the_device_is_marked() {
    let found = Found::Values(vec![Ok(Value::TimeTicks(100))]);
    let answer = Answer { found, restarted: true, ..Answer::default() };
    let wanted = SnmpWanted::Get(vec![variable("sysUpTime.0")]);
    let run = read(&poll(wanted), Names::builtin(), &Ok(answer), State::Unknown).run;
    assert!(run.text.ends_with("; the device was started anew"), "{}", run.text);
    assert_eq!(run.judgement, "the device was started anew: its counters begin at 0");
}

#[test]
fn failures_have_their_reasons() {
    let wanted = || SnmpWanted::Get(vec![variable("sysUpTime.0")]);
    for (failure, reason, state) in [
        (Failure::NoAnswer { attempts: 4 }, Reason::Timeout, State::Critical),
        (Failure::OutOfTime, Reason::Timeout, State::Critical),
        (Failure::Refused(ReportKind::WrongDigest), Reason::Exited, State::Unknown),
        (Failure::Unresolved("no such name".into()), Reason::NotStarted, State::Unknown),
        (Failure::Stopped, Reason::NotFinished, State::Unknown),
    ] {
        let run = read(&poll(wanted()), Names::builtin(), &Err(failure.clone()), State::Critical).run;
        assert_eq!((run.reason, run.state, run.plugin_state), (reason, state, state), "{failure:?}");
        assert_eq!(run.text, format!("SNMP {} - {failure}", state.name()));
        assert!(run.metrics.is_empty());
    }
}
