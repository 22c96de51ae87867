//! From what a device answered to a run: state, text and metrics, as a plugin would have reported them.
//!
//! Invariants: every wish of a check becomes a metric, a line of text or a remark that says why it is neither; no two
//! metrics of a run have the same label and labels.

use std::fmt::Write as _;
use std::time::Duration;

use custos_compat::nagios::ByteUnits;
use custos_compat::snmp::{Oid, Value};
use custos_shim::{Outcome as Ending, Report};
use custos_store::{Metric, Reason, Run, State};

use super::cell::Cell;
use super::native;
use super::plan::Plan;
use super::question::{Absence, Answer, Failure, Found, Outcome};
use super::rows;
use crate::config::{NativeCheck, SnmpPoll, SnmpWanted, Variable};
use crate::interpret::{Reading, interpret};
use crate::limits::{REMARKS_MAX, SNMP_TEXT_LINES_MAX, SNMP_TEXT_VALUES_MAX};
use crate::mib::Names;

/// What was read of an answer.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) metrics: Vec<Metric>,
    /// Values for the first line.
    pub(super) shown: Vec<String>,
    /// Enumerations and texts, one a line.
    pub(super) lines: Vec<String>,
    /// Why there is no value, with what has none.
    pub(super) missing: Vec<String>,
    /// Rows of a table; none if it was no table.
    pub(super) rows: Option<usize>,
}

impl Readings {
    /// Takes one value of a variable, in the row that the labels tell.
    pub(super) fn take(
        &mut self,
        label: &str,
        labels: &[(String, String)],
        oid: &Oid,
        value: &Result<&Value, Absence>,
        names: &Names,
    ) {
        let name = series(label, labels);
        let (number, unit) = match value {
            Ok(value) => match Cell::of(oid, value, names) {
                Cell::Number(number, unit, word) => {
                    self.shown.push(format!("{name} {}", names.show(oid, value)));
                    self.lines.extend(word.map(|word| format!("{name}: {word}")));
                    (Some(number), unit)
                }
                Cell::Text(text) => {
                    self.shown.push(format!("{name} {text}"));
                    return self.lines.push(format!("{name}: {text}"));
                }
            },
            Err(absence) => {
                self.missing.push(format!("{name}: {absence}"));
                (None, "")
            }
        };
        self.metrics.push(Metric {
            label: label.to_owned(),
            labels: labels.to_vec(),
            value: number,
            unit: unit.to_owned(),
            printed_unit: unit.to_owned(),
            warn: None,
            crit: None,
            min: None,
            max: None,
        });
    }
}

/// A metric's name for people: `ifOperStatus eth0`.
fn series(label: &str, labels: &[(String, String)]) -> String {
    labels.iter().fold(label.to_owned(), |name, (_, value)| format!("{name} {value}"))
}

/// Makes a run of an outcome, and the report that a plugin would have left. Times are left to the caller.
pub fn read(poll: &SnmpPoll, names: &Names, outcome: &Outcome, timeout_state: State) -> (Report, Run) {
    if let SnmpWanted::Native(native) = &poll.wanted {
        return read_native(poll, native, outcome);
    }
    let mut run = match outcome {
        Ok(answer) => answered(poll, names, answer),
        Err(failure) => failed(failure, timeout_state),
    };
    run.plugin_state = run.state;
    let ending = match run.reason {
        Reason::Timeout => Ending::TimedOut,
        Reason::NotStarted => Ending::NotStarted { errno: 0, message: run.text.clone() },
        Reason::NotFinished => Ending::NotFinished,
        _ => {
            run.exit_code = Some(run.state.code());
            Ending::Exited(run.state.code())
        }
    };
    let stdout = output(&run).into_bytes();
    let stdout_bytes = stdout.len() as u64;
    (Report { stdout, stdout_bytes, ..Report::without_run(ending) }, run)
}

/// The output of a plugin that did not run goes the way of that of one that did.
fn read_native(poll: &SnmpPoll, native: &NativeCheck, outcome: &Outcome) -> (Report, Run) {
    let (output, state) = native::output(poll, native, outcome);
    let stdout = output.into_bytes();
    let stdout_bytes = stdout.len() as u64;
    let report = Report { stdout, stdout_bytes, ..Report::without_run(Ending::Exited(state.code())) };
    let reading = Reading {
        byte_units: ByteUnits::Si,
        check_multi: false,
        timeout: Duration::ZERO,
        timeout_state: State::Unknown,
    };
    let mut run = interpret(&report, &reading);
    // No process took any of this.
    (run.cpu_us, run.max_rss_bytes) = (None, None);
    (report, run)
}

fn failed(failure: &Failure, timeout_state: State) -> Run {
    let (reason, state) = match failure {
        Failure::NoAnswer { .. } | Failure::OutOfTime => (Reason::Timeout, timeout_state),
        Failure::Unsent(_) | Failure::Unresolved(_) | Failure::Busy => (Reason::NotStarted, State::Unknown),
        Failure::Stopped => (Reason::NotFinished, State::Unknown),
        Failure::Refused(_) | Failure::Status(_) => (Reason::Exited, State::Unknown),
    };
    Run { reason, state, text: format!("SNMP {} - {failure}", state.name()), ..Run::default() }
}

fn answered(poll: &SnmpPoll, names: &Names, answer: &Answer) -> Run {
    let plan = Plan::of(poll);
    let mut readings = Readings::default();
    match (&poll.wanted, &answer.found) {
        (SnmpWanted::Get(variables), Found::Values(values)) => {
            read_values(variables, &plan, values, names, &mut readings);
        }
        (SnmpWanted::Table(table), Found::Columns(columns)) => {
            rows::read(table, &plan, columns, names, &mut readings);
        }
        // An answer always has the form of its question.
        _ => {}
    }
    let Readings { metrics, shown, mut lines, missing, rows } = readings;
    // A device that has nothing of what was asked for is not well, or not the one that was meant.
    let state = if shown.is_empty() && !missing.is_empty() { State::Unknown } else { State::Ok };
    let mut text = format!("SNMP {} - ", state.name());
    match rows {
        Some(1) => text += "1 row",
        Some(rows) => text += &format!("{rows} rows"),
        None if shown.is_empty() => text += "no values",
        None => text += &shown[..shown.len().min(SNMP_TEXT_VALUES_MAX)].join(", "),
    }
    if rows.is_none() && shown.len() > SNMP_TEXT_VALUES_MAX {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {} more", shown.len() - SNMP_TEXT_VALUES_MAX);
    }
    let mut judgement = String::new();
    if answer.restarted {
        text += "; the device was started anew";
        judgement += "the device was started anew: its counters begin at 0";
    }
    if !missing.is_empty() {
        let _ = write!(text, "; {} missing", missing.len());
        let listed = missing[..missing.len().min(REMARKS_MAX)].join("; ");
        let more = missing.len().saturating_sub(REMARKS_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let _ = write!(judgement, "{}missing: {listed}{more}", if judgement.is_empty() { "" } else { "\n" });
    }
    let cut = lines.len().saturating_sub(SNMP_TEXT_LINES_MAX);
    if cut > 0 {
        lines.truncate(SNMP_TEXT_LINES_MAX);
        lines.push(format!("and {cut} more"));
    }
    Run { state, text, long_text: lines.join("\n"), judgement, metrics, ..Run::default() }
}

fn read_values(
    variables: &[Variable],
    plan: &Plan,
    values: &[Result<Value, Absence>],
    names: &Names,
    readings: &mut Readings,
) {
    let at = |place: usize| {
        values.get(place).map_or(Err(Absence::NotAnswered), |value| value.as_ref().map_err(|a| *a))
    };
    for (wish, variable) in variables.iter().enumerate() {
        let (place, twin) = plan.place(wish);
        let twin = twin.map(|twin| (twin, at(twin))).filter(|(_, value)| value.is_ok());
        let (place, value) = twin.unwrap_or_else(|| (place, at(place)));
        readings.take(&variable.label, &[], plan.oid(place), &value, names);
    }
}

/// What a plugin would have printed: the text, perfdata, further lines.
fn output(run: &Run) -> String {
    let mut output = run.text.replace('|', "/");
    for (place, metric) in run.metrics.iter().enumerate() {
        let labels =
            metric.labels.iter().fold(metric.label.clone(), |label, (_, value)| format!("{label}_{value}"));
        let label = labels.replace('\'', "''").replace(['=', '|'], "_");
        let value = metric.value.map_or("U".to_owned(), |value| value.to_string());
        let separator = if place == 0 { " | " } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(output, "{separator}'{label}'={value}{}", metric.unit);
    }
    output.push('\n');
    if !run.long_text.is_empty() {
        output += &run.long_text.replace('|', "/");
        output.push('\n');
    }
    output
}

#[cfg(test)]
mod tests;
