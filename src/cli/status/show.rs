//! Showing the status, and with what the command ends.

use std::io::Write;

use custos_store::State;
use jiff::Zoned;

use super::args::StatusArgs;
use super::gather::Status;
use super::table;
use crate::cli::read::{Failure, finish, json_line, now};
use crate::cli::style::Style;
use crate::exit_code::ExitCode;

/// Runs the command.
pub(in crate::cli) fn run(args: &StatusArgs) -> ExitCode {
    let mut worst = State::Ok;
    let ended = finish(|out| {
        worst = show(args, &now(), args.read.style(), out)?;
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
    out: &mut dyn Write,
) -> Result<State, Failure> {
    let status = Status::read(args, now)?;
    let worst = status.rows.iter().fold(State::Ok, |worst, row| worst.worst(row.verdict()));
    if args.json {
        for row in status.rows.iter().filter(|row| !args.problems || row.is_problem()) {
            json_line(row, out)?;
        }
    } else {
        let page =
            table::Page { style, whole: args.all, problems: args.problems, named: !args.names.is_empty() };
        table::write(&status, &page, out)?;
    }
    status.damage.finish(out)?;
    Ok(worst)
}

#[cfg(test)]
mod tests;
