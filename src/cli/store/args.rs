//! The subcommands of `custos store`.

use super::export::{self, ExportArgs};
use super::{cursors, forecast, import, upkeep};
use crate::cli::read::finish;
use crate::exit_code::ExitCode;

/// Looks after the store: what it holds, whether it is intact, how it grows, moving history in and out.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Shows checks, series, samples, bytes, bytes a sample, first and last time
    Info(upkeep::InfoArgs),
    /// Checks every checksum and decodes every run; exit status 0 intact, 1 a log ends early, 2 damage
    Verify(upkeep::VerifyArgs),
    /// Sets damaged files aside and puts what can be read of them in their place; deletes nothing
    Repair(upkeep::RepairArgs),
    /// Writes what can be read out of one file of a store, damaged or not, as JSON Lines
    Salvage(upkeep::SalvageArgs),
    /// Writes the history to stdout: runs as JSON Lines, or series for Prometheus, VictoriaMetrics or a table
    Export(ExportArgs),
    /// Takes in runs from JSON Lines on stdin, or from a stream; those that are there already change nothing
    Import(import::ImportArgs),
    /// Shows who reads the store as a stream, and how far each has got
    Cursors(cursors::CursorsArgs),
    /// Shows how many bytes a day each check takes, and when the disk will be full at this rate
    Forecast(forecast::ForecastArgs),
}

/// Runs the command.
pub(crate) fn run(args: &StoreArgs) -> ExitCode {
    match &args.command {
        Command::Info(args) => finish(|out| upkeep::info(args, out)),
        Command::Verify(args) => upkeep::verify(args),
        Command::Repair(args) => finish(|out| upkeep::repair(args, out)),
        Command::Salvage(args) => finish(|out| upkeep::salvage(args, out)),
        Command::Export(args) => finish(|out| export::export(args, out)),
        Command::Import(args) => finish(|out| import::import(args, out)),
        Command::Cursors(args) => finish(|out| cursors::cursors(args, out)),
        Command::Forecast(args) => finish(|out| forecast::forecast(args, out)),
    }
}
