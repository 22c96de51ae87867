//! Every value is what `snmpget` and `snmpbulkwalk` print for it.

use std::collections::BTreeMap;

use custos::snmp::{Absence, Found, Question};
use custos_compat::snmp::{Oid, Value, Version};

use crate::snmpd::{Snmpd, ask, community, oid, printed};

/// Variables of every type that snmpd has.
const VARIABLES: [&str; 13] = [
    "1.3.6.1.2.1.1.1.0",
    "1.3.6.1.2.1.1.2.0",
    "1.3.6.1.2.1.1.3.0",
    "1.3.6.1.2.1.1.6.0",
    "1.3.6.1.2.1.2.1.0",
    "1.3.6.1.2.1.2.2.1.2.1",
    "1.3.6.1.2.1.2.2.1.6.1",
    "1.3.6.1.2.1.2.2.1.8.1",
    "1.3.6.1.2.1.2.2.1.10.1",
    "1.3.6.1.2.1.31.1.1.1.6.1",
    "1.3.6.1.2.1.4.20.1.1.127.0.0.1",
    "1.3.6.1.4.1.2021.10.1.3.1",
    "1.3.6.1.4.1.2021.10.1.6.1",
];

/// Compares values with what was printed before and after them: a number may lie between.
fn compare(found: &BTreeMap<Oid, Value>, before: &BTreeMap<Oid, String>, after: &BTreeMap<Oid, String>) {
    let mut exact = 0;
    for (oid, value) in found {
        let (Some(before), Some(after)) = (before.get(oid), after.get(oid)) else { continue };
        let own = printed(value);
        if before == after {
            assert_eq!(&own, before, "{oid}");
            exact += 1;
            continue;
        }
        let number = |text: &str| text.parse::<f64>().ok();
        if let (Some(low), Some(own), Some(high)) = (number(before), number(&own), number(after)) {
            // Averages go either way.
            assert!(
                low.min(high) - 1e3 <= own && own <= low.max(high) + 1e3,
                "{oid}: {before} {own} {after}"
            );
        }
    }
    assert!(exact * 10 >= found.len() * 7, "only {exact} of {} could be compared", found.len());
}

#[tokio::test]
async fn values_by_name_are_those_of_snmpget() {
    let snmpd = Snmpd::start("");
    for version in [Version::V1, Version::V2c] {
        // Version 1 has no 64-bit counters, nor can snmpget go on without one variable.
        let names: Vec<&str> = VARIABLES
            .into_iter()
            .filter(|name| version > Version::V1 || !name.contains(".31.1.1.1.6"))
            .collect();
        let access = if version == Version::V1 { ["-v1", "-cpublic"] } else { ["-v2c", "-cpublic"] };
        let before = snmpd.tool("snmpget", &access, &names);
        let oids: Vec<Oid> = names.iter().map(|name| oid(name)).collect();
        let answer = ask(&snmpd.device(community(version)), Question::Get(oids.clone())).await.unwrap();
        let after = snmpd.tool("snmpget", &access, &names);
        let Found::Values(values) = answer.found else { panic!("not values") };
        let found: BTreeMap<Oid, Value> =
            oids.into_iter().zip(values.into_iter().map(Result::unwrap)).collect();
        assert_eq!(before.len(), names.len());
        compare(&found, &before, &after);
        assert!(answer.uptime.is_some());
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_and_the_rest_is_kept() {
    let snmpd = Snmpd::start("");
    let asked =
        ["1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.6.7", "1.3.6.1.4.1.99999.1.0", "1.3.6.1.2.1.2.1.0"].map(oid);
    for version in [Version::V1, Version::V2c] {
        let answer = ask(&snmpd.device(community(version)), Question::Get(asked.to_vec())).await.unwrap();
        let Found::Values(values) = answer.found else { panic!("not values") };
        assert_eq!(values[0], Ok(Value::OctetString(b"Here, there".to_vec())));
        let absent = if version == Version::V1 { Absence::NoSuchObject } else { Absence::NoSuchInstance };
        assert_eq!(values[1..3], [Err(absent), Err(Absence::NoSuchObject)]);
        assert!(matches!(values[3], Ok(Value::Integer(1..))));
    }
}

#[tokio::test]
async fn walks_are_those_of_snmpbulkwalk() {
    let snmpd = Snmpd::start("");
    for root in ["1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.31", "1.3.6.1.4.1.2021"] {
        for version in [Version::V1, Version::V2c] {
            let access = ["-v2c", "-cpublic"];
            let before = snmpd.tool("snmpbulkwalk", &access, &[root]);
            let question = Question::Walk { roots: vec![oid(root)], rows_max: 10_000 };
            let answer = ask(&snmpd.device(community(version)), question).await.unwrap();
            let after = snmpd.tool("snmpbulkwalk", &access, &[root]);
            let Found::Columns(mut columns) = answer.found else { panic!("not columns") };
            let column = columns.remove(0);
            assert_eq!(column.cut, None);
            let oids: Vec<&Oid> = column.varbinds.iter().map(|varbind| &varbind.oid).collect();
            assert!(oids.is_sorted());
            let found: BTreeMap<Oid, Value> =
                column.varbinds.iter().map(|varbind| (varbind.oid.clone(), varbind.value.clone())).collect();
            if version == Version::V2c {
                assert!(found.keys().eq(before.keys()), "{root}");
            }
            compare(&found, &before, &after);
        }
    }
}

#[tokio::test]
async fn a_table_is_read_by_columns_side_by_side() {
    let snmpd = Snmpd::start("");
    let roots: Vec<Oid> = (1..=22).map(|column| oid(&format!("1.3.6.1.2.1.2.2.1.{column}"))).collect();
    let question = Question::Walk { roots, rows_max: 1000 };
    let answer = ask(&snmpd.device(community(Version::V2c)), question).await.unwrap();
    let printed = snmpd.tool("snmpbulkwalk", &["-v2c", "-cpublic"], &["1.3.6.1.2.1.2.2"]);
    let Found::Columns(columns) = answer.found else { panic!("not columns") };
    let found: usize = columns.iter().map(|column| column.varbinds.len()).sum();
    assert_eq!(found, printed.len());
    assert!(answer.requests <= 4, "{} requests", answer.requests);
}
