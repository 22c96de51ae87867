//! Streams of runs: consumers and the agent are killed, and each run is had once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::stage::{PROGRAM, Random, Stage, text, wait_for};

/// Stores lines by their positions, as a consumer should.
#[derive(Default)]
struct Consumer {
    stored: BTreeMap<u64, String>,
    again: u64,
}

fn position(line: &str) -> u64 {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["position"].as_u64().unwrap()
}

impl Consumer {
    fn store(&mut self, line: &str) -> u64 {
        let position = position(line);
        match self.stored.insert(position, line.to_owned()) {
            None => {}
            Some(before) => {
                assert_eq!(before, line, "another run has the position");
                self.again += 1;
            }
        }
        position
    }

    /// Reads some lines, acknowledges most of them, and kills the stream.
    fn take(&mut self, stage: &Stage, lines: u64, dice: &mut Random) {
        let mut command = stage.command(&["stream", "--cursor", "copy", "--ack", "--follow"]);
        let mut stream = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut acks, out) = (stream.stdin.take().unwrap(), stream.stdout.take().unwrap());
        for line in BufReader::new(out).lines().take(lines as usize) {
            let position = self.store(&line.unwrap());
            if dice.below(4) > 0 {
                writeln!(acks, "{position}").unwrap();
            }
        }
        if dice.below(2) == 0 {
            // It ends by itself, and writes what was acknowledged.
            drop(acks);
        } else {
            stream.kill().unwrap();
        }
        stream.wait().unwrap();
    }

    /// Reads and acknowledges all that there is.
    fn drain(&mut self, stage: &Stage) {
        let mut command = stage.command(&["stream", "--cursor", "copy", "--ack"]);
        let mut stream = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut acks, out) = (stream.stdin.take().unwrap(), stream.stdout.take().unwrap());
        for line in BufReader::new(out).lines() {
            writeln!(acks, "{}", self.store(&line.unwrap())).unwrap();
        }
        assert!(stream.wait().unwrap().success());
    }
}

const CHECKS: &str = r#"  a: { command: "/bin/echo 'OK | x=1'", check_interval: 100ms }
  b: { command: "/bin/echo 'OK | y=2 z=3'", check_interval: 100ms }
  c: { command: "/bin/echo WARNING", check_interval: 200ms }
"#;

#[test]
fn over_kills_of_consumer_and_agent_no_run_is_missing_and_none_is_another() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let (mut agent, mut consumer, mut dice) = (Some(stage.start()), Consumer::default(), Random(7));
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    for _ in 0..12 {
        consumer.take(&stage, 1 + dice.below(30), &mut dice);
        if dice.below(3) == 0 {
            agent.take().unwrap().kill();
            agent = Some(stage.start());
        }
    }
    agent.take().unwrap().end();
    consumer.drain(&stage);
    let all = text(&stage.custos(&["stream"]).stdout);
    let all: BTreeMap<u64, String> = all.lines().map(|line| (position(line), line.to_owned())).collect();
    assert!(all.len() > 50);
    assert_eq!(consumer.stored, all);
    // There is nothing left.
    let left = stage.custos(&["stream", "--cursor", "copy"]);
    assert_eq!((left.status.code(), text(&left.stdout)), (Some(0), String::new()));
    let cursors = text(&stage.custos(&["store", "cursors", "--json"]).stdout);
    assert!(cursors.contains("\"cursor\":\"copy\"") && cursors.contains("\"runs\":0"), "{cursors}");
    // Metrics and checks are narrowed, and a reader that has seen enough is no failure.
    let samples = text(&stage.custos(&["stream", "b:z", "--samples", "--from", "start"]).stdout);
    assert!(samples.lines().count() > 5, "{samples}");
    assert!(samples.lines().all(|line| line.contains("\"metric\":\"z\"") && line.contains("\"value\":3")));
}

#[test]
fn a_second_custos_takes_a_stream_in_and_answers_what_it_has() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let agent = stage.start();
    stage.runs("a", 20);
    agent.end();
    let copy = stage.shown("copy");
    let acks = stage.shown("acks");
    let program = PROGRAM;
    let config = stage.shown("custos.yaml");
    let script = format!(
        "test -p {acks} || mkfifo {acks}; {program} stream --config {config} --cursor copy --ack <{acks} \
         | {program} store import {copy} --follow >{acks}"
    );
    let pump = || std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    let first = text(&pump().stderr);
    assert!(first.contains("0 there already"), "{first}");
    // What was taken in was acknowledged; from the beginning again it doubles nothing.
    let second = text(&pump().stderr);
    assert!(second.contains("0 runs added, 0 there already"), "{second}");
    assert!(stage.custos(&["store", "cursors", "--remove", "copy"]).status.success());
    let third = text(&pump().stderr);
    assert!(third.contains("0 runs added") && !third.contains(" 0 there already"), "{third}");
    let one = text(&stage.custos(&["store", "export"]).stdout);
    let other = text(&stage.custos(&["store", "export", &copy]).stdout);
    assert!(one.lines().count() > 40);
    assert_eq!(one, other);
}

/// The frames of a stream, each with the numbers of its runs.
fn frames(mut bytes: &[u8]) -> Vec<(u64, Vec<u64>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let frame = custos_store::read_framed(bytes).unwrap();
        let runs = custos_store::read_bundle(frame.payload).unwrap();
        all.push((frame.position.0, runs.iter().map(|run| run.number).collect()));
        bytes = frame.rest;
    }
    all
}

#[test]
fn frames_have_the_runs_of_the_lines_and_are_acknowledged_by_their_positions() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let agent = stage.start();
    stage.runs("a", 20);
    agent.end();
    let lines = text(&stage.custos(&["stream"]).stdout);
    let numbers: Vec<u64> = lines.lines().map(|line| position(line) - 1).collect();
    let all = frames(&stage.custos(&["stream", "--frames"]).stdout);
    assert_eq!(all.iter().flat_map(|(_, runs)| runs.clone()).collect::<Vec<_>>(), numbers);
    assert!(all.iter().all(|(position, runs)| runs.last() == Some(&(position - 1))));
    let of_one = frames(&stage.custos(&["stream", "--frames", "c"]).stdout);
    let of_one: usize = of_one.iter().map(|(_, runs)| runs.len()).sum();
    assert!(0 < of_one && of_one < numbers.len());
    let mut stream = stage.command(&["stream", "--frames", "--cursor", "copy", "--ack"]);
    let mut stream = stream.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut acks = stream.stdin.take().unwrap();
    for (position, _) in &all {
        writeln!(acks, "{position}").unwrap();
    }
    let written = stream.wait_with_output().unwrap();
    assert!(written.status.success());
    assert_eq!(frames(&written.stdout), all);
    drop(acks);
    assert!(stage.custos(&["stream", "--frames", "--cursor", "copy"]).stdout.is_empty());
}

#[test]
fn the_cursor_of_a_sink_is_not_moved_by_others() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/true }\n");
    let agent = stage.start();
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    let refused = stage.custos(&["stream", "--cursor", "sink-x", "--ack"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("sink-x is the cursor of a sink"), "{}", text(&refused.stderr));
    let store = stage.path("store");
    let removed = stage.custos(&["store", "cursors", store.to_str().unwrap(), "--remove", "sink-x"]);
    assert!(text(&removed.stderr).contains("stop it first"), "{}", text(&removed.stderr));
    agent.end();
}

#[test]
fn lines_without_an_end_and_positions_beyond_the_end_are_refused_with_words() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: \"/bin/echo 'OK | x=1'\", check_interval: 100ms }\n");
    let agent = stage.start();
    stage.runs("a", 3);
    let endless = |arguments: &[&str]| {
        let mut child = stage
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        std::thread::spawn(move || while input.write_all(&[b'x'; 64 * 1024]).is_ok() {});
        let ended = child.wait_with_output().unwrap();
        (ended.status.code(), text(&ended.stderr))
    };
    let stream = stage
        .command(&["stream", "--cursor", "c", "--ack", "--follow"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut stream = stream.unwrap();
    writeln!(stream.stdin.take().unwrap(), "{}", "1".repeat(1000)).unwrap();
    let ended = stream.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("a line has more than 64 bytes"), "{}", text(&ended.stderr));
    agent.end();
    let other = stage.shown("other");
    for arguments in [&["store", "import", &other][..], &["store", "import", &other, "--follow"]] {
        let (status, said) = endless(arguments);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("it has more than 67108864 bytes"), "{said}");
    }
    let beyond = stage.custos(&["stream", "--from", "999999999999"]);
    assert_eq!(beyond.status.code(), Some(1));
    assert!(text(&beyond.stderr).contains("the store ends at"), "{}", text(&beyond.stderr));
}
