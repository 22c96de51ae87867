//! Checks that are watched: run more often meanwhile, shown as it happens, and as they were when nobody looks any more.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::stage::{PATIENCE, Stage, text, wait_for};

/// `custos stream --watch`, and the lines that it writes.
struct Watcher {
    child: Child,
    lines: Receiver<Value>,
}

impl Watcher {
    fn start(stage: &Stage, arguments: &[&str]) -> Watcher {
        let mut command = stage.command(&[&["stream", "--watch"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (out, (sender, lines)) = (child.stdout.take().unwrap(), channel());
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Watcher { child, lines }
    }

    /// Waits for a line with this key.
    fn next(&self, key: &str) -> Value {
        loop {
            let mut line: Value = self.lines.recv_timeout(PATIENCE).unwrap();
            if line[key] != Value::Null {
                return line[key].take();
            }
        }
    }

    /// Waits for so many runs that were made because of watching, and returns their times.
    fn clones(&self, count: usize) -> Vec<i64> {
        let runs = std::iter::repeat_with(|| self.next("run"));
        let clones = runs.filter(|run| run["provenance"] == "watched");
        clones.take(count).map(|run| run["time_ms"].as_i64().unwrap()).collect()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CHECKS: &str = r#"  a: { command: "/bin/echo 'OK | x=1'", check_interval: 1h }
  b: { command: "/bin/echo 'CRITICAL | y=2'", check_interval: 1h, clone: false }
"#;

#[test]
fn a_check_is_run_more_often_while_it_is_watched_and_nothing_else_changes() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let agent = stage.start();
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    let before = text(&stage.custos(&["runs", "a", "--json"]).stdout);
    let watcher = Watcher::start(&stage, &["a", "--every", "100ms"]);
    let watching = watcher.next("watching");
    assert_eq!((&watching["check"], &watching["every_ms"]), (&"a".into(), &100.into()), "{watching}");
    assert_eq!(watching["interval_ms"], 3_600_000);
    let other = Watcher::start(&stage, &["a", "--every", "100ms"]);
    let (times, also) = (watcher.clones(10), other.clones(3));
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert!(also.iter().any(|time_ms| times.contains(time_ms)), "one clone for both: {times:?}, {also:?}");
    drop((watcher, other));
    // Nobody looks, and nothing is run any more.
    let count = || text(&stage.custos(&["stream", "a@watched"]).stdout).lines().count();
    let mut last = 0;
    wait_for("the end of the clone", || {
        let now = count();
        std::mem::replace(&mut last, now).eq(&now).then_some(())
    });
    assert!(last >= 10, "{last}");
    // The check itself has no run more, and neither its status nor a query over all checks knows of the others.
    assert_eq!(text(&stage.custos(&["runs", "a", "--json"]).stdout), before);
    let status = text(&stage.custos(&["status"]).stdout);
    assert!(!status.contains("@watched"), "{status}");
    let query = |query: &str| text(&stage.custos(&["query", query]).stdout);
    let all = query("{check=~\".+\"}");
    assert!(!all.contains("@watched"), "{all}");
    let exactly = query("{check=\"a@watched\", metric=\"x\"}");
    assert!(exactly.contains("@watched"), "{exactly}");
    agent.end();
}

#[test]
fn who_may_not_watch_is_told_why() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let agent = stage.start();
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    let watcher = Watcher::start(&stage, &["b", "nobody", "--every", "200ms"]);
    let watching = watcher.next("watching");
    assert_eq!(watching["note"], "b says `clone: false`, so it is not run more often");
    let ended = watcher.next("ended");
    assert_eq!((&ended["check"], &ended["why"]), (&"nobody".into(), &"there is no check nobody".into()));
    // The host's clock is told, also in answer to a line.
    assert!(watcher.next("time")["now_ms"].as_i64().is_some());
    // A run that somebody asked for is shown.
    assert_eq!(stage.custos(&["check", "b"]).status.code(), Some(0));
    assert_eq!(watcher.next("run")["text"], "CRITICAL");
    // The end of the agent is told, and ends the command.
    agent.end();
    assert_eq!(watcher.next("ended")["why"], "the agent is stopping");
    let mut watcher = watcher;
    assert!(watcher.child.wait().unwrap().success());
    let agent = stage.start();
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    let mut watcher = Watcher::start(&stage, &["b"]);
    watcher.next("watching");
    // One that is killed says nothing.
    agent.signal(Signal::SIGKILL);
    assert_eq!(watcher.child.wait().unwrap().code(), Some(1));
    let agent = stage.start();
    let refused = wait_for("the agent", || {
        let refused = stage.custos(&["stream", "--watch", "nobody"]);
        (text(&refused.stderr) != "custos: no agent is running\n").then_some(refused)
    });
    assert_eq!(
        (refused.status.code(), text(&refused.stderr)),
        (Some(1), "custos: there is no check nobody\n".to_owned())
    );
    agent.end();
    let without = stage.custos(&["stream", "--watch", "b"]);
    assert_eq!(
        (without.status.code(), text(&without.stderr)),
        (Some(1), "custos: no agent is running\n".to_owned())
    );
}

#[test]
fn a_watcher_that_is_stopped_is_gone_though_its_socket_takes_more() {
    let stage = Stage::new();
    stage.configure("", CHECKS);
    let agent = stage.start();
    wait_for("the store", || stage.path("store/agent.socket").exists().then_some(()));
    let watcher = Watcher::start(&stage, &["b"]);
    watcher.next("watching");
    // The agent says of itself how many watch.
    let is_watched = || {
        stage.custos(&["check", "custos"]);
        let runs = text(&stage.custos(&["stream", "custos"]).stdout);
        runs.lines().last().is_some_and(|run| run.contains("watch_watchers"))
    };
    wait_for("the watcher", || is_watched().then_some(()));
    kill(Pid::from_raw(watcher.child.id() as i32), Signal::SIGSTOP).unwrap();
    wait_for("the end of the watcher", || (!is_watched()).then_some(()));
    agent.end();
}
