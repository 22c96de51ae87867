//! The keys of a sequence.

use std::time::Duration;

use crate::document::key::{Is, Key, Own, Required, key, section};
use crate::document::kind::{Choice, Flag, Span, Whole};
use crate::document::section::Shape;
use crate::limits::{SEQUENCE_LENGTH_MAX, SEQUENCE_TIMES_MAX};

use super::model::Recovery;

/// Up to how long something may take.
const LENGTH: Span = Span(Duration::from_millis(1), SEQUENCE_LENGTH_MAX);
/// The words of `recovery`.
const RECOVERY_WORDS: Choice<Recovery> = Choice(&[
    ("last", Recovery::Last),
    ("all", Recovery::All),
    ("any", Recovery::Any),
    ("at_once", Recovery::AtOnce),
]);
/// The state that is any but OK.
pub(super) const PROBLEM: &str = "problem";

fn condition() -> Shape {
    Shape::Either(vec![Shape::Scalar, Shape::Section(&CONDITION)])
}

fn conditions() -> Shape {
    Shape::List(Box::new(condition()))
}

fn steps() -> Shape {
    Shape::List(Box::new(Shape::Section(&STEP)))
}

fn states() -> Shape {
    Shape::Words(vec!["ok", "warning", "critical", "unknown", PROBLEM]).one_or_more()
}

section! {
    /// A sequence.
    SEQUENCE = "sequence";
    STEPS: Key<Own, Required> = key("steps", Own(steps), "what has to happen, one after the other").required();
    BY: Key<Own> = key("by", Own(|| Shape::Text.one_or_more()), "labels that the elements of all steps must agree in; \
        each combination of their values has matches and an alert of its own").says("none: one alert");
    WITHIN: Key<Span> = key("within", LENGTH, "how long all of it may take, from the beginning of the first step on")
        .says("as long as its steps may take");
    UNTIL: Key<Own> = key("until", Own(condition), "while this is returned nothing happens, and what is under way is dropped");
    RECOVERY: Key<Choice<Recovery>, Is<Recovery>> = key("recovery", RECOVERY_WORDS, "when the alert ends: once the `last` \
        step is over, or `all` of them, or `any`; or `at_once`, for an alert that `keep_firing_for` alone makes longer")
        .is(Recovery::Last);
}

section! {
    /// What something waits for.
    CONDITION = "condition";
    QUERY: Key<Own> = key("query", Own(|| Shape::Scalar), "an expression that returns something while it is so");
    CHECK: Key<Own> = key("check", Own(|| Shape::Text), "a check, instead of an expression");
    BECOMES: Key<Own> = key("becomes", Own(states), "the states of that check; `problem` is any but `ok`");
    HARD: Key<Flag, Is<bool>> = key("hard", Flag, "only hard states of that check").is(false);
    FOR: Key<Span> = key("for", LENGTH, "how long it must be so before it counts").says("no time");
}

section! {
    /// A step.
    STEP = "step" with [CONDITION];
    NAME: Key<Own> = key("name", Own(|| Shape::Pattern("^[A-Za-z_][A-Za-z0-9_]*$")), "its name in templates: `$steps.NAME.value`")
        .says("`step1`, `step2`, …");
    ALL: Key<Own> = key("all", Own(conditions), "several conditions that have to begin in any order");
    NOT: Key<Own> = key("not", Own(condition), "what must not be returned: for as long as `within`, or without it until the \
        next step happens");
    TIMES: Key<Whole<i32>, Is<i32>> = key("times", Whole(1, SEQUENCE_TIMES_MAX), "how many times it has to begin").is(1);
    STEP_WITHIN: Key<Span> = key("within", LENGTH, "how long after the step before; at the first step, how long it may take; \
        at a `not`, how long nothing may come").says("as the whole sequence");
}
