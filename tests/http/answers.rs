//! What the API answers, byte by byte where Prometheus' clients read it so.

use std::io::{BufRead, BufReader, Write};

use crate::client::Server;
use crate::stage::{Stage, custos, text};

/// 2026-01-01 00:10:00.
const END: i64 = 1_767_226_200;

#[test]
fn queries_are_answered_as_prometheus_does() {
    let server = Server::start();
    let success = |data: &str| (200, format!("{{\"status\":\"success\",\"data\":{data}}}"));
    // Grafana tests a data source so: a scalar, not a vector.
    assert_eq!(
        server.post("/api/v1/query", "query=1%2B1&time=4"),
        success(r#"{"resultType":"scalar","result":[4,"2"]}"#)
    );
    assert_eq!(
        server.get(&format!("/api/v1/query?query=load&time={END}.5")),
        success(&format!(
            r#"{{"resultType":"vector","result":[{{"metric":{{"__name__":"load","check":"load","metric":"load1"}},"value":[{END}.500,"59"]}}]}}"#
        ))
    );
    assert_eq!(
        server.get(&format!("/api/v1/query_range?query=rate(net[1m])&start={}&end={END}&step=20s", END - 20)),
        success(&format!(
            r#"{{"resultType":"matrix","result":[{{"metric":{{"check":"net","if":"e\u003c0\u003e","metric":"in"}},"values":[[{},"10"],[{END},"10"]]}}]}}"#,
            END - 20
        ))
    );
    assert_eq!(
        server.get(&format!("/api/v1/query?query=count_over_time(load[30s])&time={END}&stats=all")).1,
        format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"check":"load","metric":"load1"}},"value":[{END},"3"]}}],"stats":{{"timings":{{}},"samples":{{"totalQueryableSamples":3,"samplesRead":3,"peakSamples":3}}}}}}}}"#
        )
    );
    assert_eq!(server.get("/api/v1/format_query?query=sum(a)by(b)"), success("\"sum by (b) (a)\""));
    let rate = server.get(&format!("/api/v1/query?query=rate(load[1m])&time={END}")).1;
    assert!(rate.contains(r#""infos":["PromQL info: metric might not be a counter"#), "{rate}");
}

#[test]
fn series_and_labels_are_listed() {
    let server = Server::start();
    let data = |target: &str| {
        let (status, body) = server.get(target);
        assert_eq!(status, 200, "{body}");
        body.strip_prefix(r#"{"status":"success","data":"#).unwrap().strip_suffix('}').unwrap().to_owned()
    };
    assert_eq!(data("/api/v1/labels"), r#"["__name__","check","if","metric"]"#);
    assert_eq!(data("/api/v1/label/metric/values"), r#"["in","load1"]"#);
    assert_eq!(data("/api/v1/label/U__metric/values?match[]=load"), r#"["load1"]"#);
    assert_eq!(
        data("/api/v1/series?match[]=load&match[]={__name__=~%22l.*%22,}"),
        r#"[{"__name__":"load","check":"load","metric":"load1"}]"#
    );
    // Before the first run there is nothing.
    assert_eq!(data("/api/v1/series?match[]={__name__!=%22%22}&end=1000000000"), "[]");
    let limited = server.get("/api/v1/label/__name__/values?limit=1").1;
    assert_eq!(
        limited,
        r#"{"status":"success","data":["check_cpu_seconds"],"warnings":["results truncated due to limit"]}"#
    );
    let metadata = data("/api/v1/metadata?metric=net");
    assert_eq!(metadata, r#"{"net":[{"type":"counter","help":"","unit":""}]}"#);
    let own = data("/api/v1/metadata?metric=check_duration_seconds");
    assert_eq!(
        own,
        r#"{"check_duration_seconds":[{"type":"gauge","help":"How long the run took.","unit":"s"}]}"#
    );
    assert_eq!(data("/api/v1/rules"), r#"{"groups":[]}"#);
    assert_eq!(data("/api/v1/alerts"), r#"{"alerts":[]}"#);
    assert_eq!(data("/api/v1/query_exemplars?query=test&start=1767226200000&end=1767226200000"), "[]");
    let build = data("/api/v1/status/buildinfo");
    assert!(build.starts_with(r#"{"version":"3."#) && !build.contains("features"), "{build}");
    assert_eq!(server.get("/api/v1/status/flags"), (404, "404 page not found\n".to_owned()));
    let (status, front) = server.get("/");
    assert!(status == 200 && front.contains("/api/v1/"), "{front}");
    assert_eq!(server.get("/-/healthy").0, 200);
    assert_eq!(server.get("/-/ready").0, 200);
}

#[test]
fn mistakes_are_told_as_prometheus_does() {
    let server = Server::start();
    for (target, status, error) in [
        (
            "query?query=1%20%2B",
            400,
            r#"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input"#,
        ),
        (
            "query?query=",
            400,
            r#"bad_data","error":"invalid parameter \"query\": 1:1: parse error: no expression found in input"#,
        ),
        (
            "query?query=load&time=x",
            400,
            r#"bad_data","error":"invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp"#,
        ),
        (
            "query_range?query=load&start=2&end=1&step=1",
            400,
            r#"bad_data","error":"invalid parameter \"end\": end timestamp must not be before start time"#,
        ),
        (
            "query_range?query=load&start=1&end=2&step=0",
            400,
            r#"bad_data","error":"invalid parameter \"step\": zero or negative"#,
        ),
        (
            "query_range?query=load&start=0&end=11001&step=1",
            400,
            r#"bad_data","error":"exceeded maximum resolution of 11,000 points"#,
        ),
        (
            "query_range?query=%22x%22&start=0&end=1&step=1",
            400,
            r#"bad_data","error":"invalid parameter \"query\": invalid expression type"#,
        ),
        (
            "query?query=label_replace(load,%22a%22,%22b%22,%22c%22,%22(%22)",
            422,
            r#"execution","error":"invalid regular expression in label_replace(): ("#,
        ),
        ("query?query=load&time=NaN", 400, r#"bad_data","error":"invalid parameter \"time\""#),
        ("series", 400, r#"bad_data","error":"no match[] parameter provided"#),
        (
            "series?match[]={}",
            400,
            r#"bad_data","error":"invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"#,
        ),
        (
            "labels?limit=-1",
            400,
            r#"bad_data","error":"invalid parameter \"limit\": limit must be non-negative"#,
        ),
    ] {
        let (found, body) = server.get(&format!("/api/v1/{target}"));
        assert_eq!(found, status, "{target}: {body}");
        assert!(body.starts_with(&format!(r#"{{"status":"error","errorType":"{error}"#)), "{target}: {body}");
    }
    let (status, body) = server.get("/api/v1/query?query=count_over_time(load[1m:1ms])&timeout=0");
    assert_eq!(status, 503, "{body}");
    assert!(
        body.contains(r#""errorType":"timeout","error":"query timed out in expression evaluation""#),
        "{body}"
    );
}

#[test]
fn characters_that_prometheus_takes_as_they_are_are_taken() {
    let server = Server::start();
    let (status, body) =
        server.get(&format!("/api/v1/query?query=load{{metric=\"load1\"}}>5<99|x&time={END}"));
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("1:26: parse error"), "{body}");
    let (status, body) = server.get(&format!("/api/v1/query?query=load{{metric=\"load1\"}}>5<99&time={END}"));
    assert!(status == 200 && body.contains("\"59\""), "{body}");
    for (target, error) in [
        ("query=1%zz", r#"invalid URL escape \"%zz\""#),
        ("query=1;time=0", "invalid semicolon separator in query"),
    ] {
        let (status, body) = server.get(&format!("/api/v1/query?{target}"));
        let expected = format!(
            r#"{{"status":"error","errorType":"bad_data","error":"error parsing form values: {error}"}}"#
        );
        assert_eq!((status, body), (400, expected));
    }
}

#[test]
fn what_is_written_later_is_answered_at_once() {
    let server = Server::start();
    let runs = "{\"check\":\"new\",\"time_ms\":1767226200000,\"state\":\"OK\",\"metrics\":[{\"label\":\"a\",\"value\":5,\"unit\":\"\"}]}\n";
    server.stage.write("more.jsonl", runs);
    let store = server.stage.shown("store");
    let mut import = custos(&["store", "import", &store]);
    import.stdin(std::fs::File::open(server.stage.path("more.jsonl")).unwrap());
    assert!(import.output().unwrap().status.success());
    let (_, body) = server.get(&format!("/api/v1/query?query=new&time={END}"));
    assert!(body.contains(r#""5"]"#), "{body}");
}

#[test]
fn a_socket_in_the_file_system_serves_too() {
    let first = Server::start();
    let stage = Stage::new();
    let status =
        std::process::Command::new("cp").arg("-r").arg(first.stage.path("store")).arg(stage.root()).status();
    assert!(status.unwrap().success());
    let path = stage.shown("http.socket");
    let server = Server::over(stage, &path);
    assert_eq!(
        server.get("/api/v1/query?query=2&time=0").1,
        r#"{"status":"success","data":{"resultType":"scalar","result":[0,"2"]}}"#
    );
}

#[test]
fn an_address_that_others_reach_is_refused() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("store")).unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let output =
            custos(&["serve", "--store", &stage.shown("store"), "--listen", listen]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{listen}");
        assert!(text(&output.stderr).contains("can be reached from other hosts"), "{}", text(&output.stderr));
    }
    let output =
        custos(&["serve", "--store", &stage.shown("store"), "--listen", "nonsense"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn runs_are_streamed_from_a_position_on() {
    let server = Server::start();
    let lines = |target: &str| -> Vec<serde_json::Value> {
        let (status, body) = server.get(target);
        assert_eq!(status, 200, "{body}");
        body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = lines("/api/stream");
    let (last, runs) = all.split_last().unwrap();
    assert!(runs.len() > 20 && runs.iter().all(|run| run["check"].is_string()));
    let positions: Vec<u64> = runs.iter().map(|run| run["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted());
    assert_eq!((&last["more"], last["position"].as_u64()), (&false.into(), positions.last().copied()));
    let store = last["store"].as_str().unwrap();
    // From any of them on.
    assert_eq!(lines(&format!("/api/stream?from={}&store={store}", positions[4])), all[5..]);
    assert_eq!(lines("/api/stream?from=end"), std::slice::from_ref(last));
    for follow in ["", "&follow=1"] {
        let beyond = server.get(&format!("/api/stream?from={}{follow}", u64::MAX));
        assert_eq!(beyond.0, 409, "{}", beyond.1);
        assert!(beyond.1.contains("the store ends at"), "{}", beyond.1);
    }
    let many = "match[]=x&".repeat(101);
    assert_eq!(server.get(&format!("/api/stream?{many}")).0, 400);
    let loads = lines("/api/stream?match[]=load:load1&form=samples");
    let (end, loads) = loads.split_last().unwrap();
    assert!(!loads.is_empty() && loads.iter().all(|line| line["metric"] == "load1"));
    assert_eq!(end["position"], last["position"]);
    assert_eq!(server.get(&format!("/api/stream?store={}", "0".repeat(32))).0, 409);
    for wrong in ["from=x", "form=x", "match[]=a["] {
        assert_eq!(server.get(&format!("/api/stream?{wrong}")).0, 400, "{wrong}");
    }
}

#[test]
fn whoever_follows_gets_what_is_stored_meanwhile_and_signs_of_life() {
    let server = Server::start();
    let mut stream = server.connect();
    let target = "/api/stream?follow=1&from=end&match[]=load";
    let head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].starts_with("HTTP/1.1 200"), "{head:?}");
    let head = head.join("\n").to_ascii_lowercase();
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    // One at once, and one after a second in which nothing came.
    let mut json = lines
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
        .filter(serde_json::Value::is_object);
    let (first, second) = (json.next().unwrap(), json.next().unwrap());
    assert!(first["store"].is_string() && first == second, "{first} {second}");
    let run = "{\"check\":\"load\",\"time_ms\":1800000000000,\"state\":\"OK\",\"text\":\"new\"}\n";
    server.stage.write("more.jsonl", run);
    let mut import = custos(&["store", "import", &server.stage.shown("store")]);
    import.stdin(std::fs::File::open(server.stage.path("more.jsonl")).unwrap());
    assert!(import.output().unwrap().status.success());
    let found = json.find(|line| line["check"] == "load").unwrap();
    assert_eq!(found["text"], "new");
    let behind = json.next().unwrap();
    assert_eq!(behind["position"], found["position"]);
    for (wrong, status) in
        [("follow=0", 400), ("follow=x", 400), ("follow=1&from=x", 400), ("follow=1&store=00", 409)]
    {
        assert_eq!(server.get(&format!("/api/stream?{wrong}")).0, status, "{wrong}");
    }
}
