//! Files that Graphite's own whisper made, compared with what it reads of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::keeping::Keeping;
use crate::stage::python;

/// Makes a file of a minute and of ten minutes, puts a day of values in, and prints what it fetches of each archive as JSON.
const MAKE: &str = r#"
import json, sys, time, whisper
path, method = sys.argv[1], sys.argv[2]
now = int(time.time()) // 600 * 600
whisper.create(path, [(60, 120), (600, 200)], xFilesFactor=0.0, aggregationMethod=method)
for minute in range(-900, 0):
    if minute % 7 and not -500 < minute < -460:
        whisper.update(path, float(minute % 97), now + minute * 60 + 13, now)
found = {}
for seconds, points in [(60, 120), (600, 200)]:
    (start, end, step), values = whisper.fetch(path, now - seconds * (points + 1), now - 1, now, seconds)
    assert step == seconds
    found[str(seconds)] = [(start + at * step, value) for at, value in enumerate(values) if value is not None]
print(json.dumps(found))
"#;

/// What whisper fetched: by the seconds of the archive, by the beginning of the slot, the value.
fn fetched(json: &str) -> BTreeMap<i64, BTreeMap<i64, f64>> {
    let all: BTreeMap<String, Vec<(i64, f64)>> = serde_json::from_str(json).unwrap();
    all.into_iter()
        .map(|(seconds, points)| (seconds.parse().unwrap(), points.into_iter().collect()))
        .collect()
}

fn slots(runs: &[Value]) -> BTreeMap<i64, f64> {
    let slot = |run: &Value| {
        let span_s = run["consolidation"]["span_ms"].as_i64().unwrap() / 1000;
        let begin_s = run["time_ms"].as_i64().unwrap() / 1000 - span_s;
        (begin_s, run["metrics"][0]["value"].as_f64().unwrap())
    };
    runs.iter().map(slot).collect()
}

#[test]
fn points_are_those_that_whisper_reads() {
    for (method, function) in [("average", "average"), ("max", "maximum"), ("min", "minimum"), ("sum", "sum")]
    {
        let keeping = Keeping::new();
        keeping.write("make.py", MAKE);
        std::fs::create_dir_all(keeping.path("whisper/web1/load")).unwrap();
        let fetched = fetched(&keeping.run(python(), &["make.py", "whisper/web1/load/load1.wsp", method]));
        keeping.imported(&["whisper", "whisper"]);
        let finest = keeping.runs("web1.load@last");
        assert_eq!(slots(&finest), fetched[&60], "{method}");
        let coarse = slots(&keeping.runs(&format!("web1.load@{function}")));
        let first = *fetched[&60].keys().next().unwrap();
        let expected: BTreeMap<i64, f64> = fetched[&600]
            .iter()
            .filter(|(begin, _)| **begin < first)
            .map(|(begin, value)| (*begin, *value))
            .collect();
        assert_eq!(coarse, expected, "{method}");
        assert!(expected.len() > 50, "{method}");
        assert_eq!(finest[0]["metrics"][0]["label"], "load1");
        let again = keeping.imported(&["whisper", "whisper"]);
        assert!(again.starts_with("1 file: 0 runs added"), "{again}");
    }
}

#[test]
fn files_of_icinga_are_metrics_of_their_service() {
    let keeping = Keeping::new();
    keeping.write("make.py", MAKE);
    let directory = "whisper/icinga2/web1/services/disk/disk/perfdata/root";
    std::fs::create_dir_all(keeping.path(directory)).unwrap();
    for name in ["value", "warn"] {
        keeping.run(python(), &["make.py", &format!("{directory}/{name}.wsp"), "average"]);
    }
    let said = keeping.imported(&["whisper", "whisper"]);
    assert!(said.ends_with("left out: 1 file beside values of Icinga\n"), "{said}");
    assert_eq!(keeping.checks(), ["disk@average", "disk@last"]);
    keeping.write("bad.wsp", "no whisper");
    let output = keeping.import(&["whisper", "bad.wsp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("bad.wsp: it does not begin as a whisper file does")
    );
}
