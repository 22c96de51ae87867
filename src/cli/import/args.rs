//! The kinds of what can be taken in.

use super::rrd::{self, RrdArgs};
use crate::cli::read::finish;
use crate::exit_code::ExitCode;

/// Takes in what other systems kept: RRD files of PNP4Nagios, collectd and Munin.
///
/// What is there already changes nothing, so an import can be repeated, also of files that have grown since.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    Rrd(RrdArgs),
}

/// Runs the command.
pub(in crate::cli) fn run(args: &ImportArgs) -> ExitCode {
    match &args.command {
        Command::Rrd(args) => finish(|out| rrd::import(args, out)),
    }
}
