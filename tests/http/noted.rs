//! Notes that are written over HTTP, and who may read what history says.

use serde_json::Value;

use crate::client::Server;
use crate::stage::{Stage, custos, free_port, text};

const TOKEN: &str = "0123456789abcdef-token";

/// A server that asks for a token, over a store with one check.
fn guarded() -> Server {
    let stage = Stage::new();
    stage.write_secret("token", &format!("{TOKEN}\n"));
    let http = format!("http: {{ listen: '127.0.0.1:{}', tokens: token }}", free_port());
    stage.configure(&http, "  a: { command: /bin/true }\n");
    let run = |minute: i64| {
        let (time_ms, value) = (1_767_225_600_000_i64 + minute * 60_000, minute % 7);
        format!(
            r#"{{"check":"a","time_ms":{time_ms},"state":"OK","metrics":[{{"label":"m","value":{value}}}]}}"#
        ) + "\n"
    };
    stage.import(&(0..60).map(run).collect::<String>());
    Server::configured(stage)
}

/// Status and body of the answer to a request with a token, if there is one.
fn ask(server: &Server, method: &str, target: &str, token: Option<&str>, form: &str) -> (u16, String) {
    let shown = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    server.raw(&format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{shown}Content-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        server.address,
        form.len()
    ))
}

/// The notes about a check, or all.
fn notes(server: &Server, check: &str) -> Vec<Value> {
    let target = format!("/api/marks?start=0&end=9999999999{check}");
    let (status, body) = ask(server, "GET", &target, Some(TOKEN), "");
    assert_eq!(status, 200, "{body}");
    let marks: Value = serde_json::from_str(&body).unwrap();
    marks["notes"].as_array().unwrap().clone()
}

#[test]
fn what_history_says_takes_the_token_too() {
    let server = guarded();
    for path in ["similar", "normal", "forecast"] {
        let target = format!("/api/{path}?check=a&metric=m&start=1767225600&end=1767229200&limit=9");
        for token in [None, Some("another-token-0123456789")] {
            let (status, body) = ask(&server, "GET", &target, token, "");
            assert!(status == 401 && body.contains("takes a token"), "{path}: {status} {body}");
        }
        let (status, body) = ask(&server, "GET", &target, Some(TOKEN), "");
        assert_eq!(status, 200, "{path}: {body}");
    }
    let (status, _) = ask(&server, "POST", "/api/note", None, "text=it+was+I");
    assert_eq!((status, notes(&server, "").len()), (401, 0));
}

#[test]
fn a_note_is_written_as_it_was_sent() {
    let server = guarded();
    let write = |form: &str| ask(&server, "POST", "/api/note", Some(TOKEN), form);
    assert_eq!(
        write("text=%3Cb%3E%E2%80%AE+rolled+back&check=a&at=1767225700&author=kim"),
        (200, "{\"number\":1}".to_owned())
    );
    assert_eq!(write("text=of+the+machine&at=2026-01-01T00:01:00Z").1, "{\"number\":2}");
    let [note, of_machine] = &notes(&server, "&check=a")[..] else { panic!("{:?}", notes(&server, "")) };
    // It was told in the order of time, whatever came first.
    let (note, of_machine) = if note["number"] == 1 { (note, of_machine) } else { (of_machine, note) };
    assert_eq!((&note["text"], &note["author"]), (&"<b>\u{202e} rolled back".into(), &"kim".into()));
    assert_eq!((&note["time_ms"], &note["check"]), (&1_767_225_700_000_i64.into(), &"a".into()));
    assert_eq!((&of_machine["author"], &of_machine["check"]), (&"page".into(), &Value::Null));
    assert_eq!(of_machine["time_ms"], 1_767_225_660_000_i64);
    assert_eq!(notes(&server, "&check=other").len(), 1, "one is of the machine");
    // The commands tell it, too, and nothing in it steers a terminal.
    let store = server.stage.shown("store");
    let line =
        ["events", "--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T01:00:00Z", "--store", &store];
    let told = text(&custos(&line).output().unwrap().stdout);
    assert!(told.contains("<b>\\u{202e} rolled back"), "{told}");
}

#[test]
fn a_note_that_says_nothing_or_too_much_is_refused() {
    let server = guarded();
    let write = |form: &str| ask(&server, "POST", "/api/note", Some(TOKEN), form);
    let (long, longer) = ("x".repeat(400), "x".repeat(401));
    for (form, wrong) in [
        (String::new(), "a note without a text says nothing"),
        ("check=a".to_owned(), "a note without a text says nothing"),
        ("text=+%09+&check=a".to_owned(), "a note without a text says nothing"),
        (format!("text={longer}"), "it has more than 400 bytes"),
        (format!("text=a&author={}", "x".repeat(65)), "it has more than 64 bytes"),
        ("text=a&at=soon".to_owned(), "invalid time value for 'at'"),
        ("text=a&at=1e300".to_owned(), "invalid time value for 'at'"),
    ] {
        let (status, body) = write(&form);
        assert!(
            status == 400 && body.contains("bad_data") && body.contains(wrong),
            "{form}: {status} {body}"
        );
    }
    assert_eq!(notes(&server, "").len(), 0);
    assert_eq!(write(&format!("text={long}")).0, 200);
    // It is written, not read.
    let (status, _) = ask(&server, "GET", "/api/note?text=a", Some(TOKEN), "");
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(notes(&server, "").len(), 1);
}

#[test]
fn who_may_not_have_checks_run_writes_no_note() {
    // Without tokens and `open_watch` whoever may ask may read, and nobody may write.
    let server = Server::start();
    let (status, body) = server.post("/api/note", "text=it+was+I&at=1767225700");
    assert!(status == 403 && body.contains("takes a token"), "{status} {body}");
    let (_, marks) = server.get("/api/marks?start=0&end=9999999999");
    assert!(marks.contains("\"notes\":[]"), "{marks}");
}
