//! `native: true` beside the real `check_snmp`: the same output, byte for byte, and the same exit status.

use std::process::Command;

use crate::snmpd::{AUTH, PRIVACY, Snmpd};
use crate::stage::{Stage, free_port, text};

pub const PLUGIN: &str = "/usr/lib/nagios/plugins/check_snmp";

/// Command lines behind `check_snmp -H 127.0.0.1 -p PORT`.
const LINES: [&str; 33] = [
    "-P 2c -o 1.3.6.1.2.1.2.1.0",
    "-P 2c -C public -o .1.3.6.1.2.1.2.1.0 -w 0 -c 10000",
    "-P 2c -o 1.3.6.1.2.1.2.1.0 -w 10000 -c 0",
    "-P 2c -o 1.3.6.1.2.1.2.1.0 -w 10000",
    "-P 2c -o 1.3.6.1.2.1.2.1.0 -c @0:10000 -u ports -l PORTS",
    "-P 2c -o 1.3.6.1.2.1.2.1.0,1.3.6.1.2.1.2.2.1.8.1 -w 1:,1 -c 1:,2 -l n,st",
    "-P 2c -o 1.3.6.1.2.1.2.1.0,1.3.6.1.2.1.2.2.1.8.1 -w ,0 -l n",
    "-P 2c -o 1.3.6.1.2.1.2.1.0 -o 1.3.6.1.2.1.2.2.1.8.1 -D ; -u a,b",
    "-P 2c -o 1.3.6.1.2.1.2.1.0,1.3.6.1.2.1.2.2.1.3.1 -O -l n,type",
    "-P 2c -o 1.3.6.1.2.1.1.6.0",
    "-P 2c -o 1.3.6.1.2.1.1.6.0 -s here",
    "-P 2c -o 1.3.6.1.2.1.1.6.0 -s \"Here\"",
    "-P 2c -o 1.3.6.1.2.1.1.6.0 -s \"Here\" --invert-search",
    "-P 2c -o 1.3.6.1.2.1.1.6.0,1.3.6.1.2.1.2.1.0 -s x",
    "-P 2c -o 1.3.6.1.2.1.1.9.1.4.1 -w 100000000 -c 200000000 -l up",
    "-P 2c -o 1.3.6.1.2.1.1.9.1.4.1",
    "-P 2c -o 1.3.6.1.2.1.99.0",
    "-P 2c -o 1.3.6.1.2.1.1.5.7 -w 3",
    "-P 2c -o 1.3.6.1.2.1.1.5.7",
    "-P 2c -o 1.3.6.1.2.1.99.0,1.3.6.1.2.1.2.1.0",
    "-P 2c -o 1.3.6.1.4.1.2021.4.3.0 -w 100000000000",
    "-P 2c -o 1.3.6.1.2.1.1.2.0",
    "-P 2c -o 1.3.6.1.2.1.2.2.1.6.1",
    "-P 2c -o 1.3.6.1.2.1.2.2.1.4.1 -w 5 --offset 10",
    "-P 2c -o 1.3.6.1.2.1.2.2.1.4.1 -w 5 --offset=-10.5",
    "-P 2c -o 1.3.6.1.2.1.4.20.1.1.127.0.0.1",
    "-P 2c -o 1.3.6.1.2.1.25.1.2.0 -w 1",
    "-P 2c -o 1.3.6.1.2.1.31.1.1.1.7.2",
    "-o 1.3.6.1.2.1.2.1.0",
    "-P 1 -o 1.3.6.1.2.1.2.1.0,1.3.6.1.2.1.99.0",
    "-P 2c -C wrong -o 1.3.6.1.2.1.2.1.0 -t 1 -e 0",
    "-P 3 -L authPriv -U mon -a SHA -A AUTHPHRASE -x AES -X PRIVPHRASE -o 1.3.6.1.2.1.2.1.0 -c 1:",
    "-P 3 -L authNoPriv -U mon -a SHA -A AUTHPHRASE -o 1.3.6.1.2.1.2.1.0 -l ports",
];

fn words(line: &str, port: u16) -> Vec<String> {
    let port = port.to_string();
    let begin = ["-H", "127.0.0.1", "-p", &port].map(str::to_owned);
    let phrases = |word: &str| match word {
        "AUTHPHRASE" => AUTH.to_owned(),
        "PRIVPHRASE" => PRIVACY.to_owned(),
        word => word.to_owned(),
    };
    begin.into_iter().chain(line.split(' ').map(phrases)).collect()
}

#[test]
fn the_output_is_that_of_the_real_plugin() {
    let stage = Stage::new();
    let snmpd = Snmpd::start(&format!(
        "createUser mon SHA \"{AUTH}\" AES \"{PRIVACY}\"\nrouser mon auth\nsyslocation Here"
    ));
    let lists = LINES.map(|line| words(line, snmpd.port));
    let checks: String = lists
        .iter()
        .enumerate()
        .map(|(place, words)| {
            let words = serde_json::to_string(&[&[PLUGIN.to_owned()], &words[..]].concat()).unwrap();
            format!("  c{place}: {{ native: true, timeout: 20s, command: {words} }}\n")
        })
        .collect();
    stage.configure("", &checks);
    let mut faults = String::new();
    for (place, words) in lists.iter().enumerate() {
        let real = Command::new(PLUGIN).args(words).env("MIBS", "").output().unwrap();
        let own = stage.custos(&["check", &format!("c{place}"), "--dry-run"]);
        let (real_text, own_text) = (text(&real.stdout), text(&own.stdout));
        // What is printed for a check has no blanks at its end.
        if real_text.trim_end() != own_text.trim_end() || real.status.code() != own.status.code() {
            faults += &format!(
                "{}\n  {:?} {real_text}  {:?} {own_text}{}",
                LINES[place],
                real.status.code(),
                own.status.code(),
                text(&own.stderr)
            );
        }
    }
    assert!(faults.is_empty(), "the plugin's first, ours below it\n{faults}");
    let shown = text(&stage.custos(&["config", "show"]).stdout);
    assert!(shown.contains("native: true") && !shown.contains(AUTH) && !shown.contains(PRIVACY), "{shown}");
}

#[test]
fn what_cannot_be_native_is_a_mistake() {
    let stage = Stage::new();
    let port = free_port();
    stage.configure(
        "",
        &format!("  a: {{ native: true, command: [{PLUGIN}, -H, x, -o, 1.3.6, -p, {port}, --rate] }}\n"),
    );
    let output = stage.custos(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("`native` cannot read the options: unrecognized option '--rate'"), "{said}");
}
