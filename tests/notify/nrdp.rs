//! Passive results by NRDP.

use crate::bench::{Bench, later, notification};
use crate::stage::free_port;

#[tokio::test]
async fn nrdp_gets_one_form_with_all_results() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _receiver = bench.receiver(port, &["200", "nrdp"], &[]);
    let token = bench.secret("token", "se&same");
    let target = format!("{{ nrdp: {{ url: 'http://127.0.0.1:{port}/nrdp/', token: {token} }} }}");
    let both = notification(&["disk", "load"]);
    let unsure = bench.send(&target, &notification(&["disk"])).await;
    assert_eq!(later(&unsure), "NRDP has not taken it: thank you");
    assert!(bench.send(&target, &both).await.is_delivered());
    let request = &bench.received()[1];
    assert_eq!(request["headers"]["content-type"], "application/x-www-form-urlencoded");
    let body = request["body"].as_str().unwrap();
    assert!(body.starts_with("token=se%26same&cmd=submitcheck&XMLDATA=%3C%3Fxml"), "{body}");
    assert_eq!(body.matches("%3Ccheckresult+type").count(), 2);
    assert!(body.contains("%26lt%3Bb%26gt%3B%22full%22"), "{body}");
}
