//! A job: everything that running a check takes, fixed when it starts.
//!
//! Invariant: a job carries everything that reading its result takes. A definition that changes while the job runs does
//! not change its result.

use std::io;
use std::time::Duration;

use super::line::Line;
use super::plugin::{PluginEnvironment, PluginJob, plugin_spec};
use super::poll::PollJob;
use super::rows::TableRows;
use crate::config::{Check, Command, Config, Native};
use crate::limits::{CLONE_PERIOD_MIN, CLONE_PERIOD_SNMP_MIN};
use crate::observe::{Observation, Reading};

/// The job of a check. Its methods are all that differs between the kinds.
#[derive(Debug)]
pub enum Job {
    /// Run a plugin.
    Plugin(PluginJob),
    /// Ask a device.
    Poll(PollJob),
}

impl Job {
    /// The job of a check by its definition; `None` for a passive check. `environment` is that of the agent's own user.
    pub fn of_check(check: &Check, config: &Config, environment: &PluginEnvironment) -> Option<Job> {
        match &check.command {
            Command::Snmp(poll) => Some(Job::Poll(PollJob::new(poll, check, config.snmp.names.shared()))),
            Command::Program(_) | Command::Shell(_) => {
                let spec = plugin_spec(check, environment)?;
                let job = PluginJob::new(spec, Reading::from(check)).native_if_known(check.native);
                Some(Job::Plugin(job.not_found_in(&config.plugins)))
            }
            Command::Trap(_) | Command::Submitted(_) | Command::Rule(_) => None,
        }
    }

    /// The job of a command line that somebody asks for under the name of a check. The check says how what it prints is
    /// read, the line how long it may take, and `native` whether the work of a standard plugin is done in its place.
    pub fn of_line(line: Line, check: &Check, native: Native) -> Job {
        let reading = Reading { timeout: line.timeout(), ..Reading::from(check) };
        Job::Plugin(PluginJob::new(line.into_spec(), reading).native_if_known(native))
    }

    /// Whether the job of a check takes one of the slots that `max_concurrent_checks` counts, as every process does.
    pub fn takes_slot(check: &Check) -> bool {
        match check.command {
            Command::Program(_) | Command::Shell(_) => true,
            // The poller has bounds of its own.
            Command::Snmp(_) => false,
            // There is no job.
            Command::Trap(_) | Command::Submitted(_) | Command::Rule(_) => false,
        }
    }

    /// The shortest time between two jobs of a check that somebody watches.
    pub fn period_min(check: &Check) -> Duration {
        match check.command {
            Command::Snmp(_) => CLONE_PERIOD_SNMP_MIN,
            Command::Program(_)
            | Command::Shell(_)
            | Command::Trap(_)
            | Command::Submitted(_)
            | Command::Rule(_) => CLONE_PERIOD_MIN,
        }
    }

    /// How long it may take.
    pub fn timeout(&self) -> Duration {
        match self {
            Job::Plugin(job) => job.timeout(),
            Job::Poll(job) => job.timeout(),
        }
    }

    /// Runs the job in this thread and waits for its observation. For commands, which have no runtime. `rows` is what is
    /// remembered of the rows of tables.
    ///
    /// # Errors
    /// It could not even be begun.
    pub fn run_once(self, rows: &mut TableRows) -> io::Result<Observation> {
        match self {
            Job::Plugin(job) => job.run_once(),
            Job::Poll(job) => job.run_once(rows),
        }
    }
}
