//! Thresholds on rates of counters: a wrap is growth, a restart is none.

use std::sync::{Arc, Mutex};

use crate::agent::Agent;
use crate::hostile::{MTUS, NAMES, Tree, answer_of};
use crate::stage::{Stage, text};

/// Checks a device with one interface whose counter of 32 bits shows these values at these uptimes, in hundredths of a
/// second; returns the exit statuses and the last output.
fn checks(readings: &[(u32, u32)]) -> (Vec<Option<i32>>, String) {
    let tree = Arc::new(Mutex::new(Tree::new()));
    let seen = Arc::clone(&tree);
    let agent = Agent::start(move |message, pdu| Some(answer_of(&seen.lock().unwrap(), message, pdu)));
    let stage = Stage::new();
    stage.configure(
        &format!(
            "snmp: {{ profiles: {{ p: {{ version: 2c, community: public, port: {} }} }} }}",
            agent.port
        ),
        "  t:\n    max_check_attempts: 1\n    snmp: { target: 127.0.0.1, profile: p, table: { index: ifName, columns: ifMtu } }\n    \
         thresholds: [ { metric: ifMtu, critical: \"~:1000\", rate: true } ]\n",
    );
    let mut said = String::new();
    let status = readings.iter().map(|(count, uptime)| {
        let number = |tag: u8, number: &u32| [&[tag, 5, 0][..], &number.to_be_bytes()].concat();
        *tree.lock().unwrap() = Tree::from([
            (vec![1, 3, 6, 1, 2, 1, 1, 3, 0], number(0x43, uptime)),
            ([NAMES, &[1]].concat(), [&[4, 5][..], b"port1"].concat()),
            ([MTUS, &[1]].concat(), number(0x41, count)),
        ]);
        let output = stage.custos(&["check", "t"]);
        said = text(&output.stdout);
        output.status.code()
    });
    (status.collect(), said)
}

#[test]
fn a_wrap_is_growth_and_a_restart_is_none() {
    const LONG: u32 = 100_000_000;
    let near_end = u32::MAX - 1_000_000_000;
    assert_eq!(checks(&[(near_end, LONG), (near_end, LONG)]).0, [Some(0), Some(0)]);
    let (states, said) = checks(&[(near_end, LONG), (0, LONG)]);
    assert_eq!(states, [Some(0), Some(2)]);
    assert!(said.contains("ifMtu{ifName=\"port1\"} is ") && said.contains("/s, outside ~:1000"), "{said}");
    assert_eq!(checks(&[(near_end, LONG), (0, 0)]).0, [Some(0), Some(0)], "a restart");
    assert_eq!(checks(&[(7, LONG), (1_000_000_000, LONG)]).0, [Some(0), Some(2)], "growth");
}
