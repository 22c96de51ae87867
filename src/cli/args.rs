//! The commands, and what `custos --help` says of them.

use clap::{Parser, Subcommand};

use super::{check, config, graph, history, run, status};
use crate::exit_code::ExitCode;

/// Runs the plugins you have, keeps every metric at full resolution, judges it on the spot and answers NRPE.
///
/// One definition of a check gives the fault and the trend. Every command reads the store directly, whether the
/// agent is running, stopped or dead.
#[derive(Debug, Parser)]
#[command(name = "custos", version, max_term_width = 100, after_help = AFTER)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Where to begin:
  custos config check                    is the configuration right?
  custos check load --dry-run            run one check here and now, store nothing
  custos run                             the agent, in the foreground
  custos status                          what is wrong, worst first
  custos history load --since -1h        every run of the last hour
  custos graph load:load1 --since -24h   a day, every spike of it

The configuration is /etc/custos/custos.yaml unless --config names another. Times are -24h, '2h ago',
'yesterday 03:00', 2026-03-01 or RFC 3339. NO_COLOR and --color decide on colour.

Exit status: 0 done, 1 failed, 2 the command line or the configuration is wrong; 0 to 3 for a verdict.";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Status(status::StatusArgs),
    History(history::HistoryArgs),
    Graph(graph::GraphArgs),
    Config(config::ConfigArgs),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // A reader that has gone away needs no help.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::History(args) => history::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Config(args) => config::run(&args),
    }
}
