//! What the page asks for besides values: backtests, marks and reasons are those of the commands.

use serde_json::Value;

use crate::client::Server;
use crate::stage::{Random, custos, text};

/// From 2026-01-01 00:00 on, for ten minutes.
const TIME: &str = "start=1767225600&end=1767226201";

fn json(server: &Server, target: &str) -> Value {
    let (status, body) = server.get(target);
    assert_eq!(status, 200, "{target}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_backtest_is_that_of_the_command() {
    let server = Server::start();
    let store = server.stage.shown("store");
    for (option, parameter) in [("--critical=40", "critical=40"), ("--warning=10:20", "warning=10:20")] {
        let line = ["backtest", "load:load1", option, "--since", "2026-01-01T00:00:00Z", "--until"];
        let line = [&line[..], &["2026-01-01T00:10:01Z", "--json", "--store", &store]].concat();
        let output = custos(&line).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = json(&server, &format!("/api/backtest?check=load&metric=load1&{parameter}&{TIME}"));
        assert!(!found["intervals"].as_array().unwrap().is_empty());
        for key in ["intervals", "judged", "not_observed"] {
            assert_eq!(found[key], told[key], "{parameter} {key}");
        }
        assert_eq!(found["totals"]["firing_ms"], told["totals"]["firing_ms"]);
        assert_eq!(found["thresholds"][0]["metric"], "load1");
    }
    // As it is, it says nothing.
    let as_is = json(&server, &format!("/api/backtest?check=load&{TIME}"));
    assert_eq!(as_is["totals"]["alerts"], 0);
    for (target, wrong) in [
        (format!("/api/backtest?check=load&critical=x&metric=load1&{TIME}"), "no range"),
        (format!("/api/backtest?check=load&critical=5&{TIME}"), "no threshold to change"),
        (format!("/api/backtest?check=nothing&{TIME}"), "there is no such check"),
        (format!("/api/backtest?check=load&for=-5s&{TIME}"), "it is negative"),
        ("/api/backtest?check=load".to_owned(), "start"),
    ] {
        let (status, body) = server.get(&target);
        assert!(status == 400 && body.contains(wrong), "{target}: {status} {body}");
    }
}

#[test]
fn marks_are_those_of_their_time_and_check() {
    let server = Server::start();
    let store = server.stage.shown("store");
    for (time, words) in [
        ("2026-01-01T00:02:00Z..2026-01-01T00:03:00Z", &["load", "a disk"][..]),
        ("2026-01-01T00:04:00Z..2026-01-01T00:05:00Z", &["net", "a switch"]),
        ("2026-01-02T00:04:00Z..2026-01-02T00:05:00Z", &["later"]),
    ] {
        let line = [&["incident", "add", time][..], words, &["--store", &store]].concat();
        let output = custos(&line).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let texts = |target: &str| -> Vec<String> {
        let found = json(&server, target);
        let all = found["incidents"].as_array().unwrap().iter();
        all.map(|one| one["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&format!("/api/marks?check=load&{TIME}")), ["a disk"]);
    assert_eq!(texts(&format!("/api/marks?{TIME}")), ["a disk", "a switch"]);
}

#[test]
fn why_says_what_decided_and_what_else_changed() {
    let server = Server::start();
    let found = json(&server, "/api/why?check=net&at=1767226200&else=1");
    assert_eq!(found["stood"]["state"], "WARNING");
    assert!(found["start_ms"].is_i64() && found["series"].is_array() && found["changes"].is_array());
    for target in ["/api/why?check=nothing", "/api/why?check=nothing&else=1", "/api/why?check=net&else=2"] {
        let (status, body) = server.get(target);
        assert!(status == 400 && body.contains("bad_data"), "{target}: {status} {body}");
    }
}

#[test]
fn an_envelope_has_what_was_watched_and_what_was_consolidated() {
    let server = Server::start();
    let start_ms = 1_767_225_600_000_i64;
    // Between two runs of the check itself it was run because somebody watched, and of the time before an older system kept means.
    let watched = (1..20).map(|tick| {
        format!(
            r#"{{"check":"load@watched","time_ms":{},"state":"OK","provenance":"watched","metrics":[{{"label":"load1","value":{}}}]}}"#,
            start_ms + 300_000 + tick * 200,
            if tick == 9 { 500 } else { 29 }
        )
    });
    let consolidated = (1..=10).map(|minute| {
        format!(
            r#"{{"check":"load@average","time_ms":{},"state":"OK","reason":"imported","provenance":"consolidated","consolidation":{{"span_ms":60000,"function":"average"}},"metrics":[{{"label":"load1","value":{minute}}}]}}"#,
            start_ms - 600_000 + minute * 60_000
        )
    });
    let lines: Vec<String> = watched.chain(consolidated).collect();
    server.stage.import(&lines.join("\n"));
    let of = |more: &str| {
        let target =
            format!("/api/envelope?series=load:load1&start=1767225000&end=1767226201&columns=120{more}");
        json(&server, &target)["series"][0].clone()
    };
    let greatest = |curve: &Value| -> f64 {
        let points = curve["points"].as_array().unwrap().iter();
        points.map(|point| point[2].as_f64().unwrap()).fold(f64::NEG_INFINITY, f64::max)
    };
    let whole = of("");
    assert_eq!(
        (greatest(&whole), whole["label"].as_str(), whole["labels"].as_array().unwrap().len()),
        (500.0, Some("load1"), 0)
    );
    let hatched = whole["consolidated"].as_array().unwrap();
    assert_eq!((hatched.len(), hatched[0][1].as_f64(), hatched[0][3].as_f64()), (60, Some(1.0), Some(1.0)));
    let sampled: Vec<u64> =
        whole["points"].as_array().unwrap().iter().map(|point| point[0].as_u64().unwrap()).collect();
    assert!(hatched.iter().all(|column| !sampled.contains(&column[0].as_u64().unwrap())), "{whole}");
    let own = of("&own=1");
    assert_eq!((greatest(&own), own["consolidated"].as_array().unwrap().len()), (59.0, 0));
    // Where there is nothing but that, it is a check all the same.
    server.stage.import(&lines[19].replace("load@average", "old@average"));
    let old = json(&server, "/api/envelope?series=old&start=1767225000&end=1767226201");
    assert_eq!(old["series"][0]["points"].as_array().unwrap().len(), 0);
    assert!(!old["series"][0]["consolidated"].as_array().unwrap().is_empty(), "{old}");
    let (status, body) = server.get("/api/envelope?series=load&start=1&end=2&own=yes");
    assert!(status == 400 && body.contains("it is not 0 or 1"), "{body}");
}

/// What `/api/similar`, `/api/normal` and `/api/forecast` refuse alike.
#[test]
fn history_of_what_is_not_there_is_refused() {
    let server = Server::start();
    let refused = |target: &str, wrong: &str| {
        let (status, body) = server.get(target);
        assert!(
            status == 400 && body.contains("bad_data") && body.contains(wrong),
            "{target}: {status} {body}"
        );
    };
    for path in ["similar", "normal", "forecast"] {
        let of = |more: &str| format!("/api/{path}?{TIME}&{more}");
        refused(&of("check=nothing&metric=load1"), "there is no such check");
        refused(&of("metric=load1"), "there is no such check");
        refused(&of("check=load&metric=nothing"), "the check has no such metric");
        refused(&of("check=load"), "the check has no such metric");
        // It is read, not written.
        let (status, _) = server.post(&format!("/api/{path}"), "check=load&metric=load1");
        assert_eq!(status, 405, "{path}");
    }
    for path in ["similar", "normal"] {
        let of = |times: &str| format!("/api/{path}?check=load&metric=load1{times}");
        refused(&of(""), "start");
        refused(&of("&start=1767225600"), "end");
        refused(&of("&start=x&end=1767226201"), "start");
        refused(&of("&start=1767226201&end=1767225600"), "it is not after the start");
        refused(&of("&start=1767225600&end=1767225600"), "it is not after the start");
        refused(&of("&start=1e300&end=2e300"), "start");
    }
}

#[test]
fn stretches_that_are_alike_are_those_of_the_command() {
    let server = Server::start();
    // A disk that fills up in an hour, thrice in eight days of noise that never comes again.
    let start_ms = 1_766_534_400_000_i64;
    let filling = |at: i64| match at {
        0..20 => at,
        20..24 => 5,
        24..60 => 20,
        _ => 0,
    };
    let mut random = Random(17);
    let lines = (0..11_520_i64).map(|minute| {
        let noise = random.below(1000) as f64 / 1000.0;
        let filled: i64 = [3000, 7000, 11_460].map(|from| filling(minute - from)).iter().sum();
        let (time_ms, value) = (start_ms + minute * 60_000, 50.0 + noise + filled as f64);
        format!(r#"{{"check":"disk","time_ms":{time_ms},"state":"OK","metrics":[{{"label":"used","value":{value}}}]}}"#) + "\n"
    });
    server.stage.import(&lines.collect::<String>());
    let since = start_ms / 1000 + 11_460 * 60;
    let target = format!("/api/similar?check=disk&metric=used&start={since}&end={}", since + 3600);
    let found = json(&server, &target);
    let store = server.stage.shown("store");
    let (since, until) = ("2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z");
    let line = ["similar", "disk:used", "--since", since, "--until", until, "--json", "--store", &store];
    let output = custos(&line).output().unwrap();
    let told = text(&output.stdout);
    let told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<Value> = told.filter(|line| line["listed"] == true).collect();
    let matches = found["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 2, "{found}");
    assert_eq!(matches.len(), told.len(), "{told:?} {}", text(&output.stderr));
    for (one, other) in matches.iter().zip(&told) {
        assert_eq!((&one["since_ms"], &one["until_ms"]), (&other["since_ms"], &other["until_ms"]), "{found}");
    }
    assert!(found["stretches"].as_u64().unwrap() > 5);
    let fewer = json(&server, &format!("{target}&limit=1"));
    assert_eq!(fewer["matches"].as_array().unwrap().len(), 1);
    for limit in ["0", "51", "-1", "x", "1.5", "99999999999999999999"] {
        let (status, body) = server.get(&format!("{target}&limit={limit}"));
        assert!(status == 400 && body.contains("it is no number from 1 to 50"), "{limit}: {status} {body}");
    }
}

#[test]
fn what_is_normal_is_told_for_at_most_two_months() {
    let server = Server::start();
    let of = |start: i64, end: i64| format!("/api/normal?check=load&metric=load1&start={start}&end={end}");
    let day = 86_400;
    let found = json(&server, &of(1_767_225_600, 1_767_225_600 + 62 * day));
    assert_eq!(
        (&found["check"], &found["metric"], &found["rate"]),
        (&"load".into(), &"load1".into(), &false.into())
    );
    // Ten minutes are no history to know an hour by.
    assert_eq!(found["hours"].as_array().unwrap().len(), 0);
    let (status, body) = server.get(&of(1_767_225_600, 1_767_225_601 + 62 * day));
    assert!(status == 400 && body.contains("it is more than 62 days after the start"), "{body}");
    let counter = json(
        &server,
        "/api/normal?check=net&metric=in%7Bif%3D%22e%3C0%3E%22%7D&start=1767225600&end=1767226201",
    );
    assert_eq!(counter["rate"], true);
}

#[test]
fn a_forecast_wants_a_limit_that_is_a_number() {
    let server = Server::start();
    let of = |more: &str| format!("/api/forecast?check=load&metric=load1&at=1767226200{more}");
    let found = json(&server, &of("&limit=100"));
    // Ten minutes of history do not tell.
    assert_eq!((&found["limit"], &found["reason"]), (&100.0.into(), &"short".into()), "{found}");
    for (more, wrong) in [
        ("", "neither the plugin nor the configuration names one"),
        ("&limit=x", "it is no number"),
        ("&limit=inf", "it is no number"),
        ("&limit=NaN", "it is no number"),
    ] {
        let (status, body) = server.get(&of(more));
        assert!(status == 400 && body.contains(wrong), "{more}: {status} {body}");
    }
    let (status, body) = server.get("/api/forecast?check=load&metric=load1&limit=100&at=x");
    assert!(status == 400 && body.contains("invalid time value for 'at'"), "{body}");
    let counter = "/api/forecast?check=net&metric=in%7Bif%3D%22e%3C0%3E%22%7D&limit=5";
    let (status, body) = server.get(counter);
    assert!(status == 400 && body.contains("a counter has no limit"), "{body}");
}
