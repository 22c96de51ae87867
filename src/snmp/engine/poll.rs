//! A question to a device, as it is submitted.

use crate::snmp::question::Question;
use crate::snmp::target::Target;

/// A question to a device.
#[derive(Clone, Debug)]
pub struct Poll {
    /// By which its end is known; unique among the polls under way.
    pub ticket: u64,
    /// Whom to ask.
    pub target: Target,
    /// What.
    pub question: Question,
    /// When an answer is no longer wanted, on the monotonic clock.
    pub deadline_us: u64,
}
