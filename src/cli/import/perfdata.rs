//! `custos import perfdata`: the perfdata of each run, as Nagios writes it into a file.

use std::io::Write;

use custos_compat::nagios::PerfdataLine;

use super::lines::{LineFiles, Outcome};
use super::samples::SamplesArgs;
use crate::cli::read::Failure;
use crate::import::PastStates;

/// Takes in Nagios' files of perfdata (service_perfdata_file): every run with its metrics, at full resolution
///
/// Lines are by Nagios' own template or by that of PNP4Nagios. The service is the check, and host the check of the host itself. A run
/// whose state the file does not have counts for its metrics only.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PerfdataArgs {
    #[command(flatten)]
    files: LineFiles,
    #[command(flatten)]
    samples: SamplesArgs,
}

pub(super) fn import(args: &PerfdataArgs, out: &mut dyn Write) -> Result<(), Failure> {
    args.samples.take_in("run", out, |samples| {
        let mut past = PastStates::default();
        args.files.each(|line| {
            if line.trim().is_empty() {
                return Ok(Outcome::Taken);
            }
            let Some(line) = PerfdataLine::parse(line) else {
                return Ok(Outcome::Wrong("it is by no template that is known".to_owned()));
            };
            if !samples.takes_host(&line.host)? {
                return Ok(Outcome::Taken);
            }
            let Some((check, run, dropped)) = past.perfdata_run(line) else {
                return Ok(Outcome::Wrong("its time is beyond all that can be".to_owned()));
            };
            samples.leave_out("unreadable value", dropped);
            samples.add_run(&check, run)?;
            Ok(Outcome::Taken)
        })
    })
}
