//! `vmalert`, of Debian's VictoriaMetrics, which evaluates rules by queries over HTTP.

use std::process::Command;

use serde_json::Value;

use crate::server::{Server, get};
use crate::stage::{Daemon, free_port, wait_for};

const RULES: &str = "\
groups:
  - name: host
    interval: 1s
    rules:
      - alert: NotOk
        expr: check_state > 0
        labels: { severity: page }
        annotations: { summary: '{{ $labels.check }} is {{ $value }}' }
      - alert: Busy
        expr: load{metric=\"load1\"} > 100
      - alert: NoSuchCheck
        expr: absent({check=\"nowhere\"})
";

/// Fails unless what has to fire does, with these options of vmalert beside the usual ones.
fn fires(server: &Server, options: &[String]) {
    let rules = server.stage.write("rules.yaml", RULES);
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new("vmalert");
    command
        .arg(format!("-rule={}", rules.display()))
        .arg(format!("-datasource.url={}", server.url))
        // What fired before it was started, it asks for there.
        .arg(format!("-remoteRead.url={}", server.url))
        // Nobody is told.
        .arg(format!("-notifier.url=http://127.0.0.1:{}", free_port()))
        .arg(format!("-httpListenAddr={address}"))
        .args(options);
    let daemon = Daemon::start(&mut command, &server.stage.path("vmalert.log"));
    let firing = wait_for("alerts that fire", || {
        let (_, body) = get(&address, "/api/v1/alerts")?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        let alerts = answer["data"]["alerts"].as_array()?;
        let mut firing: Vec<String> =
            alerts.iter().filter(|alert| alert["state"] == "firing").map(shown).collect();
        firing.sort();
        (firing.len() > 1).then_some(firing)
    });
    assert_eq!(firing, [r#""NoSuchCheck" "nowhere" null"#, r#""NotOk" "load" "load is 1""#]);
    let log = daemon.log();
    assert!(!log.contains("failed to execute") && !log.contains("failed to restore"), "{log}");
}

fn shown(alert: &Value) -> String {
    format!("{} {} {}", alert["name"], alert["labels"]["check"], alert["annotations"]["summary"])
}

#[test]
fn vmalert_evaluates_rules_by_what_is_stored() {
    fires(&Server::start(), &[]);
}

#[test]
fn vmalert_asks_over_tls_with_a_token() {
    let guarded = Server::guarded();
    let options = ["datasource", "remoteRead"].map(|who| {
        [
            format!("-{who}.tlsCAFile={}", guarded.authority),
            format!("-{who}.bearerTokenFile={}", guarded.token),
        ]
    });
    fires(&guarded.server, &options.concat());
}
