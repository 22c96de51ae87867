//! A row's series does not change while another row of its name comes and goes, whoever polls: a command, the agent, the
//! agent after it was killed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::agent::Agent;
use crate::hostile::{MTUS, NAMES, Tree, answer_of};
use crate::stage::{Stage, wait_for};

/// An agent whose rows a test chooses, all of one name.
struct Twins {
    agent: Agent,
    tree: Arc<Mutex<Tree>>,
}

impl Twins {
    fn start() -> Twins {
        let tree = Arc::new(Mutex::new(Tree::new()));
        let seen = Arc::clone(&tree);
        let agent = Agent::start(move |message, pdu| Some(answer_of(&seen.lock().unwrap(), message, pdu)));
        Twins { agent, tree }
    }

    fn set(&self, rows: &[u32]) {
        let mut tree = Tree::from([(vec![1, 3, 6, 1, 2, 1, 1, 3, 0], vec![0x43, 1, 100])]);
        for row in rows {
            tree.insert([NAMES, &[*row]].concat(), [&[4, 5][..], b"port1"].concat());
            tree.insert([MTUS, &[*row]].concat(), vec![2, 1, *row as u8]);
        }
        *self.tree.lock().unwrap() = tree;
    }
}

/// The value and the `index` of each row of a run.
fn rows(run: &Value) -> BTreeSet<(u64, Option<String>)> {
    let metrics = run["metrics"].as_array().unwrap().iter();
    metrics
        .map(|metric| {
            assert_eq!(metric["labels"]["ifName"], "port1");
            let index = metric["labels"]["index"].as_str().map(str::to_owned);
            (metric["value"].as_f64().unwrap() as u64, index)
        })
        .collect()
}

fn configure(stage: &Stage, port: u16) {
    stage.configure(
        &format!(
            "snmp: {{ profiles: {{ p: {{ version: 2c, community: public, port: {port} }} }} }}\n\
             defaults: {{ check_interval: 200ms, max_check_attempts: 1 }}"
        ),
        "  t: { snmp: { target: 127.0.0.1, profile: p, table: { index: ifName, columns: ifMtu } } }\n",
    );
}

/// With the rows that there are at each step: those that go by their number, too, are numbered.
fn steps(first: u32, twin: u32) -> Vec<Vec<u32>> {
    vec![
        vec![first],
        vec![first, twin],
        vec![first],
        vec![twin],
        vec![first, twin],
        vec![twin, first],
        vec![first],
    ]
}

fn expected(rows: &[u32], twin: u32) -> BTreeSet<(u64, Option<String>)> {
    rows.iter().map(|row| (u64::from(*row), (*row == twin).then(|| twin.to_string()))).collect()
}

#[test]
fn commands_keep_the_series_of_rows() {
    for (first, twin) in [(1, 6), (6, 1)] {
        let (stage, twins) = (Stage::new(), Twins::start());
        configure(&stage, twins.agent.port);
        for (step, present) in steps(first, twin).iter().enumerate() {
            twins.set(present);
            assert!(stage.custos(&["check", "t"]).status.success());
            let run = stage.history("t").pop().unwrap();
            assert_eq!(rows(&run), expected(present, twin), "step {step} of {first} and {twin}");
        }
    }
}

#[test]
fn the_agent_keeps_the_series_of_rows_also_when_it_is_killed() {
    for (first, twin) in [(1, 6), (6, 1)] {
        let (stage, twins) = (Stage::new(), Twins::start());
        configure(&stage, twins.agent.port);
        for (step, present) in steps(first, twin).iter().enumerate() {
            twins.set(present);
            let before = stage.history("t").len();
            let agent = stage.start();
            // The slots that were missed meanwhile are runs as well.
            let polled = |run: &Value| run["metrics"].as_array().is_some_and(|metrics| !metrics.is_empty());
            let run = wait_for("a run", || stage.history("t").into_iter().skip(before).find(polled));
            assert_eq!(rows(&run), expected(present, twin), "step {step} of {first} and {twin}");
            if step % 2 == 1 {
                assert!(agent.end().success());
                continue;
            }
            // What a poll found out about rows is noted within a second or two.
            if step < 2 {
                let noted = || {
                    let files = std::fs::read_dir(stage.path("store")).unwrap();
                    files.map(|file| file.unwrap().file_name()).any(|name| {
                        let name = name.to_string_lossy().into_owned();
                        name.starts_with("rows-") && name.ends_with(".note")
                    })
                };
                wait_for("the note", || noted().then_some(()));
            }
            agent.kill();
        }
    }
}
