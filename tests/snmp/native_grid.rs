//! `native: true` beside the real `check_snmp` over a grid of values and options that numbers without pattern choose.

use std::process::Command;
use std::sync::Arc;

use crate::agent::Agent;
use crate::ber::{Random, tlv};
use crate::hostile::{Tree, answer_of};
use crate::native::PLUGIN;
use crate::stage::{Stage, text};

/// Below this stand the values.
const ROOT: [u32; 8] = [1, 3, 6, 1, 4, 1, 9, 9];
/// Command lines that are compared.
const LINES: u64 = 200;

/// Values of every type, well-formed.
fn values() -> Vec<Vec<u8>> {
    let opaque = |kind: u8, bytes: &[u8]| tlv(0x44, &[&[0x9f][..], &tlv(kind, bytes)].concat());
    let texts: [&[u8]; 18] = [
        b"",
        b"up",
        b"12 apples",
        b"-7.25",
        b"1e3 x",
        b"0x1F",
        b"q\"x\\y",
        b"Gauge32: 12",
        b"two\nlines",
        b"5 x\n\n\"6\n",
        b"\n",
        b"tail\n",
        b"end \\\n\\\"",
        b"a\tb\rc",
        b"name\0",
        b"b\xfcro",
        b" 3",
        b"12345678901234",
    ];
    let texts = texts.iter().map(|text| tlv(4, text));
    let long: Vec<u8> = (0..40).collect();
    let others = [
        tlv(2, &[5]),
        tlv(2, &[0xff]),
        tlv(2, &[0x80, 0, 0, 0]),
        tlv(0x41, &[0, 0xff, 0xff, 0xff, 0xff]),
        tlv(0x42, &[100]),
        tlv(0x42, &[0]),
        tlv(0x43, &[0x61]),
        tlv(0x43, &[0, 0xff, 0xff, 0xff, 0xff]),
        tlv(0x46, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        tlv(0x40, &[127, 0, 0, 1]),
        tlv(6, &[0x2b, 6, 1]),
        tlv(6, &[0x55, 4]),
        tlv(4, &long),
        tlv(4, &long[..16]),
        tlv(5, &[]),
        tlv(0x44, &[1, 2, 3]),
        tlv(0x44, &[]),
        tlv(3, &[5, 0x80]),
        opaque(0x78, &3.25_f32.to_be_bytes()),
        opaque(0x78, &f32::INFINITY.to_be_bytes()),
        opaque(0x79, &(-1e-7_f64).to_be_bytes()),
        opaque(0x79, &1e20_f64.to_be_bytes()),
        opaque(0x7a, &[1, 0]),
        opaque(0x7b, &[1, 0]),
        opaque(0x76, &[1, 0]),
        vec![0x81, 0],
        vec![0x80, 0],
    ];
    texts.chain(others).collect()
}

/// A command line behind the name of the plugin.
fn words(random: &mut Random, values: usize, port: u16) -> Vec<String> {
    let mut words: Vec<String> =
        ["-H", "127.0.0.1", "-P", "2c", "-t", "1", "-e", "0", "-p"].map(str::to_owned).into_iter().collect();
    words.push(port.to_string());
    let mut put = |option: &str, value: String| words.extend([option.to_owned(), value]);
    let root = ROOT.map(|id| id.to_string()).join(".");
    let count = 1 + random.below(3);
    let oids = (0..count).map(|_| {
        let dot = if random.one_in(2) { "." } else { "" };
        format!("{dot}{root}.{}", 1 + random.below(values))
    });
    let oids: Vec<String> = oids.collect();
    if random.one_in(2) {
        oids.into_iter().for_each(|oid| put("-o", oid));
    } else {
        put("-o", oids.join(","));
    }
    let lists = ["a", "x y", "a=b", "l,m", "it's", "'q r'", "'q',s", "one,,two", ",b", "z,", " p, q", "a\"b"];
    for option in ["-l", "-u"] {
        for _ in 0..[0, 0, 1, 1, 2][random.below(5)] {
            put(option, lists[random.below(lists.len())].to_owned());
        }
    }
    let limits =
        ["5", "0:10", "@1:5", "10:", "~:3", ":7", "9:2", "1,2", ",4", "5,", "x3", "0.5:1e9", "", "-3:-1"];
    for option in ["-w", "-c"] {
        if random.one_in(3) {
            put(option, limits[random.below(limits.len())].to_owned());
        }
    }
    if random.one_in(4) {
        let strings = ["\"up\"", "up", "5", "\"\"", "NULL", "iso.3.6.1"];
        put("-s", strings[random.below(strings.len())].to_owned());
    }
    if random.one_in(6) {
        put("-D", [";", ", ", ""][random.below(3)].to_owned());
    }
    if random.one_in(5) {
        put("--offset", ["10", "-0.5", "1e3"][random.below(3)].to_owned());
    }
    for flag in ["-O", "--invert-search"] {
        words.extend(random.one_in(5).then(|| flag.to_owned()));
    }
    words
}

#[test]
fn every_option_and_value_gives_what_the_real_plugin_gives() {
    let values = values();
    let named =
        values.iter().zip(1..).map(|(value, number)| ([&ROOT[..], &[number]].concat(), value.clone()));
    let tree: Arc<Tree> = Arc::new(named.collect());
    let agent = Agent::start(move |message, pdu| Some(answer_of(&tree, message, pdu)));
    let stage = Stage::new();
    let line = |number: u64| words(&mut Random(number), values.len(), agent.port);
    let checks: String = (0..LINES)
        .map(|number| {
            let words = serde_json::to_string(&[&[PLUGIN.to_owned()], &line(number)[..]].concat()).unwrap();
            format!("  c{number}: {{ native: true, timeout: 20s, command: {words} }}\n")
        })
        .collect();
    stage.configure("", &checks);
    let mut faults = String::new();
    for number in 0..LINES {
        let real = Command::new(PLUGIN).args(line(number)).env("MIBS", "").output().unwrap();
        let own = stage.custos(&["check", &format!("c{number}"), "--dry-run"]);
        let (real_text, own_text) = (text(&real.stdout), text(&own.stdout));
        if real_text.trim_end() != own_text.trim_end() || real.status.code() != own.status.code() {
            faults += &format!(
                "{number}: {:?}\n  {:?} {real_text:?}\n  {:?} {own_text:?}{}\n",
                line(number),
                real.status.code(),
                own.status.code(),
                text(&own.stderr)
            );
        }
    }
    assert!(faults.is_empty(), "the plugin's first, ours below it\n{faults}");
}
