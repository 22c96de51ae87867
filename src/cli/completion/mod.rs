//! Completion of command lines in the shell, down to the names of checks and metrics.
//!
//! The shell runs this program for each press of the tab key, with the environment variable [`VARIABLE`]. So what is
//! offered is what the store has now.

mod bash;
mod names;
mod script;

pub(super) use names::{check_names as check, check_or_metric, defined_check};
pub(super) use script::{CompletionsArgs, run};

use clap_complete::env::{CompleteEnv, Fish, Shells, Zsh};

use self::bash::Bash;

/// The environment variable by which a shell asks for completion.
const VARIABLE: &str = "CUSTOS_COMPLETE";

/// Answers a shell that asks for completion, and ends the program then.
pub(super) fn answer(command: fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).shells(Shells(&[&Bash, &Zsh, &Fish])).complete();
}
