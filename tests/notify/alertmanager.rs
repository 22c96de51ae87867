//! Alertmanager 0.25 itself, one or two of them.

use std::process::{Command, Stdio};

use custos::notify::send::Taken;
use serde_json::Value;

use crate::bench::{Bench, listening, notification, resolved};
use crate::stage::{Running, Stage, free_port, text};

/// An Alertmanager that sends nothing to anybody.
pub(crate) fn start(stage: &Stage, port: u16) -> Running {
    stage.write("alertmanager.yml", "route: { receiver: none }\nreceivers: [{ name: none }]\n");
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", stage.shown("alertmanager.yml")))
        .arg(format!("--storage.path={}", stage.shown(&format!("alertmanager-{port}"))))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(stage.path("alertmanager.log")).unwrap());
    listening(Running::start(&mut command), port)
}

/// The alerts that fire, by their names, with labels and end.
pub(crate) fn firing(port: u16) -> Vec<Value> {
    let url = format!("http://127.0.0.1:{port}/api/v2/alerts?active=true");
    let asked = Command::new("curl").args(["-sS", "--fail", &url]).output().unwrap();
    assert!(asked.status.success(), "{}", text(&asked.stderr));
    let mut alerts: Vec<Value> = serde_json::from_slice(&asked.stdout).unwrap();
    alerts.sort_by_key(|alert| alert["labels"]["alertname"].to_string());
    alerts
}

pub(crate) fn names(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn alerts_fire_and_end_at_each_of_them() {
    let (mut bench, ports) = (Bench::set(), [free_port(), free_port()]);
    let target = format!(
        "{{ alertmanager: ['http://127.0.0.1:{}', 'http://127.0.0.1:{}/'], resend: 5s }}",
        ports[0], ports[1]
    );
    let mut both = notification(&["disk", "load"]);
    both.alerts[0].labels.insert("größe/a-b".into(), "\"\\\n\u{202e}".into());
    both.alerts[0].labels.insert("empty".into(), String::new());
    let one = start(&bench.stage, ports[0]);
    let half = bench.send(&target, &both).await;
    assert!(matches!(&half.alerts[..], [Taken::Later(_), Taken::Later(_)]), "{half:?}");
    assert_eq!(names(&firing(ports[0])), ["disk", "load"]);
    let _other = start(&bench.stage, ports[1]);
    assert!(bench.send(&target, &both).await.is_delivered());
    for port in ports {
        let alerts = firing(port);
        assert_eq!(names(&alerts), ["disk", "load"]);
        let labels = alerts[0]["labels"].as_object().unwrap();
        assert_eq!(labels["U__gr_f6__df_e_2f_a_2d_b"], "\"\\\n\u{202e}");
        assert!(!labels.contains_key("empty"));
        assert_eq!(alerts[0]["startsAt"], "2026-11-22T12:00:00.000Z");
    }
    // What it was told does not outlive it, and is told again.
    drop(one);
    let _one = start(&bench.stage, ports[0]);
    assert!(bench.send(&target, &both).await.is_delivered());
    assert_eq!(names(&firing(ports[0])), ["disk", "load"]);
    let mut over = resolved(both.clone());
    over.alerts.truncate(1);
    assert!(bench.send(&target, &over).await.is_delivered());
    for port in ports {
        assert_eq!(names(&firing(port)), ["load"]);
    }
    // Where the host is silent, and nothing says that it is over, it ends by itself: four times after the longest time in which a target
    // that failed is told again.
    let load = &firing(ports[0])[0];
    let time = |key: &str| load[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let lasts_s = time("endsAt").duration_since(time("updatedAt")).as_secs();
    assert!((200..=240).contains(&lasts_s), "{load}");
}

#[tokio::test]
async fn an_alert_that_is_refused_holds_up_no_other() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _one = start(&bench.stage, port);
    let mut both = notification(&["disk", "load"]);
    both.alerts[0].labels = [("alertname".to_owned(), String::new())].into();
    let target = format!("{{ alertmanager: 'http://127.0.0.1:{port}' }}");
    let receipt = bench.send(&target, &both).await;
    let [Taken::Refused(why), Taken::Delivered] = &receipt.alerts[..] else { panic!("{receipt:?}") };
    assert!(why.contains("at least one label pair required"), "{why}");
    assert_eq!(names(&firing(port)), ["load"]);
}

#[tokio::test]
async fn a_fingerprint_is_alertmanagers() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _one = start(&bench.stage, port);
    let disk = notification(&["disk"]);
    let target = format!("{{ alertmanager: 'http://127.0.0.1:{port}' }}");
    assert!(bench.send(&target, &disk).await.is_delivered());
    let expected = custos::notify::send::fingerprint(&disk.alerts[0].labels);
    assert_eq!(firing(port)[0]["fingerprint"], expected);
}
