//! The answer to a request for a rule: what it came to when it was judged last, as nothing can be run for it.

use custos_store::{Run, State};

use super::answer::{Answer, verdict_output};
use crate::observe::Printed;

/// The answer, without the metrics, which are those of then.
pub fn answer(last: Option<&Run>) -> Answer {
    let Some(run) = last else {
        return Answer::Known {
            state: State::Unknown,
            output: b"UNKNOWN: the rule was not judged yet\n".to_vec(),
        };
    };
    let text =
        if run.long_text.is_empty() { run.text.clone() } else { format!("{}\n{}", run.text, run.long_text) };
    // A `|` would begin perfdata.
    let stdout = format!("{} - {}", run.plugin_state.name(), text.replace('|', "/"));
    let printed = Printed::ByPlugin { stdout: stdout.into_bytes(), stderr: Vec::new() };
    Answer::Known { state: run.state, output: verdict_output(&printed, run) }
}
