//! Columns of a table joined to rows by what follows the column in each name.

use std::collections::{BTreeMap, HashMap};

use custos_compat::snmp::{Oid, Value, VarBind};

use super::collector::Collector;
use super::condition::fulfils;
use super::plan::Plan;
use super::question::{Absence, Column};
use super::row_names::{Row, RowNames};
use crate::config::TablePoll;

/// What tells a row from others on the wire.
type Index<'a> = &'a [u32];
/// The label that tells rows apart whose names do not, and the one if a column has that.
const NUMBER_LABELS: [&str; 2] = ["index", "row_index"];

/// The values of each column of an answer, by row.
struct Cells<'a> {
    columns: &'a [Column],
    by_index: Vec<HashMap<Index<'a>, &'a Value>>,
}

impl<'a> Cells<'a> {
    fn of(plan: &Plan, columns: &'a [Column]) -> Cells<'a> {
        let by_index = columns.iter().enumerate().map(|(place, column)| {
            column.varbinds.iter().filter_map(|varbind| index_and_value(plan.oid(place), varbind)).collect()
        });
        Cells { columns, by_index: by_index.collect() }
    }

    /// The value in a row, or why there is none.
    fn get(&self, place: usize, index: Index<'_>) -> Result<&'a Value, Absence> {
        match self.by_index[place].get(index) {
            Some(Value::Unreadable(fault)) => Err(Absence::Unreadable(*fault)),
            Some(value) => Ok(value),
            None => Err(self.columns[place].cut.unwrap_or(Absence::NoSuchInstance)),
        }
    }
}

fn index_and_value<'a>(root: &Oid, varbind: &'a VarBind) -> Option<(Index<'a>, &'a Value)> {
    Some((varbind.oid.strip_prefix(root)?, &varbind.value))
}

/// Reads a table into metrics, each with the labels of its row.
pub(super) fn read(
    table: &TablePoll,
    plan: &Plan,
    columns: &[Column],
    row_names: &mut RowNames,
    collector: &mut Collector<'_>,
) {
    let cells = Cells::of(plan, columns);
    let rows = choose(table, plan, &cells, collector);
    let rows = label(rows, table, plan, &cells, row_names, collector);
    collector.readings.rows = Some(rows.len());
    if rows.is_empty() && !table.empty_ok && collector.readings.unread.is_empty() {
        let none =
            if table.conditions.is_empty() { "the table has no row" } else { "no row is as `where` asks" };
        collector.readings.unread.push(none.to_owned());
    }
    let first = table.index.len();
    for (number, variable) in table.columns.iter().enumerate() {
        let (place, twin) = plan.place(first + number);
        for (index, labels) in &rows {
            let twin = twin.map(|twin| (twin, cells.get(twin, index))).filter(|(_, value)| value.is_ok());
            let (place, value) = twin.unwrap_or_else(|| (place, cells.get(place, index)));
            let oid = plan.oid(place).join(index).unwrap_or_default();
            // What is cut off is told once, with the column.
            let is_cut = columns[place].cut.is_some() && !cells.by_index[place].contains_key(index);
            let value = if is_cut { Err(None) } else { value.map_err(Some) };
            collector.take(&variable.label, labels, &oid, &value);
        }
    }
}

/// The rows that count. Columns that could not be read to their end are told.
fn choose<'a>(
    table: &TablePoll,
    plan: &Plan,
    cells: &Cells<'a>,
    collector: &mut Collector<'_>,
) -> Vec<Index<'a>> {
    let first = table.index.len();
    let conditions = first + table.columns.len();
    let mut rows: BTreeMap<Index<'_>, ()> = BTreeMap::new();
    for wish in first..conditions {
        let (place, twin) = plan.place(wish);
        for place in std::iter::once(place).chain(twin) {
            rows.extend(cells.by_index[place].keys().map(|index| (*index, ())));
        }
    }
    for (place, column) in cells.columns.iter().enumerate() {
        if let Some(cut) = column.cut {
            let name = collector.names.name(plan.oid(place));
            collector.readings.unread.push(format!("{name}: {cut}"));
        }
    }
    let unread = &mut collector.readings.unread;
    let names = collector.names;
    rows.retain(|index, ()| {
        table.conditions.iter().enumerate().all(|(number, condition)| {
            let (place, _) = plan.place(conditions + number);
            match cells.get(place, index) {
                Ok(value) => fulfils(condition, plan.oid(place), value, names),
                Err(absence @ Absence::Unreadable(_)) => {
                    unread.push(format!("{} {}: {absence}", condition.variable.label, numbers(index)));
                    false
                }
                Err(_) => false,
            }
        })
    });
    rows.into_keys().collect()
}

/// Gives each row its labels. A row whose name was not read is left out: under another name it would be another row.
fn label<'a>(
    rows: Vec<Index<'a>>,
    table: &TablePoll,
    plan: &Plan,
    cells: &Cells<'a>,
    row_names: &mut RowNames,
    collector: &mut Collector<'_>,
) -> Vec<Row<'a>> {
    let mut labelled: Vec<Row<'a>> = Vec::with_capacity(rows.len());
    'rows: for index in rows {
        let mut labels = Vec::with_capacity(table.index.len() + 1);
        for (wish, variable) in table.index.iter().enumerate() {
            let (place, _) = plan.place(wish);
            let text = match cells.get(place, index) {
                Ok(value) => collector.names.show(plan.oid(place), value),
                Err(absence) if absence.is_failure() => {
                    if matches!(absence, Absence::Unreadable(_)) {
                        let what = format!("{} {}: {absence}", variable.label, numbers(index));
                        collector.readings.unread.push(what);
                    }
                    continue 'rows;
                }
                Err(_) => String::new(),
            };
            let text = if text.is_empty() { numbers(index) } else { text };
            labels.push((variable.label.clone(), text));
        }
        labels.extend(table.number_label.iter().map(|label| (label.clone(), numbers(index))));
        labels.sort();
        labelled.push((index, labels));
    }
    if table.number_label.is_none() {
        let numbered = row_names.numbered(&labelled);
        let is_taken = table.index.iter().any(|variable| variable.label == NUMBER_LABELS[0]);
        let label = NUMBER_LABELS[usize::from(is_taken)];
        for ((index, labels), _) in labelled.iter_mut().zip(numbered).filter(|(_, numbered)| *numbered) {
            labels.push((label.to_owned(), numbers(index)));
            labels.sort();
        }
    }
    labelled
}

fn numbers(index: Index<'_>) -> String {
    index.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}
