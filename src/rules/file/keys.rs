//! The keys of rule files (`model/rulefmt/rulefmt.go` of Prometheus 3).

use crate::document::key::{Key, Own, Required, key, section};
use crate::document::kind::Whole;
use crate::document::section::Shape;

/// A length of time as Prometheus writes it.
const LENGTH: &str = r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$";

fn length() -> Shape {
    Shape::Pattern(LENGTH)
}

fn texts() -> Shape {
    Shape::Scalar.by_name()
}

section! {
    /// A rule file.
    FILE = "the rule file";
    GROUPS: Key<Own> = key("groups", Own(|| Shape::List(Box::new(Shape::Section(&GROUP)))), "groups of rules");
}

section! {
    /// A group of a rule file.
    GROUP = "group";
    NAME: Key<Own, Required> = key("name", Own(|| Shape::Text), "its name, unique in its file").required();
    INTERVAL: Key<Own> = key("interval", Own(length), "how often its rules are evaluated");
    QUERY_OFFSET: Key<Own> = key("query_offset", Own(length), "by how much earlier its expressions look");
    LIMIT: Key<Whole<i32>> = key("limit", Whole(0, i32::MAX), "most alerts or series of each rule; 0 for any number");
    GROUP_LABELS: Key<Own> = key("labels", Own(texts), "labels that all of its rules add");
    RULES: Key<Own> = key("rules", Own(|| Shape::List(Box::new(Shape::Section(&RULE)))), "its rules");
}

section! {
    /// A rule of a rule file.
    RULE = "rule";
    RECORD: Key<Own> = key("record", Own(|| Shape::Text), "the name of the series that the results become");
    ALERT: Key<Own> = key("alert", Own(|| Shape::Text), "the name of the alerts that the results become");
    EXPR: Key<Own, Required> = key("expr", Own(|| Shape::Scalar), "the expression").required();
    FOR: Key<Own> = key("for", Own(length), "how long a result has to be there before its alert fires");
    KEEP_FIRING_FOR: Key<Own> = key("keep_firing_for", Own(length), "how long an alert goes on without its result");
    LABELS: Key<Own> = key("labels", Own(texts), "labels that the results get");
    ANNOTATIONS: Key<Own> = key("annotations", Own(texts), "texts about an alert");
}
