//! The `passive` of a check: results that others submit, and until when one is expected.

use std::time::Duration;

use custos_store::State;

use crate::config::keys::settings::STATES;
use crate::document::key::{Is, Key, key, section};
use crate::document::kind::{Choice, Span};
use crate::limits::INTERVAL_MAX;

section! {
    /// The results of a check that are submitted.
    PASSIVE = "passive";
    FRESHNESS: Key<Span> = key("freshness", Span(Duration::from_secs(1), INTERVAL_MAX),
        "for so long a result holds; if no other one came by then, the check is in `stale_state`, once")
        .says("for ever");
    STALE_STATE: Key<Choice<State>, Is<State>> = key("stale_state", Choice(&STATES),
        "the state of a check whose result no longer holds: `ok`, `warning`, `critical` or `unknown`")
        .is(State::Critical);
}
