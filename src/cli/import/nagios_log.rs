//! `custos import nagios-log`: changes of state, as Nagios and Icinga log them.

use std::io::Write;

use custos_compat::nagios::LogLine;

use super::lines::{LineFiles, Outcome};
use super::samples::SamplesArgs;
use crate::cli::read::Failure;
use crate::import::PastStates;

/// Takes in logs of Nagios and Icinga, and their archives, as history of states
///
/// Alerts and the states at the start of each log become runs: when a state changed, soft or hard, at which attempt, with which text.
/// Between them nothing is known but that the state was that. The service is the check, and host the check of the host itself. Give the
/// files in the order of time.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NagiosLogArgs {
    #[command(flatten)]
    files: LineFiles,
    #[command(flatten)]
    samples: SamplesArgs,
}

pub(super) fn import(args: &NagiosLogArgs, out: &mut dyn Write) -> Result<(), Failure> {
    args.samples.take_in("run", out, |samples| {
        let mut past = PastStates::default();
        args.files.each(|line| {
            // A log says much that is not of states.
            let Some(line) = LogLine::parse(line) else {
                samples.leave_out("other line", u64::from(!line.trim().is_empty()));
                return Ok(Outcome::Taken);
            };
            if samples.takes_host(&line.host)?
                && let Some((check, run)) = past.run(line)
            {
                samples.add_run(&check, run)?;
            }
            Ok(Outcome::Taken)
        })
    })
}
