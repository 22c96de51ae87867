//! The `trap` of a check: which traps count, and what they say.

use custos_store::State;

use crate::config::keys::settings::STATES;
use crate::config::keys::trap as keys;
use crate::config::model::snmp::{KeyPart, SnmpConfig, TrapRule, Variable};
use crate::config::read::snmp::networks;
use crate::config::read::template;
use crate::config::read::variable;
use crate::document::diagnostic::Findings;
use crate::document::fields::{Fields, choice, one_or_more, refuse, written};
use crate::document::yaml::{Content, Node};

/// Reads a rule for traps.
pub(crate) fn read(node: &Node, owner: &str, snmp: &SnmpConfig, findings: &mut Findings) -> Option<TrapRule> {
    let owner = format!("`trap` of {owner}");
    let fields = Fields::of(node, &owner, &keys::TRAP_RULE, findings)?;
    if snmp.traps.is_none() {
        let message = format!("{owner} will never come: `snmp` has no `traps` that listens");
        findings.warning(&node.place, message);
    }
    let names = &snmp.names;
    let reconnoiter = fields.get(&keys::RECONNOITER).map(|node| check_id(node, findings));
    let traps = traps(node, &fields, &owner, snmp, findings);
    let key = match fields.get(&keys::KEY) {
        Some(node) => key(node, snmp, findings),
        None => Vec::new(),
    };
    let text = match fields.get(&keys::TEXT) {
        Some(node) => template::read(node, names, findings),
        None => Some(template::usual()),
    };
    let metrics = match fields.get(&keys::METRICS) {
        Some(node) => variable::read_labelled(node, names, findings),
        None => Vec::new(),
    };
    let deduplicate = fields.value(&keys::DEDUPLICATE, findings);
    let expires = fields.read(&keys::EXPIRES, findings);
    let sources = fields.get(&keys::SOURCE).map(|node| networks(node, findings)).unwrap_or_default();
    let conditions = fields.get(&keys::WHERE).map(|node| variable::conditions(node, names, findings));
    let reconnoiter = match reconnoiter {
        Some(None) => return None,
        Some(id) => id,
        None => None,
    };
    Some(TrapRule {
        traps: traps?,
        sources,
        conditions: conditions.unwrap_or_default(),
        key,
        text: text?,
        metrics,
        deduplicate: deduplicate.unwrap_or_default(),
        expires,
        reconnoiter,
    })
}

/// The traps of `oid`, each with its state.
fn traps(
    node: &Node,
    fields: &Fields<'_>,
    owner: &str,
    snmp: &SnmpConfig,
    findings: &mut Findings,
) -> Option<Vec<(Variable, State)>> {
    let Some(oid) = fields.get(&keys::OID) else {
        if fields.get(&keys::RECONNOITER).is_none() {
            fields.need(&keys::OID, &node.place, owner, "the traps that count", findings);
            return None;
        }
        return Some(Vec::new());
    };
    let traps = variable::read_list(oid, &snmp.names, findings);
    let expected = "one for all traps, or one for each";
    let state = fields.need(&keys::STATE, &node.place, owner, expected, findings)?;
    let Content::Map(entries) = &state.content else {
        let state = choice(state, &STATES, findings)?;
        return Some(traps.into_iter().map(|trap| (trap, state)).collect());
    };
    let mut states = Vec::new();
    for entry in entries {
        let named = variable::named(&entry.key, &entry.key_place, &snmp.names, findings);
        let state = choice(&entry.value, &STATES, findings);
        if let (Some(named), Some(state)) = (named, state) {
            if !traps.iter().any(|trap| named.oid.starts_with(&trap.oid)) {
                let message = format!("`{}` is none of the traps of `oid`", entry.key);
                findings.error(&entry.key_place, message);
            }
            states.push((named, state));
        }
    }
    for trap in &traps {
        if !states.iter().any(|(named, _)| named.oid == trap.oid) {
            findings.error(&state.place, format!("there is no state for `{}`, expected one", trap.label));
        }
    }
    Some(states)
}

fn key(node: &Node, snmp: &SnmpConfig, findings: &mut Findings) -> Vec<KeyPart> {
    let part = |item: &Node| {
        if written(item, "an object such as `ifIndex`, or `source`", findings)? == "source" {
            return Some(KeyPart::Source);
        }
        variable::read(item, &snmp.names, findings).map(KeyPart::Variable)
    };
    one_or_more(node).iter().filter_map(part).collect()
}

/// A check of Reconnoiter by its UUID.
fn check_id(node: &Node, findings: &mut Findings) -> Option<[u16; 8]> {
    const EXPECTED: &str = "the UUID of a check, such as `f7cea020-f19d-11dd-85a6-cb6d3a2207dc`";
    let text = written(node, EXPECTED, findings)?;
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.replace('-', "");
    let is_id = lengths == [8, 4, 4, 4, 12] && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_id {
        refuse(node, EXPECTED, findings);
        return None;
    }
    let mut id = [0; 8];
    for (place, word) in id.iter_mut().enumerate() {
        *word = u16::from_str_radix(&digits[place * 4..place * 4 + 4], 16).ok()?;
    }
    Some(id)
}
