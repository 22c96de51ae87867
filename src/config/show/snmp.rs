//! The parts of a configuration that concern SNMP, as YAML. Secrets are shown as the file that they are in, or masked.

use std::fmt::{self, Write};
use std::time::Duration;

use custos_compat::snmp::Version;

use crate::config::model::snmp::{
    Condition, KeyPart, Secret, SnmpAccess, SnmpConfig, SnmpPoll, SnmpProfile, SnmpWanted, TrapRule,
    TrapsConfig, Variable, Wanted,
};
use crate::config::show::secret::{self, MASK};
use crate::config::show::word::{list, state, word};
use crate::document::duration;

/// Writes the `snmp` section, if there is anything in it.
pub(crate) fn write_section(page: &mut String, snmp: &SnmpConfig) -> fmt::Result {
    if snmp.profiles.is_empty() && snmp.traps.is_none() && snmp.mibs.is_empty() {
        return Ok(());
    }
    writeln!(page, "snmp:")?;
    if !snmp.mibs.is_empty() {
        let mibs: Vec<String> = snmp.mibs.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        writeln!(page, "  mibs: {}", list(&mibs))?;
    }
    if !snmp.profiles.is_empty() {
        writeln!(page, "  profiles:")?;
    }
    for profile in snmp.profiles.values() {
        write_profile(page, profile)?;
    }
    snmp.traps.as_ref().map_or(Ok(()), |traps| write_traps(page, traps))
}

fn write_profile(page: &mut String, profile: &SnmpProfile) -> fmt::Result {
    writeln!(page, "    {}:", word(&profile.name))?;
    match &profile.access {
        SnmpAccess::Community { version, community } => {
            let version = if *version == Version::V1 { "1" } else { "2c" };
            writeln!(page, "      version: {version}")?;
            writeln!(page, "      community: {}", secret(community))?;
        }
        SnmpAccess::User(user) => {
            writeln!(page, "      version: 3")?;
            writeln!(page, "      user: {}", word(&user.name))?;
            for (key, protocol, passphrase) in [
                (
                    "auth",
                    user.auth.as_ref().map(|auth| auth.0.name()),
                    user.auth.as_ref().map(|auth| &auth.1),
                ),
                ("priv", user.privacy.as_ref().map(|p| p.0.name()), user.privacy.as_ref().map(|p| &p.1)),
            ] {
                if let (Some(protocol), Some(file)) = (protocol, passphrase.and_then(Secret::file)) {
                    let file = word(&file.to_string_lossy());
                    writeln!(page, "      {key}: {{ protocol: {protocol}, file: {file} }}")?;
                }
            }
            if !user.context.is_empty() {
                writeln!(page, "      context: {}", word(&user.context))?;
            }
        }
    }
    writeln!(page, "      port: {}", profile.port)?;
    writeln!(page, "      timeout: {}", duration::show(profile.timeout))?;
    writeln!(page, "      retries: {}", profile.retries)?;
    writeln!(page, "      max_repetitions: {}", profile.max_repetitions)?;
    writeln!(page, "      answers_from: {}", if profile.answers_from_any { "any" } else { "asked" })?;
    match profile.access {
        SnmpAccess::Community { .. } => {
            let community = if profile.answers_any_community { "any" } else { "same" };
            writeln!(page, "      answers_community: {community}")
        }
        SnmpAccess::User(_) => Ok(()),
    }
}

/// The file that holds a secret, or a mask.
fn secret(secret: &Secret) -> String {
    match (secret.file(), secret.bytes()) {
        (Some(file), _) => format!("{{ file: {} }}", word(&file.to_string_lossy())),
        (None, Ok(b"public")) => "public".to_owned(),
        (None, _) => word(MASK),
    }
}

fn write_traps(page: &mut String, traps: &TrapsConfig) -> fmt::Result {
    writeln!(page, "  traps:")?;
    writeln!(page, "    listen: {}", list(&traps.listen))?;
    let profiles: Vec<String> = traps.profiles.iter().map(|profile| profile.name.clone()).collect();
    writeln!(page, "    profiles: {}", list(&profiles))?;
    if !traps.sources.is_empty() {
        let sources: Vec<String> = traps.sources.iter().map(ToString::to_string).collect();
        writeln!(page, "    sources: {}", list(&sources))?;
    }
    writeln!(page, "    per_source: {}", traps.per_source_max)?;
    writeln!(page, "    total: {}", traps.total_max)?;
    if !traps.engine_id.is_empty() {
        let digits: String = traps.engine_id.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(page, "    engine_id: \"{digits}\"")?;
    }
    Ok(())
}

/// Writes what a check asks a device.
pub(crate) fn write_poll(page: &mut String, poll: &SnmpPoll) -> fmt::Result {
    if let SnmpWanted::Native(native) = &poll.wanted {
        writeln!(page, "    command: {}", list(&secret::mask_words(&native.words)))?;
        return writeln!(page, "    native: true");
    }
    writeln!(page, "    snmp:")?;
    writeln!(page, "      target: {}", word(&poll.target))?;
    writeln!(page, "      profile: {}", word(&poll.profile.name))?;
    writeln!(page, "      port: {}", poll.port)?;
    match &poll.wanted {
        SnmpWanted::Native(_) => Ok(()),
        SnmpWanted::Get(variables) => write_variables(page, 6, "get", variables),
        SnmpWanted::Table(table) => {
            writeln!(page, "      table:")?;
            write_variables(page, 8, "index", &table.index)?;
            if let Some(label) = &table.number_label {
                writeln!(page, "          {}: index", word(label))?;
            }
            write_variables(page, 8, "columns", &table.columns)?;
            write_conditions(page, 8, &table.conditions)?;
            if table.empty_ok { writeln!(page, "        empty: ok") } else { Ok(()) }
        }
    }
}

/// Writes which traps are results of a check.
pub(crate) fn write_trap(page: &mut String, rule: &TrapRule) -> fmt::Result {
    writeln!(page, "    trap:")?;
    if !rule.traps.is_empty() {
        let traps: Vec<String> = rule.traps.iter().map(|(trap, _)| trap.label.clone()).collect();
        writeln!(page, "      oid: {}", list(&traps))?;
        writeln!(page, "      state:")?;
    }
    for (trap, means) in &rule.traps {
        writeln!(page, "        {}: {}", word(&trap.label), state(*means))?;
    }
    if let Some(id) = rule.reconnoiter {
        let [a, b, c, d, e, f, g, h] = id;
        writeln!(
            page,
            "      reconnoiter: \"{a:04x}{b:04x}-{c:04x}-{d:04x}-{e:04x}-{f:04x}{g:04x}{h:04x}\""
        )?;
    }
    if !rule.sources.is_empty() {
        let sources: Vec<String> = rule.sources.iter().map(ToString::to_string).collect();
        writeln!(page, "      source: {}", list(&sources))?;
    }
    write_conditions(page, 6, &rule.conditions)?;
    if !rule.key.is_empty() {
        let key: Vec<String> = rule.key.iter().map(|part| KeyPart::label(part).to_owned()).collect();
        writeln!(page, "      key: {}", list(&key))?;
    }
    writeln!(page, "      text: {}", word(&rule.text.written))?;
    if !rule.metrics.is_empty() {
        write_variables(page, 6, "metrics", &rule.metrics)?;
    }
    if rule.deduplicate > Duration::ZERO {
        writeln!(page, "      deduplicate: {}", duration::show(rule.deduplicate))?;
    }
    if let Some(expires) = rule.expires {
        writeln!(page, "      expires: {}", duration::show(expires))?;
    }
    Ok(())
}

fn write_variables(page: &mut String, indent: usize, key: &str, variables: &[Variable]) -> fmt::Result {
    writeln!(page, "{:indent$}{key}:", "")?;
    for variable in variables {
        let oid = word(&variable.oid.to_string());
        writeln!(page, "{:indent$}  {}: {oid}", "", word(&variable.label))?;
    }
    Ok(())
}

fn write_conditions(page: &mut String, indent: usize, conditions: &[Condition]) -> fmt::Result {
    if !conditions.is_empty() {
        writeln!(page, "{:indent$}where:", "")?;
    }
    for condition in conditions {
        let any_of = condition.any_of.iter().map(|wanted| match wanted {
            Wanted::Number(number) => number.to_string(),
            Wanted::Text(glob) => word(glob.glob().glob()),
        });
        let any_of: Vec<String> = any_of.collect();
        let variable = word(&condition.variable.label);
        writeln!(page, "{:indent$}  {variable}: [{}]", "", any_of.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use crate::config::{Config, Surroundings, load_with, show};

    const EVERYTHING: &str = r#"
snmp:
  profiles:
    core: { version: 2c, community: { file: community }, port: 1161, timeout: 250ms, retries: 0, max_repetitions: 7,
            answers_from: any, answers_community: any }
    old: { version: 1, community: public }
    secure: { version: 3, user: mon, auth: { protocol: SHA-256, file: auth }, priv: { protocol: aes, file: priv }, context: c }
    open: { version: 3, user: "no body" }
  traps:
    listen: ["0.0.0.0:162", "[::]:162"]
    profiles: [core, secure]
    sources: [192.0.2.0/24, "::1"]
    per_source: 5
    total: 100
    engine_id: 80001f8804aabbcc
checks:
  router:
    snmp: { target: 192.0.2.1, profile: core, get: { uptime: sysUpTime.0, cpu: 1.3.6.1.4.1.9.2.1.58.0 } }
  uplinks:
    snmp:
      target: "2001:db8::1"
      port: 16100
      profile: secure
      table: { index: ifName, columns: [ifHCInOctets, ifOperStatus], where: { ifAdminStatus: up, ifName: ["Gi*", "10"], ifIndex: [1, 2] } }
  rows: { snmp: { target: h, profile: core, table: { index: [ifName, index], columns: ifMtu, empty: ok } } }
  numbers: { snmp: { target: h, profile: core, table: { index: { row: index }, columns: ifMtu } } }
  link:
    trap:
      oid: [linkDown, linkUp]
      source: 192.0.2.0/24
      where: { ifDescr: "e*" }
      state: { linkDown: critical, linkUp: ok }
      key: [source, ifIndex]
      text: "{trap}: {{{ifDescr}}} of {source}"
      metrics: { index: ifIndex }
      deduplicate: 10s
      expires: 1h
  noit:
    trap: { reconnoiter: f7cea020-f19d-11dd-85a6-cb6d3a2207dc }
"#;

    /// The configuration, and the directory that its secrets lie in.
    fn load(text: &str) -> Result<(Config, tempfile::TempDir), String> {
        let directory = tempfile::tempdir().unwrap();
        let surroundings = Surroundings { host: "h".to_owned(), cpus: 1, zone: jiff::tz::TimeZone::UTC };
        for (name, contents) in
            [("custos.yaml", text), ("community", "hush\n"), ("auth", "hushhush\n"), ("priv", "hush hush")]
        {
            let path = directory.path().join(name);
            std::fs::write(&path, contents).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let prefix = format!("{}/", directory.path().display());
        let loaded = load_with(&directory.path().join("custos.yaml"), &surroundings);
        match loaded {
            Ok(loaded) if loaded.warnings.is_empty() => Ok((loaded.config, directory)),
            Ok(loaded) => Err(loaded.warnings.to_string().replace(&prefix, "")),
            Err(mistakes) => Err(mistakes.to_string().replace(&prefix, "")),
        }
    }

    fn same(mut config: Config) -> Config {
        config.files.clear();
        config.store = Path::new("/s").to_owned();
        for check in config.checks.values_mut() {
            std::sync::Arc::make_mut(check).defined_at.clear();
        }
        config
    }

    #[test]
    fn what_is_shown_loads_to_the_same_configuration_and_has_no_secret() {
        let (config, _directory) = load(EVERYTHING).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let shown = show(&config);
        assert!(!shown.contains("hush") && !format!("{config:?}").contains("hush"), "{shown}");
        let (again, _) = load(&shown).unwrap_or_else(|mistakes| panic!("{mistakes}\n{shown}"));
        assert_eq!(same(again), same(config), "{shown}");
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        let profiles =
            "snmp:\n  profiles: { p: { version: 2c, community: public } }\n  traps: { listen: ['*:162'] }\n";
        for (line, expected) in [
            (
                "a: { snmp: { target: h, profile: q, get: sysUpTime.0 } }",
                "there is no profile `q`; did you mean `p`?",
            ),
            ("a: { snmp: { target: 'h:1', profile: p, get: sysUpTime.0 } }", "without a port"),
            ("a: { snmp: { target: h, profile: p } }", "has neither `get` nor `table`"),
            ("a: { snmp: { target: h, profile: p, get: ifDecsr.1 } }", "did you mean `ifDescr`?"),
            (
                "a: { snmp: { target: h, profile: p, get: sysUpTime } }",
                "warning: `sysUpTime` names no instance",
            ),
            ("a: { snmp: { target: h, profile: p, table: { index: ifName } } }", "has no `columns`"),
            ("a: { snmp: { target: h, profile: p, table: { columns: ifMtu } } }", "has no `index`"),
            (
                "a: { snmp: { target: h, profile: p, table: { index: ifName, columns: ifMtu, empty: yes } } }",
                "expected `ok` or `unknown`",
            ),
            (
                "a: { snmp: { target: h, profile: p, table: { index: ifName, columns: ifTable } } }",
                "warning: `ifTable` is a table",
            ),
            (
                "a: { snmp: { target: h, profile: p, table: { index: ifName, columns: ifMtu, where: { ifAdminStatus: on } } } }",
                "expected a number, or one of up, down, testing",
            ),
            (
                "a: { command: /bin/true, snmp: { target: h, profile: p, get: sysUpTime.0 } }",
                "has `command` and `snmp`",
            ),
            ("a: { trap: { oid: linkDown } }", "has no `state`"),
            (
                "a: { trap: { oid: [linkDown, linkUp], state: { linkDown: critical } } }",
                "there is no state for `linkUp`",
            ),
            (
                "a: { trap: { oid: linkDown, state: { linkDown: critical, linkUp: ok } } }",
                "`linkUp` is none of the traps",
            ),
            ("a: { trap: { state: ok } }", "has no `oid`"),
            ("a: { trap: { oid: linkDown, state: ok, source: 1.2.3 } }", "expected an address or a network"),
            ("a: { trap: { oid: linkDown, state: ok, text: '{ifX}' } }", "no object is named `ifX`"),
            ("a: { trap: { oid: linkDown, state: ok, key: ifIndx } }", "did you mean `ifIndex`?"),
            ("a: { trap: { reconnoiter: abc } }", "expected the UUID of a check"),
        ] {
            let mistakes = load(&format!("{profiles}checks:\n  {line}\n")).err().unwrap();
            assert!(mistakes.contains(expected), "{line}\n{mistakes}");
            assert!(mistakes.starts_with("custos.yaml:5:"), "{mistakes}");
        }
    }

    #[test]
    fn profiles_have_what_their_version_needs_and_nothing_else() {
        for (profile, expected) in [
            ("{ community: public }", "has no `version`"),
            ("{ version: 4 }", "expected `1`, `2c` or `3`"),
            ("{ version: 2c }", "has no `community`"),
            ("{ version: 2c, community: public, user: x }", "version 1 and 2c has no `user`"),
            ("{ version: 3, user: x, community: public }", "version 3 has no `community`"),
            ("{ version: 3 }", "has no `user`"),
            ("{ version: 3, user: x, priv: { protocol: aes, file: priv } }", "has `priv` without `auth`"),
            ("{ version: 3, user: x, auth: { protocol: rot13, file: auth } }", "expected `md5`, `sha1`"),
            ("{ version: 3, user: x, auth: { protocol: md5, file: community } }", "has fewer than 8 bytes"),
            ("{ version: 3, user: x, auth: { protocol: md5 } }", "has no `file`"),
            ("{ version: 2c, community: { file: none } }", "No such file"),
            ("{ version: 2c, community: public, port: 0 }", "a whole number from 1 to 65535"),
        ] {
            let mistakes = load(&format!("snmp: {{ profiles: {{ p: {profile} }} }}\n")).err().unwrap();
            assert!(mistakes.contains(expected), "{profile}\n{mistakes}");
            assert!(!mistakes.contains("hush"));
        }
        for (traps, expected) in [
            ("{ listen: 5 }", "expected an address with its port, such as `192.0.2.1:162`"),
            ("{}", "`traps` has no `listen`"),
            ("{ listen: '*:162' }", "`traps` has no profile"),
        ] {
            let mistakes = load(&format!("snmp: {{ traps: {traps} }}\n")).err().unwrap();
            assert!(mistakes.contains(expected), "{traps}\n{mistakes}");
        }
    }
}
