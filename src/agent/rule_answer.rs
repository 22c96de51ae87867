//! The answer to a request for a rule: what it came to when it was judged last, as nothing can be run for it.

use custos_store::{Reason, Run, State};

use super::answer::{Answer, verdict_output};
use crate::evaluate::PreviousState;
use crate::observe::Printed;

/// The answer, with the metrics of then. Where it was not judged last, its state stands.
pub fn answer(last: Option<&Run>, stands: Option<PreviousState>) -> Answer {
    let Some(run) = last else {
        return Answer::Known {
            state: State::Unknown,
            output: b"UNKNOWN: the rule was not judged yet\n".to_vec(),
        };
    };
    let (own, state) = match stands.filter(|_| run.reason == Reason::Missed) {
        Some(stands) => (stands.state, stands.state),
        None => (run.plugin_state, run.state),
    };
    let said = Run { text: format!("{} - {}", own.name(), run.text), ..run.clone() };
    Answer::Known { state, output: verdict_output(&Printed::FromRun, &said) }
}
