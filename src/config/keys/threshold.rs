//! Limits that the configuration sets on metrics.

use std::time::Duration;

use custos_store::State;

use crate::config::keys::shapes::number;
use crate::config::model::check::OnMissing;
use crate::document::key::{Is, Key, Own, Required, key, section};
use crate::document::kind::{Choice, Flag, Span};
use crate::document::section::{Rule, Shape};
use crate::limits::INTERVAL_MAX;

/// What a missing metric may mean, by the words of the configuration.
pub(crate) const ON_MISSING_WORDS: [(&str, OnMissing); 5] = [
    ("ok", OnMissing::State(State::Ok)),
    ("warning", OnMissing::State(State::Warning)),
    ("critical", OnMissing::State(State::Critical)),
    ("unknown", OnMissing::State(State::Unknown)),
    ("keep", OnMissing::Keep),
];

/// `[@][start:][end]`, with whatever units.
const RANGE: &str = "^@?[^@:,]*(:[^@:,]*)?$";

fn range() -> Shape {
    Shape::Either(vec![number(), Shape::Pattern(RANGE)])
}

section! {
    /// One of the `thresholds` of a check.
    THRESHOLD = "threshold" rules [Rule::Some(&[&WARNING, &CRITICAL])];
    METRIC: Key<Own, Required> = key("metric", Own(|| Shape::Text),
        "a label, or a glob over labels; `*` takes in slashes, `\\` makes the next character itself")
        .required();
    WARNING: Key<Own> = key("warning", Own(range), "the [range](#ranges) outside of which the check is WARNING")
        .says("this or `critical` is required");
    CRITICAL: Key<Own> = key("critical", Own(range), "the [range](#ranges) outside of which it is CRITICAL")
        .says("this or `warning` is required");
    RATE: Key<Flag, Is<bool>> = key("rate", Flag,
        "`true`: the metric is a counter, and its growth per second since the run before is compared")
        .is(false);
    FOR: Key<Span, Is<Duration>> = key("for", Span(Duration::ZERO, INTERVAL_MAX),
        "how long it must hold without a break before it counts; `0s` is at once")
        .is(Duration::ZERO);
    ON_MISSING: Key<Choice<OnMissing>, Is<OnMissing>> = key("on_missing", Choice(&ON_MISSING_WORDS),
        "what a run means that has no such metric, or one without a value: `ok`, `warning`, `critical`, `unknown`, or `keep` \
         for what the last run said")
        .is(OnMissing::State(State::Unknown));
}
