//! A service as a check.

use std::collections::{BTreeSet, HashMap};

use custos_compat::nagios::{Object, ObjectField};

use super::command::{CommandLine, Macros};
use super::host::{NagiosHost, Note};
use super::period::is_always;
use crate::config::{CheckNameFault, yaml_word};
use crate::import::page::Setting;

/// What a service says that becomes something, or is looked at beside it.
const CARRIED: [&str; 16] = [
    "host_name",
    "service_description",
    "display_name",
    "check_command",
    "check_interval",
    "retry_interval",
    "max_check_attempts",
    "check_period",
    "is_volatile",
    "low_flap_threshold",
    "high_flap_threshold",
    "flap_detection_enabled",
    "active_checks_enabled",
    "check_freshness",
    "freshness_threshold",
    "notifications_enabled",
];
/// What nothing is lost with, as Nagios has it where nobody said otherwise.
const USUAL: [(&str, &str); 16] = [
    ("passive_checks_enabled", "1"),
    ("initial_state", "o"),
    ("importance", "0"),
    ("hourly_value", "0"),
    ("parallelize_check", "1"),
    ("obsess", "1"),
    ("event_handler_enabled", "1"),
    ("event_handler_enabled", "0"),
    ("flap_detection_options", "a"),
    ("first_notification_delay", "0.000000"),
    ("stalking_options", "n"),
    ("process_perf_data", "1"),
    ("retain_status_information", "1"),
    ("retain_nonstatus_information", "1"),
    ("retain_nonstatus_information", "0"),
    ("notification_options", "a"),
];
/// What says whom to tell and when: that stays with the server, or is configured anew.
const TELLING: [&str; 6] = [
    "contacts",
    "contact_groups",
    "notification_interval",
    "notification_period",
    "notification_options",
    "first_notification_delay",
];

/// A check, as lines of YAML.
pub(super) struct Converted {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) settings: Vec<Setting>,
    /// The period that it is checked in.
    pub(super) period: Option<String>,
}

/// What a service becomes. `None` if it cannot be carried over; a note says why.
pub(super) fn convert(
    input: &NagiosHost<'_>,
    host: &Object,
    service: &Object,
    resources: &HashMap<String, String>,
    notes: &mut Vec<Note>,
) -> Option<Converted> {
    let name = service.get("service_description").unwrap_or_default().to_owned();
    let mut note = |line: usize, what: String| notes.push(Note { line, what: format!("{name}: {what}") });
    if let Some(fault) = CheckNameFault::of(&name) {
        note(service.line, format!("as the name of a check {fault}"));
        return None;
    }
    let is_on = |field: &str| service.get(field) == Some("1");
    let mut settings: Vec<Setting> = Vec::new();
    let mut period = None;
    if is_on("active_checks_enabled") {
        let commands = input.of_kind("command");
        let field = service.field("check_command");
        let macros = Macros { host, service, resources };
        match macros.command_line(field.map_or("", |field| field.value.as_str()), &commands) {
            Err(why) => {
                note(field.map_or(service.line, |field| field.line), format!("left out: {why}"));
                return None;
            }
            Ok(CommandLine { line, shell }) => {
                if line.split_whitespace().any(|word| word.ends_with("/check_nrpe")) {
                    let at = field.map_or(service.line, |field| field.line);
                    note(
                        at,
                        "it asks nrpe; the command of that name in nrpe.cfg could be run at once".to_owned(),
                    );
                }
                settings.push(("command", yaml_word(&line)));
                if shell {
                    settings.push(("shell", "true".to_owned()));
                }
            }
        }
        for (key, field) in [("check_interval", "check_interval"), ("retry_interval", "retry_interval")] {
            match duration(service.get(field).unwrap_or_default(), input.interval_length_s) {
                Some(duration) => settings.push((key, duration)),
                None => {
                    let at = service.field(field).map_or(service.line, |field| field.line);
                    note(at, format!("{field} is no interval; that of the defaults counts"));
                }
            }
        }
        settings.push(("timeout", format!("{}s", input.timeout_s)));
        settings.push(("timeout_state", "critical".to_owned()));
        period = check_period(input, service, &mut note);
        settings.extend(period.iter().map(|name| ("check_period", yaml_word(name))));
    } else {
        let freshness = duration(service.get("freshness_threshold").unwrap_or_default(), 1.0);
        let freshness = freshness.filter(|_| is_on("check_freshness"));
        let passive =
            freshness.map_or_else(|| "{}".to_owned(), |freshness| format!("{{ freshness: {freshness} }}"));
        settings.push(("passive", passive));
        if is_on("check_freshness") {
            note(
                service.line,
                "Nagios runs its check_command when no result comes; here it is CRITICAL then".to_owned(),
            );
        }
    }
    if let Some(attempts) = service.get("max_check_attempts") {
        settings.push(("max_check_attempts", attempts.to_owned()));
    }
    if is_on("is_volatile") {
        settings.push(("volatile", "true".to_owned()));
    }
    settings.extend(flapping(service).map(|flapping| ("flap_detection", flapping)));
    if !is_on("notifications_enabled") {
        settings.push(("notify", "false".to_owned()));
    }
    let used = service.get("check_command").unwrap_or_default();
    for field in service.fields.iter().filter(|field| is_lost(field, is_on("notifications_enabled"))) {
        let is_custom = field.name.starts_with('_');
        if !(is_custom && is_used(input, used, &field.name)) {
            note(field.line, format!("{} {}", field.name, field.value));
        }
    }
    Some(Converted { name, line: service.line, settings, period })
}

/// The period in which a service is checked; none for always.
fn check_period(
    input: &NagiosHost<'_>,
    service: &Object,
    note: &mut impl FnMut(usize, String),
) -> Option<String> {
    let field = service.field("check_period")?;
    let periods = input.of_kind("timeperiod");
    let period = periods.iter().find(|period| period.get("timeperiod_name") == Some(&field.value));
    match period {
        Some(period) if is_always(period) => None,
        Some(_) => Some(field.value.clone()),
        None => {
            note(field.line, format!("there is no period {}", field.value));
            None
        }
    }
}

/// When a service counts as flapping; none for as usual.
fn flapping(service: &Object) -> Option<String> {
    if service.get("flap_detection_enabled") == Some("0") {
        return Some("false".to_owned());
    }
    let threshold = |field: &str| service.get(field)?.parse::<f64>().ok().filter(|percent| *percent > 0.0);
    let (low, high) = (threshold("low_flap_threshold")?, threshold("high_flap_threshold")?);
    Some(format!("{{ low: {low}, high: {high} }}"))
}

/// Whether what a field says is lost.
fn is_lost(field: &ObjectField, notifies: bool) -> bool {
    let name = field.name.as_str();
    let is_usual = USUAL.iter().any(|(usual, value)| *usual == name && *value == field.value);
    let is_idle = !notifies && TELLING.contains(&name);
    !CARRIED.contains(&name) && !is_usual && !is_idle
}

/// Whether the command line of a service has one of its variables in it.
fn is_used(input: &NagiosHost<'_>, check_command: &str, variable: &str) -> bool {
    let name = check_command.split('!').next().unwrap_or_default();
    let commands = input.of_kind("command");
    let line = commands.iter().find(|command| command.get("command_name") == Some(name));
    let line = line.and_then(|command| command.get("command_line")).unwrap_or_default();
    let macro_name = format!("$_SERVICE{}$", variable.trim_start_matches('_'));
    line.contains(&macro_name) || check_command.contains(&macro_name)
}

/// So many lengths as a duration; none of nothing and of what is no number.
fn duration(count: &str, length_s: f64) -> Option<String> {
    let ms = count.parse::<f64>().ok()? * length_s * 1000.0;
    if !(1.0..1e14).contains(&ms) {
        return None;
    }
    let ms = ms.round() as u64;
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let (length, unit) = units.into_iter().find(|(length, _)| ms.is_multiple_of(*length))?;
    Some(format!("{}{unit}", ms / length))
}

/// The checks that each check of these depends on, by the dependencies of the cache.
pub(super) fn dependencies(
    input: &NagiosHost<'_>,
    known: &BTreeSet<String>,
    notes: &mut Vec<Note>,
) -> HashMap<String, BTreeSet<String>> {
    let mut all: HashMap<String, BTreeSet<String>> = HashMap::new();
    for dependency in input.of_kind("servicedependency") {
        let get = |field: &str| dependency.get(field).unwrap_or_default();
        if get("dependent_host_name") != input.host {
            continue;
        }
        let (on, of) = (get("service_description"), get("dependent_service_description"));
        let mut note =
            |what: String| notes.push(Note { line: dependency.line, what: format!("{of}: {what}") });
        let states = get("execution_failure_options");
        if get("host_name") != input.host {
            note(format!("it depends on {on} of the host {}, which is another", get("host_name")));
        } else if !known.contains(on) || !known.contains(of) {
            note(format!("it depends on {on}, and one of the two is not carried over"));
        } else if !states.contains(['w', 'u', 'c']) {
            note(format!("it depends on {on} for notifications only"));
        } else {
            all.entry(of.to_owned()).or_default().insert(on.to_owned());
            if !['w', 'u', 'c'].iter().all(|state| states.contains(*state)) {
                note(format!("it depends on {on} in the states {states}; here in every hard problem"));
            }
            if let Some(period) = dependency.get("dependency_period") {
                note(format!("it depends on {on} within {period}; here always"));
            }
        }
    }
    all
}
