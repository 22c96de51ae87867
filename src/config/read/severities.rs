//! `severities`: the states that values of the label `severity` stand for.

use custos_store::State;

use crate::config::keys::settings::STATES;
use crate::document::diagnostic::Findings;
use crate::document::fields::{choice, refuse};
use crate::document::yaml::{Content, Node};
use crate::rules::Severities;

/// The name that stands for all other values.
pub(crate) const OTHERWISE: &str = "otherwise";

/// Reads the mapping, which holds in place of what is built in.
pub(crate) fn read(node: &Node, findings: &mut Findings) -> Severities {
    let mut read = Severities { states: Default::default(), otherwise: State::Critical };
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of values of the label `severity` to states", findings);
        return read;
    };
    for entry in entries {
        let Some(state) = choice(&entry.value, &STATES, findings) else { continue };
        if entry.key == OTHERWISE {
            read.otherwise = state;
        } else {
            read.states.insert(entry.key.clone(), state);
        }
    }
    read
}
