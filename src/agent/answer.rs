//! What answers a request, and how it is shown: the output of a plugin, with the verdict where it differs.

use std::sync::Arc;

use custos_store::{Reason, Run, State};

use crate::observe::Printed;

/// What answers a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A run that has just ended.
    Ran {
        /// The run, judged.
        run: Arc<Run>,
        /// What a caller of its job would see printed.
        printed: Arc<Printed>,
    },
    /// What was known without a run.
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
/// Where the thresholds changed the state, what they say comes first; perfdata and further lines stay as printed.
pub fn verdict_output(printed: &Printed, run: &Run) -> Vec<u8> {
    let mut output = Vec::new();
    if run.state != run.plugin_state {
        // A `|` would begin perfdata.
        let limits = threshold_lines(&run.judgement).join("; ").replace('|', "/");
        output.extend_from_slice(format!("{limits} - ").as_bytes());
    }
    let stdout = if run.reason == Reason::Exited { printed.stdout(run) } else { Default::default() };
    if stdout.trim_ascii().is_empty() {
        output.extend_from_slice(run.text.as_bytes());
    } else {
        output.extend_from_slice(stdout.trim_ascii_end());
    }
    output.push(b'\n');
    output
}

/// The lines of a judgement that the thresholds wrote, the worst first; the others remark on the plugin's output.
pub fn threshold_lines(judgement: &str) -> Vec<&str> {
    let mut lines: Vec<(State, &str)> =
        judgement.lines().filter_map(|line| line_state(line).map(|state| (state, line))).collect();
    lines.sort_by_key(|(state, _)| std::cmp::Reverse(state.severity()));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The state with which a line of the thresholds begins.
fn line_state(line: &str) -> Option<State> {
    let begins = |state: &State| line.strip_prefix(state.name()).is_some_and(|rest| rest.starts_with(": "));
    State::ALL.into_iter().find(begins)
}

/// A judged run in one line, which begins with what decided its state: thresholds, or the plugin's own text.
pub fn verdict_text(state: State, judgement: &str, text: &str) -> String {
    let limits = threshold_lines(judgement);
    match limits.first().map(|line| line_state(line)) {
        None => text.to_owned(),
        Some(worst) if worst == Some(state) => format!("{} - {text}", limits.join("; ")),
        Some(_) => format!("{text} - {}", limits.join("; ")),
    }
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
    fn a_verdict_begins_with_what_decided_it() {
        let judgement = "WARNING: a is 3, outside 2\nperfdata: 1 bad token\nCRITICAL: b is 9, outside 5";
        assert_eq!(
            verdict_text(State::Critical, judgement, "LOAD OK"),
            "CRITICAL: b is 9, outside 5; WARNING: a is 3, outside 2 - LOAD OK"
        );
        let warning = "WARNING: a is 3, outside 2";
        assert_eq!(
            verdict_text(State::Critical, warning, "LOAD CRITICAL - load 9"),
            "LOAD CRITICAL - load 9 - WARNING: a is 3, outside 2"
        );
        assert_eq!(verdict_text(State::Warning, warning, "LOAD OK"), "WARNING: a is 3, outside 2 - LOAD OK");
        assert_eq!(verdict_text(State::Ok, "perfdata: 1 bad token", "LOAD OK"), "LOAD OK");
    }

    #[test]
    fn where_nothing_was_printed_the_text_says_why() {
        let run = Run { text: "(no output)".into(), ..Run::default() };
        assert_eq!(output(" \n", &run), "(no output)\n");
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
