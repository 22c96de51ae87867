//! The protocol of the control socket: a request and an answer, each a line of JSON. Empty lines
//! before the answer are signs of life.

use serde::{Deserialize, Serialize};

use crate::agent::Row;
use crate::live::Wish;
use crate::notify::NotifyReport;
use crate::part::Part;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The state of the agent and its checks.
    Status,
    /// Run this check now, or share the run that is under way.
    Run(String),
    /// Record this result of a check that takes them; [`Response::Ran`] has the verdict.
    Submit(SubmittedResult),
    /// Something about notifications.
    Notify(NotifyRequest),
    /// Have this sink send again what was set aside.
    RetrySink(String),
    /// Watch these checks: no [`Response`] but [`LiveLine`](crate::live::LiveLine)s follow until one side closes the connection.
    Watch(Vec<Wish>),
}

/// A result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedResult {
    /// The check.
    pub check: String,
    /// Its state, by number.
    pub state: u8,
    /// What a plugin would have printed: a text, and after a `|` perfdata; further lines.
    pub output: String,
    /// How long it took to find out, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// A request about notifications. Conditions on labels are as they are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyRequest {
    /// How they stand.
    Report,
    /// Be silent about alerts that fire until they are over.
    Ack {
        /// Which.
        matchers: Vec<String>,
        /// Who wants that.
        author: String,
        /// Why.
        comment: String,
    },
    /// Take that back.
    Unack {
        /// Which.
        matchers: Vec<String>,
    },
    /// Be silent about alerts for a time.
    Silence {
        /// Which.
        matchers: Vec<String>,
        /// From when, in ms since the epoch; from now on, if that is not said.
        from_ms: Option<i64>,
        /// Until when, in ms since the epoch.
        until_ms: i64,
        /// Who wants that.
        author: String,
        /// Why.
        comment: String,
    },
    /// End the silence of this number.
    Expire(u64),
    /// Send this target a message that says that nothing is wrong.
    Try(String),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Status`].
    Status(AgentStatus),
    /// To [`Request::Run`]: the output and the verdict.
    Ran {
        /// What a plugin would print.
        output: Vec<u8>,
        /// The verdict by number.
        state: u8,
    },
    /// To [`NotifyRequest::Report`].
    Notify(Box<NotifyReport>),
    /// To the other requests about notifications, and to [`Request::RetrySink`]: what was done.
    Done(String),
    /// To any: it cannot be done, and why.
    Refused(String),
}

/// The state of the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its process id.
    pub pid: u32,
    /// When it was started, in ms since the epoch.
    pub started_ms: i64,
    /// Its checks: those that the configuration in force defines.
    pub rows: Vec<Row>,
    /// Its parts.
    pub parts: Vec<Part>,
}
