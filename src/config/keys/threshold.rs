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

/// What a metric may be outside of.
const OUTSIDE_WORDS: [(&str, ()); 1] = [("normal", ())];

/// What being outside of what is normal may mean.
const STATE_WORDS: [(&str, State); 2] = [("warning", State::Warning), ("critical", State::Critical)];

/// A number that is not negative, with a unit, or with `x`.
const TOLERANCE_TEXT: &str = "^[0-9.]+[^:,@]*$";

fn tolerance() -> Shape {
    Shape::Either(vec![number(), Shape::Pattern(TOLERANCE_TEXT)])
}

/// `[@][start:][end]`, with whatever units.
const RANGE: &str = "^@?[^@:,]*(:[^@:,]*)?$";

fn range() -> Shape {
    Shape::Either(vec![number(), Shape::Pattern(RANGE)])
}

section! {
    /// One of the `thresholds` of a check.
    THRESHOLD = "threshold" rules [Rule::Some(&[&WARNING, &CRITICAL, &OUTSIDE]), Rule::With(&TOLERANCE, &OUTSIDE),
        Rule::With(&STATE, &OUTSIDE)];
    METRIC: Key<Own, Required> = key("metric", Own(|| Shape::Text),
        "a label, or a glob over labels; `*` takes in slashes, `\\` makes the next character itself")
        .required();
    WARNING: Key<Own> = key("warning", Own(range), "the [range](#ranges) outside of which the check is WARNING")
        .says("this, `critical` or `outside` is required");
    CRITICAL: Key<Own> = key("critical", Own(range), "the [range](#ranges) outside of which it is CRITICAL")
        .says("this, `warning` or `outside` is required");
    OUTSIDE: Key<Choice<()>> = key("outside", Choice(&OUTSIDE_WORDS),
        "`normal`: outside of where the metric [normally is](#what-is-normal) at this hour of the week")
        .says("this, `warning` or `critical` is required");
    TOLERANCE: Key<Own> = key("tolerance", Own(tolerance),
        "how far outside of what is normal is tolerated: a quantity such as `2` or `500MB`, or `2x` for twice as far as the band is wide")
        .says("`1x`");
    STATE: Key<Choice<State>, Is<State>> = key("state", Choice(&STATE_WORDS),
        "the state of the check while it is outside of what is normal: `warning` or `critical`")
        .is(State::Warning);
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
