//! The commands, and what `custos --help` says of them.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::engine::ArgValueCompleter;

use super::{
    backtest, changes, check, check_nrpe, completion, config, doctor, events, feed, forecast, graph, help,
    history, import, incident, init, normal, note, notify, nrpe, own_plugin, query, report, rules, run, runs,
    serve, similar, sink, snmp, status, store, stream, submit, top, traps, watch, why,
};
use crate::exit_code::ExitCode;
use crate::text::{is_unsafe, printable};

/// Runs the plugins you have, keeps every metric at full resolution, judges it on the spot and answers NRPE.
///
/// One definition of a check gives the fault and the trend. Every command reads the store directly, whether the
/// agent is running, stopped or dead.
#[derive(Debug, Parser)]
#[command(name = "custos", version, max_term_width = 100, after_help = AFTER, disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Where to begin:
  custos init                            writes a first configuration, by what this host has
  custos config check                    is the configuration right?
  custos check load --dry-run            run one check here and now, store nothing
  custos run                             the agent, in the foreground
  custos status                          what is wrong, worst first
  custos top                             the same, live, with all of a check behind it
  custos history load --since -1h        every run of the last hour
  custos graph load:load1 --since -24h   a day, every spike of it
  custos watch load:load1 --every 200ms  the same live, also of other hosts
  custos changes --since -24h            what changed on this machine
  custos similar load:load1 --since 03:00  when it was like this before
  custos backtest load --warning 8       what another threshold would have said
  custos help times|ranges|selectors     how times, thresholds and metrics are written

The configuration is /etc/custos/custos.yaml unless --config names another.
Times are -24h, 'yesterday 03:00', 2026-03-01 or RFC 3339; see custos help times.
NO_COLOR and --color decide on colour.

Exit status: 0 done, 1 failed, 2 the command line or the configuration is wrong.
Of a verdict: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Status(status::StatusArgs),
    Top(top::TopArgs),
    History(history::HistoryArgs),
    Runs(runs::RunsArgs),
    Events(events::EventsArgs),
    Traps(traps::TrapsArgs),
    Graph(graph::GraphArgs),
    Watch(watch::WatchArgs),
    Query(query::QueryArgs),
    Why(why::WhyArgs),
    Changes(changes::ChangesArgs),
    Similar(similar::SimilarArgs),
    Forecast(forecast::ForecastArgs),
    Normal(normal::NormalArgs),
    Report(report::ReportArgs),
    Serve(serve::ServeArgs),
    Stream(stream::StreamArgs),
    Sink(sink::SinkArgs),
    #[command(hide = true)]
    Feed(feed::FeedArgs),
    Submit(submit::SubmitArgs),
    Cron(submit::CronArgs),
    Ack(notify::AckArgs),
    Unack(notify::UnackArgs),
    Silence(notify::SilenceArgs),
    Notify(notify::NotifyArgs),
    Config(config::ConfigArgs),
    Rules(rules::RulesArgs),
    Backtest(backtest::BacktestArgs),
    Incident(incident::IncidentArgs),
    Note(note::NoteArgs),
    Doctor(doctor::DoctorArgs),
    Store(store::StoreArgs),
    Import(import::ImportArgs),
    Snmp(snmp::SnmpArgs),
    Completions(completion::CompletionsArgs),
    Help(help::HelpArgs),
    /// Answers NRPE by an nrpe.cfg alone, with nrpe's own options; `custos nrpe -h` lists them.
    ///
    /// Called through a link named `nrpe` the program is nrpe. What puts the agent in place of nrpe on this host is the
    /// program custos-nrpe, see custos-nrpe(8).
    #[command(disable_help_flag = true)]
    Nrpe(Words),
    /// Asks an NRPE daemon, with check_nrpe's own options; `custos check_nrpe -h` lists them.
    ///
    /// Called through a link named `check_nrpe` the program is check_nrpe.
    #[command(name = "check_nrpe", disable_help_flag = true)]
    CheckNrpe(Words),
    /// Says how much memory is in use, as a plugin: `-w` and `-c` are ranges of percent.
    #[command(name = "check_mem", disable_help_flag = true)]
    CheckMem(Words),
    /// Says how busy the processors are, as a plugin: `-w` and `-c` are ranges of percent, `-i` the seconds to measure for.
    #[command(name = "check_cpu", disable_help_flag = true)]
    CheckCpu(Words),
}

/// The words of a command that reads them itself.
#[derive(Debug, clap::Args)]
struct Words {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    words: Vec<OsString>,
}

/// All commands with their options, as clap knows them: the help, the manual pages and completion come of it.
pub fn command() -> clap::Command {
    let words = ArgValueCompleter::new(|typed: &OsStr| help::complete(typed, &Args::command()));
    Args::command().mut_subcommand("help", |help| help.mut_arg("words", |arg| arg.add(words)))
}

/// Shows help, or what is wrong with the command line. What was typed may hold characters that control a terminal: they are
/// escaped, and then there are no colours.
fn show(error: &clap::Error, words: &[OsString]) {
    if error.use_stderr() && words.iter().any(|word| word.to_string_lossy().contains(is_unsafe)) {
        let _ = std::io::stderr().write_all(plain(error).as_bytes());
    } else {
        // A reader that has gone away needs no help.
        let _ = error.print();
    }
}

/// A message of clap, line by line, safe to show.
fn plain(error: &clap::Error) -> String {
    error.render().to_string().lines().map(|line| format!("{}\n", printable(line))).collect()
}

/// Reads the command line and runs its command.
pub fn main() -> ExitCode {
    completion::answer(command);
    let words: Vec<OsString> = std::env::args_os().collect();
    let own_name =
        |place: usize| words.get(place).and_then(|word| Path::new(word).file_name()).and_then(|n| n.to_str());
    // Their options are not clap's kind: they are handed on as they are, also through a link of that name.
    match (own_name(0), words.get(1).and_then(|word| word.to_str())) {
        (Some("nrpe"), _) => return nrpe::run(&words[1..]),
        (Some("check_nrpe"), _) => return check_nrpe::run(&words[0].to_string_lossy(), &words[1..]),
        (_, Some("nrpe")) => return nrpe::run(&words[2..]),
        (_, Some(name @ ("check_mem" | "check_cpu"))) => return own_plugin::run(name, &words[2..]),
        (_, Some("check_nrpe")) => return check_nrpe::run("check_nrpe", &words[2..]),
        _ => {}
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            show(&error, &words);
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    match args.command {
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Top(args) => top::run(&args),
        Command::History(args) => history::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Traps(args) => traps::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Changes(args) => changes::run(&args),
        Command::Similar(args) => similar::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Normal(args) => normal::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Stream(args) => stream::run(&args),
        Command::Sink(args) => sink::run(&args),
        Command::Feed(args) => feed::run(&args),
        Command::Submit(args) => submit::submit(&args),
        Command::Cron(args) => submit::cron(&args),
        Command::Ack(args) => notify::ack(&args),
        Command::Unack(args) => notify::unack(&args),
        Command::Silence(args) => notify::silence(&args),
        Command::Notify(args) => notify::notify(&args),
        Command::Config(args) => config::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Incident(args) => incident::run(&args),
        Command::Note(args) => note::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Store(args) => store::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Snmp(args) => snmp::run(&args),
        Command::Completions(args) => completion::run(&args),
        Command::Help(args) => help::run(&args, command()),
        Command::Nrpe(Words { words }) => nrpe::run(&words),
        Command::CheckMem(Words { words }) => own_plugin::run("check_mem", &words),
        Command::CheckCpu(Words { words }) => own_plugin::run("check_cpu", &words),
        Command::CheckNrpe(Words { words }) => check_nrpe::run("check_nrpe", &words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_controls_no_terminal() {
        for words in [["custos", "x\u{1b}[31m\u{9b}2J\u{202e}y"], ["custos", "--x\u{9b}2J\u{202e}y"]] {
            let shown = plain(&Args::try_parse_from(words).unwrap_err());
            assert!(!shown.contains(|c| c != '\n' && is_unsafe(c)), "{shown:?}");
            assert!(shown.contains("\\u{202e}y"), "{shown}");
        }
    }
}
