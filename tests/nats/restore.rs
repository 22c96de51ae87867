//! A store that is rebuilt from its stream exports what the original exports, byte for byte; a stream that is not whole is told of.

use std::path::Path;
use std::process::Output;

use custos::feed::nats::{Client, HostStream, Stream, subject_of};
use custos_store::{
    Bundle, Instance, Instances, Metric, Options, Position, Provenance, Reader, Reason, Run, Standing, State,
    Value, Writer,
};

use crate::server::{Server, programs, runtime};
use crate::stage::{custos, text};

fn run(n: u64) -> Run {
    let mut metric = Metric::new("used", Value::Float(n as f64 / 10.0));
    metric.unit = "B".to_owned();
    metric.max = Some(1e12);
    let seen = Instances::new(vec![Instance::new(vec![("row".to_owned(), (n / 7).to_string())])]).unwrap();
    Run {
        // Times repeat, and go back at times.
        time_ms: 1_700_000_000_000 + (n / 2) as i64 * 1000 - (n % 11) as i64,
        duration_us: n,
        lateness_us: Some(n),
        state: State::ALL[n as usize % 4],
        reason: if n.is_multiple_of(13) { Reason::Timeout } else { Reason::Exited },
        exit_code: (!n.is_multiple_of(13)).then_some(n as u8 % 4),
        standing: Standing { attempt: n as u32 % 3, since_ms: n as i64, hard: true, ..Standing::default() },
        text: format!("{n} bytes | are <used>"),
        stderr: if n.is_multiple_of(5) { "warning\nmore".to_owned() } else { String::new() },
        metrics: vec![metric, Metric::new("count", Value::Integer(i64::MAX - n as i64))],
        instances: if n.is_multiple_of(3) { seen } else { Instances::default() },
        provenance: if n.is_multiple_of(4) { Provenance::Asked } else { Provenance::Scheduled },
        imported: n.is_multiple_of(17),
        ..Run::default()
    }
}

fn make(dir: &Path) {
    let mut writer = Writer::open(dir, Options::default()).unwrap();
    for n in 0..400 {
        writer.append(&[(["disk /", "load", "web"][n as usize % 3], &run(n))]).unwrap();
    }
    writer.close().unwrap();
}

fn export(dir: &Path) -> Output {
    let output = custos(&["store", "export", dir.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

/// Sends the store: what was there at first check by check, the rest in order of arrival, as catching up does.
async fn send(client: &mut Client, dir: &Path, host: &str) {
    let stream = Stream::new("CUSTOS", None).unwrap();
    stream.find_or_make(client, &["custos.>"]).await.unwrap();
    let (mut sending, _) = HostStream::resume(client, &stream, &subject_of("lab", host)).await.unwrap();
    let reader = Reader::open(dir).unwrap();
    let arrived: Vec<_> = reader.since(Position::START).map(Result::unwrap).collect();
    let (early, live) = arrived.split_at(250);
    let mut early: Vec<_> = early.iter().collect();
    early.sort_by_key(|one| (one.check.clone(), one.position));
    let mut bundle = Bundle::default();
    let all: Vec<_> = early.into_iter().chain(live).collect();
    for some in all.chunks(60) {
        some.iter().for_each(|one| bundle.add(&one.check, one.position.0, &one.run));
        sending.send(client, &[], &bundle.finish().unwrap()).await.unwrap();
    }
}

#[test]
fn a_restored_store_exports_the_same_bytes() {
    for program in programs() {
        let server = Server::start(&program, "");
        let directory = tempfile::tempdir().unwrap();
        let (original, restored) = (directory.path().join("original"), directory.path().join("restored"));
        make(&original);
        runtime().block_on(async {
            let mut client = server.client().await;
            send(&mut client, &original, "web.example").await;
        });
        let import = |arguments: &[&str]| {
            let url = server.url("CUSTOS");
            let mut all = vec!["store", "import", restored.to_str().unwrap(), "--from", &url];
            all.extend(arguments);
            custos(&all).output().unwrap()
        };
        let output = import(&[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(
            text(&output.stdout),
            "400 runs added, 0 there already\n7 messages, the first is number 1 of the stream, the last 7\n\
             none is missing between them, none is doubled, none was changed\n"
        );
        assert!(export(&original).stdout == export(&restored).stdout, "the exports differ");
        // Again it adds nothing.
        assert!(text(&import(&[]).stdout).starts_with("0 runs added, 400 there already\n"));
        assert!(export(&original).stdout == export(&restored).stdout, "the exports differ");

        runtime().block_on(async {
            let mut client = server.client().await;
            send(&mut client, &original, "other").await;
        });
        let several = import(&[]);
        assert!(text(&several.stderr).contains("--site lab --host web.example"), "{}", text(&several.stderr));
        assert!(import(&["--host", "other"]).status.success());
        let nothing = import(&["--host", "nobody"]);
        assert!(text(&nothing.stderr).contains("it has nothing of such a host"), "{}", text(&nothing.stderr));
    }
}

#[test]
fn a_stream_that_lacks_a_message_is_restored_as_far_as_it_goes_and_told_of() {
    let server = Server::start(&programs()[0], "");
    let directory = tempfile::tempdir().unwrap();
    let (original, restored) = (directory.path().join("original"), directory.path().join("restored"));
    make(&original);
    runtime().block_on(async {
        let mut client = server.client().await;
        send(&mut client, &original, "a").await;
        let deleted = client.request("$JS.API.STREAM.MSG.DELETE.CUSTOS", &[], br#"{"seq":3}"#).await.unwrap();
        assert!(text(&deleted.payload).contains("\"success\":true"));
    });
    let url = server.url("CUSTOS");
    let output = custos(&["store", "import", restored.to_str().unwrap(), "--from", &url]).output().unwrap();
    assert!(!output.status.success());
    assert!(text(&output.stdout).starts_with("340 runs added"), "{}", text(&output.stdout));
    let message = "message 4: it does not follow the message before it";
    assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
}
