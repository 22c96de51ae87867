//! What rules are judged with.

use std::path::PathBuf;

use custos_promql::Labels;

use crate::limits::JUDGE_SUBQUERY_STEP_MS;

/// What rules are judged with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where older samples are.
    pub store: PathBuf,
    /// Labels of this host, for templates.
    pub external_labels: Labels,
    /// Where the page of this host is, for templates.
    pub external_url: String,
    /// Step of a subquery that has none (ms).
    pub subquery_step_ms: i64,
}

impl Settings {
    /// Rules over what is recorded into a store, of a host without labels.
    pub fn at(store: PathBuf) -> Settings {
        Settings {
            store,
            external_labels: Labels::default(),
            external_url: String::new(),
            subquery_step_ms: JUDGE_SUBQUERY_STEP_MS,
        }
    }
}
