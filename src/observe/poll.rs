//! From what a poll read to an observation: the text, the metrics, and what is missing.
//!
//! The protocol is of no account here: whoever asked the device hands over [`Readings`], or why there are none.

use std::fmt::Write as _;

use custos_store::{Metric, Reason, Run, State};

use super::observation::{Observation, Printed};
use crate::limits::{POLL_TEXT_LINES_MAX, POLL_TEXT_VALUES_MAX, REMARKS_MAX};

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
    /// Rows of a table; none if no table was asked for.
    pub rows: Option<usize>,
    /// Whether the device was restarted since the poll before, so that its counters began anew.
    pub restarted: bool,
}

/// Makes an observation of what a poll by this protocol read.
pub fn observe_poll(protocol: &str, readings: Readings) -> Observation {
    let Readings { metrics, shown, mut lines, missing, rows, restarted } = readings;
    // A device that has nothing of what was asked for is not well, or not the one that was meant.
    let state = if shown.is_empty() && !missing.is_empty() { State::Unknown } else { State::Ok };
    let mut text = format!("{protocol} {} - ", state.name());
    match rows {
        Some(1) => text += "1 row",
        Some(rows) => text += &format!("{rows} rows"),
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
    if !missing.is_empty() {
        let _ = write!(text, "; {} missing", missing.len());
        let listed = missing[..missing.len().min(REMARKS_MAX)].join("; ");
        let more = missing.len().saturating_sub(REMARKS_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let _ = write!(judgement, "{}missing: {listed}{more}", if judgement.is_empty() { "" } else { "\n" });
    }
    let cut = lines.len().saturating_sub(POLL_TEXT_LINES_MAX);
    if cut > 0 {
        lines.truncate(POLL_TEXT_LINES_MAX);
        lines.push(format!("and {cut} more"));
    }
    let long_text = lines.join("\n");
    of_run(Run { state, text, long_text, judgement, metrics, ..Run::default() })
}

/// Makes an observation of a poll that read nothing, for this reason and in these words.
pub fn observe_failed_poll(protocol: &str, reason: Reason, state: State, why: &str) -> Observation {
    let text = format!("{protocol} {} - {why}", state.name());
    of_run(Run { reason, state, text, ..Run::default() })
}

fn of_run(run: Run) -> Observation {
    let exit_code = (run.reason == Reason::Exited).then_some(run.state.code());
    let run = Run { plugin_state: run.state, exit_code, ..run };
    Observation { run, printed: Printed::FromRun, wait_us: 0 }
}
