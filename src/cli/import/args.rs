//! The kinds of what can be taken in.

use super::influx::{self, InfluxArgs};
use super::nagios::{self, NagiosArgs};
use super::nagios_log::{self, NagiosLogArgs};
use super::nrpe::{self, MrpeArgs, NrpeArgs};
use super::openmetrics::{self, OpenmetricsArgs};
use super::perfdata::{self, PerfdataArgs};
use super::rrd::{self, RrdArgs};
use super::victoria::{self, VictoriaArgs};
use super::whisper::{self, WhisperArgs};
use crate::cli::read::finish;
use crate::exit_code::ExitCode;

/// Takes in what other systems kept and defined: PNP4Nagios, collectd, Munin, Graphite, InfluxDB, Prometheus, VictoriaMetrics, Nagios, Icinga, NRPE, Checkmk.
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
    Whisper(WhisperArgs),
    Influx(InfluxArgs),
    Openmetrics(OpenmetricsArgs),
    Victoria(VictoriaArgs),
    Perfdata(PerfdataArgs),
    NagiosLog(NagiosLogArgs),
    Nagios(NagiosArgs),
    Nrpe(NrpeArgs),
    CheckmkMrpe(MrpeArgs),
}

/// Runs the command.
pub(in crate::cli) fn run(args: &ImportArgs) -> ExitCode {
    finish(|out| match &args.command {
        Command::Rrd(args) => rrd::import(args, out),
        Command::Whisper(args) => whisper::import(args, out),
        Command::Influx(args) => influx::import(args, out),
        Command::Openmetrics(args) => openmetrics::import(args, out),
        Command::Victoria(args) => victoria::import(args, out),
        Command::Perfdata(args) => perfdata::import(args, out),
        Command::NagiosLog(args) => nagios_log::import(args, out),
        Command::Nagios(args) => nagios::import(args, out),
        Command::Nrpe(args) => nrpe::import(args, out),
        Command::CheckmkMrpe(args) => nrpe::import_mrpe(args, out),
    })
}
