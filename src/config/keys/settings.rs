//! The settings that checks share: allowed in `defaults` and in every check.

use std::time::Duration;

use custos_shim::Language;
use custos_store::State;

use crate::config::keys::process::PROCESS;
use crate::config::model::check::{ByteUnits, Native, Priority, Stale};
use crate::document::key::{Is, Key, Own, key, section};
use crate::document::kind::{Choice, Flag, Number, Span, Whole};
use crate::document::section::{Section, Shape};
use crate::limits::{CHECK_ATTEMPTS_MAX, CHECK_INTERVAL_MIN, INTERVAL_MAX, TIMEOUT_MIN};

/// The states by their words.
pub(crate) const STATES: [(&str, State); 4] = [
    ("ok", State::Ok),
    ("warning", State::Warning),
    ("critical", State::Critical),
    ("unknown", State::Unknown),
];
/// The words for `priority`.
pub(crate) const PRIORITIES: [(&str, Priority); 2] = [("normal", Priority::Normal), ("low", Priority::Low)];
const BYTE_UNITS_WORDS: [(&str, ByteUnits); 2] = [("si", ByteUnits::Si), ("iec", ByteUnits::Iec)];
/// The words for `serve`, and whether the last run answers.
const SERVE_WORDS: [(&str, bool); 2] = [("fresh", false), ("cached", true)];
const STALE_WORDS: [(&str, Stale); 2] = [("run", Stale::Run), ("unknown", Stale::Unknown)];
const NATIVE_WORDS: [(&str, Native); 3] =
    [("auto", Native::Auto), ("true", Native::Required), ("false", Native::Never)];
/// The interpreters that may be warm.
pub(crate) const WARM_WORDS: [(&str, Language); 2] =
    [("perl", Language::Perl), ("python3", Language::Python)];
const SILENT_WORDS: [(&str, State); 2] = [("ok", State::Ok), ("unknown", State::Unknown)];

/// The period of a check that is always due; it needs no definition and can have none.
pub(crate) const ALWAYS: &str = "always";

/// What may be said of intervals.
const INTERVAL: Span = Span(CHECK_INTERVAL_MIN, INTERVAL_MAX);
/// A share of a check's last runs.
const PERCENT: Number = Number(0.0, 100.0);

/// The name of a variable of a process.
const VARIABLE: &str = "^[^=]+$";

section! {
    /// The settings of a check but those of its process.
    SETTINGS = "settings";
    CHECK_INTERVAL: Key<Span, Is<Duration>> = key("check_interval", INTERVAL, "time between two runs")
        .is(Duration::from_secs(60));
    RETRY_INTERVAL: Key<Span> = key("retry_interval", INTERVAL,
        "time between two runs while a problem is soft, that is, not yet confirmed")
        .says("`check_interval`");
    MAX_CHECK_ATTEMPTS: Key<Whole<u32>, Is<u32>> = key("max_check_attempts", Whole(1, CHECK_ATTEMPTS_MAX),
        "runs in a row that confirm a problem; from then on its state is hard")
        .is(3);
    VOLATILE: Key<Flag, Is<bool>> = key("volatile", Flag,
        "`true`: once a problem is hard, every further result that is not OK is an event of its own, and the problem begins \
         anew with it; for checks that report what happened, such as lines in a log")
        .is(false);
    CLONE: Key<Flag, Is<bool>> = key("clone", Flag,
        "`false`: the check is not run more often while somebody [watches](watch.md) it")
        .is(true);
    NATIVE: Key<Choice<Native>, Is<Native>> = key("native", Choice(&NATIVE_WORDS),
        "whether the agent does the work of a [standard plugin](plugins.md#without-a-process) itself, with the same text, perfdata \
         and state: `auto`, where it is exactly known what the plugin would do; `false`, never; `true` in a check: what is not known is a \
         mistake. With `true` it is a poll, too, that does the work of `check_snmp` with its common options and numeric OIDs, but not of \
         `-m` and OIDs with blanks between, for which the plugin reads MIBs; `timeout` counts beside `-t` and `-e`")
        .is(Native::Auto);
    WARM: Key<Own> = key("warm",
        Own(|| Shape::Either(vec![Shape::Boolean, Shape::List(Box::new(Shape::Words(WARM_WORDS.map(|(word, _)| word).to_vec())))])),
        "whether a plugin that is a script is run by a fork of an [interpreter that is there already](plugins.md#warm-interpreters): \
         `true`, `false`, or a list of `perl` and `python3`. What cannot be is run as ever")
        .says("`false`");
    CHECK_PERIOD: Key<Own, Is<&'static str>> = key("check_period", Own(|| Shape::Text),
        "the [period](#periods) in which the check is due, or `always`")
        .is(ALWAYS);
    PRIORITY: Key<Choice<Priority>, Is<Priority>> = key("priority", Choice(&PRIORITIES),
        "`normal` or `low`: who goes first when the machine [cannot keep up](#when-the-machine-does-not-keep-up)")
        .is(Priority::Normal);
    TIMEOUT: Key<Span, Is<Duration>> = key("timeout", Span(TIMEOUT_MIN, INTERVAL_MAX),
        "how long the plugin may run before it is ended with all its children")
        .is(Duration::from_secs(10));
    TIMEOUT_STATE: Key<Choice<State>, Is<State>> = key("timeout_state", Choice(&STATES),
        "the state of a run that was ended so")
        .is(State::Unknown);
    ENVIRONMENT: Key<Own> = key("environment",
        Own(|| Shape::Map { names: VARIABLE.to_owned(), reserved: &[], values: Box::new(Shape::Scalar) }),
        "variables for the plugin: a mapping of names to values, joined with that of `defaults`");
    BYTE_UNITS: Key<Choice<ByteUnits>, Is<ByteUnits>> = key("byte_units", Choice(&BYTE_UNITS_WORDS),
        "what a plugin means by KB, MB, …: `si`, powers of 1000, or `iec`, powers of 1024")
        .is(ByteUnits::Si);
    SERVE: Key<Choice<bool>, Is<bool>> = key("serve", Choice(&SERVE_WORDS),
        "how a request for the check over NRPE is answered: `fresh` (by a run of its own) or `cached` (by the last run)")
        .is(false);
    MAX_AGE: Key<Span> = key("max_age", INTERVAL,
        "with `serve: cached`, the oldest run that answers; its age is told where the schedule should have brought a newer one")
        .says("`check_interval` + `timeout`");
    WHEN_STALE: Key<Choice<Stale>, Is<Stale>> = key("when_stale", Choice(&STALE_WORDS),
        "with `serve: cached`, what a request gets when the last run is older: `run` (a run of its own) or `unknown`")
        .is(Stale::Run);
    SILENT: Key<Choice<State>, Is<State>> = key("silent", Choice(&SILENT_WORDS),
        "the state of a plugin that exits with 0 and prints nothing: `unknown`, as nrpe has it, since a full disk or a failed \
         deployment leaves programs empty; or `ok` for one that is silent by design")
        .is(State::Unknown);
    CHECK_MULTI: Key<Flag, Is<bool>> = key("check_multi", Flag,
        "a prefix `name::label` carries over to the labels after it, as check_multi prints them")
        .is(true);
    EVALUATE_PERFDATA: Key<Flag, Is<bool>> = key("evaluate_perfdata", Flag,
        "judge each metric by the ranges that the plugin prints beside it")
        .is(false);
    FLAP_DETECTION: Key<Own> = key("flap_detection",
        Own(|| Shape::Either(vec![Shape::Boolean, Shape::Section(&FLAPPING)])),
        "`false`, `true`, or `{ low: PERCENT, high: PERCENT }`: flapping begins at `high` and ends at `low`")
        .says("`{ low: 20, high: 30 }`");
}

section! {
    /// The limits of flapping.
    FLAPPING = "flap_detection";
    LOW: Key<Number, Is<f64>> = key("low", PERCENT, "per cent of changes at which flapping ends").is(20.0);
    HIGH: Key<Number, Is<f64>> = key("high", PERCENT, "per cent of changes at which flapping begins, not below `low`").is(30.0);
}

/// `defaults`.
pub(crate) static DEFAULTS: Section = Section::new("defaults", &[], &[&SETTINGS, &PROCESS], &[]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::section::{Absent, Row};

    #[test]
    fn the_limits_of_flapping_are_told_as_they_are() {
        let told = format!("`{{ low: {}, high: {} }}`", LOW.built_in(), HIGH.built_in());
        let Absent::Words(words) = FLAP_DETECTION.absent() else { panic!("no words") };
        assert_eq!(words, told);
    }
}
