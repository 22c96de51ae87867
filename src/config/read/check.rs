//! One check: its command, settings and thresholds.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use custos_native::{Flavour, NotNative};

use crate::config::keys::check as keys;
use crate::config::keys::rule as rule_keys;
use crate::config::keys::settings;
use crate::config::model::check::{Check, Command, Native, Serving};
use crate::config::model::check_name::CheckNameFault;
use crate::config::model::reserved::{AGENT_CHECK, UNMATCHED_CHECK};
use crate::config::read::command::{self, Lookup};
use crate::config::read::dependency;
use crate::config::read::native;
use crate::config::read::notify;
use crate::config::read::passive;
use crate::config::read::period::Periods;
use crate::config::read::poll;
use crate::config::read::process;
use crate::config::read::raw_counter;
use crate::config::read::rule;
use crate::config::read::settings::{FLAPPING, Settings};
use crate::config::read::threshold;
use crate::config::read::trap;
use crate::document::diagnostic::Findings;
use crate::document::duration;
use crate::document::fields::Fields;
use crate::document::section::Row as _;
use crate::document::yaml::{Entry, Node};
use crate::rules::{RuleGroup, Severities};

/// What checks share with one another.
pub(crate) struct Shared<'s> {
    /// Settings where a check has none of its own.
    pub(crate) defaults: &'s Settings,
    /// Where programs are looked up.
    pub(crate) lookup: &'s Lookup<'s>,
    /// What can be named.
    pub(crate) named: &'s Named<'s>,
}

/// What checks can name.
pub(crate) struct Named<'s> {
    /// The periods.
    pub(crate) periods: &'s Periods,
    /// The names of the targets of notifications.
    pub(crate) targets: &'s [String],
    /// What values of the label `severity` stand for.
    pub(crate) severities: &'s Arc<Severities>,
}

/// A check as it was read.
pub(crate) struct Read {
    /// The check; none if it cannot be used, which has been reported.
    pub(crate) check: Option<Check>,
    /// What judges it, if it is a rule.
    pub(crate) group: Option<RuleGroup>,
    /// The places of what it depends on.
    pub(crate) depends_on: dependency::Named,
    /// Whether it is to be run or judged.
    pub(crate) enabled: bool,
}

/// Reads the check that `entry` of `checks` defines.
pub(crate) fn read(entry: &Entry, shared: &Shared<'_>, findings: &mut Findings) -> Read {
    let named = name(entry, findings);
    let owner = format!("check `{}`", entry.key);
    let Some(fields) = Fields::of(&entry.value, &owner, &keys::CHECK, findings) else {
        return Read { check: None, group: None, depends_on: dependency::Named::new(), enabled: true };
    };
    let depends_on =
        fields.get(&keys::DEPENDS_ON).map(|node| dependency::read(node, findings)).unwrap_or_default();
    let enabled = fields.value(&keys::ENABLED, findings).unwrap_or(true);
    let check = with_fields(entry, &fields, &owner, &depends_on, shared, findings).filter(|_| named);
    let on_samples = fields.value(&rule_keys::ON, findings).unwrap_or(true);
    let group = check.as_ref().and_then(|check| match &check.command {
        Command::Rule(rule) => Some(rule::group(rule, on_samples, check)),
        _ => None,
    });
    Read { check, group, depends_on, enabled }
}

/// The check by what its keys say.
fn with_fields(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    depends_on: &dependency::Named,
    shared: &Shared<'_>,
    findings: &mut Findings,
) -> Option<Check> {
    let own = Settings::read(fields, owner, shared.named.periods, findings);
    let command = what(entry, fields, owner, own.native, shared, findings);
    let settings = own.clone().over(shared.defaults);
    let byte_units = settings.byte_units.unwrap_or(settings::BYTE_UNITS.built_in());
    let thresholds = fields
        .get(&keys::THRESHOLDS)
        .map(|node| threshold::read_all(node, owner, byte_units, findings))
        .unwrap_or_default();
    let check_interval = settings.check_interval.unwrap_or(settings::CHECK_INTERVAL.built_in());
    let timeout = settings.timeout.unwrap_or(settings::TIMEOUT.built_in());
    if let (Some(node), Some(own)) = (fields.get(&settings::TIMEOUT), own.timeout) {
        warn_of_long_timeout(own, check_interval, owner, &node.place, findings);
    }
    let notify = fields
        .get(&keys::NOTIFY_WHOM)
        .map(|node| notify::of_check(node, shared.named.targets, findings))
        .unwrap_or_default();
    let on_change =
        fields.get(&keys::ON_CHANGE).and_then(|node| notify::on_change(node, shared.lookup, findings));
    let command = command?;
    if matches!(command, Command::Rule(_)) {
        process::refuse_of_rule(fields, owner, findings);
    }
    raw_counter::warn(&thresholds, &command, &shared.lookup.snmp.names, findings);
    let thresholds = thresholds.into_iter().map(|(threshold, _)| threshold).collect();
    let serving = match command {
        // The last trap is all that there is to answer by, however old, and so is the last judgement.
        Command::Trap(_) | Command::Submitted(_) | Command::Rule(_) => Serving::Fresh,
        _ => settings.serving(check_interval, timeout),
    };
    // A trap, or a result, is not sent again because somebody asks, so there are no attempts to wait for. A rule has its `for`.
    let attempts = match command {
        Command::Trap(_) | Command::Submitted(_) | Command::Rule(_) => own.max_check_attempts.unwrap_or(1),
        _ => settings.max_check_attempts.unwrap_or(settings::MAX_CHECK_ATTEMPTS.built_in()),
    };
    Some(Check {
        name: entry.key.clone(),
        command,
        environment: settings.environment,
        process: settings.process.resolve(),
        check_interval,
        retry_interval: settings.retry_interval.unwrap_or(check_interval),
        max_check_attempts: attempts,
        volatile: settings.volatile.unwrap_or(settings::VOLATILE.built_in()),
        clone: settings.clone.unwrap_or(settings::CLONE.built_in()),
        native: settings.native.unwrap_or(settings::NATIVE.built_in()),
        warm: settings.warm.unwrap_or_default(),
        check_period: settings.check_period.unwrap_or_default(),
        depends_on: depends_on.iter().map(|(name, _)| name.clone()).collect(),
        priority: settings.priority.unwrap_or(settings::PRIORITY.built_in()),
        timeout,
        timeout_state: settings.timeout_state.unwrap_or(settings::TIMEOUT_STATE.built_in()),
        byte_units,
        check_multi: settings.check_multi.unwrap_or(settings::CHECK_MULTI.built_in()),
        silent: settings.silent.unwrap_or(settings::SILENT.built_in()),
        evaluate_perfdata: settings.evaluate_perfdata.unwrap_or(settings::EVALUATE_PERFDATA.built_in()),
        flapping: settings.flapping.unwrap_or(Some(FLAPPING)),
        serving,
        notify,
        on_change,
        thresholds,
        defined_at: entry.key_place.to_string(),
    })
}

/// Where the check's results come from: exactly one of `command`, `snmp`, `trap`, `passive`, `query` and `sequence`.
fn what(
    entry: &Entry,
    fields: &Fields<'_>,
    owner: &str,
    native: Option<Native>,
    shared: &Shared<'_>,
    findings: &mut Findings,
) -> Option<Command> {
    let lookup = shared.lookup;
    if fields.lacks(&keys::QUERY) && fields.lacks(&keys::SEQUENCE_OF) {
        rule::refuse_keys(fields, owner, findings);
    }
    let shell = fields.value(&keys::SHELL, findings).unwrap_or(false);
    let given = keys::SOURCES.into_iter().filter_map(|key| fields.entry(key));
    let given: Vec<&Entry> = given.collect();
    match given[..] {
        [] => {
            if keys::SOURCES.into_iter().all(|key| fields.lacks(key)) {
                findings.error(&entry.key_place, format!("{owner} has no `command`, expected one"));
            }
            None
        }
        [what] => match what.key.as_str() {
            key if key == keys::SNMP.name() => {
                poll::read(&what.value, owner, lookup.snmp, findings).map(Arc::new).map(Command::Snmp)
            }
            key if key == keys::TRAP.name() => {
                trap::read(&what.value, owner, lookup.snmp, findings).map(Arc::new).map(Command::Trap)
            }
            key if key == keys::PASSIVE_OF.name() => {
                passive::read(&what.value, owner, findings).map(Command::Submitted)
            }
            key if key == keys::QUERY.name() || key == keys::SEQUENCE_OF.name() => {
                let rule = rule::read(entry, fields, owner, shared.named.severities, findings);
                rule.map(Arc::new).map(Command::Rule)
            }
            _ => {
                let command = command::read(&what.value, shell, lookup, findings)?;
                match (native, fields.get(&settings::NATIVE)) {
                    (Some(Native::Required), Some(node)) => required_native(node, command, findings),
                    _ => Some(command),
                }
            }
        },
        [first, second, ..] => {
            let message = format!("{owner} has `{}` and `{}`, expected one of them", first.key, second.key);
            findings.error_beside(&second.key_place, message, "first", &first.key_place);
            None
        }
    }
}

/// With `native: true` a command of check_snmp becomes a poll, and that of another standard plugin must be known in full.
fn required_native(node: &Node, command: Command, findings: &mut Findings) -> Option<Command> {
    let Command::Program(words) = &command else {
        findings.error(&node.place, "`native` is for commands without a shell".to_owned());
        return None;
    };
    let name = words.first().map(Path::new).and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let read = match &*name {
        "check_snmp" => native::read(words).map(|poll| Command::Snmp(Arc::new(poll))),
        name => {
            let arguments: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
            let own =
                words.get(1).filter(|own| name == "custos" && custos_native::OWN.contains(&own.as_str()));
            let read = match own {
                Some(own) => custos_native::own(own, &arguments[1..]),
                None => custos_native::plan(name, &arguments, Flavour::V2_3),
            };
            read.map(|_| command.clone()).map_err(|NotNative(why)| format!("cannot be: {why}"))
        }
    };
    read.map_err(|why| findings.error(&node.place, format!("`native` {why}"))).ok()
}

/// Whether the agent keeps a name for itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    [AGENT_CHECK, UNMATCHED_CHECK].contains(&name)
}

/// Reports a name that a check may not have.
fn name(entry: &Entry, findings: &mut Findings) -> bool {
    let name = entry.key.as_str();
    let reserved = match name {
        AGENT_CHECK => Some("found the name `custos`, which the agent's check of itself has"),
        UNMATCHED_CHECK => {
            Some("found the name `custos.traps`, under which the agent keeps traps of no check")
        }
        _ => None,
    };
    match (CheckNameFault::of(name), reserved) {
        (None, None) => return true,
        (Some(fault @ CheckNameFault::Control(offset)), _) => {
            findings.error(&entry.key_place.within(name, offset), fault.to_string());
        }
        (Some(fault), _) => findings.error(&entry.key_place, fault.to_string()),
        (None, Some(reserved)) => findings.error(&entry.key_place, reserved),
    }
    false
}

fn warn_of_long_timeout(
    timeout: Duration,
    interval: Duration,
    owner: &str,
    place: &crate::document::place::Place,
    findings: &mut Findings,
) {
    if timeout >= interval {
        let (timeout, interval) = (duration::show(timeout), duration::show(interval));
        let message = format!(
            "the timeout {timeout} of {owner} is not below its interval {interval}; a run that hangs will miss slots"
        );
        findings.warning(place, message);
    }
}
