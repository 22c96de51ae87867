//! The subcommands of `custos store`, and what they have in common.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use super::{forecast, transfer, upkeep};
use crate::cli::locate::{locate, locate_strictly};
use crate::cli::read::{Failure, chain, finish};
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
    /// Writes every run as a line of JSON, check by check, by time
    Export(transfer::ExportArgs),
    /// Takes in runs from JSON Lines on stdin; those that are there already change nothing
    Import(transfer::ImportArgs),
    /// Tells how many bytes a day each check takes, and when the disk will be full at this rate
    Forecast(forecast::ForecastArgs),
}

/// Which store is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Place {
    /// Directory of the store [default: the one that the configuration names]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Configuration, which names the store [default: /etc/custos/custos.yaml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// The directory, for a command that only reads.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        match &self.dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(locate(None, self.config.as_deref())?.0),
        }
    }

    /// The directory, for a command that writes to it.
    pub(super) fn dir_to_write(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        Ok(locate_strictly(None, self.config.as_deref(), "name the DIR to do without")?.0)
    }
}

/// Runs the command.
pub(crate) fn run(args: &StoreArgs) -> ExitCode {
    match &args.command {
        Command::Info(args) => finish(|out| upkeep::info(args, out)),
        Command::Verify(args) => upkeep::verify(args),
        Command::Repair(args) => finish(|out| upkeep::repair(args, out)),
        Command::Salvage(args) => finish(|out| upkeep::salvage(args, out)),
        Command::Export(args) => finish(|out| transfer::export(args, out)),
        Command::Import(args) => finish(|out| transfer::import(args, out)),
        Command::Forecast(args) => finish(|out| forecast::forecast(args, out)),
    }
}

/// A failure of the store, with what was being done to which directory.
pub(super) fn failed(what: &str, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to {what}: {}", chain(error)))
}

/// A line on a terminal's stderr that is written over and over.
pub(super) struct Status {
    shown: bool,
}

impl Status {
    pub(super) fn new() -> Status {
        Status { shown: false }
    }

    pub(super) fn show(&mut self, text: &str) {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            // Nothing is lost but progress if stderr is gone.
            let _ = write!(stderr, "\r\x1b[K{text}");
            self.shown = true;
        }
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
