//! What the templates of an evaluation can refer to, apart from their elements.

use custos_promql::Labels;

use super::judgement::{Judgement, QueryFunction};

/// What every template of an evaluation can refer to.
#[derive(Clone)]
pub struct Context {
    /// When the rule is evaluated (ms since the epoch).
    pub now_ms: i64,
    /// Labels of this host.
    pub external_labels: Labels,
    /// Where this agent's page is.
    pub external_url: String,
    /// Answers `query`.
    pub query: QueryFunction,
    /// What this shares with the other expansions of a judgement.
    pub judgement: Judgement,
}
