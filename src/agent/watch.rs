//! Wishes to watch a check, and what is granted.

use std::time::Duration;

/// A wish to watch a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Names who watches; nobody else that watches has it.
    pub id: u64,
    /// Name of the check.
    pub check: String,
    /// How often it shall be run; `None` for as often as it is run anyway.
    pub period: Option<Duration>,
}

/// How often a check is run for somebody who watches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// How often it is run anyway; `None` for a check that is not run by a schedule.
    pub interval: Option<Duration>,
    /// How often it is run for who watches, if that is more often. Others may have it run still more often.
    pub period: Option<Duration>,
    /// Why that is not as often as was wished; empty otherwise.
    pub note: String,
}
