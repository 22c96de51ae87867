//! Requests that mean no good: none ends the server, none keeps it from answering others.

use std::io::{Read, Write};

use custos::limits::HTTP_CONNECTIONS_PER_CLIENT_MAX;

use crate::client::Server;
use crate::stage::wait_for;

fn is_alive(server: &Server) {
    let alive = r#"{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}"#;
    assert_eq!(server.get("/api/v1/query?query=1&time=0").1, alive);
}

#[test]
fn a_page_of_another_site_is_refused() {
    let server = Server::start();
    for host in [
        "evil.example",
        "evil.example:43191",
        "127.0.0.1.evil.example",
        "",
        "localhost:80.evil.example",
        "localhost\r\nHost: evil.example",
    ] {
        let (status, body) = server
            .raw(&format!("GET /api/v1/query?query=1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert!(status == 403 || status == 400, "{host}: {status} {body}");
    }
    let (status, _) = server.raw("GET /api/v1/query?query=1 HTTP/1.0\r\n\r\n");
    assert_eq!(status, 403);
    is_alive(&server);
}

#[test]
fn what_is_no_request_is_refused() {
    let server = Server::start();
    for bytes in [
        "\r\n\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(200_000)),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(200_000)),
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n".to_owned(),
        "DELETE /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let (status, body) = server.raw(&bytes);
        assert!(status == 0 || status >= 400, "{bytes:.60}: {status} {body}");
    }
    // A body that cannot be read is not one that is too long.
    for chunks in ["5;\u{0}\nquery\r\n0\r\n\r\n", "x\r\n", "0\r\nA\r\n\r\n"] {
        let head = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked";
        let (status, body) = server.raw(&format!("{head}\r\n\r\n{chunks}"));
        assert_eq!(status, 400, "{chunks:?}: {body}");
    }
    let (status, body) = server.post("/api/v1/query", &format!("query={}", "a".repeat(2_000_000)));
    assert!(status == 413 || status == 0, "{status} {body}");
    is_alive(&server);
}

#[test]
fn queries_of_death_cost_their_caller_an_error() {
    let server = Server::start();
    let deep = format!("{}1{}", "(".repeat(40_000), ")".repeat(40_000));
    let minus = "-".repeat(90_000) + "1";
    let sum = "1+".repeat(40_000) + "1";
    let subqueries = format!("load{}", "[1h:1s]".repeat(9));
    for query in [
        deep.as_str(),
        &minus,
        &sum,
        &subqueries,
        "load{x=~\"((a{1000}){1000}){1000}\"}",
        "count_over_time(load[100y:1ms])",
        "max_over_time(max_over_time(max_over_time(load[30d:1ms])[30d:1ms])[30d:1ms])",
        "load[1e99]",
        "load @ 1e99",
        "load offset -1e300",
        &"a".repeat(200_000),
    ] {
        let (status, body) = server.post("/api/v1/query", &format!("query={}&timeout=5s", encoded(query)));
        assert!((400..=503).contains(&status), "{query:.60}: {status} {body:.200}");
    }
    is_alive(&server);
}

#[test]
fn labels_that_grow_are_refused() {
    let server = Server::start();
    let doubled = (0..40)
        .fold("label_replace(load,\"l\",\"aaaaaaaaaaaaaaaa\",\"\",\"\")".to_owned(), |query, _| {
            format!("label_replace({query},\"l\",\"$1$1\",\"l\",\"(.*)\")")
        });
    let long = format!("label_replace(load,\"l\",\"{}\",\"metric\",\".*\")", "$0".repeat(40_000));
    let joined = format!("label_join(load,\"l\",\"{}\",\"metric\",\"metric\")", "x".repeat(90_000));
    for query in [doubled, long, joined] {
        let (status, body) =
            server.post("/api/v1/query", &format!("query={}&time=1767226200", encoded(&query)));
        assert_eq!(status, 422, "{body:.200}");
        assert!(body.contains("the value of a label has more than 65536 bytes"), "{body:.200}");
    }
    is_alive(&server);
}

#[test]
fn bodies_that_never_come_hold_up_nobody() {
    let server = Server::start();
    let mut silent = Vec::new();
    for _ in 0..64 {
        let mut stream = server.connect();
        stream
            .write_all(b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
            .unwrap();
        silent.push(stream);
    }
    is_alive(&server);
    let mut answer = String::new();
    silent[0].read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn one_that_is_idle_gives_its_place_up() {
    let server = Server::start();
    let mut held: Vec<_> = (0..HTTP_CONNECTIONS_PER_CLIENT_MAX).map(|_| server.connect()).collect();
    assert_eq!(server.get("/-/healthy").0, 200);
    let mut nothing = String::new();
    held[0].read_to_string(&mut nothing).unwrap();
    assert_eq!(nothing, "", "the first was idle for the longest");
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let server = Server::start();
    let busy = || {
        let mut stream = server.connect();
        let head = b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head).unwrap();
        // The request has begun.
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100");
        stream
    };
    let held: Vec<_> = (0..HTTP_CONNECTIONS_PER_CLIENT_MAX).map(|_| busy()).collect();
    let mut further = server.connect();
    let mut answer = String::new();
    // It is closed without an answer; those before it are kept until their bodies take too long.
    let _ = further.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let _ = further.read_to_string(&mut answer);
    assert_eq!(answer, "");
    drop(held);
    wait_for("a place", || (server.get("/-/healthy").0 == 200).then_some(()));
    let (_, metrics) = server.get("/metrics");
    let refused =
        metrics.lines().find_map(|line| line.strip_prefix("custos_http_connections_refused_total "));
    assert!(refused.unwrap().parse::<u64>().unwrap() >= 1, "{metrics}");
}

#[test]
fn answers_that_nobody_reads_hold_up_nobody() {
    let server = Server::start();
    // 7 MB each; together more than is kept for clients that do not read.
    let wide = (0..60)
        .map(|n| format!("label_replace(load,\"n\",\"{n}\",\"\",\"\")"))
        .collect::<Vec<_>>()
        .join(" or ");
    let form = format!("query={}&start=1767225600&end=1767226200&step=0.12", encoded(&wide));
    let mut unread = Vec::new();
    for _ in 0..20 {
        let mut stream = server.connect();
        write!(
            stream,
            "POST /api/v1/query_range HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
        .unwrap();
        unread.push(stream);
    }
    is_alive(&server);
    let memory = server.memory_kib();
    assert!(memory < 1_200_000, "{memory} KiB");
}

#[test]
fn connections_that_say_nothing_hold_up_nobody() {
    let server = Server::start();
    let mut silent = Vec::new();
    for _ in 0..64 {
        let mut stream = server.connect();
        stream.write_all(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost:").unwrap();
        silent.push(stream);
    }
    is_alive(&server);
}

/// A text as the value of a form.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        })
        .collect()
}
