//! The lines of a stream.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use custos_query::{Event, EventFold, RunJson, write_json_line};
use custos_store::{Metric, Position, Run, Snapshot, Value};
use serde::Serialize;

use super::read::{FedRun, Gap, Loss};

/// What a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A run.
    Runs,
    /// A number.
    Samples,
    /// A change of state.
    Events,
}

/// Writes runs and gaps in one form.
pub struct Lines {
    form: Form,
    /// Of each check the run that came last, where changes are told.
    last: HashMap<Arc<str>, Run>,
}

#[derive(Serialize)]
struct SampleLine<'a> {
    position: u64,
    check: &'a str,
    metric: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    labels: &'a [(String, String)],
    time_ms: i64,
    value: serde_json::Value,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

#[derive(Serialize)]
struct EventLine<'a> {
    position: u64,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct GapLine<'a> {
    position: u64,
    gap: GapJson<'a>,
}

#[derive(Serialize)]
struct GapJson<'a> {
    from: u64,
    until: u64,
    check: Option<&'a str>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    runs: Option<u64>,
    samples: Option<u64>,
    loss: &'static str,
    what: &'a str,
}

impl Lines {
    /// Lines of a form.
    pub fn new(form: Form) -> Lines {
        Lines { form, last: HashMap::new() }
    }

    /// Writes the lines of a run; returns how many. What was before it is looked up in the store.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn run(
        &mut self,
        fed: &FedRun,
        again: bool,
        snapshot: &Snapshot,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        let position = fed.number.saturating_add(1);
        match self.form {
            Form::Runs => {
                write_run(&fed.check, &fed.run, fed.number, again, out)?;
                Ok(1)
            }
            Form::Samples => samples(fed, position, again, out),
            Form::Events => self.events(fed, position, snapshot, out),
        }
    }

    fn events(
        &mut self,
        fed: &FedRun,
        position: u64,
        snapshot: &Snapshot,
        out: &mut dyn Write,
    ) -> io::Result<u64> {
        let check = &fed.check;
        let known = self.last.contains_key(check);
        if !known && let Some(before) = judged_before(snapshot, check, fed.number) {
            self.last.insert(Arc::clone(check), before);
        }
        let mut count = 0;
        for event in EventFold::after(check, self.last.get(check)).add(&fed.run) {
            write_json_line(&EventLine { position, event: &event }, out)?;
            count += 1;
        }
        if custos_query::is_judged(fed.run.reason) {
            self.last.insert(Arc::clone(check), fed.run.clone());
        }
        Ok(count)
    }

    /// Writes what is missing; returns its position.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn gap(&mut self, gap: &Gap, out: &mut dyn Write) -> io::Result<u64> {
        let line = GapJson {
            from: gap.from.0,
            until: gap.until.0,
            check: gap.check.as_deref(),
            since_ms: gap.since_ms,
            until_ms: gap.until_ms,
            runs: gap.runs,
            samples: gap.samples,
            loss: match gap.loss {
                Loss::Damaged => "damaged",
                Loss::Lost => "lost",
            },
            what: &gap.what,
        };
        write_json_line(&GapLine { position: gap.until.0, gap: line }, out)?;
        Ok(gap.until.0)
    }
}

/// Writes the line of a run, which has the position behind it.
///
/// # Errors
/// Those of the writer.
pub fn write_run(check: &str, run: &Run, number: u64, again: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut line = Vec::new();
    RunJson::new(check, run).write(&mut line)?;
    let again = if again { "\"again\":true," } else { "" };
    write!(out, "{{\"position\":{},{again}", number.saturating_add(1))?;
    // Behind the brace.
    out.write_all(line.get(1..).unwrap_or_default())
}

/// The last run of a check before one, that says of its state.
fn judged_before(snapshot: &Snapshot, check: &str, number: u64) -> Option<Run> {
    let runs = snapshot.arrived_rev(check).before(Position(number)).flatten();
    runs.map(|arrived| arrived.run).find(|run| custos_query::is_judged(run.reason))
}

fn samples(fed: &FedRun, position: u64, again: bool, out: &mut dyn Write) -> io::Result<u64> {
    let mut count = 0;
    for Metric { label, labels, value, unit, .. } in &fed.run.metrics {
        let Some(value) = value else { continue };
        let line = SampleLine {
            position,
            check: &fed.check,
            metric: label,
            labels,
            time_ms: fed.run.time_ms,
            value: number(*value),
            unit,
            again,
        };
        write_json_line(&line, out)?;
        count += 1;
    }
    Ok(count)
}

/// A number, exactly; a word where JSON has no number.
fn number(value: Value) -> serde_json::Value {
    match value {
        Value::Integer(integer) => integer.into(),
        Value::Float(float) if float.is_finite() => float.into(),
        Value::Float(float) if float.is_nan() => "NaN".into(),
        Value::Float(float) => if float > 0.0 { "+Inf" } else { "-Inf" }.into(),
    }
}
