//! A reader of bundles in Python, written by FORMAT.md alone, agrees with this one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use custos_store::{Bundle, Bundled, Instance, Instances, Metric, Reason, Run, State, Value, read_bundle};

fn run(n: u64) -> Run {
    let value = match n % 5 {
        0 => None,
        1 => Some(Value::Float(1e300)),
        2 => Some(Value::Integer(i64::MAX - n as i64)),
        _ => Some(Value::Float(n as f64 / 8.0)),
    };
    let mut load = Metric::new("load1", Value::Float(n as f64 / 100.0));
    load.labels = vec![("row".to_owned(), "größe".to_owned())];
    load.unit = if n % 7 == 3 { "ms".to_owned() } else { "s".to_owned() };
    load.min = Some(0.0);
    let instances = Instances::new(vec![Instance::new(vec![("n".to_owned(), (n / 4).to_string())])]).unwrap();
    Run {
        time_ms: 1_700_000_000_000 - n as i64 * 999,
        duration_us: n * 10,
        lateness_us: n.is_multiple_of(2).then_some(n),
        state: State::ALL[n as usize % 4],
        reason: Reason::ALL[n as usize % 7],
        exit_code: Some(1),
        text: format!("load is \"{}\"", n / 3),
        origin: if n.is_multiple_of(3) { "nrpe 192.0.2.7".to_owned() } else { String::new() },
        metrics: if n % 6 == 5 { vec![load] } else { vec![load, Metric::new("free", value)] },
        instances: if n.is_multiple_of(2) { instances } else { Instances::default() },
        ..Run::default()
    }
}

/// What the Python program prints of a run, in the words of this program.
fn shown(one: &Bundled) -> String {
    let Bundled { number, check, run } = one;
    let mut out = format!("{number} {check} {} {} {}", run.time_ms, run.duration_us, run.state.code());
    write!(out, " {} {:?} {:?}", run.reason.code(), run.text, run.origin).unwrap();
    for metric in &run.metrics {
        let value = match metric.value {
            None => "None".to_owned(),
            Some(Value::Integer(integer)) => format!("i{integer}"),
            Some(Value::Float(float)) => format!("f{:016x}", float.to_bits()),
        };
        let labels: String = metric.labels.iter().map(|(name, value)| format!("{name}={value},")).collect();
        write!(out, " {}[{labels}]{}:{value}", metric.label, metric.unit).unwrap();
    }
    out
}

/// Turns the JSON of each line into those words.
const SHOW: &str = r#"
import json, struct, sys
q = lambda text: '"' + text.replace('"', '\\"') + '"'
def value(v):
    if v is None: return "None"
    return f"i{v}" if isinstance(v, int) else "f%016x" % struct.unpack("<Q", struct.pack("<d", v))
for line in sys.stdin:
    r = json.loads(line)
    out = f"{r['number']} {r['check']} {r['time_ms']} {r['duration_us']} {r['state']} {r['reason']} {q(r['text'])} {q(r['origin'])}"
    for name, labels, unit, v in r["metrics"]:
        out += f" {name}[{''.join(f'{k}={w},' for k, w in labels.items())}]{unit}:{value(v)}"
    print(out)
"#;

fn piped(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("python3").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_reader_in_python_reads_the_same_of_a_bundle() {
    let mut bundle = Bundle::default();
    (0..90).for_each(|n| bundle.add(["load", "disk /"][n as usize % 2], (1 << 40) + n * 5, &run(n)));
    let bytes = bundle.finish().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_bundle.py");
    let json = piped(&[script.to_str().unwrap()], &bytes);
    let theirs = String::from_utf8(piped(&["-c", SHOW], &json)).unwrap();
    let ours: Vec<String> = read_bundle(&bytes).unwrap().iter().map(shown).collect();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}
