//! The result of a job, in the same form for every kind of check.

use std::borrow::Cow;
use std::time::Duration;

use custos_store::{Reason, Run, State};

use super::perfdata;

/// The result of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The run as far as it is known. The agent adds its start, its slot, who asked for it, and the state of the check
    /// after it.
    pub run: Run,
    /// The output, as the plugin printed it or would have.
    pub printed: Printed,
    /// How long the job waited to be started after it was given, in microseconds.
    pub wait_us: u64,
    /// For how long what was observed had been up, if it says: a counter that fell meanwhile began anew, or wrapped.
    pub uptime: Option<Duration>,
}

/// The output, as the plugin printed it or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// What a plugin wrote, byte for byte as far as it was kept.
    ByPlugin {
        /// Its stdout.
        stdout: Vec<u8>,
        /// Its stderr; of a plugin that could not be started, why.
        stderr: Vec<u8>,
    },
    /// Nothing was printed. What a plugin would have printed is composed from the run when somebody wants it.
    FromRun,
}

impl Observation {
    /// What is known of a job that the agent did not wait for to its end.
    pub fn abandoned(duration_us: u64) -> Observation {
        let why = "the agent ended before it was done";
        let run = Run {
            duration_us,
            state: State::Unknown,
            plugin_state: State::Unknown,
            reason: Reason::NotFinished,
            text: format!("({why})"),
            judgement: why.to_owned(),
            ..Run::default()
        };
        Observation { run, printed: Printed::FromRun, wait_us: 0, uptime: None }
    }
}

impl Printed {
    /// The output on stdout. `run` is the run of the same observation.
    pub fn stdout(&self, run: &Run) -> Cow<'_, [u8]> {
        match self {
            Printed::ByPlugin { stdout, .. } => Cow::Borrowed(stdout),
            Printed::FromRun => Cow::Owned(perfdata::output(run).into_bytes()),
        }
    }

    /// The output on stderr, or why the job could not be started.
    pub fn stderr(&self) -> &[u8] {
        match self {
            Printed::ByPlugin { stderr, .. } => stderr,
            Printed::FromRun => &[],
        }
    }
}
