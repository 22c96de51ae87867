//! Configurations with one mistake each.

use super::{Home, verdicts};

/// Mistakes that both the reader and the schema find: a configuration, and a part of what the reader says.
const BOTH: &[(&str, &str)] = &[
    // At the top.
    ("chekcs: {}", "unknown key `chekcs` in the configuration; did you mean `checks`?"),
    ("[]", "found a list, expected a mapping"),
    ("store: 5", "expected a path"),
    ("store: [a, b]", "expected a path"),
    ("sync: sometimes", "expected `always`, `never` or an interval"),
    ("sync: 5", "expected a duration with its unit"),
    ("plugins: [a, 5]", "expected a path"),
    ("include: {a: b}", "expected the path of a file or a glob"),
    ("host: ' web1'", "expected a name of at most 255 bytes"),
    ("host: 7", "expected the name of this host"),
    ("max_concurrent_checks: 0", "expected a whole number from 1 to 10000"),
    ("max_concurrent_checks: 10001", "expected a whole number from 1 to 10000"),
    ("max_concurrent_checks: many", "expected a whole number"),
    ("checks: [a]", "expected a mapping of check names to checks"),
    ("rules: 5", "expected the path of a rule file or a glob"),
    ("severities: {a: bad}", "found `bad`, expected"),
    ("external_labels: [a]", "expected a mapping of names to values"),
    // Checks and their settings.
    ("checks: {a: {query: up, on: sometimes}}", "expected `samples` or `interval`"),
    ("checks: {a: {query: up, for: 5}}", "expected a duration with its unit"),
    ("checks: {a: {command: /bin/true, for: 5m}}", "which is for checks with a `query`"),
    ("checks: {a: {query: up, limit: -1}}", "expected a whole number from 0 to"),
    ("checks: {a: {query: up, command: /bin/true}}", "expected one of them"),
    ("checks: {custos: {command: /bin/true}}", "which the agent's check of itself has"),
    ("checks: {-a: {command: /bin/true}}", "which a command line would take for an option"),
    ("checks: {' a': {command: /bin/true}}", "blanks around it"),
    ("checks: {a: {}}", "has no `command`"),
    ("checks: {a: /bin/true}", "expected a mapping"),
    (
        "checks: {a: {command: /bin/true, trap: {reconnoiter: f7cea020-f19d-11dd-85a6-cb6d3a2207dc}}}",
        "expected one of them",
    ),
    ("checks: {a: {comand: /bin/true}}", "did you mean `command`?"),
    ("checks: {a: {command: /bin/true, interval: 5s}}", "did you mean `check_interval`?"),
    ("checks: {a: {command: {x: y}}}", "expected a command line or a list of its words"),
    ("checks: {a: {command: ''}}", "expected a command line"),
    ("checks: {a: {command: /bin/true, check_interval: 10}}", "expected a duration with its unit"),
    ("checks: {a: {command: /bin/true, check_interval: 1.5h}}", "expected a duration in whole units"),
    ("checks: {a: {command: /bin/true, check_interval: 5m1h}}", "the longer ones first"),
    ("checks: {a: {command: /bin/true, timeout: 10sec}}", "expected a duration such as"),
    ("checks: {a: {command: /bin/true, max_check_attempts: 1001}}", "expected a whole number from 1 to 1000"),
    ("checks: {a: {command: /bin/true, max_check_attempts: 1.5}}", "expected a whole number"),
    ("checks: {a: {command: /bin/true, volatile: yes}}", "write `true`"),
    ("checks: {a: {command: /bin/true, shell: 'true'}}", "expected `true` or `false`"),
    ("checks: {a: {command: /bin/true, priority: high}}", "expected `normal` or `low`"),
    ("checks: {a: {command: /bin/true, timeout_state: crit}}", "did you mean `critical`?"),
    ("checks: {a: {command: /bin/true, environment: [A=1]}}", "expected a mapping of variable names"),
    ("checks: {a: {command: /bin/true, environment: {A=B: 1}}}", "expected a name without `=`"),
    ("checks: {a: {command: /bin/true, environment: {A: }}}", "expected a value"),
    ("checks: {a: {command: /bin/true, flap_detection: {low: 5, hihg: 9}}}", "did you mean `high`?"),
    ("checks: {a: {command: /bin/true, flap_detection: {low: 101}}}", "expected a number from 0 to 100"),
    ("checks: {a: {command: /bin/true, depends_on: [5]}}", "expected the name of a check"),
    ("defaults: {command: /bin/true}", "unknown key `command` in `defaults`"),
    // The process.
    ("defaults: {nice: 20}", "expected a whole number from -20 to 19"),
    ("defaults: {working_directory: tmp}", "expected an absolute path"),
    ("defaults: {ioprio: idle 3}", "expected `idle`, `best-effort`"),
    ("defaults: {limits: {memory: 1GiB}}", "unknown key `memory`"),
    ("defaults: {limits: {address_space: 1XB}}", "expected a size"),
    ("defaults: {limits: {processes: 0}}", "expected a whole number from 1"),
    // Thresholds.
    (
        "checks: {a: {command: /bin/true, thresholds: {metric: a, warning: 5}}}",
        "expected a list of thresholds",
    ),
    ("checks: {a: {command: /bin/true, thresholds: [{metric: a}]}}", "neither `warning` nor `critical`"),
    ("checks: {a: {command: /bin/true, thresholds: [{warning: 5}]}}", "has no `metric`"),
    ("checks: {a: {command: /bin/true, thresholds: [{metric: a, warning: '1:2:3'}]}}", "expected a range"),
    (
        "checks: {a: {command: /bin/true, thresholds: [{metric: a, warning: 5, for: 10}]}}",
        "expected a duration",
    ),
    (
        "checks: {a: {command: /bin/true, thresholds: [{metric: a, warning: 5, on_missing: crit}]}}",
        "expected `ok`",
    ),
    // Periods.
    ("periods: {always: {}}", "expected another name"),
    ("periods: {p: 5}", "expected a mapping of days to times"),
    ("periods: {p: {mondays: 08:00-09:00}}", "expected days such as"),
    ("periods: {p: {monday: 8-9}}", "expected a range of times"),
    ("periods: {p: {exclude: 5}}", "expected the name of a period"),
    // NRPE.
    ("nrpe: {allowed_host: y}", "did you mean `allowed_hosts`?"),
    ("nrpe: {listen: 5666}", "expected an address with its port"),
    ("nrpe: {listen: 127.0.0.1}", "expected an address with its port"),
    ("nrpe: {tls: on}", "write `true`"),
    ("nrpe: {tls_versions: TLSv9}", "expected TLS versions"),
    ("nrpe: {tls_client_certificates: maybe}", "expected `ignore`, `ask` or `require`"),
    ("nrpe: {access: [x]}", "expected a mapping of command names"),
    ("nrpe:", "expected a mapping"),
    // SNMP.
    ("snmp: {profile: {}}", "did you mean `profiles`?"),
    ("snmp: {profiles: {p: {community: public}}}", "has no `version`"),
    ("snmp: {profiles: {p: {version: 4, community: public}}}", "expected `1`, `2c` or `3`"),
    ("snmp: {profiles: {p: {version: 2c}}}", "has no `community`"),
    ("snmp: {profiles: {p: {version: 3}}}", "has no `user`"),
    ("snmp: {profiles: {p: {version: 2c, community: public, user: mon}}}", "version 1 and 2c has no `user`"),
    ("snmp: {profiles: {p: {version: 3, user: mon, priv: {protocol: des, file: priv}}}}", "without `auth`"),
    ("snmp: {profiles: {p: {version: 3, user: mon, auth: {protocol: crc, file: auth}}}}", "expected `md5`"),
    ("snmp: {profiles: {p: {version: 3, user: mon, auth: {protocol: md5}}}}", "has no `file`"),
    (
        "snmp: {profiles: {p: {version: 1, community: public, port: 65536}}}",
        "expected a whole number from 1 to 65535",
    ),
    (
        "snmp: {profiles: {p: {version: 1, community: public, retries: 21}}}",
        "expected a whole number from 0 to 20",
    ),
    ("snmp: {profiles: {p: {version: 1, community: public}}, traps: {}}", "has no `listen`"),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}, traps: {listen: '*:162', total: 0}}",
        "expected a whole number",
    ),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}, traps: {listen: '*:162', engine_id: 80zz}}",
        "hexadecimal",
    ),
    ("checks: {a: {snmp: {profile: p, get: sysUpTime.0}}}", "has no `target`"),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}}\nchecks: {a: {snmp: {target: sw, profile: p}}}",
        "neither `get` nor `table`",
    ),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}}\n\
         checks: {a: {snmp: {target: sw, profile: p, get: sysUpTime.0, table: {index: ifName, columns: ifMtu}}}}",
        "has `get` and `table`",
    ),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}}\n\
         checks: {a: {snmp: {target: 'sw:161', profile: p, get: sysUpTime.0}}}",
        "without a port",
    ),
    (
        "snmp: {profiles: {p: {version: 1, community: public}}}\n\
         checks: {a: {snmp: {target: sw, profile: p, table: {columns: ifMtu}}}}",
        "has no `index`",
    ),
    ("checks: {a: {trap: {oid: linkDown}}}", "has no `state`"),
    ("checks: {a: {trap: {state: ok}}}", "has no `oid`"),
    ("checks: {a: {trap: {oid: linkDown, state: bad}}}", "expected `ok`"),
    ("checks: {a: {trap: {reconnoiter: f7cea020}}}", "expected the UUID"),
    ("checks: {a: {trap: {oid: linkDown, state: ok, source: nowhere}}}", "expected an address or a network"),
];

/// Mistakes that only the reader can know: a name that nobody defines, two values that do not go together, a duration out
/// of bounds, what is in a file, and forms that a regular expression would tell badly.
const READER: &[(&str, &str)] = &[
    ("checks: {a: {command: /bin/true, check_interval: 1ms}}", "expected a duration from 100ms"),
    ("sync: 2h", "expected a duration from 10ms to 1h"),
    ("checks: {a: {command: /bin/true, check_period: office}}", "no period `office` is defined"),
    ("checks: {a: {command: /bin/true, depends_on: b}}", "no check `b` is defined"),
    ("checks: {a: {command: /bin/true, depends_on: a}}", "depends on itself"),
    ("checks: {a: {snmp: {target: sw, profile: p, get: sysUpTime.0}}}", "there is no profile `p`"),
    ("checks: {a: {trap: {oid: linkDwn, state: ok}}}", "did you mean `linkDown`?"),
    ("checks: {a: {command: /bin/true, flap_detection: {low: 50, high: 20}}}", "`low` 50 above `high` 20"),
    ("checks: {a: {command: '/bin/true \"x'}}", "never closed"),
    ("checks: {a: {command: 'x -w $ARG1$'}}", "is a macro of Nagios"),
    ("checks: {a: {command: []}}", "found an empty command"),
    ("checks: {a: {command: 'check_load', native: true}}", "`native`"),
    ("checks: {a: {command: /bin/true, thresholds: [{metric: a, warning: '9:1'}]}}", "the start"),
    (
        "checks: {a: {command: /bin/true, thresholds: [{metric: a, warning: 5s, critical: 9B}]}}",
        "units of one kind",
    ),
    (
        "checks: {a: {command: /bin/true, thresholds: [{metric: '[', warning: 5}]}}",
        "the glob `[` is not valid",
    ),
    ("defaults: {user: nobody-of-that-name}", "expected a user of this machine"),
    ("defaults: {limits: {output: 9MiB}}", "expected a size such as `512MiB`, from 1 to 8388608 bytes"),
    ("periods: {p: {monday: 22:00-06:00}}", "within a day"),
    ("periods: {p: {february 30: []}}", "expected days such as"),
    ("periods: {p: {exclude: q}}", "no period `q` is defined"),
    ("nrpe: {allowed_hosts: 10.0.0.0/99}", "expected an address, a network or a name"),
    ("nrpe: {listen: '127.0.0.1:65536'}", "expected an address with its port"),
    ("snmp: {profiles: {p: {version: 2c, community: {file: none}}}}", "failed to read the community"),
    ("snmp: {mibs: none}", "none"),
    ("snmp: {traps: {listen: '*:162'}}", "no profile whose community"),
    ("include: none.yaml", "failed to read"),
    ("store: a\nplugins: [\"a\\tb\"]", "control character"),
];

#[test]
fn the_reader_and_the_schema_refuse_the_same_mistakes() {
    assert!(BOTH.len() >= 40);
    let home = Home::new();
    let texts: Vec<String> = BOTH.iter().map(|(text, _)| format!("{text}\n")).collect();
    for ((_, expected), text) in BOTH.iter().zip(&texts) {
        let path = home.write(text);
        let output = crate::stage::custos(&["config", "check"]).arg(path).output().unwrap();
        let mistakes = crate::stage::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}{mistakes}");
        assert!(mistakes.contains(expected), "{text}{mistakes}");
    }
    let accepted: Vec<&str> = verdicts(&texts)
        .iter()
        .zip(BOTH)
        .filter(|(verdict, _)| *verdict == "ok")
        .map(|(_, (text, _))| *text)
        .collect();
    assert_eq!(accepted, [""; 0], "the schema accepts these");
}

#[test]
fn what_only_the_reader_can_know_fits_the_schema() {
    let home = Home::new();
    let texts: Vec<String> = READER.iter().map(|(text, _)| format!("{text}\n")).collect();
    for ((_, expected), text) in READER.iter().zip(&texts) {
        let mistakes = home.mistakes(text).unwrap_or_default();
        assert!(mistakes.contains(expected), "{text}{mistakes}");
    }
    assert_eq!(verdicts(&texts), vec!["ok"; texts.len()]);
}
