//! A job that asks a device over SNMP.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use custos_store::State;

use super::rows::TableRows;
use crate::clock;
use crate::config::{Check, SnmpPoll};
use crate::mib::Names;
use crate::observe::Observation;
use crate::snmp;

/// Whom to ask for what, and how the answer is read.
#[derive(Clone, Debug)]
pub struct PollJob {
    check: String,
    poll: Arc<SnmpPoll>,
    names: Arc<Names>,
    timeout: Duration,
    timeout_state: State,
}

impl PollJob {
    /// The job of a check that asks a device, whose answer is read with these names.
    pub(super) fn new(poll: &Arc<SnmpPoll>, check: &Check, names: Arc<Names>) -> PollJob {
        let (timeout, timeout_state) = (check.timeout, check.timeout_state);
        PollJob { check: check.name.clone(), poll: Arc::clone(poll), names, timeout, timeout_state }
    }

    /// Whom to ask for what.
    pub fn poll(&self) -> &SnmpPoll {
        &self.poll
    }

    /// How long the answer may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The job's observation: the device answered after so long, or did not. `rows` is what is remembered of the rows of
    /// tables.
    pub fn observe(&self, outcome: &snmp::Outcome, took_us: u64, rows: &mut TableRows) -> Observation {
        let mut observation =
            snmp::read(&self.poll, &self.names, outcome, self.timeout_state, rows.of(&self.check));
        observation.run.duration_us = took_us;
        observation
    }

    pub(super) fn run_once(self, rows: &mut TableRows) -> io::Result<Observation> {
        let started_us = clock::now().mono_us;
        let outcome = snmp::poll_once(&self.poll, self.timeout)?;
        let took_us = clock::now().mono_us.saturating_sub(started_us);
        Ok(self.observe(&outcome, took_us, rows))
    }
}
