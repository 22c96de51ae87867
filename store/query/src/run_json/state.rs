//! States by name, and the error of a line that is no run.

use custos_store::State;

use crate::error::{Error, Result};

pub(super) fn bad(what: impl Into<String>) -> Error {
    Error::Line { what: what.into() }
}

pub(super) fn state(name: &str) -> Result<State> {
    let found = State::ALL.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| bad(format!("{name:?} is no state")))
}
