//! Agents that break rules, asked for a table: what net-snmp reads of them is there, or the check is not OK.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::process::{Command as Program, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use custos::config::{Command, Surroundings, load_with};
use custos::snmp::{RowNames, poll_once, read};
use custos_compat::snmp::{Message, Oid, Pdu, PduKind};
use custos_store::{Run, State};

use crate::agent::Agent;
use crate::ber::{Random, name, tlv};
use crate::stage::{Stage, text};

/// ifEntry and ifXEntry, with the columns that are asked for: ifName, ifMtu, ifHCInOctets.
pub const NAMES: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1];
pub const MTUS: &[u32] = &[1, 3, 6, 1, 2, 1, 2, 2, 1, 4];
const OCTETS: &[u32] = &[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6];
const TABLE: &str = "index: ifName, columns: [ifMtu, ifHCInOctets]";
/// Tables that are read with changed bytes in one test.
const TABLES: u64 = 60;

/// Variables by name, with the bytes of their values.
pub type Tree = BTreeMap<Vec<u32>, Vec<u8>>;

fn tree(rows: u32) -> Tree {
    let mut tree = Tree::from([
        (vec![1, 3, 6, 1, 2, 1, 1, 3, 0], vec![0x43, 1, 100]),
        (vec![1, 3, 6, 1, 2, 1, 1, 5, 0], tlv(4, b"box")),
        (vec![1, 3, 6, 1, 2, 1, 99, 1, 0], vec![2, 1, 9]),
    ]);
    for row in 1..=rows {
        let cell = |column: &[u32]| [column, &[row]].concat();
        tree.insert(cell(NAMES), tlv(4, format!("port{row}").as_bytes()));
        tree.insert(cell(MTUS), vec![2, 1, row as u8]);
        tree.insert(cell(OCTETS), vec![0x46, 1, row as u8]);
        // Others beside them, so that what comes next is not always far away.
        tree.insert(cell(&[1, 3, 6, 1, 2, 1, 2, 2, 1, 5]), vec![0x42, 1, 1]);
        tree.insert(cell(&[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 10]), vec![0x46, 1, 1]);
    }
    tree
}

/// How an agent deviates from the rules.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    None,
    IgnoresNonRepeaters,
    DropsNonRepeaters,
    Circles,
    Backwards,
    EmptyBulk,
    ByColumns,
    OneColumn,
    NoBulk,
    FewAtOnce(usize),
    Trailing,
    Nul,
    EmptyOid,
}

const HABITS: [Habit; 15] = [
    Habit::None,
    Habit::IgnoresNonRepeaters,
    Habit::DropsNonRepeaters,
    Habit::Circles,
    Habit::Backwards,
    Habit::EmptyBulk,
    Habit::ByColumns,
    Habit::OneColumn,
    Habit::NoBulk,
    Habit::FewAtOnce(1),
    Habit::FewAtOnce(2),
    Habit::FewAtOnce(4),
    Habit::Trailing,
    Habit::Nul,
    Habit::EmptyOid,
];

/// Variables by their names, with the bytes of their values.
type Found = Vec<(Vec<u32>, Vec<u8>)>;

fn next(tree: &Tree, after: &[u32]) -> (Vec<u32>, Vec<u8>) {
    match tree.range::<[u32], _>((Bound::Excluded(after), Bound::Unbounded)).next() {
        Some((name, value)) => (name.clone(), value.clone()),
        None => (after.to_vec(), vec![0x82, 0]),
    }
}

fn rows(tree: &Tree, first: &[Vec<u32>], count: i32) -> Vec<Found> {
    let mut row = first.to_vec();
    let following = |_| {
        let found: Found = row.iter().map(|name| next(tree, name)).collect();
        row = found.iter().map(|(name, _)| name.clone()).collect();
        found
    };
    (0..count).map(following).collect()
}

/// The answer of an agent that keeps the rules.
pub fn answer_of(tree: &Tree, message: &Message, pdu: &Pdu) -> Vec<u8> {
    answer(tree, Habit::None, message, pdu)
}

/// The answer of an agent.
fn answer(tree: &Tree, habit: Habit, message: &Message, pdu: &Pdu) -> Vec<u8> {
    let asked: Vec<Vec<u32>> = pdu.varbinds.iter().map(|varbind| varbind.oid.ids().to_vec()).collect();
    let mut error = 0;
    let mut found: Found = match pdu.kind {
        PduKind::Get => {
            let value = |name: &Vec<u32>| tree.get(name).cloned().unwrap_or(vec![0x80, 0]);
            asked.iter().map(|name| (name.clone(), value(name))).collect()
        }
        PduKind::GetNext => asked.iter().map(|name| next(tree, name)).collect(),
        _ => {
            let fixed = pdu.error_status as usize;
            let (fixed, repeated) = match habit {
                Habit::IgnoresNonRepeaters => (&[][..], &asked[..]),
                Habit::DropsNonRepeaters => (&[][..], &asked[fixed..]),
                _ => asked.split_at(fixed),
            };
            if habit == Habit::NoBulk || habit == Habit::OneColumn && repeated.len() > 1 {
                error = 5;
            }
            let mut rows = rows(tree, repeated, pdu.error_index);
            match habit {
                Habit::Circles | Habit::Backwards => {
                    for (name, _) in rows.iter_mut().flatten() {
                        let last = name.last_mut().unwrap();
                        *last = match habit {
                            Habit::Circles if *last > 3 => 2,
                            Habit::Backwards if *last == 4 => 1,
                            _ => *last,
                        };
                    }
                }
                Habit::EmptyBulk => rows.clear(),
                Habit::ByColumns => {
                    let column = |c: usize| rows.iter().map(|row| row[c].clone()).collect();
                    rows = (0..repeated.len()).map(column).collect();
                }
                _ => {}
            }
            fixed.iter().map(|name| next(tree, name)).chain(rows.into_iter().flatten()).collect()
        }
    };
    if let Habit::FewAtOnce(few) = habit {
        found.truncate(few);
    }
    if error > 0 {
        found = asked.iter().map(|name| (name.clone(), vec![5, 0])).collect();
    }
    let pairs = found.iter().map(|(ids, value)| {
        let value = match (habit, value[0]) {
            (Habit::Nul, 4) => tlv(4, &[&value[2..], &[0]].concat()),
            (Habit::EmptyOid, 0x42) => vec![6, 0],
            _ => value.clone(),
        };
        tlv(0x30, &[name(ids), value].concat())
    });
    let list = tlv(0x30, &pairs.collect::<Vec<_>>().concat());
    let id = tlv(2, &(pdu.request_id as u32).to_be_bytes());
    let body = [&id[..], &[2, 1, error, 2, 1, 0], &list].concat();
    let inside =
        [&[2, 1, message.version as u8][..], &tlv(4, &message.community), &tlv(0xa2, &body)].concat();
    let mut packet = tlv(0x30, &inside);
    if habit == Habit::Trailing {
        packet.extend([0; 3]);
    }
    packet
}

/// The names that a tool of net-snmp prints values of.
fn tool(program: &str, port: u16, args: &[&str], oids: &[&[u32]]) -> BTreeSet<Vec<u32>> {
    let output = Program::new(program)
        .args(["-m", "", "-OnQ", "-v2c", "-cpublic", "-r0", "-t0.3"])
        .args(args)
        .arg(format!("127.0.0.1:{port}"))
        .args(oids.iter().map(|ids| Oid::new(ids).unwrap().to_string()))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let line = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        let oid: Oid = name.parse().ok()?;
        (!value.starts_with("No ")).then(|| oid.ids().to_vec())
    };
    text(&output.stdout).lines().filter_map(line).collect()
}

fn configuration(port: u16) -> String {
    format!(
        "snmp: {{ profiles: {{ p: {{ version: 2c, community: public, port: {port}, timeout: 300ms, retries: 0, \
         answers_community: any }} }} }}"
    )
}

fn check(table: &str) -> String {
    format!("  t: {{ snmp: {{ target: 127.0.0.1, profile: p, table: {{ {table} }} }} }}\n")
}

/// The rows of a check's metrics that have values, by column.
fn cells(run: &Run) -> BTreeSet<(String, String)> {
    let valued = run.metrics.iter().filter(|metric| metric.value.is_some());
    valued.map(|metric| (metric.label.clone(), metric.labels[0].1.clone())).collect()
}

/// One poll, as the agent does it.
fn poll(port: u16) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("custos.yaml");
    std::fs::write(&path, format!("{}\nstore: ./s\nchecks:\n{}", configuration(port), check(TABLE))).unwrap();
    let surroundings = Surroundings { cpus: 1, ..Surroundings::of_this_machine() };
    let config = load_with(&path, &surroundings).unwrap().config;
    let Command::Snmp(poll) = &config.checks["t"].command else { panic!("no poll") };
    let outcome = poll_once(poll, Duration::from_secs(20)).unwrap();
    read(poll, &config.snmp.names.shared(), &outcome, State::Unknown, &mut RowNames::default()).run
}

#[test]
fn every_row_of_every_agent_is_read() {
    for habit in HABITS {
        let tree = tree(6);
        let agent = Agent::start(move |message, pdu| Some(answer(&tree, habit, message, pdu)));
        let walked: BTreeSet<Vec<u32>> = [NAMES, MTUS, OCTETS]
            .into_iter()
            .flat_map(|column| tool("snmpwalk", agent.port, &[], &[column]))
            .collect();
        assert_eq!(walked.len(), 18, "{habit:?}: snmpwalk reads {walked:?}");
        let stage = Stage::new();
        stage.configure(&configuration(agent.port), &check(TABLE));
        let run = poll(agent.port);
        assert_eq!(
            (run.state, &*run.text, &*run.judgement),
            (State::Ok, "SNMP OK - 6 rows", ""),
            "{habit:?}"
        );
        assert_eq!(cells(&run).len(), 12, "{habit:?}");
        let shown = text(&stage.custos(&["snmp", "walk", "127.0.0.1", "ifName", "system"]).stdout);
        assert_eq!(shown.lines().count(), 8, "{habit:?}: {shown}");
    }
}

/// What an agent was asked and what it answered, for whoever asks the same again.
type Answered = Arc<Mutex<Vec<(Pdu, Vec<u8>)>>>;

/// An answer with some of its bytes changed, the same for the same request.
fn mutated(packet: &[u8], seed: u64, pdu: &Pdu) -> Vec<u8> {
    let key = format!("{:?}{}{}{:?}", pdu.kind, pdu.error_status, pdu.error_index, pdu.varbinds);
    let hash = key.bytes().fold(seed, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
    let mut random = Random(hash);
    let mut packet = packet.to_vec();
    let id_at = packet.windows(4).position(|four| four == (pdu.request_id as u32).to_be_bytes()).unwrap();
    for _ in 0..random.below(4) {
        let at = random.below(packet.len());
        if !(id_at..id_at + 4).contains(&at) {
            packet[at] =
                if random.one_in(2) { random.next() as u8 } else { packet[at] ^ 1 << random.below(8) };
        }
    }
    packet
}

/// What net-snmp reads of an answer that Custos was given.
fn peer_reads(pdu: &Pdu, packet: &[u8]) -> BTreeSet<Vec<u32>> {
    let (original, given) = (pdu.request_id as u32, packet.to_vec());
    let agent = Agent::start(move |_, pdu| {
        let id_at = given.windows(4).position(|four| four == original.to_be_bytes())?;
        let mut packet = given.clone();
        packet[id_at..id_at + 4].copy_from_slice(&(pdu.request_id as u32).to_be_bytes());
        Some(packet)
    });
    let names: Vec<&[u32]> = pdu.varbinds.iter().map(|varbind| varbind.oid.ids()).collect();
    let (non_repeaters, repetitions) =
        (format!("-Cn{}", pdu.error_status), format!("-Cr{}", pdu.error_index));
    match pdu.kind {
        PduKind::GetBulk => tool("snmpbulkget", agent.port, &[&non_repeaters, &repetitions], &names),
        PduKind::GetNext => tool("snmpgetnext", agent.port, &[], &names),
        _ => BTreeSet::new(),
    }
}

#[test]
fn no_row_that_net_snmp_reads_is_missing_from_a_check_that_is_ok() {
    let given = std::env::var("CUSTOS_TABLES").ok();
    let seeds = match given.as_deref().map(|range| range.split_once("..").unwrap()) {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..TABLES,
    };
    let (mut ok, mut faults) = (0, Vec::new());
    for seed in seeds {
        let tree = tree(4 + seed as u32 % 3);
        let habit = HABITS[seed as usize % HABITS.len()];
        let answered: Answered = Answered::default();
        let (kept, truth) = (Arc::clone(&answered), tree.clone());
        let agent = Agent::start(move |message, pdu| {
            let packet = mutated(&answer(&tree, habit, message, pdu), seed, pdu);
            kept.lock().unwrap().push((pdu.clone(), packet.clone()));
            Some(packet)
        });
        let run = poll(agent.port);
        if run.state != State::Ok {
            continue;
        }
        ok += 1;
        let answered = std::mem::take(&mut *answered.lock().unwrap());
        let peer: BTreeSet<Vec<u32>> =
            answered.iter().flat_map(|(pdu, packet)| peer_reads(pdu, packet)).collect();
        let own = run.metrics.len();
        for (column, label) in [(MTUS, "ifMtu"), (OCTETS, "ifHCInOctets")] {
            for row in peer.iter().filter(|name| truth.contains_key(*name)) {
                let Some(index) = row.strip_prefix(column) else { continue };
                let number = index[0].to_string();
                let is_there = run.metrics.iter().any(|metric| {
                    metric.label == label && metric.labels[0].1.trim_start_matches("port") == number
                });
                // The name of a row may have been changed as well; then the row is there under another.
                let renamed = own == 2 * usize::try_from(4 + seed % 3).unwrap();
                // A value that is no number is a line of the text.
                let is_text = run.long_text.contains(&format!("{label} port{number}: "));
                if !is_there && !renamed && !is_text && run.judgement.is_empty() {
                    faults.push(format!("{seed} {habit:?}: {label} {number} is missing from {:?}", run.text));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ok > 5 || given.is_some(), "only {ok} of them were OK");
}
