//! Counters that a threshold compares by their raw count: that says how long the device has been up, mostly.

use crate::config::model::check::{Command, Threshold};
use crate::config::model::snmp::{SnmpWanted, Variable};
use crate::document::diagnostic::Findings;
use crate::document::place::Place;
use crate::mib::{Names, Syntax};

/// Warns of thresholds, each with its place, that compare a counter of a poll without `rate: true`.
pub(crate) fn warn(
    thresholds: &[(Threshold, Place)],
    command: &Command,
    names: &Names,
    findings: &mut Findings,
) {
    let Command::Snmp(poll) = command else { return };
    let variables = match &poll.wanted {
        SnmpWanted::Get(variables) => variables,
        SnmpWanted::Table(table) => &table.columns,
        SnmpWanted::Native(_) => return,
    };
    for (threshold, place) in thresholds.iter().filter(|(threshold, _)| !threshold.rate) {
        let compared = |variable: &&Variable| threshold.is_for(&variable.label);
        let is_counter = |variable: &&Variable| {
            names.object(&variable.oid).is_some_and(|(object, _)| object.syntax == Syntax::Counter)
        };
        if let Some(variable) = variables.iter().filter(compared).find(is_counter) {
            let label = &variable.label;
            findings.warning(
                place,
                format!(
                    "`{label}` is a counter, and this compares all that it counted since the device started; \
                     `rate: true` compares how fast it grows, per second"
                ),
            );
        }
    }
}
