//! The answer to a shell that asks what may come next.

use clap_complete::env::{CompleteEnv, Fish, Shells, Zsh};

use super::bash::Bash;

/// The environment variable by which a shell asks for completion.
pub(super) const VARIABLE: &str = "CUSTOS_COMPLETE";

/// Answers a shell that asks for completion, and ends the program then.
pub(in crate::cli) fn answer(command: fn() -> clap::Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).shells(Shells(&[&Bash, &Zsh, &Fish])).complete();
}
