//! A configuration as YAML, with everything resolved: it loads again to the same configuration.
//!
//! Secrets are masked by the rule of `secret`; a configuration that has some does not load to itself.

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use custos_shim::{IoPriority, Warm};

use super::word::{list, state, word};
use super::{http, notify, rule, sink, snmp};
use crate::config::keys::nrpe::GRAPH;
use crate::config::keys::settings::{BYTE_UNITS, PRIORITY, WHEN_STALE};
use crate::config::keys::threshold::{ON_MISSING, STATE};
use crate::config::keys::top::SYNC;
use crate::config::model::check::{
    Check, Command, Config, NrpeConfig, Process, Serving, Submitted, Threshold,
};
use crate::config::show::secret::{self, MASK};
use crate::document::duration;
use crate::document::key::Reads as _;
use crate::limits::STDOUT_MAX_BYTES;
use crate::period::Period;

/// Writes the configuration as YAML.
pub fn show(config: &Config) -> String {
    let mut page = String::new();
    // Writing to a String does not fail.
    let _ = write_config(&mut page, config);
    page
}

fn write_config(page: &mut String, config: &Config) -> fmt::Result {
    writeln!(page, "store: {}", word(&config.store.to_string_lossy()))?;
    writeln!(page, "sync: {}", SYNC.kind().written(config.sync))?;
    let plugins: Vec<String> =
        config.plugins.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    writeln!(page, "plugins: {}", list(&plugins))?;
    writeln!(page, "host: {}", word(&config.host))?;
    writeln!(page, "max_concurrent_checks: {}", config.max_concurrent_checks)?;
    if let Some(nrpe) = &config.nrpe {
        write_nrpe(page, nrpe)?;
    }
    if let Some(http) = &config.http {
        http::write_section(page, http)?;
    }
    snmp::write_section(page, &config.snmp)?;
    if !config.periods.is_empty() {
        writeln!(page, "periods:")?;
    }
    config.periods.values().try_for_each(|period| write_period(page, period))?;
    if let Some(notify) = &config.notify {
        notify::write_section(page, notify)?;
    }
    sink::write_section(page, &config.sinks)?;
    rule::write_section(page, config)?;
    let mut checks = config.checks.values().filter(|check| !rule::is_of_file(config, check)).peekable();
    if checks.peek().is_none() {
        return writeln!(page, "checks: {{}}");
    }
    writeln!(page, "checks:")?;
    checks.try_for_each(|check| write_check(page, config, check))
}

fn write_nrpe(page: &mut String, nrpe: &NrpeConfig) -> fmt::Result {
    let keys = &nrpe.keys;
    let mut section = String::new();
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| word(&path.to_string_lossy()));
    let text = |text: &Option<String>| text.as_ref().map(|text| word(text));
    let many = |words: &Vec<String>| (!words.is_empty()).then(|| list(words));
    for (key, value) in [
        ("config", path(&nrpe.config)),
        ("listen", many(&keys.listen)),
        ("allowed_hosts", many(&keys.allowed_hosts)),
        ("tls", keys.tls.map(|on| on.to_string())),
        ("tls_certificate", path(&keys.tls_certificate)),
        ("tls_key", path(&keys.tls_key)),
        ("tls_client_ca", path(&keys.tls_client_ca)),
        ("tls_client_certificates", text(&keys.tls_client_certificates)),
        ("tls_versions", text(&keys.tls_versions)),
        ("tls_ciphers", text(&keys.tls_ciphers)),
        ("tls_anonymous", keys.tls_anonymous.map(|on| on.to_string())),
        ("allow_arguments", keys.allow_arguments.then(|| "true".to_owned())),
        ("commands_as_root", keys.commands_as_root.then(|| "true".to_owned())),
        ("tcp_wrappers", keys.tcp_wrappers.map(|on| on.to_string())),
        ("command_timeout", keys.command_timeout.map(duration::show)),
        ("coalesce", keys.coalesce.then(|| "true".to_owned())),
        ("graph", keys.graph.map(|graph| GRAPH.kind().written(graph))),
    ] {
        if let Some(value) = value {
            writeln!(section, "  {key}: {value}")?;
        }
    }
    if !keys.access.is_empty() {
        writeln!(section, "  access:")?;
    }
    for (command, subjects) in &keys.access {
        writeln!(section, "    {}: {}", word(command), list(subjects))?;
    }
    if section.is_empty() { writeln!(page, "nrpe: {{}}") } else { write!(page, "nrpe:\n{section}") }
}

fn write_period(page: &mut String, period: &Period) -> fmt::Result {
    let empty = period.rules.is_empty() && period.exclude.is_empty();
    writeln!(page, "  {}:{}", word(&period.name), if empty { " {}" } else { "" })?;
    for rule in &period.rules {
        let hours = rule.hours.to_string();
        let hours: Vec<String> =
            hours.split(", ").filter(|hours| !hours.is_empty()).map(str::to_owned).collect();
        writeln!(page, "    {}: {}", rule.days, list(&hours))?;
    }
    if !period.exclude.is_empty() {
        let names: Vec<String> = period.exclude.iter().map(|period| period.name.clone()).collect();
        writeln!(page, "    exclude: {}", list(&names))?;
    }
    Ok(())
}

fn write_passive(page: &mut String, submitted: &Submitted) -> fmt::Result {
    let Some(freshness) = submitted.freshness else { return writeln!(page, "    passive: {{}}") };
    writeln!(page, "    passive:")?;
    writeln!(page, "      freshness: {}", duration::show(freshness))?;
    writeln!(page, "      stale_state: {}", state(submitted.stale_state))
}

fn write_check(page: &mut String, config: &Config, check: &Check) -> fmt::Result {
    writeln!(page, "  {}:", word(&check.name))?;
    match &check.command {
        Command::Program(words) => writeln!(page, "    command: {}", list(&secret::mask_words(words)))?,
        Command::Shell(line) => {
            writeln!(page, "    command: {}", word(&secret::mask_line(line)))?;
            writeln!(page, "    shell: true")?;
        }
        Command::Snmp(poll) => snmp::write_poll(page, poll)?,
        Command::Trap(rule) => snmp::write_trap(page, rule)?,
        Command::Submitted(submitted) => write_passive(page, submitted)?,
        Command::Rule(rule) => rule::write_query(page, config, rule)?,
    }
    writeln!(page, "    check_interval: {}", duration::show(check.check_interval))?;
    writeln!(page, "    retry_interval: {}", duration::show(check.retry_interval))?;
    writeln!(page, "    max_check_attempts: {}", check.max_check_attempts)?;
    writeln!(page, "    volatile: {}", check.volatile)?;
    writeln!(page, "    clone: {}", check.clone)?;
    if !matches!(check.command, Command::Snmp(_)) {
        writeln!(page, "    native: {}", check.native.name())?;
    }
    match check.warm {
        Warm::ALL => writeln!(page, "    warm: true")?,
        Warm { perl: true, .. } => writeln!(page, "    warm: [perl]")?,
        Warm { python: true, .. } => writeln!(page, "    warm: [python3]")?,
        _ => {}
    }
    if let Some(period) = &check.check_period {
        writeln!(page, "    check_period: {}", word(&period.name))?;
    }
    if !check.depends_on.is_empty() {
        writeln!(page, "    depends_on: {}", list(&check.depends_on))?;
    }
    writeln!(page, "    priority: {}", PRIORITY.kind().written(check.priority))?;
    writeln!(page, "    timeout: {}", duration::show(check.timeout))?;
    writeln!(page, "    timeout_state: {}", state(check.timeout_state))?;
    if !check.environment.is_empty() {
        writeln!(page, "    environment:")?;
    }
    for (name, value) in &check.environment {
        let value = if secret::is_secret_name(name) { MASK } else { value };
        writeln!(page, "      {}: {}", word(name), word(value))?;
    }
    write_process(page, &check.process)?;
    writeln!(page, "    byte_units: {}", BYTE_UNITS.kind().written(check.byte_units))?;
    writeln!(page, "    check_multi: {}", check.check_multi)?;
    writeln!(page, "    silent: {}", state(check.silent))?;
    writeln!(page, "    evaluate_perfdata: {}", check.evaluate_perfdata)?;
    match check.flapping {
        Some((low, high)) => writeln!(page, "    flap_detection: {{ low: {low}, high: {high} }}")?,
        None => writeln!(page, "    flap_detection: false")?,
    }
    if let Serving::Cached { max_age, stale } = check.serving {
        writeln!(page, "    serve: cached")?;
        writeln!(page, "    max_age: {}", duration::show(max_age))?;
        writeln!(page, "    when_stale: {}", WHEN_STALE.kind().written(stale))?;
    }
    notify::write_check(page, &check.notify, check.on_change.as_deref())?;
    if !check.thresholds.is_empty() {
        writeln!(page, "    thresholds:")?;
    }
    check.thresholds.iter().try_for_each(|threshold| write_threshold(page, threshold))
}

/// What differs from what the agent has.
fn write_process(page: &mut String, process: &Process) -> fmt::Result {
    if let Some(run_as) = &process.run_as {
        let groups: Vec<String> = run_as.credentials.groups.iter().map(u32::to_string).collect();
        writeln!(page, "    user: {}", word(&run_as.name))?;
        writeln!(page, "    group: {}", run_as.credentials.gid)?;
        writeln!(page, "    groups: [{}]", groups.join(", "))?;
    }
    if process.directory.as_os_str() != "/" {
        writeln!(page, "    working_directory: {}", word(&process.directory.to_string_lossy()))?;
    }
    if process.nice != 0 {
        writeln!(page, "    nice: {}", process.nice)?;
    }
    match process.io_priority {
        None => {}
        Some(IoPriority::Idle) => writeln!(page, "    ioprio: idle")?,
        Some(IoPriority::BestEffort(level)) => writeln!(page, "    ioprio: best-effort {level}")?,
        Some(IoPriority::RealTime(level)) => writeln!(page, "    ioprio: real-time {level}")?,
    }
    let limits = &process.limits;
    let given: Vec<String> = [
        ("address_space", limits.address_space_bytes.map(|bytes| bytes.to_string())),
        ("cpu_time", limits.cpu_s.map(|seconds| duration::show(Duration::from_secs(seconds)))),
        ("processes", limits.processes.map(|count| count.to_string())),
        ("open_files", limits.open_files.map(|count| count.to_string())),
        (
            "output",
            Some(process.stdout_max_bytes).filter(|bytes| *bytes != STDOUT_MAX_BYTES).map(|b| b.to_string()),
        ),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some(format!("{key}: {}", value?)))
    .collect();
    if !given.is_empty() {
        writeln!(page, "    limits: {{ {} }}", given.join(", "))?;
    }
    if process.no_new_privileges {
        writeln!(page, "    no_new_privileges: true")?;
    }
    Ok(())
}

fn write_threshold(page: &mut String, threshold: &Threshold) -> fmt::Result {
    writeln!(page, "      - metric: {}", word(&threshold.metric))?;
    if let Some(range) = &threshold.warning {
        writeln!(page, "        warning: {}", word(&range.written))?;
    }
    if let Some(range) = &threshold.critical {
        writeln!(page, "        critical: {}", word(&range.written))?;
    }
    if let Some(normal) = &threshold.normal {
        writeln!(page, "        outside: normal")?;
        writeln!(page, "        tolerance: {}", word(&normal.tolerance.to_string()))?;
        writeln!(page, "        state: {}", STATE.kind().written(normal.state))?;
    }
    if threshold.rate {
        writeln!(page, "        rate: true")?;
    }
    if threshold.pending_for > Duration::ZERO {
        writeln!(page, "        for: {}", duration::show(threshold.pending_for))?;
    }
    writeln!(page, "        on_missing: {}", ON_MISSING.kind().written(threshold.on_missing))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Surroundings, load_with};

    fn load(text: &str) -> Config {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        std::fs::write(&path, text).unwrap();
        let surroundings = Surroundings { host: "other".to_owned(), cpus: 1, zone: jiff::tz::TimeZone::UTC };
        match load_with(Path::new(&path), &surroundings) {
            Ok(loaded) => loaded.config,
            Err(mistakes) => panic!("{mistakes}\n{text}"),
        }
    }

    /// What stays the same when a configuration is written to another file.
    fn same(mut config: Config) -> Config {
        config.files.clear();
        for check in config.checks.values_mut() {
            std::sync::Arc::make_mut(check).defined_at.clear();
        }
        config
    }

    const EVERYTHING: &str = r#"
store: /var/lib/custos
sync: 250ms
plugins: [/opt/one, "/opt/two words"]
host: web1
max_concurrent_checks: 9
nrpe:
  config: /etc/nagios/nrpe.cfg
  listen: ["[::1]:5666"]
  allowed_hosts: [10.0.0.0/8]
  tls: true
  tls_certificate: cert.pem
  tls_key: /key.pem
  tls_client_ca: /ca.pem
  tls_client_certificates: ask
  tls_versions: TLSv1.2+
  tls_ciphers: "ALL:!MD5"
  tls_anonymous: false
  allow_arguments: true
  commands_as_root: true
  tcp_wrappers: false
  command_timeout: 20s
  access: { "check_*": [10.0.0.1, "cert:/CN=poller"] }
http:
  listen: ["0.0.0.0:443", /run/custos/http.socket]
  tls_certificate: cert.pem
  tls_key: /key.pem
  tls_client_ca: /ca.pem
  cors: https://grafana.example
  hosts: [web1.example, "[::1]"]
  open_watch: true
periods:
  "the office":
    monday - friday: [08:00-12:00, "13:00-18:00,20:00-24:00"]
    december 24 - january 2: []
    2026-12-24: 08:00-12:00
    monday -1 may: 00:00-24:00
    exclude: [none, nights]
  none: {}
  nights: {monday - sunday: [22:00-24:00, 00:00-06:00]}
severities: { page: critical, ticket: warning, otherwise: unknown }
external_url: "https://h/"
external_labels: { site: a, "x y": "5" }
notify:
  targets:
    hook: { webhook: "https://example.org/", match: [severity=critical, 'path=~"/v.*"'], states: [critical], graph: ascii }
    am: { alertmanager: "http://127.0.0.1:9093", resend: 30s }
    mail: { email: { to: root, smtp: "m:25", user: x, tls: tls, from: a@b }, send_resolved: false, hours: the office }
    old: { command: "/bin/echo 'a b'" }
    older: { nsca: { server: "m:5667", encryption: 0 } }
  group_by: "..."
  group_wait: 0s
  inhibit: [{ source: check=a, target: check=b, equal: host }]
  heartbeat: { target: hook }
sinks:
  vm: { remote_write: "http://127.0.0.1:8428/api/v1/write", ca: /ca.pem, clock_lead: 1m, gather: 5s, lag_warning: 10s }
  js: { nats: "tls://n:4222", stream: S, site: lab, checks: [a, "b*"], labels: { site: lab }, host: other }
  g: { graphite: "g:2003", prefix: hosts, metrics: "x*" }
  f: { file: /var/log/runs.jsonl, rotate: 1MiB, keep: 3, start: now }
checks:
  "disk: /":
    command: [/bin/echo, "", "it's", 'say "x"', "a\tb", "ü\u2028", '#', "- x", "null", "5", "~"]
    check_interval: 1h30m
    retry_interval: 500ms
    max_check_attempts: 5
    volatile: true
    clone: true
    check_period: the office
    depends_on: [line]
    priority: low
    timeout: 90s
    timeout_state: critical
    environment: { LANG: C, EMPTY: "", "A B": "c: d" }
    byte_units: iec
    serve: cached
    max_age: 45s
    when_stale: unknown
    check_multi: false
    silent: ok
    evaluate_perfdata: true
    flap_detection: { low: 5.5, high: 20 }
    notify: [mail, old]
    on_change: /bin/echo changed
    thresholds:
      - { metric: "*", warning: "~:8GB", critical: "@9GB:10GB", for: 2m, on_missing: keep }
      - { metric: "a", critical: 5, rate: true }
  quiet: { command: [/bin/true], notify: false }
  asked:
    query: "avg_over_time(m{metric=\"a b\"}[5m]) > 80"
    on: interval
    state: warning
    for: 5m
    keep_firing_for: 90s
    labels: { team: "{{ $labels.x }}" }
    annotations: { summary: "it is {{ $value }}" }
    limit: 7
  by severity: { query: up, labels: { severity: page } }
  line:
    command: "a | b > /dev/null; echo \"done\\n\""
    shell: true
    flap_detection: false
    user: root
    group: 7
    groups: [8, 9]
    working_directory: /tmp
    nice: -3
    ioprio: best-effort 2
    no_new_privileges: true
    limits: { address_space: 1GiB, cpu_time: 90s, processes: 9, open_files: 64, output: 1000 }
"#;

    #[test]
    fn what_is_shown_loads_to_the_same_configuration() {
        let config = load(EVERYTHING);
        let shown = show(&config);
        assert_eq!(same(load(&shown)), same(config), "{shown}");
        let empty = load("host: x\n");
        assert_eq!(same(load(&show(&empty))), same(empty));
    }

    #[test]
    fn secrets_are_masked() {
        let shown = show(&load(
            "checks: {a: {command: /bin/check_snmp -C hush -H h, environment: {TOKEN: hush, LANG: C}}, \
             b: {command: 'check_x --password hush', shell: true}}\n",
        ));
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains(r#"[/bin/check_snmp, "-C", "********", "-H", h]"#), "{shown}");
        assert!(shown.contains("LANG: C"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_word(text in "\\PC{0,20}|[ -~\n\t]{0,20}|[\u{80}-\u{9f}\u{2028}\u{feff}a]{1,4}") {
            let config = load(&format!("checks: {{a: {{command: [/bin/echo, {}]}}}}\n", word(&text)));
            let expected = Command::Program(vec!["/bin/echo".to_owned(), text]);
            prop_assert_eq!(&config.checks["a"].command, &expected);
        }
    }
}
