//! A check that is judged by an expression over the history: the keys beside `query`.

use std::time::Duration;

use custos_store::State;

use crate::config::keys::settings::STATES;
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::{Choice, Span, Whole};
use crate::document::section::Shape;
use crate::limits::{INTERVAL_MAX, RULE_RESULTS_MAX};

/// The words for `on`, and whether each sample counts.
const ON_WORDS: [(&str, bool); 2] = [("samples", true), ("interval", false)];
/// How long something may have to last.
const LAST: Span = Span(Duration::ZERO, INTERVAL_MAX);

fn texts() -> Shape {
    // As in rule files, what is there without a value is nothing.
    let values = Shape::Either(vec![Shape::Scalar, Shape::Nothing]);
    Shape::Either(vec![values.by_name(), Shape::Nothing])
}

section! {
    /// The keys of a check that has a `query`.
    RULE = "query";
    ON: Key<Choice<bool>, Is<bool>> = key("on", Choice(&ON_WORDS),
        "when the query is judged: `samples`, as of each run with a series that it selects, and a `check_interval` after it \
         was judged last at the latest; or `interval`, each `check_interval`")
        .is(true);
    STATE: Key<Choice<State>> = key("state", Choice(&STATES),
        "the state of the check while the query returns something")
        .says("what `severities` says of the label `severity`; without one `critical`, and with `thresholds` `ok`");
    FOR: Key<Span, Is<Duration>> = key("for", LAST,
        "how long the query must return an element before its alert fires")
        .is(Duration::ZERO);
    KEEP_FIRING_FOR: Key<Span, Is<Duration>> = key("keep_firing_for", LAST,
        "how long an alert goes on firing after the query has returned its element last")
        .is(Duration::ZERO);
    LABELS: Key<Own> = key("labels", Own(texts),
        "labels that each alert gets: a mapping of names to texts, which may be templates");
    ANNOTATIONS: Key<Own> = key("annotations", Own(texts),
        "texts about each alert, such as `summary` and `description`, which may be templates");
    LIMIT: Key<Whole<u32>, Is<u32>> = key("limit", Whole(0, RULE_RESULTS_MAX as u32),
        "most alerts at once; with more of them the check is UNKNOWN and has none. 0 is any number that can be")
        .is(0);
}
