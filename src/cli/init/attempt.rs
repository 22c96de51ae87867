//! Running each proposed check once, so that one that is CRITICAL right away is seen before it is written.

use std::io::Write;

use custos_store::State;
use nix::unistd::{Uid, User};

use crate::agent::restore_standing;
use crate::cli::as_agent;
use crate::cli::failure::Failure;
use crate::cli::style::printable;
use crate::clock;
use crate::config::{Check, Config};
use crate::evaluate::{Taken, evaluate};
use crate::execute::{Job, PluginEnvironment, TableRows};
use crate::text::human::counted;
use crate::text::width::shorten;

/// Columns of what a check says.
const TEXT_COLUMNS: usize = 120;

/// Runs every check of a configuration, one after the other, stores nothing, and shows a line for each.
///
/// Root runs plugins as the user of the agent, as far as that is known from the store.
pub(super) fn attempt(config: &Config, out: &mut dyn Write) -> Result<(), Failure> {
    let mut bad = 0;
    for check in config.checks.values() {
        let (state, text) = run(check, config);
        bad += u64::from(state != State::Ok);
        let line = printable(text.lines().next().unwrap_or_default());
        writeln!(out, "  {:<8}  {}: {}", state.name(), check.name, shorten(&line, TEXT_COLUMNS, "…"))?;
    }
    let all = counted(config.checks.len() as u64, "check");
    let own = || User::from_uid(Uid::effective()).ok().flatten().map(|user| user.name);
    match as_agent::user(&config.store).filter(|_| Uid::effective().is_root()) {
        Some(user) => writeln!(out, "{bad} of {all} not OK, run as {user}, as the agent does")?,
        None => {
            let user = own().unwrap_or_else(|| "you".to_owned());
            writeln!(out, "{bad} of {all} not OK, run as {user}; the agent runs them as its own user")?;
        }
    }
    Ok(())
}

fn job_of(check: &Check, config: &Config) -> Option<Job> {
    let as_agent = Uid::effective().is_root().then(|| as_agent::job(check, &config.store, "").ok()).flatten();
    as_agent.or_else(|| Job::of_check(check, config, &PluginEnvironment::of_this_process()))
}

fn run(check: &Check, config: &Config) -> (State, String) {
    let Some(job) = job_of(check, config) else {
        return (State::Unknown, "there is nothing to run".to_owned());
    };
    let started = clock::now();
    let mut observation = match job.run_once(&mut TableRows::default()) {
        Ok(observation) => observation,
        Err(error) => return (State::Unknown, format!("failed to run it: {error}")),
    };
    observation.run.time_ms = started.wall_ms;
    let mut standing = restore_standing(check, &[], None, started);
    let taken = Taken { uptime: observation.uptime, ..Taken::at(started.mono_us as i64) };
    evaluate(check, standing.previous, &mut standing.pending, taken, &mut observation.run);
    let run = &observation.run;
    (
        run.state,
        String::from_utf8_lossy(&crate::agent::verdict_output(&observation.printed, run)).into_owned(),
    )
}
