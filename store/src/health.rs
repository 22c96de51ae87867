//! How the store is doing, for the agent's own state and for `custos store info`.

/// Whether there is room on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// As much as was asked for in [`crate::Options::low_space_bytes`], or not known.
    #[default]
    Enough,
    /// Less than that: a WARNING, long before anything is refused.
    Low,
}

/// How the store is doing since it was opened.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Whether there is room on the disk.
    pub space: Space,
    /// Free bytes for an unprivileged process, where known.
    pub free_bytes: Option<u64>,
    /// Why the last batch was refused; none while runs are stored.
    pub refusing: Option<String>,
    /// Runs stored.
    pub stored_runs: u64,
    /// Runs refused.
    pub refused_runs: u64,
    /// Damaged parts found in files.
    pub damages: u64,
    /// What went wrong last while sealing or merging; none if the last attempt worked.
    pub maintenance_error: Option<String>,
    /// Logs that wait to be sealed.
    pub unsealed_logs: u64,
}
