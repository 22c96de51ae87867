//! `custos cron`: a job whose end is the result of a check.

use std::ffi::OsString;
use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;
use custos_store::State;
use nix::sys::signal::Signal;

use super::job::{Ended, Running};
use super::result::{hand_over, no_agent};
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, tell};
use crate::clock::{self, micros};
use crate::control::SubmittedResult;
use crate::exit_code::ExitCode;
use crate::limits::{CRON_AGENT_WAIT, CRON_DRAIN_MAX};
use crate::text::human;

/// How long to wait before looking again.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait before an agent that is not there is looked for again.
const AGENT_LOOK: Duration = Duration::from_secs(1);

/// Runs a job, and submits its end as the result of a check: OK if it exits with 0, CRITICAL otherwise, with how long it took.
///
/// Put it before the command in a crontab. What the job prints goes where it would go without, its last lines also into the history, and its
/// exit status is that of this command. With `freshness` in the check's `passive`, a job that was not run at all is seen as well. An agent
/// that is being restarted is waited for; that the result could not be submitted is said on stderr and changes no exit status.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct CronArgs {
    /// The check
    #[arg(add = ArgValueCompleter::new(completion::defined_check))]
    check: String,
    /// The job: a program and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &CronArgs) -> ExitCode {
    let begun_us = clock::mono_us();
    let (ended, running) = match Running::start(&args.words) {
        Ok(mut running) => (running.wait(), Some(running)),
        Err(ended) => (ended, None),
    };
    let took = Duration::from_micros(clock::mono_us().saturating_sub(begun_us));
    if let Ended::NotStarted(why, _) = &ended {
        tell(why);
    }
    // What it printed last may be on its way; what it left behind may print for ever.
    let until_us = clock::mono_us().saturating_add(micros(CRON_DRAIN_MAX));
    while running.as_ref().is_some_and(|running| !running.is_drained()) && clock::mono_us() < until_us {
        clock::pause(LOOK);
    }
    let lines = running.as_ref().map(Running::lines).unwrap_or_default();
    if let Err(failure) = submit(args, &ended, took, &lines) {
        tell(&format!("the end of the job was not submitted: {}", failure.message));
    }
    if let Some(running) = running {
        running.drain();
    }
    ExitCode::Raw(ended.exit_status())
}

/// Has the agent record the end of the job; one that is not there is waited for a while.
fn submit(args: &CronArgs, ended: &Ended, took: Duration, lines: &[String]) -> Result<(), Failure> {
    let (state, output) = result(ended, took, lines);
    let result =
        SubmittedResult { check: args.check.clone(), state: state.code(), output, duration_us: micros(took) };
    let until_us = clock::mono_us().saturating_add(micros(CRON_AGENT_WAIT));
    while !hand_over(&args.read, &result, "cron")? {
        if clock::mono_us() >= until_us {
            return Err(no_agent());
        }
        clock::pause(AGENT_LOOK);
    }
    Ok(())
}

/// The state of the check, and what a plugin would print.
fn result(ended: &Ended, took: Duration, lines: &[String]) -> (State, String) {
    let shown = human::duration_ms(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
    let (state, text) = match ended {
        Ended::Exited(0) => (State::Ok, format!("done after {shown}")),
        Ended::Exited(code) => (State::Critical, format!("exited with {code} after {shown}")),
        Ended::Signalled(number) => {
            let name = Signal::try_from(*number).map_or("a signal", Signal::as_str);
            (State::Critical, format!("ended by {name} after {shown}"))
        }
        Ended::NotStarted(why, _) => (State::Critical, format!("not run: {why}")),
    };
    let last = lines.last().filter(|_| state != State::Ok).map(|line| format!(": {line}"));
    // A `|` would begin perfdata.
    let plain = |text: &str| text.replace('|', "/");
    let mut output =
        format!("{}{} | duration={:.3}s", plain(&text), plain(&last.unwrap_or_default()), took.as_secs_f64());
    for line in lines {
        output.push('\n');
        output.push_str(&plain(line));
    }
    (state, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_well_when_it_exits_with_zero() {
        let took = Duration::from_millis(62_500);
        let lines = ["copying a|b".to_owned(), "disk full | really".to_owned()];
        let of = |ended| result(&ended, took, &lines);
        assert_eq!(
            of(Ended::Exited(0)),
            (State::Ok, "done after 1m 2s | duration=62.500s\ncopying a/b\ndisk full / really".to_owned())
        );
        let (state, output) = of(Ended::Exited(2));
        assert_eq!(state, State::Critical);
        assert!(output.starts_with("exited with 2 after 1m 2s: disk full / really | duration="), "{output}");
        assert!(of(Ended::Signalled(9)).1.starts_with("ended by SIGKILL after "));
        assert!(
            result(&Ended::NotStarted("x: no".to_owned(), 127), took, &[]).1.starts_with("not run: x: no | ")
        );
    }
}
