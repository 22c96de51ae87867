//! The configuration that the services of a host become, with all that is not carried over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use custos_compat::nagios::Object;

use super::host::{NagiosHost, Note};
use super::period;
use super::service::{Converted, convert, dependencies};
use crate::config::yaml_word;
use crate::import::page::{Page, written};

/// The hosts of a cache that have services.
pub fn nagios_hosts(objects: &[Object]) -> Vec<&str> {
    let services = objects.iter().filter(|object| object.kind == "service");
    let hosts: BTreeSet<&str> = services.filter_map(|service| service.get("host_name")).collect();
    hosts.into_iter().collect()
}

/// The macros of a resource file: `$USER1$=/usr/lib/nagios/plugins`.
pub fn resource_macros(text: &str) -> HashMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .filter_map(|(name, value)| {
            let name = name.trim().strip_prefix('$')?.strip_suffix('$')?;
            Some((name.to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The services of a host as YAML; what is not carried over stands at its end, each with its line of `file`. None if the cache does not have the
/// host.
pub fn nagios_document(
    input: &NagiosHost<'_>,
    resources: &HashMap<String, String>,
    file: &str,
) -> Option<String> {
    let host = input.of_kind("host").into_iter().find(|host| host.get("host_name") == Some(input.host))?;
    let mut notes: Vec<Note> = Vec::new();
    let mut checks: BTreeMap<String, Converted> = BTreeMap::new();
    for service in input.of_kind("service") {
        if service.get("host_name") == Some(input.host)
            && let Some(check) = convert(input, host, service, resources, &mut notes)
        {
            checks.insert(check.name.clone(), check);
        }
    }
    let known: BTreeSet<String> = checks.keys().cloned().collect();
    let depends = dependencies(input, &known, &mut notes);
    for escalation in input.of_kind("serviceescalation") {
        if escalation.get("host_name") == Some(input.host) {
            let of = escalation.get("service_description").unwrap_or_default();
            notes.push(Note { line: escalation.line, what: format!("{of}: an escalation") });
        }
    }
    if let Some(field) = host.field("check_command") {
        let what = format!("the check of the host itself, {}", field.value);
        notes.push(Note { line: field.line, what });
    }
    let mut page = Page::begin("nagios", &format!("{file} for the host {}", input.host));
    let periods: BTreeSet<String> = checks.values().filter_map(|check| check.period.clone()).collect();
    let periods = period::needed(&input.of_kind("timeperiod"), &periods);
    if !periods.is_empty() {
        page.section("periods", false);
    }
    periods.into_iter().for_each(|one| page.push(&period::yaml(one, &mut notes)));
    page.section("checks", checks.is_empty());
    for (name, check) in &checks {
        let on = depends.get(name).map(|on| {
            let on: Vec<String> = on.iter().map(|name| yaml_word(name)).collect();
            format!("[{}]", on.join(", "))
        });
        let on = on.iter().map(|on| ("depends_on", on.as_str()));
        page.check((file, check.line), name, written(&check.settings).chain(on));
    }
    notes.sort_by_key(|note| note.line);
    Some(page.end(notes.iter().map(|note| (file, note.line, note.what.as_str()))))
}

#[cfg(test)]
mod tests {
    use custos_compat::nagios::parse_objects;

    use super::*;

    const CACHE: &str = "\
define timeperiod {
\ttimeperiod_name\toffice
\texclude\tholidays
\tday 1 - 15 / 3\t08:00-09:00
\tdecember 24\t00:00-00:00
\tmonday\t08:00-12:00,13:00-18:00
\t}
define timeperiod {
\ttimeperiod_name\tholidays
\tdecember 25\t00:00-24:00
\t}
define command {
\tcommand_name\tdisk
\tcommand_line\t$USER1$/check_disk -w $ARG1$ -p $ARG2$ $_SERVICEMORE$
\t}
define command {
\tcommand_name\tstate
\tcommand_line\t/bin/echo $SERVICESTATE$
\t}
define host {
\thost_name\tweb1
\taddress\t192.0.2.1
\tcheck_command\tping
\t}
define service {
\thost_name\tweb1
\tservice_description\tdisk /
\tcheck_period\toffice
\tcheck_command\tdisk!20%!/
\tcontacts\tadmin
\tcheck_interval\t5.000000
\tretry_interval\t0.500000
\tmax_check_attempts\t4
\tis_volatile\t1
\tactive_checks_enabled\t1
\tlow_flap_threshold\t10.000000
\thigh_flap_threshold\t25.000000
\tnotifications_enabled\t1
\t_MORE\t-e
\t_OTHER\tx
\t}
define service {
\thost_name\tweb1
\tservice_description\tbackup
\tcheck_command\tdisk
\tactive_checks_enabled\t0
\tcheck_freshness\t1
\tfreshness_threshold\t93600
\tnotifications_enabled\t0
\tcontacts\tadmin
\t}
define service {
\thost_name\tweb1
\tservice_description\tvolatile macro
\tcheck_command\tstate
\tactive_checks_enabled\t1
\t}
define servicedependency {
\thost_name\tweb1
\tservice_description\tdisk /
\tdependent_host_name\tweb1
\tdependent_service_description\tbackup
\texecution_failure_options\tu,c
\t}
";

    #[test]
    fn services_become_checks_and_what_is_lost_is_listed() {
        let objects = parse_objects(CACHE).unwrap();
        assert_eq!(nagios_hosts(&objects), ["web1"]);
        let resources = resource_macros("# paths\n$USER1$=/usr/lib/nagios/plugins\n");
        let input = NagiosHost { objects: &objects, host: "web1", interval_length_s: 60.0, timeout_s: 60 };
        let page = nagios_document(&input, &resources, "objects.cache").unwrap();
        let expected = "\
# Written by custos import nagios, by objects.cache for the host web1. docs/configuration.md describes every key.

periods:
  office:
    \"december 24\": []
    monday: [\"08:00-12:00\", \"13:00-18:00\"]
    exclude: [holidays]
  holidays:
    \"december 25\": [\"00:00-24:00\"]

checks:
  # objects.cache:42
  backup:
    passive: { freshness: 26h }
    notify: false
    depends_on: [\"disk /\"]
  # objects.cache:25
  \"disk /\":
    command: \"/usr/lib/nagios/plugins/check_disk -w 20% -p / -e\"
    check_interval: 5m
    retry_interval: 30s
    timeout: 60s
    timeout_state: critical
    check_period: office
    max_check_attempts: 4
    volatile: true
    flap_detection: { low: 10, high: 25 }

# Not carried over:
#
# - objects.cache:4: period office: day 1 - 15 / 3 08:00-09:00: there are no days that are skipped
# - objects.cache:23: the check of the host itself, ping
# - objects.cache:30: disk /: contacts admin
# - objects.cache:40: disk /: _OTHER x
# - objects.cache:42: backup: Nagios runs its check_command when no result comes; here it is CRITICAL then
# - objects.cache:55: volatile macro: left out: $SERVICESTATE$ has no value that is known before it runs
# - objects.cache:58: backup: it depends on disk / in the states u,c; here in every hard problem
";
        assert_eq!(page, expected, "{page}");
    }
}
