//! `custos snmp`: what it shows is what the device has, and what it suggests runs.

use crate::daemon::profiles;
use crate::snmpd::Snmpd;
use crate::stage::{Stage, free_port, text};

fn stage(snmpd: &Snmpd) -> Stage {
    let stage = Stage::new();
    stage.configure(
        &profiles(&stage, snmpd.port),
        "  up: { snmp: { target: 127.0.0.1, profile: core, get: { uptime: sysUpTime.0 } } }\n",
    );
    stage
}

#[test]
fn values_walks_and_tables_are_shown() {
    let snmpd = Snmpd::start("");
    let stage = stage(&snmpd);
    let run = |words: &[&str]| {
        let output = stage.custos(words);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = run(&["snmp", "get", "127.0.0.1", "sysLocation.0", "1.3.6.1.2.1.2.2.1.8.1"]);
    assert_eq!((code, out.as_str()), (Some(0), "sysLocation.0 = Here, there\nifOperStatus.1 = up(1)\n"));
    let (code, out, err) = run(&["snmp", "get", "--numeric", "127.0.0.1", "ifOperStatus.1", "sysLocation.7"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(1), "1.3.6.1.2.1.2.2.1.8.1 = 1\n1.3.6.1.2.1.1.6.7: noSuchInstance\n")
    );
    assert!(err.contains("1 object has no value"), "{err}");
    let (code, out, _) = run(&["snmp", "walk", "-n", "127.0.0.1", "system"]);
    let printed = snmpd.tool("snmpbulkwalk", &["-v2c", "-cpublic"], &["1.3.6.1.2.1.1"]);
    let names: Vec<String> = out.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!((code, names), (Some(0), printed.keys().map(ToString::to_string).collect()));
    let (code, out, _) = run(&["snmp", "table", "127.0.0.1", "ifDescr", "ifType"]);
    assert_eq!((code, out.lines().next()), (Some(0), Some("index  ifDescr  ifType")));
    assert!(out.lines().any(|line| line.split_whitespace().take(2).eq(["1", "lo"])), "{out}");
    let (code, out, _) = run(&["snmp", "table", "127.0.0.1", "ifTable"]);
    assert!(code == Some(0) && out.lines().next().unwrap().contains("ifOperStatus"), "{out}");
    let (code, _, err) = run(&["snmp", "get", "127.0.0.1", "sysDecsr.0"]);
    assert!(code == Some(2) && err.contains("no object is named `sysDecsr`"), "{err}");
    let (code, _, err) = run(&["snmp", "get", "192.0.2.1", "sysDescr.0"]);
    assert!(code == Some(2) && err.contains("core, secure"), "{err}");
    let (code, _, err) = run(&["snmp", "get", "-p", "nobody", "127.0.0.1", "sysDescr.0"]);
    assert!(code == Some(2) && err.contains("core, secure"), "{err}");
}

#[test]
fn the_profile_is_that_of_the_checks_and_failures_name_it() {
    let stage = Stage::new();
    // Nothing listens there.
    let port = free_port();
    let check = |name: &str, profile: &str| {
        format!(
            "  {name}: {{ snmp: {{ target: 127.0.0.1, profile: {profile}, get: {{ uptime: sysUpTime.0 }} }} }}\n"
        )
    };
    let get = |checks: &str, more: &[&str]| {
        stage.configure(&profiles(&stage, port), checks);
        let output = stage.custos(&[&["snmp", "get", "127.0.0.1", "sysUpTime.0"], more].concat());
        assert_eq!(text(&output.stdout), "");
        (output.status.code(), text(&output.stderr))
    };
    let (code, err) = get(&(check("one", "core") + &check("two", "core")), &[]);
    assert!(code == Some(1) && err.contains("failed to ask 127.0.0.1 by the profile `core`: "), "{err}");
    let both = check("one", "secure") + &check("two", "core");
    let (code, err) = get(&both, &[]);
    let why = "the checks of 127.0.0.1 use several profiles; choose one with --profile: core, secure";
    assert!(code == Some(2) && err.contains(why), "{err}");
    let (code, err) = get(&both, &["--profile", "secure"]);
    assert!(code == Some(1) && err.contains("by the profile `secure`: "), "{err}");
}

#[test]
fn what_is_suggested_runs() {
    let snmpd = Snmpd::start("");
    let stage = stage(&snmpd);
    let output = stage.custos(&["snmp", "suggest", "127.0.0.1"]);
    let checks = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let checks = checks.strip_prefix("checks:\n").unwrap();
    assert!(checks.contains("127_0_0_1_system:") && checks.contains("127_0_0_1_ports:"), "{checks}");
    assert!(
        checks
            .contains("- { metric: ifInErrors, warning: \"~:1\", critical: \"~:100\", rate: true, for: 5m }"),
        "{checks}"
    );
    assert!(checks.contains("metric: ifOperStatus, critical: \"1:1\" }"), "{checks}");
    stage.configure(&profiles(&stage, snmpd.port), checks);
    let checked = stage.custos(&["config", "check"]);
    assert_eq!((checked.status.code(), text(&checked.stderr)), (Some(0), String::new()), "a limit is odd");
    for name in checks
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with([' ', '#']))
    {
        let output = stage.custos(&["check", name, "--dry-run"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}{}", text(&output.stderr));
    }
}
