//! From answers to runs: values, rows, and what is missing.

use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::usm::ReportKind;
use custos_compat::snmp::{Oid, VarBind, Version};
use custos_store::{self as store, Metric, Run};

use super::*;
use crate::config::{Condition, Secret, SnmpAccess, SnmpProfile, TablePoll, Wanted};
use crate::snmp::collector::series;
use crate::snmp::{Column, Flaw};

fn oid(name: &str) -> Oid {
    Names::builtin().resolve(name).unwrap()
}

fn variable(name: &str) -> Variable {
    Variable { label: name.trim_end_matches(".0").to_owned(), oid: oid(name) }
}

fn poll(wanted: SnmpWanted) -> SnmpPoll {
    let access = SnmpAccess::Community { version: Version::V2c, community: Secret::inline("public") };
    let timeout = Duration::from_secs(1);
    let profile = SnmpProfile {
        name: "core".into(),
        access,
        port: 161,
        timeout,
        retries: 1,
        max_repetitions: 25,
        answers_from_any: false,
        answers_any_community: false,
    };
    SnmpPoll { target: "router".into(), port: 161, profile: Arc::new(profile), wanted }
}

fn read_outcome(wanted: SnmpWanted, outcome: &Outcome, timeout_state: State) -> Observation {
    read(&poll(wanted), Names::builtin(), outcome, timeout_state, &mut RowNames::default())
}

fn read_found(wanted: SnmpWanted, found: Found) -> (String, Run) {
    let answer = Answer { found, ..Answer::default() };
    let Observation { run, printed, .. } = read_outcome(wanted, &Ok(answer), State::Unknown);
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

fn table_of(columns: &[&str], conditions: Vec<Condition>) -> TablePoll {
    TablePoll {
        index: vec![variable("ifName")],
        number_label: None,
        columns: columns.iter().map(|name| variable(name)).collect(),
        conditions,
        empty_ok: false,
    }
}

fn table(columns: &[&str], conditions: Vec<Condition>) -> SnmpWanted {
    SnmpWanted::Table(table_of(columns, conditions))
}

fn named(glob: &str) -> Condition {
    let glob = globset::Glob::new(glob).unwrap().compile_matcher();
    Condition { variable: variable("ifName"), any_of: vec![Wanted::Text(glob)] }
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
fn a_value_of_the_wrong_type_is_not_read_and_leaves_nothing_ok() {
    for (wrong, word) in [(text("soon"), "OCTET STRING"), (Value::Opaque(vec![0x9f, 1, 0x78]), "Opaque")] {
        let wanted = ["sysUpTime.0", "sysName.0"].map(variable).to_vec();
        let (_, run) =
            read_found(SnmpWanted::Get(wanted), Found::Values(vec![Ok(wrong.clone()), Ok(text("r1"))]));
        let remark = format!("sysUpTime is {word}, expected TimeTicks");
        assert_eq!((run.state, metrics(&run)), (State::Unknown, vec![("sysUpTime".to_owned(), None)]));
        assert_eq!(run.text, format!("SNMP UNKNOWN - sysName r1; {remark}"));
        assert_eq!(run.judgement, format!("not read: {remark}"));

        let columns = vec![column("ifName", &[(1, text("eth0"))]), column("ifInErrors", &[(1, wrong)])];
        let (_, run) = read_found(table(&["ifInErrors"], Vec::new()), Found::Columns(columns));
        assert_eq!(run.state, State::Unknown);
        assert_eq!(run.judgement, format!("not read: ifInErrors eth0 is {word}, expected a counter"));
    }
    // A number of another kind is read as what it is.
    let (_, run) =
        read_found(SnmpWanted::Get(vec![variable("ifNumber.0")]), Found::Values(vec![Ok(Value::Gauge32(3))]));
    assert_eq!((run.state, run.judgement.as_str()), (State::Ok, ""));
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
    assert_eq!(
        (run.state, run.text.as_str()),
        (State::Unknown, "SNMP UNKNOWN - 0 rows; the table has no row")
    );
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
    assert_eq!(labels, [" eth0", " eth0 2", " 7"]);
}

#[test]
fn a_row_keeps_its_series_while_a_twin_comes_and_goes() {
    for (first, twin) in [(1, 6), (6, 1)] {
        let mut rows = RowNames::default();
        let mut labels = |present: &[u32]| {
            let cells = |value: &dyn Fn(u32) -> Value| {
                present.iter().map(|row| (*row, value(*row))).collect::<Vec<_>>()
            };
            let found = Found::Columns(vec![
                column("ifName", &cells(&|_| text("port1"))),
                column("ifMtu", &cells(&|row| Value::Integer(i64::from(row)))),
            ]);
            let outcome = Ok(Answer { found, ..Answer::default() });
            let wanted = poll(table(&["ifMtu"], Vec::new()));
            let run = read(&wanted, Names::builtin(), &outcome, State::Unknown, &mut rows).run;
            let one = |metric: &Metric| (metric.value.unwrap().to_f64() as u32, series("", &metric.labels));
            run.metrics.iter().map(one).collect::<std::collections::BTreeMap<_, _>>()
        };
        let (alone, numbered) = (" port1".to_owned(), format!(" port1 {twin}"));
        assert_eq!(labels(&[first]), [(first, alone.clone())].into());
        for _ in 0..2 {
            assert_eq!(labels(&[1, 6]), [(first, alone.clone()), (twin, numbered.clone())].into());
            assert_eq!(labels(&[first]), [(first, alone.clone())].into());
            assert_eq!(labels(&[twin]), [(twin, numbered.clone())].into());
        }
    }
}

#[test]
fn rows_may_be_told_by_name_and_number_or_by_number_alone() {
    let found = || {
        Found::Columns(vec![
            column("ifName", &[(1, text("eth0")), (2, text("eth0"))]),
            column("ifMtu", &[(1, Value::Integer(1)), (2, Value::Integer(2))]),
        ])
    };
    let labels = |run: Run| run.metrics.into_iter().map(|metric| metric.labels).collect::<Vec<_>>();
    let by = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let both = TablePoll { number_label: Some("index".to_owned()), ..table_of(&["ifMtu"], Vec::new()) };
    let (_, run) = read_found(SnmpWanted::Table(both.clone()), found());
    let name = || by("ifName", "eth0");
    assert_eq!(labels(run), [[name(), by("index", "1")], [name(), by("index", "2")]]);
    let number = TablePoll { index: Vec::new(), number_label: Some("row".to_owned()), ..both };
    let Found::Columns(mut columns) = found() else { panic!("not columns") };
    let (_, run) = read_found(SnmpWanted::Table(number), Found::Columns(vec![columns.remove(1)]));
    assert_eq!(labels(run), [[by("row", "1")], [by("row", "2")]]);
}

#[test]
fn texts_are_compared_as_they_are_shown() {
    let names = [(1, text("port1\0")), (2, text("port2 \0\0\0")), (3, text("port3")), (4, text("port10\0"))];
    let mtus: Vec<(u32, Value)> = (1..=4).map(|row| (row, Value::Integer(i64::from(row)))).collect();
    for (glob, rows) in [("port1", vec![1]), ("port2", vec![2]), ("port?", vec![1, 2, 3]), ("*0", vec![4])] {
        let name = || column("ifName", &names);
        let found = Found::Columns(vec![name(), column("ifMtu", &mtus)]);
        let (_, run) = read_found(table(&["ifMtu"], vec![named(glob)]), found);
        let values: Vec<i64> =
            run.metrics.iter().map(|metric| metric.value.unwrap().to_f64() as i64).collect();
        assert_eq!((values, run.state), (rows, State::Ok), "{glob}");
    }
    let values = |value: Value| [(1, value)];
    for (value, wanted) in [
        (text("7\0"), Wanted::Number(7)),
        (Value::IpAddress([192, 0, 2, 1].into()), named("192.0.2.*").any_of.remove(0)),
        (Value::ObjectId(oid("linkDown")), named("linkDown").any_of.remove(0)),
        (Value::ObjectId(oid("linkDown")), named("1.3.6.1.6.3.1.1.5.3").any_of.remove(0)),
    ] {
        let condition = Condition { variable: variable("ifName"), any_of: vec![wanted] };
        let found = Found::Columns(vec![
            column("ifName", &values(value.clone())),
            column("ifMtu", &values(Value::Integer(1))),
        ]);
        let (_, run) = read_found(table(&["ifMtu"], vec![condition]), found);
        assert_eq!(run.metrics.len(), 1, "{value:?}");
    }
}

#[test]
fn a_table_without_a_row_is_unknown_unless_none_is_normal() {
    let lo = || {
        Found::Columns(vec![column("ifName", &[(1, text("lo"))]), column("ifMtu", &[(1, Value::Integer(1))])])
    };
    let nothing = || Found::Columns(vec![Column::default(), Column::default()]);
    for (found, conditions, why) in [
        (lo(), vec![named("port99")], "SNMP UNKNOWN - 0 rows; no row is as `where` asks"),
        (nothing(), vec![named("port99")], "SNMP UNKNOWN - 0 rows; no row is as `where` asks"),
        (nothing(), Vec::new(), "SNMP UNKNOWN - 0 rows; the table has no row"),
    ] {
        let wanted = table_of(&["ifMtu"], conditions);
        let (_, run) = read_found(SnmpWanted::Table(wanted.clone()), found.clone());
        assert_eq!((run.state, run.text.as_str()), (State::Unknown, why));
        assert!(run.judgement.starts_with("not read: "), "{}", run.judgement);
        let (_, run) = read_found(SnmpWanted::Table(TablePoll { empty_ok: true, ..wanted }), found);
        assert_eq!((run.state, run.text.as_str(), &*run.judgement), (State::Ok, "SNMP OK - 0 rows", ""));
    }
}

#[test]
fn a_walk_that_was_cut_is_unknown_and_keeps_what_came() {
    let mtu =
        |cut| Column { cut, ..column("ifMtu", &[(1, Value::Integer(1500)), (2, Value::Integer(9000))]) };
    let name = |cut| Column { cut, ..column("ifName", &[(1, text("eth0"))]) };
    let circles = Some(Absence::NotIncreasing);
    // A cut column of values, of names, of conditions; rows whose names were not read are left out.
    for (columns, conditions, metrics) in [
        (vec![column("ifName", &[(1, text("eth0")), (2, text("eth1"))]), mtu(circles)], Vec::new(), 2),
        (vec![name(circles), mtu(None)], Vec::new(), 1),
        (vec![name(circles), mtu(None)], vec![named("eth*")], 1),
    ] {
        let (_, run) = read_found(table(&["ifMtu"], conditions), Found::Columns(columns));
        assert_eq!((run.state, run.metrics.len()), (State::Unknown, metrics), "{}", run.text);
        assert!(run.text.contains(": the device answers in circles"), "{}", run.text);
    }
    // What is merely absent is told beside the rest.
    let (_, run) = read_found(table(&["ifMtu"], Vec::new()), Found::Columns(vec![name(None), mtu(None)]));
    assert_eq!((run.state, run.metrics.len()), (State::Ok, 2));
}

#[test]
fn what_cannot_be_read_makes_a_check_unknown() {
    let fault = custos_compat::snmp::Fault::Size { tag: 2, len: 0 };
    let wanted = || SnmpWanted::Get(["sysUpTime.0", "ifNumber.0"].map(variable).to_vec());
    for (absence, state, text) in [
        (
            Absence::NotAnswered,
            State::Unknown,
            "SNMP UNKNOWN - sysUpTime 1m; ifNumber: missing from the answer",
        ),
        (
            Absence::Unreadable(fault),
            State::Unknown,
            "SNMP UNKNOWN - sysUpTime 1m; ifNumber: cannot be read: INTEGER of no bytes",
        ),
        (
            Absence::Status(custos_compat::snmp::ErrorStatus::GEN_ERR),
            State::Unknown,
            "SNMP UNKNOWN - sysUpTime 1m; ifNumber: genErr",
        ),
        (Absence::NoSuchObject, State::Ok, "SNMP OK - sysUpTime 1m; 1 missing"),
        (Absence::NoSuchInstance, State::Ok, "SNMP OK - sysUpTime 1m; 1 missing"),
    ] {
        let found = Found::Values(vec![Ok(Value::TimeTicks(6000)), Err(absence)]);
        let (_, run) = read_found(wanted(), found);
        assert_eq!((run.state, run.text.as_str()), (state, text));
    }
    for place in 0..2 {
        let mut columns = vec![
            column("ifName", &[(1, text("eth0")), (2, text("eth1"))]),
            column("ifMtu", &[(1, Value::Integer(1)), (2, Value::Integer(2))]),
        ];
        columns[place].varbinds[1].value = Value::Unreadable(fault);
        let (_, run) = read_found(table(&["ifMtu"], vec![named("eth*")]), Found::Columns(columns));
        assert_eq!(run.state, State::Unknown, "{}", run.text);
        assert!(run.text.ends_with(": cannot be read: INTEGER of no bytes"), "{}", run.text);
    }
}

#[test]
fn a_new_start_of_the_device_is_marked() {
    let found = Found::Values(vec![Ok(Value::TimeTicks(100))]);
    let answer = Answer { found, restarted: true, ..Answer::default() };
    let wanted = SnmpWanted::Get(vec![variable("sysUpTime.0")]);
    let run = read_outcome(wanted, &Ok(answer), State::Unknown).run;
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
        (Failure::Unusable { attempts: 2, flaw: Flaw::OtherCommunity }, Reason::Exited, State::Unknown),
        (Failure::Unresolved("no such name".into()), Reason::NotStarted, State::Unknown),
        (Failure::Stopped, Reason::NotFinished, State::Unknown),
    ] {
        let run = read_outcome(wanted(), &Err(failure.clone()), State::Critical).run;
        assert_eq!((run.reason, run.state, run.plugin_state), (reason, state, state), "{failure:?}");
        assert_eq!(run.text, format!("SNMP {} - {failure}", state.name()));
        assert!(run.metrics.is_empty());
    }
}
