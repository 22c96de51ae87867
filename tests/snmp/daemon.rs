//! Polls on the path of every other check: defined in YAML, scheduled, judged, stored, shown.

use serde_json::Value;

use crate::snmpd::{AUTH, PRIVACY, Snmpd};
use crate::stage::{Stage, free_port, wait_for};

/// Profiles for a daemon, each with one secret in a file.
pub fn profiles(stage: &Stage, port: u16) -> String {
    for (name, secret) in [("community", "public"), ("auth", AUTH), ("priv", PRIVACY)] {
        stage.write_secret(name, &format!("{secret}\n"));
    }
    format!(
        "snmp:\n  profiles:\n    core: {{ version: 2c, port: {port}, timeout: 500ms, retries: 2, community: {{ file: community }} }}\n    \
         secure: {{ version: 3, port: {port}, user: mon, auth: {{ protocol: sha256, file: auth }}, \
         priv: {{ protocol: aes128, file: priv }} }}\n\
         defaults: {{ check_interval: 1s, retry_interval: 1s, max_check_attempts: 1, timeout: 10s }}"
    )
}

fn snmpd() -> Snmpd {
    Snmpd::start(&format!("createUser mon SHA-256 \"{AUTH}\" AES \"{PRIVACY}\"\nrouser mon priv"))
}

fn metric<'v>(run: &'v Value, label: &str) -> &'v Value {
    run["metrics"].as_array().unwrap().iter().find(|metric| metric["label"] == label).unwrap()
}

#[test]
fn polls_are_scheduled_judged_and_stored() {
    let (stage, snmpd) = (Stage::new(), snmpd());
    stage.configure(
        &profiles(&stage, snmpd.port),
        "  up:\n    snmp:\n      target: 127.0.0.1\n      profile: secure\n      get: { uptime: sysUpTime.0, load: laLoad.1, \
         name: sysLocation.0, nothing: 1.3.6.1.4.1.99999.1.0 }\n    \
         thresholds: [ { metric: uptime, critical: \"~:0\" } ]\n  \
         ports:\n    snmp:\n      target: localhost\n      profile: core\n      \
         table: { index: ifDescr, columns: [ifInOctets, ifHCOutOctets, ifOperStatus], where: { ifType: 24 } }\n",
    );
    let daemon = stage.start();
    let runs = wait_for("three runs", || Some(stage.history("ports")).filter(|runs| runs.len() >= 3));
    let run = &runs[1];
    assert_eq!((&run["state"], &run["reason"]), (&"OK".into(), &"exited".into()), "{run}");
    assert_eq!(run["text"], "SNMP OK - 1 row");
    assert_eq!(run["metrics"].as_array().unwrap().len(), 3, "{run}");
    for label in ["ifInOctets", "ifHCOutOctets", "ifOperStatus"] {
        assert_eq!(metric(run, label)["labels"]["ifDescr"], "lo", "{run}");
    }
    assert_eq!(
        (&metric(run, "ifInOctets")["unit"], &metric(run, "ifOperStatus")["unit"]),
        (&"c".into(), &"".into())
    );
    assert_eq!(run["long_text"], "ifOperStatus lo: up(1)");
    let run = wait_for("a run", || stage.history("up").pop());
    assert_eq!(run["state"], "CRITICAL", "{run}");
    assert!(run["judgement"].as_str().unwrap().contains("nothing: noSuchObject"), "{run}");
    assert!(metric(&run, "uptime")["value"].as_f64().unwrap() > 0.0);
    assert!(metric(&run, "load")["value"].is_number() && metric(&run, "nothing")["value"].is_null(), "{run}");
    assert_eq!(run["long_text"], "name: Here, there");
    let check = stage.custos(&["check", "up"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(2));
    assert!(said.starts_with("CRITICAL: uptime is ") && said.contains(" | 'uptime'="), "{said}");
    drop(snmpd);
    let timed_out = || stage.history("ports").into_iter().find(|run| run["reason"] == "timeout");
    let lost = wait_for("a run without an answer", timed_out);
    assert_eq!(lost["text"], "SNMP UNKNOWN - no answer, asked 3 times");
    assert_eq!(lost["state"], "UNKNOWN");
    let log = daemon.log();
    assert!(daemon.end().success());
    for secret in ["public", AUTH, PRIVACY] {
        assert!(!log.contains(secret), "the log tells {secret}");
    }
}

#[test]
fn a_check_is_run_without_the_daemon_too() {
    let (stage, snmpd) = (Stage::new(), snmpd());
    stage.configure(
        &profiles(&stage, snmpd.port),
        "  up: { snmp: { target: 127.0.0.1, profile: secure, get: { uptime: sysUpTime.0 } } }\n  \
         dead: { timeout: 1s, snmp: { target: 127.0.0.1, port: PORT, profile: core, get: { uptime: sysUpTime.0 } } }\n"
            .replace("PORT", &free_port().to_string())
            .as_str(),
    );
    let run = stage.custos(&["check", "up"]);
    let said = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.starts_with("SNMP OK - uptime "), "{said}");
    assert_eq!(stage.history("up").len(), 1);
    let run = stage.custos(&["check", "dead", "--dry-run"]);
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8(run.stdout).unwrap().starts_with("SNMP UNKNOWN - no answer"));
    let doctor = stage.custos(&["doctor"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
}
