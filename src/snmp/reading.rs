//! From what a device answered to an observation: its values as metrics, texts and remarks.
//!
//! Invariants: every wish of a check becomes a metric, a line of text or a remark that says why it is neither; no two
//! metrics of a run have the same label and labels.

use std::time::Duration;

use custos_compat::nagios::ByteUnits;
use custos_compat::snmp::{Oid, Value};
use custos_store::{Metric, Reason, State};

use super::cell::Cell;
use super::native;
use super::plan::Plan;
use super::question::{Absence, Answer, Failure, Found, Outcome};
use super::row_names::RowNames;
use super::rows;
use crate::config::{NativeCheck, SnmpPoll, SnmpWanted, Variable};
use crate::mib::Names;
use crate::observe::{
    Ending, Observation, PluginEnd, Reading, Readings, observe_failed_poll, observe_plugin, observe_poll,
};

/// What the text of a run begins with.
const PROTOCOL: &str = "SNMP";

/// Gathers what an answer holds under the names of its variables.
#[derive(Debug)]
pub(super) struct Collector<'n> {
    pub(super) names: &'n Names,
    pub(super) readings: Readings,
}

impl Collector<'_> {
    /// Takes one value of a variable, in the row that these labels name, or the reason why there is none, unless that is
    /// told elsewhere. What could not be read is told apart from what the device has not.
    pub(super) fn take(
        &mut self,
        label: &str,
        labels: &[(String, String)],
        oid: &Oid,
        value: &Result<&Value, Option<Absence>>,
    ) {
        let readings = &mut self.readings;
        let name = series(label, labels);
        let (number, unit) = match value {
            Ok(value) => match Cell::of(oid, value, self.names) {
                Cell::Number(number, unit, word) => {
                    readings.shown.push(format!("{name} {}", self.names.show(oid, value)));
                    readings.lines.extend(word.map(|word| format!("{name}: {word}")));
                    (Some(number), unit)
                }
                Cell::Text(text) => {
                    readings.shown.push(format!("{name} {text}"));
                    return readings.lines.push(format!("{name}: {text}"));
                }
            },
            Err(None) => (None, ""),
            Err(Some(absence)) => {
                let list = if absence.is_failure() { &mut readings.unread } else { &mut readings.missing };
                list.push(format!("{name}: {absence}"));
                (None, "")
            }
        };
        readings.metrics.push(Metric {
            labels: labels.to_vec(),
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            // By this whoever sees the counter fall knows that it may have gone past its end.
            max: matches!(value, Ok(Value::Counter32(_))).then_some(f64::from(u32::MAX)),
            ..Metric::new(label, number)
        });
    }
}

/// A metric's name for people: `ifOperStatus eth0`.
fn series(label: &str, labels: &[(String, String)]) -> String {
    labels.iter().fold(label.to_owned(), |name, (_, value)| format!("{name} {value}"))
}

/// Makes an observation of the outcome of a poll; how long it took is left to the caller.
///
/// `rows` is what is remembered of the rows of a table, from poll to poll.
pub fn read(
    poll: &SnmpPoll,
    names: &Names,
    outcome: &Outcome,
    timeout_state: State,
    rows: &mut RowNames,
) -> Observation {
    if let SnmpWanted::Native(native) = &poll.wanted {
        return read_native(poll, native, outcome);
    }
    match outcome {
        Ok(answer) => observe_poll(PROTOCOL, read_answer(poll, names, answer, rows)),
        Err(failure) => {
            let (reason, state) = meaning(failure, timeout_state);
            observe_failed_poll(PROTOCOL, reason, state, &failure.to_string())
        }
    }
}

/// The output of a plugin that did not run goes the way of that of one that did.
fn read_native(poll: &SnmpPoll, native: &NativeCheck, outcome: &Outcome) -> Observation {
    let (output, state) = native::output(poll, native, outcome);
    let reading = Reading {
        byte_units: ByteUnits::Si,
        check_multi: false,
        silent: State::Unknown,
        timeout: Duration::ZERO,
        timeout_state: State::Unknown,
    };
    observe_plugin(PluginEnd::printed(Ending::Exited(state.code()), output.into_bytes()), &reading)
}

/// How a poll ended that brought no answer, and the state of its check.
fn meaning(failure: &Failure, timeout_state: State) -> (Reason, State) {
    match failure {
        Failure::NoAnswer { .. } | Failure::OutOfTime => (Reason::Timeout, timeout_state),
        Failure::Unsent(_) | Failure::Unresolved(_) | Failure::Busy => (Reason::NotStarted, State::Unknown),
        Failure::Stopped => (Reason::NotFinished, State::Unknown),
        Failure::Refused(_) | Failure::Status(_) | Failure::Unusable { .. } => {
            (Reason::Exited, State::Unknown)
        }
    }
}

fn read_answer(poll: &SnmpPoll, names: &Names, answer: &Answer, row_names: &mut RowNames) -> Readings {
    let plan = Plan::of(poll);
    let uptime = answer.uptime.map(|ticks| Duration::from_millis(u64::from(ticks) * 10));
    let readings = Readings { restarted: answer.restarted, uptime, ..Readings::default() };
    let mut collector = Collector { names, readings };
    match (&poll.wanted, &answer.found) {
        (SnmpWanted::Get(variables), Found::Values(values)) => {
            read_values(variables, &plan, values, &mut collector);
        }
        (SnmpWanted::Table(table), Found::Columns(columns)) => {
            rows::read(table, &plan, columns, row_names, &mut collector);
        }
        // An answer always has the form of its question.
        _ => {}
    }
    collector.readings
}

fn read_values(
    variables: &[Variable],
    plan: &Plan,
    values: &[Result<Value, Absence>],
    collector: &mut Collector<'_>,
) {
    let at = |place: usize| {
        values.get(place).map_or(Err(Absence::NotAnswered), |value| value.as_ref().map_err(|a| *a))
    };
    for (wish, variable) in variables.iter().enumerate() {
        let (place, twin) = plan.place(wish);
        let twin = twin.map(|twin| (twin, at(twin))).filter(|(_, value)| value.is_ok());
        let (place, value) = twin.unwrap_or_else(|| (place, at(place)));
        collector.take(&variable.label, &[], plan.oid(place), &value.map_err(Some));
    }
}

#[cfg(test)]
mod tests;
