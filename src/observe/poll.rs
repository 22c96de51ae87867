//! From what a poll read to an observation: the text, the metrics, and what is missing.
//!
//! The protocol does not matter here: the code that asked the device hands over [`Readings`], or why there are none.

use std::fmt::Write as _;
use std::time::Duration;

use custos_store::{Metric, Reason, Run, State};

use super::observation::{Observation, Printed};
use crate::limits::{POLL_TEXT_LINES_MAX, POLL_TEXT_VALUES_MAX, REMARKS_MAX};
use crate::text::human::counted;

/// What a poll read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// The values as metrics; no two have the same label and labels.
    pub metrics: Vec<Metric>,
    /// Values for the first line of text.
    pub shown: Vec<String>,
    /// Enumerations and texts, one a line.
    pub lines: Vec<String>,
    /// What has no value, each with the reason.
    pub missing: Vec<String>,
    /// Variables whose value could not be read, each with the reason. The run cannot be OK then.
    pub unread: Vec<String>,
    /// Rows of a table; `None` if no table was asked for.
    pub rows: Option<usize>,
    /// Whether the device was restarted since the poll before, so that its counters began anew.
    pub restarted: bool,
    /// For how long the device had been up, if it says.
    pub uptime: Option<Duration>,
}

/// Makes an observation of what a poll by this protocol read.
pub fn observe_poll(protocol: &str, readings: Readings) -> Observation {
    let Readings { metrics, shown, mut lines, missing, unread, rows, restarted, uptime } = readings;
    // A device that has nothing of what was asked for is not well, or not the one that was meant.
    let is_known = unread.is_empty() && (!shown.is_empty() || missing.is_empty());
    let state = if is_known { State::Ok } else { State::Unknown };
    let mut text = format!("{protocol} {} - ", state.name());
    match rows {
        Some(rows) => text += &counted(rows as u64, "row"),
        None if shown.is_empty() => text += "no values",
        None => text += &shown[..shown.len().min(POLL_TEXT_VALUES_MAX)].join(", "),
    }
    if rows.is_none() && shown.len() > POLL_TEXT_VALUES_MAX {
        // Writing to a string cannot fail.
        let _ = write!(text, ", {} more", shown.len() - POLL_TEXT_VALUES_MAX);
    }
    let mut judgement = String::new();
    if restarted {
        text += "; the device was started anew";
        judgement += "the device was started anew: its counters begin at 0";
    }
    if let Some((first, others)) = unread.split_first() {
        let _ = write!(text, "; {first}");
        if !others.is_empty() {
            let _ = write!(text, ", and {} more", others.len());
        }
        add_list(&mut judgement, "not read", &unread);
    }
    if !missing.is_empty() {
        let _ = write!(text, "; {} missing", missing.len());
        add_list(&mut judgement, "missing", &missing);
    }
    let cut = lines.len().saturating_sub(POLL_TEXT_LINES_MAX);
    if cut > 0 {
        lines.truncate(POLL_TEXT_LINES_MAX);
        lines.push(format!("and {cut} more"));
    }
    let long_text = lines.join("\n");
    let run = Run { state, text, long_text, judgement, metrics, ..Run::default() };
    Observation { uptime, ..of_run(run) }
}

/// Adds a line with what a list has, up to a bound.
fn add_list(judgement: &mut String, what: &str, list: &[String]) {
    if !judgement.is_empty() {
        judgement.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = write!(judgement, "{what}: {}", list[..list.len().min(REMARKS_MAX)].join("; "));
    let more = list.len().saturating_sub(REMARKS_MAX);
    if more > 0 {
        let _ = write!(judgement, "; and {more} more");
    }
}

/// Makes an observation of a poll that read nothing, for this reason and in these words.
pub fn observe_failed_poll(protocol: &str, reason: Reason, state: State, why: &str) -> Observation {
    let text = format!("{protocol} {} - {why}", state.name());
    of_run(Run { reason, state, text, ..Run::default() })
}

fn of_run(run: Run) -> Observation {
    let exit_code = (run.reason == Reason::Exited).then_some(run.state.code());
    let run = Run { plugin_state: run.state, exit_code, ..run };
    Observation { run, printed: Printed::FromRun, wait_us: 0, uptime: None }
}
