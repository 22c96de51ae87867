//! Mail: to a server by SMTP, with STARTTLS and a login, and to `sendmail`.

use std::process::{Command, Stdio};

use custos::clock::now_ms;
use custos_store::{Metric, Options, Run, State, Value as MetricValue, Writer};
use serde_json::Value;

use crate::bench::{Bench, later, listening, notification, refused, resolved};
use crate::stage::{Running, free_port};

/// A mail server with these options.
fn start(bench: &Bench, port: u16, options: &[&str]) -> Running {
    let python = std::env::var("CUSTOS_PYTHON").unwrap_or_else(|_| {
        panic!(
            "this test runs a mail server in the Python that CUSTOS_PYTHON names (scripts/python makes it)"
        )
    });
    let mut command = Command::new(python);
    command.arg("tests/notify/mail_server.py").arg(port.to_string()).arg(bench.stage.path("log"));
    listening(Running::start(command.args(options).stdin(Stdio::null())), port)
}

/// An hour of a disk that fills, and has failed now.
fn fill_store(bench: &Bench, now_ms: i64) {
    let mut writer = Writer::open(&bench.stage.path("store"), Options::default()).unwrap();
    for minute in -60..=0 {
        let value = 97.0 + f64::from(minute) / 2.0;
        let metric = Metric {
            unit: "%".into(),
            printed_unit: "%".into(),
            ..Metric::new("/", MetricValue::from(value))
        };
        let state = if minute == 0 { State::Critical } else { State::Ok };
        let run = Run {
            time_ms: now_ms + i64::from(minute) * 60_000,
            state,
            metrics: vec![metric],
            ..Run::default()
        };
        writer.append(&[("disk", &run)]).unwrap();
    }
}

#[tokio::test]
async fn a_mail_arrives_over_tls_with_a_login_and_a_graph() {
    let (mut bench, port) = (Bench::set(), free_port());
    let now_ms = now_ms();
    fill_store(&bench, now_ms);
    let [certificate, key] = bench.certificate("DNS:localhost,IP:127.0.0.1");
    let _server = start(&bench, port, &["--tls", &certificate, &key, "--user", "web1", "pass word"]);
    let password = bench.secret("password", "pass word");
    let target = format!(
        "{{ email: {{ to: [ops@example.org, night@example.org], smtp: '127.0.0.1:{port}', ca: {certificate}, user: web1, \
         password: {password} }}, graph: ascii }}"
    );
    let mut disk = notification(&["disk"]);
    disk.alerts[0].started_ms = now_ms;
    disk.alerts[0].annotations.insert("note".into(), "größer\r\nBcc: evil@example.org\r\n\r\n.\r\n".into());
    assert_eq!(bench.send(&target, &disk).await.why(), None);
    let mut over = resolved(disk);
    over.alerts[0].ended_ms = Some(now_ms + 60_000);
    assert_eq!(bench.send(&target, &over).await.why(), None);
    let [first, other, second, _] = &bench.received()[..] else { panic!() };
    assert_eq!(
        (&first["from"], &first["tls"], &first["user"]),
        (&"custos@web".into(), &true.into(), &"web1".into())
    );
    assert_eq!(first["to"], serde_json::json!(["ops@example.org"]));
    assert_eq!(other["to"], serde_json::json!(["night@example.org"]));
    let headers = first["headers"].as_object().unwrap();
    assert_eq!(headers["Subject"], "CRITICAL: web disk: disk is bad");
    assert_eq!(headers["Auto-Submitted"], "auto-generated");
    assert!(!headers.contains_key("Bcc"));
    assert_eq!(first["defects"], Value::Array(Vec::new()));
    let text = first["text"].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.starts_with("CRITICAL: disk on web\nCRITICAL - 97% <b>\"full\"</b>\nSince "), "{text}");
    assert!(text.contains("\nnote: größer\nBcc: evil@example.org\n\n.\n"), "{text}");
    assert!(text.contains("\nThe first time in 7 days.\n"), "{text}");
    assert!(text.contains("\ndisk:/  min 67%  ") && text.contains("  last 97%"), "{text}");
    assert_eq!(first["attachments"][0][0], "graph.svg");
    assert!(first["attachments"][0][2].as_str().unwrap().starts_with("<svg "));
    // Both belong to one thread, and are two mails.
    assert_eq!(headers["References"], second["headers"]["References"]);
    assert_eq!(second["headers"]["Subject"], "RECOVERED: web disk");
}

#[tokio::test]
async fn a_mail_server_is_who_it_should_be_or_is_told_nothing() {
    let (mut bench, port) = (Bench::set(), free_port());
    let password = bench.secret("password", "right");
    let other = bench.secret("other", "wrong");
    let [certificate, key] = bench.certificate("IP:127.0.0.1");
    let target = |more: &str| {
        format!("{{ email: {{ to: ops@example.org, smtp: '127.0.0.1:{port}', user: web1, {more} }} }}")
    };
    let disk = notification(&["disk"]);
    let trusted = format!("ca: {certificate}, password: {password}");
    assert!(later(&bench.send(&target(&trusted), &disk).await).ends_with("Connection refused"));
    let server = start(&bench, port, &["--tls", &certificate, &key, "--user", "web1", "right"]);
    let unknown = bench.send(&target(&format!("password: {password}")), &disk).await;
    assert!(later(&unknown).contains("its certificate is not accepted"), "{unknown:?}");
    let denied = bench.send(&target(&format!("ca: {certificate}, password: {other}")), &disk).await;
    assert!(later(&denied).starts_with("the mail server answered 535 to AUTH PLAIN"), "{denied:?}");
    assert!(bench.send(&target(&trusted), &disk).await.is_delivered());
    drop(server);
    let _server = start(&bench, port, &[]);
    let open = bench.send(&target(&trusted), &disk).await;
    assert_eq!(later(&open), "the mail server does not offer STARTTLS");
    assert_eq!(bench.received().len(), 1);
}

#[tokio::test]
async fn a_recipient_that_is_refused_holds_up_no_other() {
    let (mut bench, port) = (Bench::set(), free_port());
    let _server = start(&bench, port, &["--refuse", "gone@example.org", "550"]);
    let target = |to: &str| format!("{{ email: {{ to: {to}, smtp: '127.0.0.1:{port}', tls: none }} }}");
    let disk = notification(&["disk"]);
    let to_both = bench.send(&target("[gone@example.org, ops@example.org]"), &disk).await;
    assert!(refused(&to_both).starts_with("the mail server answered 550 to RCPT"), "{to_both:?}");
    assert_eq!(bench.received()[0]["to"], serde_json::json!(["ops@example.org"]));
    let gone = bench.send(&target("gone@example.org"), &disk).await;
    assert!(refused(&gone).starts_with("the mail server answered 550 to RCPT"), "{gone:?}");
}

#[tokio::test]
async fn sendmail_gets_a_mail_at_its_stdin() {
    let mut bench = Bench::set();
    let (out, disk) = (bench.stage.shown("out"), notification(&["disk"]));
    let sendmail = bench.stage.plugin("sendmail", &format!("echo \"$*\" >{out}\ncat >>{out}\n"));
    let target =
        |path: &str| format!("{{ email: {{ to: [ops@example.org], from: a@b.example, sendmail: {path} }} }}");
    assert!(bench.send(&target(&sendmail.display().to_string()), &disk).await.is_delivered());
    let mail = std::fs::read_to_string(&out).unwrap();
    assert!(mail.starts_with("-t -i\nDate: ") && !mail.contains('\r'), "{mail}");
    assert!(mail.contains("\nFrom: a@b.example\nTo: ops@example.org\nSubject: CRITICAL: web disk"), "{mail}");
    let full = bench.stage.plugin("full", "cat >/dev/null; echo 'queue file write error' >&2; exit 75\n");
    let receipt = bench.send(&target(&full.display().to_string()), &disk).await;
    assert_eq!(later(&receipt), "the command exited with 75: queue file write error");
}
