//! A process that writes is killed at a random moment; all that it acknowledged is there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use custos_store::{Options, Position, Reader, Run, Writer};

const DIR: &str = "CUSTOS_STORE_KILL_DIR";

fn run(n: u32) -> Run {
    Run {
        time_ms: i64::from(n),
        missed_slots: n,
        text: "some text to fill logs with".repeat(4),
        ..Run::default()
    }
}

/// Not a test of its own: the process that writes, and says after every batch how far it has got.
#[test]
fn writing_process() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = Path::new(&dir);
    let mut n =
        Reader::open(dir).map_or(0, |reader| reader.last("x").unwrap().map_or(0, |run| run.missed_slots + 1));
    let options = Options { log_bytes: 64 << 10, reserve_bytes: 0, ..Options::default() };
    let mut writer = Writer::open(dir, options).unwrap();
    let mut out = std::io::stdout();
    loop {
        let runs: Vec<Run> = (n..n + 1 + n % 9).map(run).collect();
        let batch: Vec<(&str, &Run)> = runs.iter().map(|run| ("x", run)).collect();
        writer.append(&batch).unwrap();
        n += batch.len() as u32;
        writeln!(out, "acknowledged {n}").unwrap();
    }
}

fn rounds(rounds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let mut acknowledged_before = 0;
    for round in 0..rounds {
        let mut child = Command::new(&program)
            .args(["--exact", "kill::writing_process", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = acknowledged_before;
        // A moment that differs each round, by what the process has done rather than by the clock.
        let mut left = 1 + round * 7919 % 400;
        for line in lines {
            let line = line.unwrap();
            if let Some(n) = line.strip_prefix("acknowledged ") {
                acknowledged = n.parse().unwrap();
                left = left.saturating_sub(1);
                if left == 0 {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let reader = Reader::open(dir.path()).unwrap();
        assert!(reader.damages().is_empty(), "{:?}", reader.damages());
        let mut next = 0;
        for arrived in reader.since(Position::START) {
            assert_eq!(arrived.unwrap().run, run(next));
            next += 1;
        }
        assert!(next >= acknowledged, "round {round}: {acknowledged} runs acknowledged, {next} found");
        acknowledged_before = next;
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let count = std::env::var("CUSTOS_KILL_ROUNDS").ok().and_then(|count| count.parse().ok()).unwrap_or(25);
    rounds(count);
}
