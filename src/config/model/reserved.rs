//! Names that the agent keeps for itself: no check of a configuration may have them.

/// The name under which the agent reports on itself.
pub const AGENT_CHECK: &str = "custos";

/// The name under which traps are kept that are for no check.
pub const UNMATCHED_CHECK: &str = "custos.traps";
