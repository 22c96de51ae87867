//! The shim's processes killed with signal 9 at random moments under load: every ticket comes back once, and
//! nothing that the plugins had started is left. `KILL_ROUNDS` says how often (40).

use std::collections::BTreeSet;
use std::time::Duration;

use custos::execute::ShimSettings;
use custos_shim::Outcome;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::{Bench, launch};
use crate::stage::{Random, kill_hard, marked_by, send, wait_until};

/// Plugins under way at once.
const LOAD: usize = 16;

fn rounds() -> u64 {
    std::env::var("KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40)
}

#[tokio::test]
async fn every_ticket_comes_back_though_the_shim_is_killed() {
    let mut bench = Bench::set();
    let mut numbers = Random(5);
    let lines = [
        "sleep 0.02; echo OK",
        "sleep 1000 & setsid sleep 1000 & sleep 0.03",
        "trap '' TERM; (sleep 1000; :) & (setsid sh -c 'sleep 1000; :' &); sleep 1000; :",
    ];
    let mut open = BTreeSet::new();
    let mut lost = 0;
    for round in 0..rounds() {
        let moment = tokio::time::sleep(Duration::from_micros(20_000 + numbers.below(80_000)));
        tokio::pin!(moment);
        loop {
            while open.len() < LOAD {
                let mut spec = bench.shell(lines[numbers.below(3) as usize]);
                spec.timeout = Duration::from_millis(100);
                spec.grace = Duration::from_millis(10);
                open.insert(bench.submit(spec));
            }
            tokio::select! {
                (ticket, report) = bench.next() => {
                    assert!(open.remove(&ticket), "{ticket} came twice");
                    lost += u64::from(report.outcome == Outcome::NotFinished);
                }
                () = &mut moment => break,
            }
        }
        let worker = bench.worker().await;
        let guard = bench.shims.shim_pids().first().map_or(0, |guard| *guard as i32);
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
        let (ticket, _) = bench.next().await;
        assert!(open.remove(&ticket), "{ticket} came twice");
    }
    assert!(lost > 0, "no round hit a plugin");
    // A shim that starts after the last kill ends what that may have left. A run may still be handed to the one that was killed, whose
    // end is not known yet where it had nothing to report.
    let mut report = bench.run(bench.shell("exit 0")).await;
    if report.outcome == Outcome::NotFinished {
        report = bench.run(bench.shell("exit 0")).await;
    }
    assert_eq!(report.outcome, Outcome::Exited(0));
    bench.cleared().await;
}

#[tokio::test]
async fn a_shim_that_hangs_is_replaced() {
    let mut bench =
        Bench::with(ShimSettings { launch: launch(), shims_max: 1, silence_max: Duration::from_millis(200) });
    let mut spec = bench.shell("sleep 1000; :");
    spec.timeout = Duration::from_millis(100);
    spec.grace = Duration::ZERO;
    bench.submit(spec);
    bench.peopled(2).await;
    let worker = bench.worker().await;
    send(worker, Signal::SIGSTOP);
    assert_eq!(bench.next().await.1.outcome, Outcome::NotFinished);
    assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3));
    assert_ne!(bench.worker().await, worker);
    bench.cleared().await;
}

#[tokio::test]
async fn an_agent_that_vanishes_takes_its_plugins_along() {
    let mut bench = Bench::set();
    for _ in 0..4 {
        bench.submit(bench.shell("trap '' TERM; (setsid sh -c 'sleep 1000; :' &); sleep 1000; :"));
    }
    bench.peopled(12).await;
    let (shim, worker) = (bench.shims.shim_pids()[0] as i32, bench.worker().await);
    let stage = bench.leave();
    let gone = |pid: i32| kill(Pid::from_raw(pid), None).is_err();
    wait_until("the shim to end", || (gone(shim) && gone(worker)).then_some(())).await;
    assert_eq!(marked_by(stage.root()), Vec::<i32>::new());
}
