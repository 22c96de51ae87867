//! Columns of a table joined to rows by what follows the column in each name.

use std::collections::{BTreeMap, HashMap};

use custos_compat::snmp::{Oid, Value, VarBind};

use super::plan::Plan;
use super::question::{Absence, Column};
use super::reading::Collector;
use crate::config::{TablePoll, Wanted};
use crate::mib::Names;

/// What tells a row from others on the wire.
type Index<'a> = &'a [u32];

/// Reads a table into metrics, each with the labels of its row.
pub(super) fn read(table: &TablePoll, plan: &Plan, columns: &[Column], collector: &mut Collector<'_>) {
    let cells: Vec<HashMap<Index<'_>, &Value>> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            column.varbinds.iter().filter_map(|varbind| index_and_value(plan.oid(place), varbind)).collect()
        })
        .collect();
    let first = table.index.len();
    let conditions = first + table.columns.len();
    let mut rows: BTreeMap<Index<'_>, Vec<(String, String)>> = BTreeMap::new();
    for wish in first..conditions {
        let (place, twin) = plan.place(wish);
        for place in std::iter::once(place).chain(twin) {
            rows.extend(cells[place].keys().map(|index| (*index, Vec::new())));
        }
    }
    rows.retain(|index, _| {
        table.conditions.iter().enumerate().all(|(number, condition)| {
            let (place, _) = plan.place(conditions + number);
            let value = cells[place].get(index);
            value.is_some_and(|value| condition.any_of.iter().any(|wanted| fulfils(value, wanted)))
        })
    });
    label(&mut rows, table, plan, &cells, collector.names);
    let readings = &mut collector.readings;
    readings.rows = Some(rows.len());
    if rows.is_empty() && table.conditions.is_empty() {
        readings.missing.push("every row".to_owned());
    }
    for (number, variable) in table.columns.iter().enumerate() {
        let (place, twin) = plan.place(first + number);
        for (index, labels) in &rows {
            let found = |place: usize| cells[place].get(index).map(|value| (place, *value));
            let value = twin.and_then(found).or_else(|| found(place));
            let (place, value) = match value {
                Some((place, value)) => (place, Ok(value)),
                None => (place, Err(columns[place].cut.unwrap_or(Absence::NoSuchInstance))),
            };
            let oid = plan.oid(place).join(index).unwrap_or_default();
            collector.take(&variable.label, labels, &oid, &value);
        }
        if let Some(cut) = columns[place].cut {
            collector.readings.missing.push(format!("{}: {cut}", variable.label));
        }
    }
}

fn index_and_value<'a>(root: &Oid, varbind: &'a VarBind) -> Option<(Index<'a>, &'a Value)> {
    Some((varbind.oid.strip_prefix(root)?, &varbind.value))
}

/// Gives each row its labels. Rows that would have the same get the numbers of their index as well.
fn label(
    rows: &mut BTreeMap<Index<'_>, Vec<(String, String)>>,
    table: &TablePoll,
    plan: &Plan,
    cells: &[HashMap<Index<'_>, &Value>],
    names: &Names,
) {
    let numbers = |index: Index<'_>| index.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let mut seen: HashMap<Vec<(String, String)>, usize> = HashMap::new();
    for (index, labels) in rows.iter_mut() {
        for (wish, variable) in table.index.iter().enumerate() {
            let (place, _) = plan.place(wish);
            let text = cells[place].get(index).map(|value| names.show(plan.oid(place), value));
            let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| numbers(index));
            labels.push((variable.label.clone(), text));
        }
        labels.sort();
        *seen.entry(labels.clone()).or_default() += 1;
    }
    for (index, labels) in rows.iter_mut() {
        if seen.get(labels).is_some_and(|count| *count > 1) {
            labels.push(("index".to_owned(), numbers(index)));
            labels.sort();
        }
    }
}

fn fulfils(value: &Value, wanted: &Wanted) -> bool {
    match (wanted, value) {
        (Wanted::Number(number), Value::Integer(own)) => i64::from(*own) == *number,
        (Wanted::Number(number), Value::Counter32(own) | Value::Gauge32(own) | Value::TimeTicks(own)) => {
            i64::from(*own) == *number
        }
        (Wanted::Number(number), Value::Counter64(own)) => i64::try_from(*own) == Ok(*number),
        (Wanted::Number(number), Value::OctetString(text)) => {
            text.trim_ascii() == number.to_string().as_bytes()
        }
        (Wanted::Text(glob), Value::OctetString(text)) => {
            glob.is_match(String::from_utf8_lossy(text).as_ref())
        }
        (Wanted::Text(glob), Value::IpAddress(address)) => glob.is_match(address.to_string()),
        (Wanted::Text(glob), Value::ObjectId(oid)) => glob.is_match(oid.to_string()),
        _ => false,
    }
}
