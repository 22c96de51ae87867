//! The `trap` of a check: which traps count, and what they say.

use std::time::Duration;

use crate::config::keys::settings::STATES;
use crate::config::keys::shapes::{conditions, labelled_objects, networks, objects};
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::Span;
use crate::document::section::{Rule, Shape};
use crate::limits::INTERVAL_MAX;

const UUID: &str = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";

/// The text of a trap for which none is given.
pub(crate) const USUAL_TEXT: &str = "{trap} from {source}: {variables}";

fn state() -> Shape {
    let words = || Shape::Words(STATES.iter().map(|(word, _)| *word).collect());
    Shape::Either(vec![words(), words().by_name()])
}

section! {
    /// The traps of a check.
    TRAP_RULE = "trap" rules [Rule::Some(&[&OID, &RECONNOITER]), Rule::With(&OID, &STATE)];
    OID: Key<Own> = key("oid", Own(objects),
        "the traps that count, by name or number, with what lies below; of several that fit the longest decides")
        .says("required, unless `reconnoiter`");
    SOURCE: Key<Own> = key("source", Own(networks), "networks that they must come from").says("all that `traps` takes");
    WHERE: Key<Own> = key("where", Own(conditions), "what their variables must be, as in a table")
        .says("whatever they are");
    STATE: Key<Own> = key("state", Own(state),
        "the state that they give, or one for each of them: `ok`, `warning`, `critical`, `unknown`")
        .says("required with `oid`");
    KEY: Key<Own> = key("key", Own(objects),
        "the variables, and `source`, that tell the instances of the check apart")
        .says("one instance");
    TEXT: Key<Own, Is<&'static str>> = key("text", Own(|| Shape::Text),
        "the text, with `{trap}`, `{source}`, `{agent}` (as the trap itself says), `{uptime}`, `{variables}` and `{NAME}` for \
         a variable; `{{` is a brace")
        .is(USUAL_TEXT);
    METRICS: Key<Own> = key("metrics", Own(labelled_objects),
        "variables that become metrics: a list, or labels with variables");
    DEDUPLICATE: Key<Span, Is<Duration>> = key("deduplicate", Span(Duration::ZERO, INTERVAL_MAX),
        "for so long, a trap equal to the last of its source and key is counted and not stored")
        .is(Duration::ZERO);
    EXPIRES: Key<Span> = key("expires", Span(Duration::from_secs(1), INTERVAL_MAX),
        "a problem that is not reported again for so long is over; instances that are over together are recorded together, a \
         hundred in a run")
        .says("never");
    RECONNOITER: Key<Own> = key("reconnoiter", Own(|| Shape::Pattern(UUID)),
        "the UUID of a check of [Reconnoiter](snmp.md#traps)");
}
