//! What rules are judged with.

use std::path::PathBuf;

use crate::limits::JUDGE_SUBQUERY_STEP_MS;
use crate::rules::External;

/// What rules are judged with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where older samples are.
    pub store: PathBuf,
    /// What templates can say of this host.
    pub external: External,
    /// Step of a subquery that has none (ms).
    pub subquery_step_ms: i64,
}

impl Settings {
    /// Rules over what is recorded into a store, of a host without labels.
    pub fn at(store: PathBuf) -> Settings {
        Settings { store, external: External::default(), subquery_step_ms: JUDGE_SUBQUERY_STEP_MS }
    }
}
