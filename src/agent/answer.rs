//! The answer to a request: the output of a plugin, with the verdict where it differs from the plugin's state.

use std::sync::Arc;

use custos_query::threshold_lines;
use custos_store::{Reason, Run, State};

use crate::observe::Printed;

/// The answer to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A run that has just ended.
    Ran {
        /// The run, judged.
        run: Arc<Run>,
        /// The output, as the plugin printed it or would have.
        printed: Arc<Printed>,
    },
    /// An answer that needed no run.
    Known {
        /// The verdict.
        state: State,
        /// Output as a plugin would print it, ending in a newline.
        output: Vec<u8>,
    },
}

impl Answer {
    /// The verdict.
    pub fn state(&self) -> State {
        match self {
            Answer::Ran { run, .. } => run.state,
            Answer::Known { state, .. } => *state,
        }
    }

    /// Output as a plugin would print it, ending in a newline.
    pub fn output(self) -> Vec<u8> {
        match self {
            Answer::Ran { run, printed } => verdict_output(&printed, &run),
            Answer::Known { output, .. } => output,
        }
    }
}

/// The output of a judged run as a plugin would print it, ending in a newline.
///
/// Where thresholds changed the state, their message comes first; perfdata and further lines stay as printed.
pub fn verdict_output(printed: &Printed, run: &Run) -> Vec<u8> {
    let mut output = Vec::new();
    if run.state != run.plugin_state {
        // A `|` would begin perfdata.
        let limits = threshold_lines(&run.judgement).join("; ").replace('|', "/");
        output.extend_from_slice(format!("{limits} - ").as_bytes());
    }
    let stdout = if run.reason == Reason::Exited { printed.stdout(run) } else { Default::default() };
    if stdout.trim_ascii().is_empty() {
        // Nothing that a plugin says of itself: the state is said first, as a plugin would.
        if run.reason == Reason::NotStarted && run.state == State::Unknown {
            output.extend_from_slice(b"UNKNOWN: ");
        }
        output.extend_from_slice(run.text.as_bytes());
    } else {
        output.extend_from_slice(stdout.trim_ascii_end());
    }
    output.push(b'\n');
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str, run: &Run) -> String {
        let printed = Printed::ByPlugin { stdout: stdout.into(), stderr: Vec::new() };
        String::from_utf8(verdict_output(&printed, run)).unwrap()
    }

    #[test]
    fn the_output_of_the_plugin_stays_as_it_is() {
        let run = Run { judgement: "perfdata: 1 bad token".into(), ..Run::default() };
        assert_eq!(output("OK | a=1\nmore\n\n", &run), "OK | a=1\nmore\n");
    }

    #[test]
    fn a_verdict_of_its_own_comes_first() {
        let run = Run {
            state: State::Critical,
            judgement: "perfdata: 1 bad token\nCRITICAL: a|b is 3, outside 2".into(),
            ..Run::default()
        };
        assert_eq!(output("OK | a=1\n", &run), "CRITICAL: a/b is 3, outside 2 - OK | a=1\n");
    }

    #[test]
    fn where_nothing_was_printed_the_text_says_why() {
        let run = Run { text: "(no output)".into(), ..Run::default() };
        assert_eq!(output(" \n", &run), "(no output)\n");
    }

    #[test]
    fn a_plugin_that_could_not_be_started_is_unknown() {
        let text = "failed to execute /x: Permission denied".to_owned();
        let run = Run {
            state: State::Unknown,
            plugin_state: State::Unknown,
            reason: Reason::NotStarted,
            text,
            ..Run::default()
        };
        assert_eq!(output("", &run), "UNKNOWN: failed to execute /x: Permission denied\n");
    }

    #[test]
    fn a_run_that_no_plugin_printed_is_shown_as_one_would() {
        let run = Run {
            state: State::Warning,
            text: "SNMP OK - a|b".into(),
            judgement: "WARNING: x is 3, outside 2".into(),
            ..Run::default()
        };
        let shown = String::from_utf8(verdict_output(&Printed::FromRun, &run)).unwrap();
        assert_eq!(shown, "WARNING: x is 3, outside 2 - SNMP OK - a/b\n");
    }
}
