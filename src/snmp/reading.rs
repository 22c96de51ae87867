//! From what a device answered to an observation: its values as metrics, texts and remarks.
//!
//! Invariants: every wish of a check becomes a metric, a line of text or a remark that says why it is neither; no two
//! metrics of a run have the same label and labels.

use std::time::Duration;

use custos_compat::nagios::ByteUnits;
use custos_compat::snmp::Value;
use custos_store::{Reason, State};

use super::collector::Collector;
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
