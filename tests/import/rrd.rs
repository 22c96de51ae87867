//! RRD files that the real `rrdtool` made, compared with its own dump.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::dump::{Dumped, archives};
use crate::keeping::Keeping;
use crate::stage::Random;

/// Seconds since the epoch of the first reading: a whole day.
const START: i64 = 1_795_305_600;
const DAY: i64 = 86_400;

const FUNCTIONS: [(&str, &str); 4] =
    [("AVERAGE", "average"), ("MIN", "minimum"), ("MAX", "maximum"), ("LAST", "last")];

/// Makes a file with these sources and archives, and puts readings in: `value` has those of a time, `U` for unknown.
fn make(
    keeping: &Keeping,
    name: &str,
    (step, sources, archives): (i64, &[&str], &[String]),
    times: impl Iterator<Item = i64>,
    mut value: impl FnMut(i64) -> String,
) {
    let directory = Path::new(name).parent().unwrap();
    std::fs::create_dir_all(keeping.path(directory.to_str().unwrap())).unwrap();
    let (start, step) = ((START - 1).to_string(), step.to_string());
    let mut words = vec!["create", name, "--start", &start, "--step", &step];
    words.extend(sources);
    words.extend(archives.iter().map(String::as_str));
    keeping.run("rrdtool", &words);
    let readings: Vec<String> = times.map(|time| format!("{time}:{}", value(time))).collect();
    for some in readings.chunks(500) {
        let words: Vec<&str> = ["update", name].into_iter().chain(some.iter().map(String::as_str)).collect();
        keeping.run("rrdtool", &words);
    }
}

/// The archives of each function with so many rows of so many steps.
fn each(functions: &[&str], lengths: &[(i64, i64)]) -> Vec<String> {
    let of = |function: &&str| {
        let function = (*function).to_owned();
        lengths.iter().map(move |(steps, rows)| format!("RRA:{function}:0.5:{steps}:{rows}"))
    };
    functions.iter().flat_map(of).collect()
}

fn span_ms(run: &Value) -> i64 {
    run["consolidation"]["span_ms"].as_i64().unwrap()
}

fn alike(one: f64, other: f64) -> bool {
    // A dump has eleven digits.
    (one - other).abs() <= one.abs().max(other.abs()) * 1e-9
}

/// Compares what the store has of a function of a file with its dump: each run is a row of the archive of its span, and what a row has
/// that is in no run is in runs of finer ones.
fn compare(
    keeping: &Keeping,
    check: &str,
    labels: &[&str],
    dump: &[Dumped],
    function: (&str, &str),
) -> usize {
    let runs = keeping.runs(&format!("{check}@{}", function.1));
    let of_function: Vec<&Dumped> = dump.iter().filter(|archive| archive.function == function.0).collect();
    // By span and end.
    let mut stored: BTreeMap<(i64, i64), &Value> = BTreeMap::new();
    for run in &runs {
        let (span_s, end_s) = (span_ms(run) / 1000, run["time_ms"].as_i64().unwrap() / 1000);
        assert_eq!(run["provenance"], "consolidated");
        assert_eq!(run["consolidation"]["function"], function.1);
        assert_eq!((&run["reason"], &run["state"]), (&"imported".into(), &"UNKNOWN".into()));
        let archive = of_function.iter().find(|archive| archive.span_s == span_s).unwrap();
        let values = &archive.rows[&end_s];
        for (label, value) in labels.iter().zip(values) {
            let metrics = run["metrics"].as_array().unwrap();
            let metric = metrics.iter().find(|metric| metric["label"] == *label).unwrap();
            match metric["value"].as_f64() {
                Some(found) => assert!(alike(found, *value), "{check} {label} at {end_s}: {found}, {value}"),
                None => assert!(value.is_nan(), "{check} {label} at {end_s}: {metric}, {value}"),
            }
        }
        assert!(stored.insert((span_s, end_s), run).is_none(), "{run} is there twice");
    }
    for archive in &of_function {
        let known = archive.rows.iter().filter(|(_, values)| values.iter().any(|value| !value.is_nan()));
        for (end_s, _) in known {
            if stored.contains_key(&(archive.span_s, *end_s)) {
                continue;
            }
            let begin_s = end_s - archive.span_s;
            let finer = || of_function.iter().filter(|other| other.span_s < archive.span_s);
            // The beginning of the finest one that reaches back so far.
            let reaches = |other: &&&Dumped| {
                let known = other.rows.iter().find(|(_, values)| values.iter().any(|value| !value.is_nan()));
                known.is_some_and(|(first_s, _)| first_s - other.span_s <= begin_s)
            };
            assert!(
                finer().any(|other| reaches(&other)),
                "{check}: nothing is there of {begin_s} to {end_s}"
            );
        }
    }
    // No moment is in two runs, but for where a coarser row reaches into the time of a finer archive.
    for (span_s, end_s) in stored.keys() {
        let within = stored
            .range((0, 0)..(*span_s, 0))
            .filter(|((_, other_s), _)| *other_s > end_s - span_s && *other_s <= *end_s);
        let covered_s: i64 = within.map(|((other, _), _)| other).sum();
        assert!(covered_s < *span_s, "{check}: {span_s} s up to {end_s} are there in finer runs, too");
    }
    runs.len()
}

#[test]
fn every_row_is_that_of_the_dump() {
    let keeping = Keeping::new();
    let mut random = Random(7);
    let sources = ["DS:load:GAUGE:600:U:U", "DS:in:COUNTER:600:0:U", "DS:out:DERIVE:600:U:U"];
    let archives_of = each(&["AVERAGE", "MIN", "MAX", "LAST"], &[(1, 300), (5, 288), (60, 100)]);
    let mut count = 0_u64;
    // Four days of a reading every 50 to 70 seconds, not at whole minutes, with hours of silence and readings that are unknown.
    let mut time = START + 27;
    let times = std::iter::from_fn(|| {
        time += 50 + (random.below(20)) as i64;
        if (time / 3600) % 19 == 0 {
            time += 3 * 3600;
        }
        (time < START + 4 * DAY).then_some(time)
    })
    .collect::<Vec<_>>();
    let mut random = Random(8);
    let value = |_| {
        count += random.below(1000);
        let load =
            if random.below(40) == 0 { "U".to_owned() } else { format!("0.{:03}", random.below(1000)) };
        format!("{load}:{count}:{}", 7 * count)
    };
    make(&keeping, "db.rrd", (60, &sources, &archives_of), times.into_iter(), value);
    let dump = archives(&keeping.run("rrdtool", &["dump", "db.rrd"]));
    assert_eq!(dump.len(), 12);
    keeping.imported(&["rrd", "db.rrd"]);
    for function in FUNCTIONS {
        let count = compare(&keeping, "db", &["load", "in", "out"], &dump, function);
        assert!(count > 300, "{function:?}: {count} runs");
    }
    let units: Vec<Value> = ["load", "in"]
        .map(|label| {
            let run = keeping.runs("db@average").pop().unwrap();
            let metric = run["metrics"].as_array().unwrap().iter().find(|one| one["label"] == label).cloned();
            metric.unwrap()["unit"].clone()
        })
        .to_vec();
    assert!(units[0].is_null() || units[0] == "", "{units:?}");
    assert_eq!(units[1], "/s", "a counter is a rate in an RRD");
}

#[test]
fn an_import_can_be_repeated_also_of_a_file_that_has_grown() {
    let keeping = Keeping::new();
    let archives_of = each(&["AVERAGE", "MAX"], &[(1, 120), (10, 200)]);
    let wave = |time: i64| format!("{}", (time / 60) % 97);
    let minutes = |from: i64, to: i64| (from..to).map(|minute| START + minute * 60);
    make(&keeping, "wave.rrd", (60, &["DS:x:GAUGE:120:U:U"], &archives_of), minutes(1, 400), wave);
    let first = keeping.imported(&["rrd", "wave.rrd"]);
    let runs = keeping.runs("wave@average");
    assert!(first.ends_with("runs added, 0 there already\n"), "{first}");
    let again = keeping.imported(&["rrd", "wave.rrd"]);
    assert!(again.starts_with("1 file: 0 runs added, "), "{again}");
    assert_eq!(keeping.runs("wave@average"), runs);
    // The minutes of before have left the finest archive: they stay, and no ten minutes take their place.
    for some in minutes(400, 900).collect::<Vec<_>>().chunks(500) {
        let readings: Vec<String> = some.iter().map(|time| format!("{time}:{}", wave(*time))).collect();
        let words: Vec<&str> =
            ["update", "wave.rrd"].into_iter().chain(readings.iter().map(String::as_str)).collect();
        keeping.run("rrdtool", &words);
    }
    let grown = keeping.imported(&["rrd", "wave.rrd"]);
    assert!(grown.contains(" of spans that are there in finer ones"), "{grown}");
    let after = keeping.runs("wave@average");
    assert!(runs.iter().all(|run| {
        after.iter().any(|other| other["time_ms"] == run["time_ms"] && other["span_ms"] == run["span_ms"])
    }));
    let old_minutes = |run: &&Value| span_ms(run) == 60_000;
    let ends: Vec<i64> =
        runs.iter().filter(old_minutes).map(|run| run["time_ms"].as_i64().unwrap()).collect();
    let within = |run: &&Value| {
        let end = run["time_ms"].as_i64().unwrap();
        span_ms(run) == 600_000 && end - 600_000 >= ends[0] - 60_000 && end <= *ends.last().unwrap()
    };
    assert_eq!(after.iter().find(within), None, "a coarser row is there where finer ones were");
}

const DESCRIPTION: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<NAGIOS>
  <DATASOURCE>
    <RRDFILE>/perfdata/web1/disk__root.rrd</RRDFILE>
    <RRD_STORAGE_TYPE>SINGLE</RRD_STORAGE_TYPE>
    <DS>1</DS><NAME>_</NAME><LABEL>/</LABEL><UNIT>MB</UNIT>
    <ACT>3</ACT><WARN>7</WARN><WARN_MIN></WARN_MIN><WARN_MAX></WARN_MAX><WARN_RANGE_TYPE></WARN_RANGE_TYPE>
    <CRIT>9</CRIT><CRIT_MIN></CRIT_MIN><CRIT_MAX></CRIT_MAX><CRIT_RANGE_TYPE></CRIT_RANGE_TYPE>
    <MIN>0</MIN><MAX>10</MAX>
  </DATASOURCE>
  <DATASOURCE><DS>2</DS><NAME>inodes</NAME><LABEL>inodes</LABEL><UNIT>%%</UNIT></DATASOURCE>
  <NAGIOS_DISP_HOSTNAME>web1</NAGIOS_DISP_HOSTNAME>
  <NAGIOS_DISP_SERVICEDESC>disk /root</NAGIOS_DISP_SERVICEDESC>
</NAGIOS>
"#;

#[test]
fn names_units_and_thresholds_are_those_of_pnp() {
    let keeping = Keeping::new();
    let sources = ["DS:1:GAUGE:8640:U:U", "DS:2:GAUGE:8640:U:U"];
    let archives_of = each(&["AVERAGE", "MAX", "MIN"], &[(1, 60), (5, 60)]);
    let times = || (1..200).map(|minute| START + minute * 60);
    make(&keeping, "perfdata/web1/disk__root.rrd", (60, &sources, &archives_of), times(), |_| {
        "3:42".to_owned()
    });
    keeping.write("perfdata/web1/disk__root.xml", DESCRIPTION);
    // One file for each metric: its description has another name.
    let one = DESCRIPTION.replace("disk__root.rrd", "users_users.rrd").replace("disk /root", "users");
    let one = one.replace("<LABEL>/</LABEL><UNIT>MB</UNIT>", "<LABEL>users</LABEL><UNIT></UNIT>");
    make(&keeping, "perfdata/web1/users_users.rrd", (60, &sources[..1], &archives_of), times(), |_| {
        "5".to_owned()
    });
    keeping.write("perfdata/web1/users.xml", one);
    let shown = keeping.imported(&["rrd", "perfdata", "--dry-run"]);
    assert!(shown.contains("disk__root.rrd -> disk /root: / (B), inodes (%)\n"), "{shown}");
    assert!(shown.contains("    maximum  2026-"), "{shown}");
    assert!(!keeping.path("store").exists(), "a dry run stores nothing");
    keeping.imported(&["rrd", "perfdata"]);
    let checks = keeping.checks();
    let of = |check: &str| ["average", "maximum", "minimum"].map(|function| format!("{check}@{function}"));
    assert_eq!(checks, [of("disk /root"), of("users")].concat());
    let run = keeping.runs("disk /root@average").pop().unwrap();
    let metric = &run["metrics"][0];
    assert_eq!((&metric["label"], &metric["unit"]), (&"/".into(), &"B".into()));
    assert_eq!(metric["value"].as_f64(), Some(3e6), "{metric}");
    assert_eq!(metric["warn"]["end"].as_f64(), Some(7e6), "{metric}");
    assert_eq!(metric["max"].as_f64(), Some(1e7), "{metric}");
}

#[test]
fn files_of_collectd_and_munin_are_known_by_where_they_lie() {
    let keeping = Keeping::new();
    let archives_of = each(&["AVERAGE", "MIN", "MAX"], &[(1, 100)]);
    let times = || (1..100).map(|step| START + step * 10);
    let two = ["DS:rx:DERIVE:20:0:U", "DS:tx:DERIVE:20:0:U"];
    let name = "collectd/rrd/web1/interface-eth0/if_octets.rrd";
    make(&keeping, name, (10, &two, &archives_of), times(), |time| format!("{time}:{}", 2 * time));
    let name = "collectd/rrd/web1/cpu-0/cpu-idle.rrd";
    let one = ["DS:value:GAUGE:20:0:U"];
    make(&keeping, name, (10, &one, &archives_of), times(), |_| "97".to_owned());
    let name = "munin/example.org/web-1.example.org-if_eth0-down-d.rrd";
    let one = ["DS:42:DERIVE:600:0:U"];
    let times = (1..100).map(|step| START + step * 300);
    make(&keeping, name, (300, &one, &archives_of), times, |time| format!("{}", 3 * time));
    keeping.imported(&["rrd", "collectd"]);
    keeping.imported(&["rrd", "munin"]);
    let averages: Vec<String> =
        keeping.checks().into_iter().filter(|check| check.ends_with("@average")).collect();
    assert_eq!(averages, ["cpu-0@average", "if_eth0@average", "interface-eth0@average"]);
    let metrics = |check: &str| -> Vec<(String, f64)> {
        let run = keeping.runs(check).pop().unwrap();
        let metrics = run["metrics"].as_array().unwrap().iter();
        metrics
            .map(|one| (one["label"].as_str().unwrap().to_owned(), one["value"].as_f64().unwrap().round()))
            .collect()
    };
    assert_eq!(metrics("cpu-0@average"), [("cpu-idle".to_owned(), 97.0)]);
    assert_eq!(
        metrics("interface-eth0@average"),
        [("if_octets.rx".to_owned(), 1.0), ("if_octets.tx".to_owned(), 2.0)]
    );
    assert_eq!(metrics("if_eth0@average"), [("down".to_owned(), 3.0)]);
}

#[test]
fn no_row_is_taken_for_a_sample() {
    let keeping = Keeping::new();
    let archives_of = each(&["AVERAGE", "MAX"], &[(1, 100)]);
    let times = (1..90).map(|minute| START + minute * 60);
    make(&keeping, "load.rrd", (60, &["DS:load1:GAUGE:120:U:U"], &archives_of), times, |_| "2.5".to_owned());
    keeping.imported(&["rrd", "load.rrd"]);
    let store = ["--store", "store"];
    let with = |words: &[&str]| keeping.custos(&[words, &store].concat());
    let at = "2026-11-22T01:00:00Z";
    // Not by the name of the check or of the metric, nor by any of the series that all checks have.
    for query in
        ["load", "load{metric=\"load1\"}", "{metric=\"load1\"}", "check_state", "count({__name__=~\".+\"})"]
    {
        let found = with(&["query", query, "--at", at, "--json"]);
        assert!(!found.contains("load1") && !found.contains("@average"), "{query}: {found}");
    }
    let named = with(&["query", "{check=\"load@average\", metric=\"load1\"}", "--at", at, "--json"]);
    assert!(named.contains("2.5"), "{named}");
    let status = with(&["status"]);
    assert!(!status.contains("load"), "{status}");
    let span = ["--since", "2026-11-22T00:00:00Z", "--until", "2026-11-22T02:00:00Z"];
    let graph = with(&[&["graph", "load:load1", "--ascii"][..], &span].concat());
    assert!(graph.contains("no samples  consolidated 2.5 to 2.5"), "{graph}");
    assert!(graph.contains("%%%%") && graph.contains("% consolidated") && !graph.contains('*'), "{graph}");
    let drawing = with(&[&["graph", "load@maximum", "--svg", "-"][..], &span].concat());
    assert!(drawing.contains("class=\"consolidated\"") && drawing.contains("id=\"hatched\""), "{drawing}");
    let history = with(&["history", "load@average", "-n", "1"]);
    assert!(history.contains("average     of 1m  load1=2.5"), "{history}");
    // A line that says otherwise is refused.
    let line = keeping.custos(&["store", "export", "store", "--check", "load@average"]);
    let line = line.lines().next().unwrap().replace("load@average", "load");
    keeping.write("line.json", line);
    let words = ["-c", "\"$0\" store import store <line.json", crate::stage::PROGRAM];
    let output = std::process::Command::new("sh").args(words).current_dir(&keeping).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::stage::text(&output.stderr).contains("consolidated"), "{output:?}");
}
