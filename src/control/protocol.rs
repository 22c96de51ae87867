//! The protocol of the control socket: a request and an answer, each a line of JSON. Empty lines
//! before the answer are signs of life.

use serde::{Deserialize, Serialize};

use crate::agent::Row;
use crate::part::Part;

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The state of the agent and its checks.
    Status,
    /// Run this check now, or share the run that is under way.
    Run(String),
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
