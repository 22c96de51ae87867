//! The options of `custos status`, and what it ends with.

use std::io::{IsTerminal, Write};

use clap_complete::engine::ArgValueCompleter;
use custos_store::State;
use jiff::Zoned;

use super::gather::Status;
use super::table;
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, finish, json_line, now};
use crate::cli::style::Style;
use crate::exit_code::ExitCode;

/// Shows the state of every check, worst first: soft or hard, since when, and what its last run said.
///
/// A running agent is asked first, and what it does not know is read from the store. The check `custos` is the agent
/// itself. On a terminal that is too low for all checks the worst stay in view, and the rest is counted.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct StatusArgs {
    /// Only these checks
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(completion::check))]
    pub(super) names: Vec<String>,
    /// Only checks that are not OK
    #[arg(long)]
    pub(super) problems: bool,
    /// The whole machine as it stood at this time: -24h, '2h ago', 'yesterday 03:00', 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) at: Option<String>,
    /// One JSON object for each check
    #[arg(long)]
    json: bool,
    /// End with the worst hard state as exit status: 0 to 3
    #[arg(long)]
    exit_code: bool,
    /// Also checks that are no longer defined, and all lines however low the terminal is
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &StatusArgs) -> ExitCode {
    let mut worst = State::Ok;
    let is_terminal = std::io::stdout().is_terminal();
    let ended = finish(|out| {
        worst = show(args, &now(), args.read.style(), is_terminal, out)?;
        Ok(())
    });
    match ended {
        ExitCode::Success if args.exit_code => ExitCode::Verdict(worst),
        _ if args.exit_code => ExitCode::Verdict(State::Unknown),
        ended => ended,
    }
}

/// Shows the status, and tells the worst hard state.
pub(super) fn show(
    args: &StatusArgs,
    now: &Zoned,
    style: Style,
    is_terminal: bool,
    out: &mut dyn Write,
) -> Result<State, Failure> {
    let status = Status::read(args, now)?;
    let worst = status.rows.iter().fold(State::Ok, |worst, row| worst.worst(row.hard_severity));
    if args.json {
        for row in status.rows.iter().filter(|row| !args.problems || row.is_problem()) {
            json_line(row, out)?;
        }
    } else {
        let page = table::Page { style, is_terminal, whole: args.all, problems: args.problems };
        table::write(&status, &page, out)?;
    }
    Ok(worst)
}

#[cfg(test)]
mod tests;
