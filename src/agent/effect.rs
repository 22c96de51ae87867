//! What happens to the agent, and what it wants done about it.

use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Report, Spec};
use custos_store::Run;

use super::health::Health;
use crate::config::{Config, SnmpPoll};
use crate::evaluate::Change;
use crate::observe::PassiveResult;
use crate::snmp;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// Time passed; some check may be due.
    Wake,
    /// A plugin ended.
    Finished {
        /// The ticket of its [`Effect::Execute`].
        ticket: u64,
        /// What came of it.
        report: Report,
    },
    /// A device answered, or did not.
    Polled {
        /// The ticket of its [`Effect::Poll`].
        ticket: u64,
        /// What came of it.
        outcome: snmp::Outcome,
    },
    /// Somebody asks for a run.
    Asked(Ask),
    /// Results of passive checks were reported.
    Passive(Vec<PassiveResult>),
    /// Time passed, which may end what nobody reports any more.
    Look,
    /// A new configuration, already validated, with the histories of checks that are new in it.
    Reload(Arc<Config>, Vec<super::History>),
    /// How the agent itself is doing.
    Health(Health),
    /// Start nothing any more.
    Stop,
}

/// A request from outside: over NRPE or from the command line.
#[derive(Debug)]
pub struct Ask {
    /// By which the asker is found again.
    pub id: u64,
    /// What is wanted.
    pub wanted: Wanted,
    /// Who asks, as it is kept with the run.
    pub origin: String,
}

/// What a request wants run.
#[derive(Debug)]
pub enum Wanted {
    /// A defined check, as the schedule would run it.
    Check(String),
    /// A command of its own, recorded as a run of the check of that name.
    Line {
        /// Name of the command.
        name: String,
        /// The plugin to run; taken out when it is started.
        spec: Option<Box<Spec>>,
    },
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Start a plugin and report its end under this ticket.
    Execute {
        /// Number of the execution, unique in the life of the agent.
        ticket: u64,
        /// The plugin.
        spec: Box<Spec>,
        /// Whether somebody waits for the result, or for the place that it takes.
        awaited: bool,
    },
    /// Ask a device and report the outcome under this ticket.
    Poll {
        /// Number of the execution, unique in the life of the agent.
        ticket: u64,
        /// Whom to ask for what.
        poll: Arc<SnmpPoll>,
        /// How long the answer may take.
        timeout: Duration,
    },
    /// Keep a run.
    Record {
        /// Name of the check.
        check: Arc<str>,
        /// The run, judged.
        run: Arc<Run>,
    },
    /// Answer a request.
    Answer {
        /// The request's id.
        id: u64,
        /// What came of the plugin, and the run it became; none if it could not be run.
        result: Result<(Arc<Report>, Arc<Run>), String>,
    },
    /// Tell the operator that a check changed its state.
    Changed {
        /// Name of the check.
        check: Arc<str>,
        /// What changed.
        change: Change,
        /// The text of the run that changed it.
        text: String,
    },
}
