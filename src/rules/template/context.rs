//! What the templates of an evaluation can refer to, apart from their elements.

use std::sync::Arc;

use custos_promql::Labels;

use super::judgement::{Judgement, QueryFunction};

/// What templates can say of this host.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// Its labels.
    pub labels: Labels,
    /// Where its page is.
    pub url: String,
}

/// What every template of an evaluation can refer to.
#[derive(Clone)]
pub struct Context {
    /// When the rule is evaluated (ms since the epoch).
    pub now_ms: i64,
    /// What they can say of this host.
    pub external: External,
    /// Answers `query`.
    pub query: QueryFunction,
    /// What this shares with the other expansions of a judgement.
    pub judgement: Judgement,
}

impl Context {
    /// That of an evaluation in which templates say nothing of the host, and cannot ask anything.
    pub fn plain(now_ms: i64) -> Context {
        Context {
            now_ms,
            external: External::default(),
            query: Arc::new(|_| Err("there are no queries in templates".to_owned())),
            judgement: Judgement::default(),
        }
    }
}
