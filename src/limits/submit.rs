//! The bounds of results that are submitted.

use std::time::Duration;

/// The longest text of a result.
pub const SUBMIT_OUTPUT_MAX_BYTES: usize = 64 * 1024;
/// How long after its start the agent waits for results that were due while it was not there.
pub const SUBMIT_START_GRACE: Duration = Duration::from_secs(300);
/// How much of the end of what a job prints `custos cron` submits.
pub const CRON_OUTPUT_BYTES: usize = 8 * 1024;
/// How long after the end of a job `custos cron` waits for what it printed last.
pub const CRON_DRAIN_MAX: Duration = Duration::from_secs(1);
/// How long `custos cron` waits for an agent that is not there, as it is being started again.
pub const CRON_AGENT_WAIT: Duration = Duration::from_secs(60);
