//! Handing a result to the agent.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use super::args::SubmitArgs;
use crate::cli::ask::ask_agent;
use crate::cli::read::{Failure, ReadArgs, finish};
use crate::clock::micros;
use crate::control::{Request, Response, SubmittedResult};
use crate::exit_code::ExitCode;
use crate::limits::SUBMIT_OUTPUT_MAX_BYTES;

/// How long the agent may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `custos submit`.
pub(in crate::cli) fn run(args: &SubmitArgs) -> ExitCode {
    finish(|_| {
        let result = SubmittedResult {
            check: args.check.clone(),
            state: args.state.state().code(),
            output: output(&args.words)?,
            duration_us: args.took.map_or(0, micros),
        };
        hand_over(&args.read, &result, "submit")?.then_some(()).ok_or_else(no_agent)
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

/// Has the agent record a result; false if there is no agent. `command` is what was typed behind `custos`, for advice on who may.
pub(super) fn hand_over(read: &ReadArgs, result: &SubmittedResult, command: &str) -> Result<bool, Failure> {
    let (store, _) = read.locate()?;
    let typed = format!("{command} {}", shell_words::quote(&result.check));
    match ask_agent(&store, read, &Request::Submit(result.clone()), &typed, PATIENCE)? {
        Some(Response::Ran { .. }) => Ok(true),
        Some(_) => Err(Failure::new("the agent answered another question")),
        None => Ok(false),
    }
}

/// That a result has nobody to take it.
pub(super) fn no_agent() -> Failure {
    Failure::new("no agent is running, and it alone records results")
}
