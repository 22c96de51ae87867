//! `custos check`: one check, here and now.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;
use custos_query::{latest_runs, threshold_lines};
use custos_store::{Options, Provenance, Reader, Run, State, Writer};

use super::completion;
use super::denied::by_owner;
use super::nrpe_settings::nrpe_settings;
use super::read::{Failure, ReadArgs, chain, store_error, tell};
use super::style::printable_lines;
use super::unknown::{Among, all_known};
use crate::agent::{own_answer, passive_answer, restore_standing, rule_answer, verdict_output};
use crate::clock;
use crate::config::{Check, Config};
use crate::control::{self, AskError, Request, Response};
use crate::daemon::{normal_now, read_history};
use crate::evaluate::{Taken, evaluate};
use crate::execute::{Job, PluginEnvironment, TableRows};
use crate::exit_code::ExitCode;
use crate::limits::{CHECK_LOCK_LOOK, CHECK_LOCK_WAIT, GRACE};
use crate::observe::Observation;

/// The port that `check_nrpe` asks at unless another is named.
const NRPE_PORT: u16 = 5666;

/// How long the agent may take to answer, beyond the check's own timeout and the time that a plugin gets to end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs one check now, as a plugin would: its text and perfdata on stdout, the verdict as exit status.
///
/// If the agent is running, it runs the check, or shares the run that is under way. Otherwise the check is run here, in
/// the same surroundings. Where thresholds changed the plugin's state, their message comes before its text.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The name of the check
    #[arg(add = ArgValueCompleter::new(completion::defined_check))]
    name: String,
    /// Run it here and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Run it here as the agent would, with its user, environment, limits and directory, and store nothing
    #[arg(long)]
    as_agent: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    match verdict(args) {
        Ok((output, state)) => print(output, state),
        // To whoever runs this as a plugin, a check that could not be run is UNKNOWN.
        Err(failure) => print(failure_output(&failure.message), State::Unknown),
    }
}

fn print(output: Vec<u8>, state: State) -> ExitCode {
    let mut out = io::stdout().lock();
    let shown = if out.is_terminal() { printable_lines(&output).into_bytes() } else { output };
    // A reader that has gone away still wants the exit status.
    let _ = out.write_all(&shown).and_then(|()| out.flush());
    ExitCode::Verdict(state)
}

/// What a plugin would print that cannot do its work. The last line of a message is what it comes to; those before it,
/// such as mistakes in the configuration, become long text.
fn failure_output(message: &str) -> Vec<u8> {
    // A `|` would begin perfdata.
    let message = printable_lines(message.trim_end().as_bytes()).replace('|', "/");
    let (details, last) = message.rsplit_once('\n').unwrap_or(("", &message));
    let details = if details.is_empty() { String::new() } else { format!("{details}\n") };
    format!("UNKNOWN: {last}\n{details}").into_bytes()
}

fn verdict(args: &CheckArgs) -> Result<(Vec<u8>, State), Failure> {
    let (store, config) = args.read.locate_strictly()?;
    let config = config.ok_or_else(|| Failure::usage("there is no configuration; name one with --config"))?;
    let stores = !args.dry_run && !args.as_agent;
    if config.own_checks().any(|own| own == args.name) {
        // There is nothing to run.
        let asked = ask_agent(&store, args, GRACE + PATIENCE, "the store answers")?;
        return asked.map_or_else(|| stored_verdict(&store, &args.name), Ok);
    }
    let known: Vec<String> = config.checks.keys().cloned().collect();
    all_known([&args.name], &known, Among::Defined)
        .map_err(|failure| of_nrpe_cfg(&config, &args.name).unwrap_or(failure))?;
    let check = &config.checks[&args.name];
    if stores {
        // The agent ends a plugin that does not heed its timeout, and then says so.
        let patience = check.timeout + GRACE + PATIENCE;
        if let Some(verdict) = ask_agent(&store, args, patience, "the check is run here")? {
            return Ok(verdict);
        }
    }
    match run_here(check, &config, &store, args.as_agent.then(|| args.read.repeated()).as_deref())? {
        Outcome::Ran(output, run, mut rows) => {
            if stores && let Err(error) = keep(&store, &args.name, &run, &mut rows) {
                tell(&format!("the run is not stored: {}", chain(&error)));
            }
            Ok((output, run.state))
        }
        Outcome::Known(output, state) => Ok((output, state)),
    }
}

/// What to say of a name that no check has: that it is a command of `nrpe.cfg`, if it is one, and how to run it.
fn of_nrpe_cfg(config: &Config, name: &str) -> Option<Failure> {
    let settings = nrpe_settings(config, false).ok()??;
    settings.commands.get(name.as_bytes())?;
    let port = settings.listen.first().map(|listen| listen.port).filter(|port| *port != NRPE_PORT);
    let port = port.map(|port| format!(" -p {port}")).unwrap_or_default();
    let name = shell_words::quote(name);
    Some(Failure::usage(format!(
        "{name} is no check but a command of nrpe.cfg, which the agent runs when it is asked over NRPE: custos \
         check_nrpe -H 127.0.0.1{port} -c {name}"
    )))
}

/// The running agent's answer to a request for a check; `None` if there is no agent, or none to be believed, in which case
/// `instead` says what becomes of the request.
fn ask_agent(
    store: &Path,
    args: &CheckArgs,
    patience: Duration,
    instead: &str,
) -> Result<Option<(Vec<u8>, State)>, Failure> {
    let answer = control::ask(store, &Request::Run(args.name.clone()), patience);
    match answer.map(|answered| answered.response) {
        Ok(Response::Ran { output, state }) => {
            Ok(Some((output, State::from_code(state).unwrap_or(State::Unknown))))
        }
        Ok(Response::Refused(why)) => Err(Failure::new(format!("the agent refused: {why}"))),
        Ok(Response::Status(_) | Response::Notify(_) | Response::Done(_)) => {
            Err(Failure::new("the agent answered another question"))
        }
        Err(AskError::NoAgent) => Ok(None),
        // Nothing that such a process says becomes the result of a check.
        Err(error @ AskError::Stranger(_)) => {
            tell(&format!("{error}; {instead}"));
            Ok(None)
        }
        Err(error @ AskError::Denied) => {
            let command = format!("check {}{}", shell_words::quote(&args.name), args.read.repeated());
            Err(Failure::new(format!("{error}{}", by_owner(store, &command))))
        }
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

/// What the store says of one of the agent's own checks.
fn stored_verdict(store: &Path, name: &str) -> Result<(Vec<u8>, State), Failure> {
    let last = Reader::open(store)
        .and_then(|reader| latest_runs(&reader, name).next().transpose())
        .map_err(|error| Failure::new(store_error(store, &error)))?;
    let answer = own_answer(name, last.as_ref(), clock::now_ms());
    let state = answer.state();
    Ok((answer.output(), state))
}

/// The result of a check in this process.
enum Outcome {
    /// By a run: its output, the run as it is to be stored, and what is remembered of the rows of its table.
    Ran(Vec<u8>, Box<Run>, TableRows),
    /// From what was stored: output and verdict.
    Known(Vec<u8>, State),
}

/// Runs the check in this process, judged by what the store knows of it. A passive check has nothing to run: it is
/// answered from the store, as the agent answers it.
///
/// `as_agent` has the options that named configuration and store, if it is run in the surroundings of the agent.
fn run_here(
    check: &Check,
    config: &Config,
    store: &Path,
    as_agent: Option<&str>,
) -> Result<Outcome, Failure> {
    let history = Reader::open(store).and_then(|reader| read_history(&reader, &check.name, Some(check)));
    let runs = history.map(|history| history.runs).unwrap_or_default();
    let now_ms = clock::now().wall_ms;
    let normal = Reader::open(store).ok().and_then(|reader| normal_now(&reader, check, now_ms)).map(Arc::new);
    let job = match Job::of_check(check, config, &PluginEnvironment::of_this_process()) {
        None => {
            let stands = || restore_standing(check, &runs, None, clock::now()).previous;
            let answer = match check.command.is_rule() {
                true => rule_answer(runs.last(), stands()),
                false => passive_answer(check.command.reports(), runs.last()),
            };
            let state = answer.state();
            return Ok(Outcome::Known(answer.output(), state));
        }
        Some(job @ Job::Plugin(_)) => match as_agent {
            Some(given) => super::as_agent::job(check, store, given)?,
            None => job,
        },
        Some(job) => job,
    };
    let started = clock::now();
    let mut restored = restore_standing(check, &runs, normal, started);
    let mut rows = TableRows::read(store, std::iter::once(check));
    let Observation { mut run, printed, uptime, .. } = job
        .run_once(&mut rows)
        .map_err(|error| Failure::new(format!("failed to run {}: {error}", check.name)))?;
    run.time_ms = started.wall_ms;
    run.origin = format!("command uid {}", nix::unistd::Uid::effective());
    run.provenance = Provenance::Asked;
    let taken = Taken { uptime, ..Taken::at(started.mono_us as i64) };
    evaluate(check, restored.previous, &mut restored.pending, taken, &mut run);
    let limits = threshold_lines(&run.judgement);
    for remark in run.judgement.lines().filter(|line| !limits.contains(line)) {
        tell(remark);
    }
    Ok(Outcome::Ran(verdict_output(&printed, &run), Box::new(run), rows))
}

/// Opens the store for writing, after whoever writes to it if that takes no more than a moment.
fn open_in_turn(store: &Path) -> custos_store::Result<Writer> {
    let until = clock::now().after(CHECK_LOCK_WAIT);
    loop {
        match Writer::open(store, Options::default()) {
            Err(custos_store::Error::Locked { .. }) if clock::now().mono_us < until.mono_us => {
                clock::pause(CHECK_LOCK_LOOK);
            }
            opened => return opened,
        }
    }
}

fn keep(store: &Path, name: &str, run: &Run, rows: &mut TableRows) -> custos_store::Result<()> {
    let mut writer = open_in_turn(store)?;
    writer.append(&[(name, run)])?;
    for (name, text) in rows.take_notes() {
        writer.notes().write(&name, text.as_bytes())?;
    }
    writer.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_said_as_a_plugin_says_it() {
        let said = |message: &str| String::from_utf8(failure_output(message)).unwrap();
        assert_eq!(said("the running agent does not answer"), "UNKNOWN: the running agent does not answer\n");
        assert_eq!(
            said("c.yaml:2:3: a|b\nfailed to read c.yaml; mend it first"),
            "UNKNOWN: failed to read c.yaml; mend it first\nc.yaml:2:3: a/b\n"
        );
    }
}
