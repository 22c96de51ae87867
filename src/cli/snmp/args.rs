//! The subcommands of `custos snmp`.

use super::device::DeviceArgs;
use super::{show, suggest};
use crate::cli::read::finish;
use crate::exit_code::ExitCode;

/// Asks an SNMP device by a profile of the configuration, and stores nothing.
///
/// Objects are named by number or by name: 1.3.6.1.2.1.1.3.0, sysUpTime.0, IF-MIB::ifDescr.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct SnmpArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Shows the values of objects; exit status 1 if one has none
    Get(show::ObjectArgs),
    /// Shows everything below objects
    Walk(show::ObjectArgs),
    /// Shows columns side by side, a line for each row; a table stands for all of its columns
    Table(show::ObjectArgs),
    /// Finds what a device has, and prints checks for it in YAML: interfaces, storage, sensors, power
    Suggest(DeviceArgs),
}

/// Runs the command.
pub(in crate::cli) fn run(args: &SnmpArgs) -> ExitCode {
    match &args.command {
        Command::Get(args) => finish(|out| show::get(args, out)),
        Command::Walk(args) => finish(|out| show::walk(args, out)),
        Command::Table(args) => finish(|out| show::table(args, out)),
        Command::Suggest(args) => finish(|out| suggest::suggest(args, out)),
    }
}
