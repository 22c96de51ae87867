//! A check: what it runs or asks, beside its settings.

use crate::config::keys::passive::PASSIVE;
use crate::config::keys::poll::POLL;
use crate::config::keys::process::PROCESS;
use crate::config::keys::rule::{self, RULE};
use crate::config::keys::settings::SETTINGS;
use crate::config::keys::threshold::THRESHOLD;
use crate::config::keys::trap::TRAP_RULE;
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::Flag;
use crate::document::section::{Row, Rule, Shape};
use crate::rules::sequence::SEQUENCE;

/// Where the results of a check come from: one of these.
pub(crate) const SOURCES: [&dyn Row; 6] = [&COMMAND, &SNMP, &TRAP, &PASSIVE_OF, &QUERY, &SEQUENCE_OF];
/// Of these those that are rules.
const RULES: [&dyn Row; 2] = [&QUERY, &SEQUENCE_OF];

section! {
    /// One of the `checks`.
    CHECK = "check" with [RULE, SETTINGS, PROCESS] rules [
        Rule::One(&SOURCES),
        Rule::WithOne(&rule::ON, &RULES),
        Rule::WithOne(&rule::STATE, &RULES),
        Rule::WithOne(&rule::FOR, &RULES),
        Rule::WithOne(&rule::KEEP_FIRING_FOR, &RULES),
        Rule::WithOne(&rule::LABELS, &RULES),
        Rule::WithOne(&rule::ANNOTATIONS, &RULES),
        Rule::WithOne(&rule::LIMIT, &RULES),
    ];
    COMMAND: Key<Own> = key("command",
        Own(|| Shape::Either(vec![Shape::Text, Shape::List(Box::new(Shape::Scalar))])),
        "what to run: a line, or a list of words")
        .says("this, `snmp`, `trap`, `passive`, `query` or `sequence` is required");
    SHELL: Key<Flag, Is<bool>> = key("shell", Flag, "`true`: `command` is a line for `/bin/sh -c`").is(false);
    SNMP: Key<Own> = key("snmp", Own(|| Shape::Section(&POLL)),
        "a device that is [asked](snmp.md#polls) instead of a command");
    TRAP: Key<Own> = key("trap", Own(|| Shape::Section(&TRAP_RULE)),
        "the [traps](snmp.md#traps) that set the state of the check");
    PASSIVE_OF: Key<Own> = key("passive", Own(|| Shape::Section(&PASSIVE)),
        "nothing is run: results are [submitted](submit.md), by `custos submit` or `custos cron`");
    QUERY: Key<Own> = key("query", Own(|| Shape::Scalar),
        "an expression of [PromQL](query.md) that is [judged](rules.md#checks-with-a-query) over the history");
    SEQUENCE_OF: Key<Own> = key("sequence", Own(|| Shape::Section(&SEQUENCE)),
        "[steps](sequences.md) that have to happen one after the other, instead of one expression");
    ENABLED: Key<Flag, Is<bool>> = key("enabled", Flag,
        "`false`: the check is read, and what is wrong with it reported, but it is as if it were not there")
        .is(true);
    DEPENDS_ON: Key<Own> = key("depends_on", Own(|| Shape::Text.one_or_more()),
        "a check, or a list of them: while one of them is in a hard problem, this one is [skipped](#depends_on)");
    NOTIFY_WHOM: Key<Own> = key("notify",
        Own(|| Shape::Either(vec![Shape::Boolean, Shape::Text.one_or_more()])),
        "`false`: nobody is told about the check; or the names of the [targets](notify.md#targets) that are")
        .says("all targets that it fits");
    ON_CHANGE: Key<Own> = key("on_change",
        Own(|| Shape::Either(vec![Shape::Text, Shape::List(Box::new(Shape::Scalar))])),
        "a command that is run at [each change](notify.md#event-handlers) of its state, soft ones too, in the form of `command`");
    THRESHOLDS: Key<Own> = key("thresholds", Own(|| Shape::List(Box::new(Shape::Section(&THRESHOLD)))),
        "[limits of our own](#thresholds) on the metrics");
}
