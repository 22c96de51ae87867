//! Handing a result to the agent.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use super::args::SubmitArgs;
use crate::cli::denied::by_owner;
use crate::cli::read::{Failure, ReadArgs, finish};
use crate::clock::micros;
use crate::control::{self, AskError, Request, Response, Submitted};
use crate::exit_code::ExitCode;
use crate::limits::SUBMIT_OUTPUT_MAX_BYTES;

/// How long the agent may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a result was not taken.
pub(super) enum NotTaken {
    /// No agent is running; there may be one soon.
    NoAgent,
    Failed(Failure),
}

impl From<NotTaken> for Failure {
    fn from(not: NotTaken) -> Failure {
        match not {
            NotTaken::NoAgent => Failure::new("no agent is running, and it alone records results"),
            NotTaken::Failed(failure) => failure,
        }
    }
}

/// Runs `custos submit`.
pub(in crate::cli) fn run(args: &SubmitArgs) -> ExitCode {
    finish(|_| {
        let submitted = Submitted {
            check: args.check.clone(),
            state: args.state.state().code(),
            output: output(&args.words)?,
            duration_us: args.took.map_or(0, micros),
        };
        Ok(hand_over(&args.read, submitted, "submit")?)
    })
}

/// What was found out: the words, or else what stdin has.
fn output(words: &[String]) -> Result<String, Failure> {
    let mut output = words.join(" ").into_bytes();
    if words.is_empty() {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(Failure::usage("there is no text: give it behind the state, or on stdin"));
        }
        let most = u64::try_from(SUBMIT_OUTPUT_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        stdin.lock().take(most).read_to_end(&mut output)?;
    }
    if output.len() > SUBMIT_OUTPUT_MAX_BYTES {
        return Err(Failure::usage(format!("the text has more than {SUBMIT_OUTPUT_MAX_BYTES} bytes")));
    }
    Ok(String::from_utf8_lossy(&output).into_owned())
}

/// Has the agent record a result. `command` is what was typed behind `custos`, for advice on who may.
pub(super) fn hand_over(read: &ReadArgs, submitted: Submitted, command: &str) -> Result<(), NotTaken> {
    let (store, _) = read.locate().map_err(NotTaken::Failed)?;
    let typed = || format!("{command} {}{}", shell_words::quote(&submitted.check), read.repeated());
    let failed = |message: String| NotTaken::Failed(Failure::new(message));
    match control::ask(&store, &Request::Submit(submitted.clone()), PATIENCE) {
        Ok(answered) => match answered.response {
            Response::Ran { .. } => Ok(()),
            Response::Refused(why) => Err(failed(why)),
            _ => Err(failed("the agent answered another question".to_owned())),
        },
        Err(error @ AskError::Denied) => Err(failed(format!("{error}{}", by_owner(&store, &typed())))),
        Err(AskError::NoAgent) => Err(NotTaken::NoAgent),
        Err(error) => Err(failed(error.to_string())),
    }
}
