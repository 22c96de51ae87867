//! Every vector in `data/`, and the table of outputs, against the parsers.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use custos_compat::nagios::{Metric, Options, Output, Perfdata, Range};
use serde_json::Value;

fn vectors(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Equal within a relative tolerance of 1e-9, or both absent.
fn close(found: Option<f64>, expected: &Value) -> bool {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * found.abs().max(expected.abs()),
        (None, None) => expected.is_null(),
        _ => false,
    }
}

fn same_range(found: Option<Range>, expected: &Value) -> bool {
    let Some(range) = found else { return expected.is_null() };
    expected.is_object()
        && close(Some(range.start()).filter(|start| start.is_finite()), &expected["start"])
        && close(Some(range.end()).filter(|end| end.is_finite()), &expected["end"])
        && expected["inside"] == range.inside()
}

fn same_metric(found: &Metric, expected: &Value) -> bool {
    expected["label"] == found.label.as_str()
        && expected["unit"] == found.unit.as_str()
        && close(found.value.map(|value| value.to_f64()), &expected["value"])
        && same_range(found.warn, &expected["warn"])
        && same_range(found.crit, &expected["crit"])
        && close(found.min, &expected["min"])
        && close(found.max, &expected["max"])
}

#[test]
fn perfdata_vectors() {
    let vectors = vectors(include_str!("data/perfdata.jsonl"));
    assert_eq!(vectors.len(), 127);
    for vector in vectors {
        let found = Perfdata::parse(vector["input"].as_str().unwrap(), &Options::default()).metrics;
        let expected = vector["metrics"].as_array().unwrap();
        let same =
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same_metric(a, b));
        assert!(same, "{}\nfound {found:#?}", vector);
    }
}

#[test]
fn range_vectors() {
    let vectors = vectors(include_str!("data/ranges.jsonl"));
    assert_eq!(vectors.len(), 104);
    for vector in vectors {
        let range = Range::parse(vector["range"].as_str().unwrap());
        match vector["alert"].as_bool() {
            Some(alert) => {
                let value = vector["value"].as_f64().unwrap();
                assert_eq!(range.map(|range| range.alerts(value)), Ok(alert), "{vector}");
            }
            None => assert!(range.is_err(), "{vector}"),
        }
    }
}

#[test]
fn output_and_perfdata_together() {
    for (stdout, summary, long_text, expected) in [
        ("DISK OK | a=1\nlong1\nlong2 | b=2\nc=3\nd=4", "DISK OK", "long1\nlong2", "a=1 b=2 c=3 d=4"),
        ("OK", "OK", "", ""),
        ("| a=1", "", "", "a=1"),
        ("a\nb|c=1\nd|e=2", "a", "b", "c=1 e=2"),
        ("  OK  |  a=1  ", "OK", "", "a=1"),
        ("OK text | not perfdata", "OK text | not perfdata", "", ""),
        ("OK\n| a=1", "OK", "", "a=1"),
        ("line1|a=1\nline2\n\nline4", "line1", "line2\n\nline4", "a=1"),
        ("OK\r\nmore|a=1\r\n", "OK", "more", "a=1"),
        ("", "", "", ""),
    ] {
        let output = Output::parse(stdout.as_bytes(), false);
        assert_eq!((output.summary.as_str(), output.long_text.as_str()), (summary, long_text), "{stdout:?}");
        let metrics = Perfdata::parse(&output.perf, &Options::default()).metrics;
        let shown: Vec<String> =
            metrics.iter().map(|metric| format!("{}={}", metric.label, metric.value.unwrap())).collect();
        assert_eq!(shown.join(" "), expected, "{stdout:?}");
    }
}

/// What Debian's monitoring-plugins 2.3.3 printed.
#[test]
fn captured_output_of_plugins() {
    for vector in vectors(include_str!("data/captured.jsonl")) {
        let output = Output::parse(vector["stdout"].as_str().unwrap().as_bytes(), false);
        assert_eq!(vector["summary"], output.summary.as_str());
        assert_eq!(vector["long_text"], output.long_text.as_str());
        let found = Perfdata::parse(&output.perf, &Options::default());
        let expected = vector["metrics"].as_array().unwrap();
        let pairs = found.metrics.iter().zip(expected);
        let same = found.metrics.len() == expected.len() && pairs.clone().all(|(a, b)| same_metric(a, b));
        assert!(same, "{vector}\nfound {found:#?}");
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }
}
