//! Exact samples and runs of other systems on their way into the store, or, in a dry run, into a table.

use std::collections::BTreeMap;
use std::io::Write;

use custos_store::Run;

use super::hosts::Hosts;
use super::lines::Passed;
use super::table::Table;
use super::target::TargetArgs;
use crate::cli::read::Failure;
use crate::cli::store::taken_in;
use crate::import::{Gathered, Sample};
use crate::text::human::counted;

/// Which of what there is, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SamplesArgs {
    /// Only what is of this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

/// Samples and runs on their way.
pub(super) struct Samples<'s> {
    sink: &'s mut dyn FnMut(&str, Run) -> Result<(), Failure>,
    gathered: Gathered,
    hosts: Hosts,
    /// What was left out, and how often.
    left_out: BTreeMap<&'static str, u64>,
}

impl SamplesArgs {
    /// Has samples read into the store, or into a table, and says what became of them. `what` is what one of them is called.
    pub(super) fn take_in(
        &self,
        what: &'static str,
        out: &mut dyn Write,
        read: impl FnOnce(&mut Samples<'_>) -> Result<Passed, Failure>,
    ) -> Result<(), Failure> {
        let run = |sink: &mut dyn FnMut(&str, Run) -> Result<(), Failure>| {
            let hosts = Hosts::of(self.host.as_deref());
            let mut samples =
                Samples { sink, gathered: Gathered::default(), hosts, left_out: BTreeMap::new() };
            let passed = read(&mut samples)?;
            Ok((samples.end(what)?, passed))
        };
        let (left_out, passed) = if self.target.dry_run {
            let mut table = Table::default();
            let done = run(&mut |check, run| {
                table.add(check, &run);
                Ok(())
            })?;
            table.show(out)?;
            done
        } else {
            let (imported, done) =
                self.target.take_in(|target| run(&mut |check, run| target.add(check, run)))?;
            writeln!(out, "{}", taken_in(&imported))?;
            done
        };
        if !left_out.is_empty() {
            writeln!(out, "left out: {}", left_out.join(", "))?;
        }
        out.flush()?;
        passed.finish()
    }
}

impl Samples<'_> {
    /// Takes a sample in, if it is of the host that is meant.
    pub(super) fn add(&mut self, sample: Sample) -> Result<(), Failure> {
        let Sample { host, check, time_ms, metric } = sample;
        if !self.hosts.takes(host.as_deref())? {
            return Ok(());
        }
        match self.gathered.add(check, time_ms, metric) {
            Some((check, run)) => (self.sink)(&check, run),
            None => Ok(()),
        }
    }

    /// Whether a whole run of this host is taken in.
    pub(super) fn takes_host(&mut self, host: &str) -> Result<bool, Failure> {
        self.hosts.takes(Some(host))
    }

    /// Takes a whole run in.
    pub(super) fn add_run(&mut self, check: &str, run: Run) -> Result<(), Failure> {
        (self.sink)(check, run)
    }

    /// Counts what is left out.
    pub(super) fn leave_out(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.left_out.entry(what).or_default() += count;
        }
    }

    /// Hands on the last run. Returns what was left out, in words.
    fn end(mut self, what: &str) -> Result<Vec<String>, Failure> {
        if let Some((check, run)) = std::mem::take(&mut self.gathered).finish() {
            (self.sink)(&check, run)?;
        }
        let others = self.left_out.iter().map(|(what, count)| counted(*count, what));
        Ok(self.hosts.left_out(what).into_iter().chain(others).collect())
    }
}
