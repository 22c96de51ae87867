//! The `passive` of a check: results that others submit.

use custos_store::State;

use crate::config::keys::passive as keys;
use crate::config::model::check::Submitted;
use crate::document::diagnostic::Findings;
use crate::document::fields::Fields;
use crate::document::yaml::Node;

/// Reads what is expected of whoever submits.
pub(crate) fn read(node: &Node, owner: &str, findings: &mut Findings) -> Option<Submitted> {
    let owner = format!("`passive` of {owner}");
    let fields = Fields::of(node, &owner, &keys::PASSIVE, findings)?;
    let freshness = fields.read(&keys::FRESHNESS, findings);
    let stale_state = fields.value(&keys::STALE_STATE, findings).unwrap_or(State::Critical);
    Some(Submitted { freshness, stale_state })
}
