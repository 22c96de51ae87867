//! The shim's processes killed with signal 9 at random moments under load: every ticket comes back once, and
//! nothing that the plugins had started is left. `KILL_ROUNDS` says how often (40).

use std::collections::BTreeSet;
use std::time::Duration;

use custos::execute::Lanes;
use custos_shim::Outcome;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{PATIENCE, Stage, launch};

/// Plugins under way at once.
const LOAD: usize = 16;

/// A reproducible sequence of numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn rounds() -> u64 {
    std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40)
}

fn kill_hard(pid: i32) {
    // It may be gone already.
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

#[tokio::test]
async fn every_ticket_comes_back_though_the_shim_is_killed() {
    let mut stage = Stage::set();
    let mut numbers = Numbers(5);
    let lines = [
        "sleep 0.02; echo OK",
        "sleep 1000 & setsid sleep 1000 & sleep 0.03",
        "trap '' TERM; (sleep 1000; :) & (setsid sh -c 'sleep 1000; :' &); sleep 1000; :",
    ];
    let mut open = BTreeSet::new();
    let mut lost = 0;
    for round in 0..rounds() {
        let moment = tokio::time::sleep(Duration::from_micros(20_000 + numbers.next(80_000)));
        tokio::pin!(moment);
        loop {
            while open.len() < LOAD {
                let mut spec = stage.shell(lines[numbers.next(3) as usize]);
                spec.timeout = Duration::from_millis(100);
                spec.grace = Duration::from_millis(10);
                open.insert(stage.submit(spec));
            }
            tokio::select! {
                (ticket, report) = stage.next() => {
                    assert!(open.remove(&ticket), "{ticket} came twice");
                    lost += u64::from(report.outcome == Outcome::NotFinished);
                }
                () = &mut moment => break,
            }
        }
        let worker = stage.worker().await;
        let guard = stage.shims.shim_pids().first().map_or(0, |guard| *guard as i32);
        match round % 4 {
            0 | 1 => kill_hard(worker),
            2 if guard > 0 => kill_hard(guard),
            _ if guard > 0 => {
                kill_hard(guard);
                kill_hard(worker);
            }
            _ => kill_hard(worker),
        }
    }
    while !open.is_empty() {
        let (ticket, _) = stage.next().await;
        assert!(open.remove(&ticket), "{ticket} came twice");
    }
    assert!(lost > 0, "no round hit a plugin");
    // A shim that starts after the last kill ends what that may have left.
    let report = stage.run(stage.shell("exit 0")).await;
    assert_eq!(report.outcome, Outcome::Exited(0));
    stage.cleared().await;
}

#[tokio::test]
async fn a_shim_that_hangs_is_replaced() {
    let mut stage =
        Stage::with(Lanes { launch: launch(), shims_max: 1, silence_max: Duration::from_millis(200) });
    let mut spec = stage.shell("sleep 1000; :");
    spec.timeout = Duration::from_millis(100);
    spec.grace = Duration::ZERO;
    stage.submit(spec);
    stage.peopled(2).await;
    let worker = stage.worker().await;
    kill(Pid::from_raw(worker), Signal::SIGSTOP).unwrap();
    assert_eq!(stage.next().await.1.outcome, Outcome::NotFinished);
    assert_eq!(stage.run(stage.shell("exit 3")).await.outcome, Outcome::Exited(3));
    assert_ne!(stage.worker().await, worker);
    stage.cleared().await;
}

#[tokio::test]
async fn an_agent_that_vanishes_takes_its_plugins_along() {
    let mut stage = Stage::set();
    for _ in 0..4 {
        stage.submit(stage.shell("trap '' TERM; (setsid sh -c 'sleep 1000; :' &); sleep 1000; :"));
    }
    stage.peopled(12).await;
    let (shim, worker) = (stage.shims.shim_pids()[0] as i32, stage.worker().await);
    let directory = stage.leave();
    let gone = tokio::time::timeout(PATIENCE, async {
        while kill(Pid::from_raw(shim), None).is_ok() || kill(Pid::from_raw(worker), None).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(gone.await.is_ok(), "the shim stays");
    assert_eq!(crate::stage::marked_by(directory.path()), Vec::<i32>::new());
}
