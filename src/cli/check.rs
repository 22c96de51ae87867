//! `custos check`: one check, here and now.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use custos_store::{Options, Reader, Run, State, Writer};

use super::read::{Failure, ReadArgs, chain, tell};
use crate::agent::{plugin_output, restore_standing, threshold_lines};
use crate::clock;
use crate::config::{Check, Command, Config};
use crate::control::{self, AskError, Request, Response};
use crate::daemon::read_history;
use crate::evaluate::evaluate;
use crate::execute::{PluginEnvironment, plugin_spec};
use crate::exit_code::ExitCode;
use crate::interpret::{Reading, interpret};
use crate::snmp;

/// Beyond the check's own timeout, how long the agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs one check now, as a plugin would: its text and perfdata on stdout, the verdict as exit status.
///
/// If the agent is running, it runs the check, or shares the run that is under way. Otherwise the check is run here, in
/// the same surroundings. What the thresholds say comes before the plugin's text where they changed its state.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The name of the check
    name: String,
    /// Run it here and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Run it here as the daemon would, with its user, environment, limits and directory, and store nothing
    #[arg(long)]
    as_daemon: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    match verdict(args) {
        Ok((output, state)) => {
            let mut out = io::stdout().lock();
            // A reader that has gone away still wants the exit status.
            let _ = out.write_all(&output).and_then(|()| out.flush());
            ExitCode::Verdict(state)
        }
        Err(failure) => {
            tell(&failure.message);
            // To whoever runs this as a plugin, a check that could not be run is UNKNOWN.
            ExitCode::Verdict(State::Unknown)
        }
    }
}

fn verdict(args: &CheckArgs) -> Result<(Vec<u8>, State), Failure> {
    let (store, config) = args.read.locate()?;
    let config = config.ok_or_else(|| Failure::usage("there is no configuration; name one with --config"))?;
    let check = config.checks.get(&args.name).ok_or_else(|| unknown(&args.name, &config))?;
    let stores = !args.dry_run && !args.as_daemon;
    if stores {
        let patience = check.timeout * 2 + PATIENCE;
        match control::ask(&store, &Request::Run(args.name.clone()), patience) {
            Ok(Response::Ran { output, state }) => {
                return Ok((output, State::from_code(state).unwrap_or(State::Unknown)));
            }
            Ok(Response::Refused(why)) => return Err(Failure::new(format!("the agent refused: {why}"))),
            Ok(Response::Status(_)) => return Err(Failure::new("the agent answered another question")),
            Err(AskError::NoAgent) => {}
            Err(error) => return Err(Failure::new(error.to_string())),
        }
    }
    let (output, run) = run_here(check, &config, &store, args.as_daemon)?;
    if stores && let Err(error) = keep(&store, &args.name, &run) {
        tell(&format!("the run is not stored: {}", chain(&error)));
    }
    Ok((output, run.state))
}

fn unknown(name: &str, config: &Config) -> Failure {
    let names: Vec<&str> = config.checks.keys().map(String::as_str).collect();
    Failure::usage(match names.as_slice() {
        [] => format!("no check {name} is defined, nor any other"),
        names => format!("no check {name} is defined; there are {}", names.join(", ")),
    })
}

/// Runs the check in this process, judged by what the store knows of it.
fn run_here(
    check: &Check,
    config: &Config,
    store: &Path,
    as_daemon: bool,
) -> Result<(Vec<u8>, Run), Failure> {
    let history = Reader::open(store).and_then(|reader| read_history(&reader, &check.name, Some(check)));
    let runs = history.map(|history| history.runs).unwrap_or_default();
    let started = clock::now();
    let mut restored = restore_standing(check, &runs, started);
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("failed to run {}: {error}", check.name));
    let (report, mut run) = match &check.command {
        Command::Snmp(poll) => {
            let outcome = snmp::poll_once(poll, check.timeout).map_err(|error| failed(&error))?;
            let (report, run) = snmp::read(poll, &config.snmp.names, &outcome, check.timeout_state);
            let duration_us = clock::now().mono_us.saturating_sub(started.mono_us);
            (report, Run { duration_us, ..run })
        }
        _ => {
            let spec = match as_daemon {
                true => super::as_daemon::spec(check, store)?,
                false => plugin_spec(check, &PluginEnvironment::of_this_process()),
            };
            let report = custos_shim::run_once(&custos_shim::Launch::default(), &spec)
                .map_err(|error| failed(&error))?;
            let run = interpret(&report, &Reading::from(check));
            (report, run)
        }
    };
    run.time_ms = started.wall_ms;
    run.origin = format!("command uid {}", nix::unistd::Uid::effective());
    evaluate(check, restored.before, &mut restored.holds, started.mono_us as i64, &mut run);
    let limits: Vec<&str> = threshold_lines(&run.judgement).collect();
    for remark in run.judgement.lines().filter(|line| !limits.contains(line)) {
        tell(remark);
    }
    Ok((plugin_output(&report, &run), run))
}

fn keep(store: &Path, name: &str, run: &Run) -> custos_store::Result<()> {
    let mut writer = Writer::open(store, Options::default())?;
    writer.append(&[(name, run)])?;
    writer.close()
}
