//! Events that the agent handles, and effects that it wants performed.

use std::collections::HashMap;
use std::sync::Arc;

use custos_query::NormalDays;
use custos_store::Run;

use super::answer::Answer;
use super::health::Health;
use super::watch::{Watch, Watching};
use crate::config::Config;
use crate::evaluate::Change;
use crate::execute::{Job, Line};
use crate::observe::{Observation, PassiveResult, PluginEnd};
use crate::rules::{ActiveAlert, JudgeOrder, JudgedGroup};

/// An event.
#[derive(Debug)]
pub enum Event {
    /// Time passed; some check may be due.
    Wake,
    /// A job ended.
    Ended {
        /// The ticket of its [`Effect::Start`].
        ticket: u64,
        /// Its result.
        observation: Box<Observation>,
    },
    /// Somebody asks for a run.
    Asked(Ask),
    /// Results of passive checks were reported.
    Passive(Vec<PassiveResult>),
    /// An order to judge rules was carried out.
    Judged(Box<JudgedGroup>),
    /// Time passed; instances that were not reported for too long expire, and results that did not come are missed.
    Look,
    /// What is normal from now on, by checks whose thresholds follow that.
    Normal(HashMap<String, Arc<NormalDays>>),
    /// A new configuration, already validated, with the histories of checks that are new in it.
    Reload(Arc<Config>, Vec<super::History>),
    /// Somebody wants to watch a check; [`Effect::Watching`] answers.
    Watch(Watch),
    /// Somebody watches no longer.
    Unwatch(u64),
    /// The health of the agent itself.
    Health(Box<Health>),
    /// Start nothing any more.
    Stop,
}

/// A request from outside: over NRPE or from the command line.
#[derive(Debug)]
pub struct Ask {
    /// Names the asker when the answer is there.
    pub id: u64,
    /// What is wanted.
    pub wanted: Wanted,
    /// Who asks, as the run records it.
    pub origin: String,
}

/// What a request asks for.
#[derive(Debug)]
pub enum Wanted {
    /// A defined check, by a run as the schedule would start it.
    Check(String),
    /// A defined check as its `serve` says: by its last run while that is young enough, else like [`Wanted::Check`].
    Served(String),
    /// Nothing: somebody brings a result of a check that is defined for that.
    Submitted(Box<Submission>),
    /// A command line, recorded as a run of the check of that name.
    Line {
        /// Name of the command.
        name: String,
        /// What to run.
        line: Box<Line>,
    },
}

/// A result that somebody brings.
#[derive(Debug)]
pub struct Submission {
    /// The check.
    pub check: String,
    /// What a plugin would have left behind.
    pub end: PluginEnd,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(super) struct Asker {
    /// Names the asker when the answer is there.
    pub(super) id: u64,
    /// Who asks, as the run records it.
    pub(super) origin: String,
}

/// An effect, to be performed by `crate::daemon`.
#[derive(Debug)]
pub enum Effect {
    /// Start a job and report its end under this ticket.
    Start {
        /// Number of the job, unique in the life of the agent.
        ticket: u64,
        /// What to do.
        job: Job,
        /// Whether somebody waits for the result, or for the slot that the job takes.
        awaited: bool,
    },
    /// Record a run.
    Record {
        /// Name of the check.
        check: Arc<str>,
        /// The run, judged.
        run: Arc<Run>,
    },
    /// Record a run that is none of the check's own, and that nothing goes by: one that was made because somebody watches.
    Keep {
        /// The name that it is stored under.
        check: Arc<str>,
        /// The run.
        run: Arc<Run>,
    },
    /// Have a group of rules judged, over every run that was recorded before; [`Event::Judged`] answers.
    Judge(JudgeOrder),
    /// A rule was judged, and these are its alerts. Its run was recorded just before.
    Alerts {
        /// Name of its check.
        check: Arc<str>,
        /// The run, judged.
        run: Arc<Run>,
        /// The alerts that are pending or fire.
        alerts: Vec<ActiveAlert>,
    },
    /// Answer a request.
    Answer {
        /// The request's id.
        id: u64,
        /// The answer, or why there is none.
        result: Result<Answer, String>,
    },
    /// Answer a wish to watch.
    Watching {
        /// Who watches.
        id: u64,
        /// How often the check is run, or why it cannot be watched.
        result: Result<Watching, String>,
    },
    /// Show a run to those who watch its check.
    Show {
        /// Who watches.
        watchers: Vec<u64>,
        /// Name of the check.
        check: Arc<str>,
        /// The run: one of the check's own, or one that was made because it is watched.
        run: Arc<Run>,
    },
    /// Tell somebody that what they watch cannot be watched any more.
    WatchEnded {
        /// Who watches.
        id: u64,
        /// Why.
        why: String,
    },
    /// Log that a check changed its state.
    Changed {
        /// Name of the check.
        check: Arc<str>,
        /// What changed.
        change: Change,
        /// Whether it is the first state of the check.
        first: bool,
        /// The text of the run that changed it.
        text: String,
    },
}
