//! The `snmp` of a check: which device is asked for what.

use crate::config::keys::poll as keys;
use crate::config::model::snmp::{SnmpConfig, SnmpPoll, SnmpWanted, TablePoll, Variable};
use crate::config::read::snmp;
use crate::config::read::variable;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, one_or_more, printable, refuse, written};
use crate::document::place::Place;
use crate::document::scalar::Scalar;
use crate::document::yaml::{Content, Node};
use crate::limits::SNMP_VARIABLES_MAX;

/// The word of `index` for the numbers of a row.
const ROW_NUMBER: &str = "index";

/// Reads a poll.
pub(crate) fn read(node: &Node, owner: &str, snmp: &SnmpConfig, findings: &mut Findings) -> Option<SnmpPoll> {
    let owner = format!("`snmp` of {owner}");
    let fields = Fields::of(node, &owner, &keys::POLL, findings)?;
    let target = fields.need(&keys::TARGET, &node.place, &owner, "the name or address of a device", findings);
    let profile = fields.need(&keys::PROFILE, &node.place, &owner, "the name of a profile", findings);
    let target = target.and_then(|node| host(node, findings));
    let profile = profile.and_then(|node| snmp::find(node, &snmp.profiles, findings));
    let port = fields.read(&keys::PORT, findings);
    let wanted = match (fields.get(&keys::GET), fields.get(&keys::TABLE)) {
        (Some(get), None) => get_variables(get, snmp, findings).map(SnmpWanted::Get),
        (None, Some(table)) => read_table(table, &owner, snmp, findings).map(SnmpWanted::Table),
        (Some(_), Some(table)) => {
            findings.error(&table.place, format!("{owner} has `get` and `table`, expected one of them"));
            None
        }
        (None, None) => {
            if fields.lacks(&keys::GET) && fields.lacks(&keys::TABLE) {
                let message = format!("{owner} has neither `get` nor `table`, expected one of them");
                findings.error(&node.place, message);
            }
            None
        }
    };
    let (profile, wanted) = (profile?, wanted?);
    let port = port.unwrap_or(profile.port);
    Some(SnmpPoll { target: target?, port, profile, wanted })
}

fn host(node: &Node, findings: &mut Findings) -> Option<String> {
    const EXPECTED: &str = "the name or address of a device, without a port";
    let text = written(node, EXPECTED, findings)?;
    if !printable(text, &node.place, findings) {
        return None;
    }
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    if text.is_empty() || !is_address && text.contains([':', '/', '[', ' ']) {
        refuse(node, EXPECTED, findings);
        return None;
    }
    Some(text.to_owned())
}

fn get_variables(node: &Node, snmp: &SnmpConfig, findings: &mut Findings) -> Option<Vec<Variable>> {
    let variables = variable::read_labelled(node, &snmp.names, findings);
    for variable in &variables {
        if variable::needs_instance(&variable.oid, &snmp.names) {
            let name = snmp.names.name(&variable.oid);
            let message = format!(
                "`{name}` names no instance, which a device answers with noSuchObject; write `{name}.0`, or the index of a row"
            );
            findings.warning(&node.place, message);
        }
    }
    bounded(variables, &node.place, findings)
}

fn read_table(node: &Node, owner: &str, snmp: &SnmpConfig, findings: &mut Findings) -> Option<TablePoll> {
    let fields = Fields::of(node, &format!("`table` of {owner}"), &keys::COLUMNS_OF, findings)?;
    let table = format!("the table of {owner}");
    let expected = "the column whose values tell rows apart, such as `ifName`";
    let index = fields.need(&keys::INDEX, &node.place, &table, expected, findings);
    let columns =
        fields.need(&keys::COLUMNS, &node.place, &table, "the columns that become metrics", findings);
    let (number_label, index) = index.map_or((None, None), split_index);
    let index = index.map(|node| variable::read_labelled(&node, &snmp.names, findings));
    let columns = columns.map(|node| variable::read_labelled(node, &snmp.names, findings));
    for column in index.iter().chain(&columns).flatten() {
        variable::warn_without_value(column, &node.place, &snmp.names, findings);
    }
    let conditions = match fields.get(&keys::WHERE) {
        Some(node) => variable::conditions(node, &snmp.names, findings),
        None => Vec::new(),
    };
    let empty_ok = fields.value(&keys::EMPTY, findings);
    let index = match index {
        Some(index) => bounded(index, &node.place, findings)?,
        None => Vec::new(),
    };
    let columns = bounded(columns?, &node.place, findings)?;
    let is_named = number_label.is_some() || !index.is_empty();
    is_named.then_some(TablePoll {
        index,
        number_label,
        columns,
        conditions,
        empty_ok: empty_ok.unwrap_or(false),
    })
}

/// Splits what tells rows apart into the label of their numbers, if it has `index` among it, and the columns.
fn split_index(node: &Node) -> (Option<String>, Option<Node>) {
    let is_number =
        |node: &Node| matches!(&node.content, Content::Scalar(Scalar { text, .. }) if text == ROW_NUMBER);
    let (label, rest) = match &node.content {
        Content::Map(entries) => {
            let label = entries.iter().find(|entry| is_number(&entry.value)).map(|entry| entry.key.clone());
            let rest = entries.iter().filter(|entry| !is_number(&entry.value)).cloned().collect::<Vec<_>>();
            (label, (!rest.is_empty()).then_some(Content::Map(rest)))
        }
        _ => {
            let items = one_or_more(node);
            let label = items.iter().any(is_number).then(|| ROW_NUMBER.to_owned());
            let rest = items.iter().filter(|item| !is_number(item)).cloned().collect::<Vec<_>>();
            (label, (!rest.is_empty()).then_some(Content::List(rest)))
        }
    };
    if label.is_none() {
        return (None, Some(node.clone()));
    }
    (label, rest.map(|content| Node { place: node.place.clone(), content }))
}

/// Refuses an empty list (that mistake is reported already) and one that is too long.
fn bounded(variables: Vec<Variable>, place: &Place, findings: &mut Findings) -> Option<Vec<Variable>> {
    if variables.len() > SNMP_VARIABLES_MAX {
        let count = variables.len();
        findings.error(place, format!("found {count} objects, expected at most {SNMP_VARIABLES_MAX}"));
        return None;
    }
    (!variables.is_empty()).then_some(variables)
}
