//! `/metrics`, read by Prometheus itself and by its linter.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::client::Server;
use crate::stage::{Daemon, Stage, free_port, text, wait_for};

/// Feeds Prometheus' linter; returns what it says.
fn linted(metrics: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut linter = command.spawn().unwrap();
    linter.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = linter.wait_with_output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn the_linter_of_prometheus_finds_nothing() {
    let server = Server::start();
    let (status, body) = server.get("/metrics");
    assert_eq!(status, 200);
    assert_eq!(linted(&body), "", "{body}");
    assert!(body.contains("custos_up 0\n"), "{body}");
    let open = server.raw(&format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n",
        server.address
    ));
    assert!(
        open.1.contains("# UNIT custos_store_size_bytes bytes\n") && open.1.ends_with("# EOF\n"),
        "{}",
        open.1
    );
    assert!(
        open.1.contains("custos_http_requests_total{handler=\"metrics\",code=\"200\"} 1\n"),
        "{}",
        open.1
    );
}

#[test]
fn prometheus_scrapes_the_figures_and_the_newest_values() {
    let (stage, port, peer_port) = (Stage::new(), free_port(), free_port());
    stage.configure(
        &format!("host: web1\nhttp: {{ listen: '127.0.0.1:{port}' }}"),
        "  'disk /': { command: \"/bin/echo 'OK | used=7;;;; größe=5MB'\", check_interval: 1s }\n",
    );
    let _agent = stage.start();
    stage.write(
        "prometheus.yml",
        &format!(
            "scrape_configs:\n- job_name: custos\n  scrape_interval: 1s\n  params: {{checks: ['']}}\n  static_configs: \
             [{{targets: ['127.0.0.1:{port}']}}]\n"
        ),
    );
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", stage.shown("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", stage.shown("tsdb")))
        .arg(format!("--web.listen-address=127.0.0.1:{peer_port}"));
    let _peer = Daemon::start(&mut command, &stage.path("prometheus.log"));
    let asked = |query: &str| {
        let url = format!("http://127.0.0.1:{peer_port}");
        let output = Command::new("promtool").args(["query", "instant", &url, query]).output().unwrap();
        text(&output.stdout)
    };
    for (query, expected) in [
        ("up{job='custos'} == 1", "=> 1 @"),
        ("custos_up == 1", "=> 1 @"),
        ("disk__{check='disk /',metric='used'}", "=> 7 @"),
        ("disk__{check='disk /',metric='größe'}", "=> 5000000 @"),
        ("check_state{check='disk /',host='web1'}", "=> 0 @"),
        ("custos_checks{state='ok'} > 0", "=> 2 @"),
        ("custos_runs_stored_total > 1", "custos_runs_stored_total{"),
        ("custos_http_request_duration_seconds_count{handler='metrics'} > 0", "handler=\"metrics\""),
    ] {
        wait_for(query, || asked(query).contains(expected).then_some(()));
    }
}
