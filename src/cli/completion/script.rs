//! `custos completions`: the script that a shell loads.

use clap::ValueEnum;
use clap_complete::env::{EnvCompleter, Fish, Zsh};

use super::answer::VARIABLE;
use super::bash::Bash;
use crate::cli::read::finish;
use crate::exit_code::ExitCode;

/// Prints the script by which a shell completes command lines of custos.
///
/// The packages install it. By hand: `eval "$(custos completions bash)"` in ~/.bashrc, the same with zsh in ~/.zshrc, and
/// `custos completions fish | source` in ~/.config/fish/config.fish.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &CompletionsArgs) -> ExitCode {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    finish(|mut out| Ok(shell.write_registration(VARIABLE, "custos", "custos", "custos", &mut out)?))
}
