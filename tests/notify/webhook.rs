//! A webhook whose receiver is down, slow, broken, moved, or somebody else.

use serde_json::Value;

use crate::bench::{Bench, later, notification, refused, resolved};
use crate::stage::free_port;

#[tokio::test]
async fn a_webhook_gets_the_body_of_alertmanager() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _receiver = bench.receiver(port, &["200"], &[]);
    let token = bench.secret("token", "sesame\n");
    let target = format!("{{ webhook: 'http://127.0.0.1:{port}/hook?a=b', token: {token} }}");
    assert!(bench.send(&target, &notification(&["disk", "load"])).await.is_delivered());
    assert!(bench.send(&target, &resolved(notification(&["disk"]))).await.is_delivered());
    let [first, second] = &bench.received()[..] else { panic!() };
    assert_eq!(first["path"], "/hook?a=b");
    assert_eq!(first["headers"]["content-type"], "application/json");
    assert_eq!(first["headers"]["authorization"], "Bearer sesame");
    let body: Value = serde_json::from_str(first["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&body["version"], &body["status"], &body["receiver"]),
        (&"4".into(), &"firing".into(), &"it".into())
    );
    assert_eq!(body["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(body["commonLabels"]["host"], "web");
    assert_eq!(body["subject"], "2 CRITICAL: web disk, load");
    let body: Value = serde_json::from_str(second["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&body["status"], &body["alerts"][0]["endsAt"]),
        (&"resolved".into(), &"2026-11-22T12:01:00Z".into())
    );
}

#[tokio::test]
async fn what_a_receiver_does_wrong_is_told_from_what_it_refuses() {
    let (mut bench, port) = (Bench::set(), free_port());
    let target = format!("{{ webhook: 'http://127.0.0.1:{port}/' }}");
    let disk = notification(&["disk"]);
    let down = bench.send(&target, &disk).await;
    assert_eq!(later(&down), format!("failed to connect to 127.0.0.1 port {port}: Connection refused"));
    let receiver = bench.receiver(port, &["503", "302", "close", "huge", "400", "204"], &[]);
    let why = later(&bench.send(&target, &disk).await).to_owned();
    assert_eq!(why, "the answer was 503 Service Unavailable: thank you");
    let moved = bench.send(&target, &disk).await;
    assert_eq!(later(&moved), "the answer was 302 Found: thank you");
    assert!(later(&bench.send(&target, &disk).await).starts_with("failed to ask http://127.0.0.1:"));
    let huge = bench.send(&target, &disk).await;
    assert_eq!(later(&huge), format!("the answer was 500 Internal Server Error: {}", "x".repeat(200)));
    assert_eq!(refused(&bench.send(&target, &disk).await), "the answer was 400 Bad Request: thank you");
    assert!(bench.send(&target, &disk).await.is_delivered());
    let paths: Vec<Value> = bench.received().iter().map(|request| request["path"].clone()).collect();
    assert_eq!(paths, ["/"; 6], "a redirect was followed");
    drop(receiver);
    assert!(later(&bench.send(&target, &disk).await).contains("Connection refused"));
}

/// The clock runs as fast as nothing happens.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_is_given_up() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _receiver = bench.receiver(port, &["hang"], &[]);
    let target = format!("{{ webhook: 'http://127.0.0.1:{port}/' }}");
    let slow = bench.send(&target, &notification(&["disk"])).await;
    assert_eq!(later(&slow), format!("http://127.0.0.1:{port} has not answered within 30 s"));
}

#[tokio::test]
async fn a_receiver_is_who_its_certificate_says() {
    let (mut bench, port) = (Bench::set(), free_port());
    let [certificate, key] = bench.certificate("IP:127.0.0.1");
    let _receiver = bench.receiver(port, &["200"], &["--tls", &certificate, &key]);
    let password = bench.secret("password", "pw");
    let disk = notification(&["disk"]);
    let known = format!(
        "{{ webhook: 'https://127.0.0.1:{port}/', ca: {certificate}, user: me, password: {password} }}"
    );
    assert!(bench.send(&known, &disk).await.is_delivered());
    assert_eq!(bench.received()[0]["headers"]["authorization"], "Basic bWU6cHc=");
    let unknown = bench.send(&format!("{{ webhook: 'https://127.0.0.1:{port}/' }}"), &disk).await;
    let expected =
        "failed to begin TLS with 127.0.0.1: its certificate is not accepted: self-signed certificate";
    assert_eq!(later(&unknown), expected);
    let other = format!("{{ webhook: 'https://localhost:{port}/', ca: {certificate} }}");
    let other = bench.send(&other, &disk).await;
    assert!(later(&other).contains("its certificate is not accepted: hostname mismatch"), "{other:?}");
    assert_eq!(bench.received().len(), 1);
}
