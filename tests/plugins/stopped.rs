//! The shim's processes stopped, traced and limited, as whoever has their user can do it: the plugins of others go on,
//! and what was done is named.

use std::process::{Command, Stdio};

use custos_shim::Outcome;
use custos_store::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::bench::Bench;
use crate::stage::{Running, python, send, wait_until};

/// A plugin that waits for the file `gate`.
const WAITING: &str = "while [ ! -e gate ]; do sleep 0.02; done";

/// Traces the process given, until it is killed.
const TRACER: &str = "import ctypes, os, sys, time\n\
    libc = ctypes.CDLL(None, use_errno=True)\n\
    attach = 16\n\
    if libc.ptrace(attach, int(sys.argv[1]), 0, 0): sys.exit(os.strerror(ctypes.get_errno()))\n\
    time.sleep(1000)\n";

fn trace(pid: i32) -> Running {
    Running::start(Command::new(python()).args(["-c", TRACER]).arg(pid.to_string()))
}

/// The guard of the only shim.
fn guard(bench: &Bench) -> i32 {
    bench.shims.shim_pids()[0] as i32
}

/// Submits two plugins that run until [`open`].
async fn two_waiting(bench: &mut Bench) {
    for _ in 0..2 {
        let mut spec = bench.shell(WAITING);
        spec.cwd = bench.stage.root().into();
        bench.submit(spec);
    }
    bench.peopled(2).await;
}

/// Lets those plugins end, as if nothing had happened.
async fn open(bench: &mut Bench) {
    bench.stage.write("gate", "");
    for _ in 0..2 {
        assert_eq!(bench.next().await.1.outcome, Outcome::Exited(0));
    }
}

/// The count of this name, and what is wrong.
fn health(bench: &Bench, metric: &str) -> (u64, String) {
    let part = bench.shims.part();
    let counter = part.counters.iter().find(|counter| counter.metric == metric).unwrap();
    let findings: Vec<_> = part.findings.iter().map(|finding| finding.text()).collect();
    assert_eq!(part.state() == State::Warning, counter.value > 0, "{findings:?}");
    (counter.value, findings.concat())
}

#[tokio::test]
async fn a_stopped_shim_goes_on_with_all_that_it_runs() {
    let mut bench = Bench::set();
    two_waiting(&mut bench).await;
    let (guard, worker) = (guard(&bench), bench.worker().await);
    for stopped in [vec![worker], vec![guard], vec![guard, worker]] {
        let before = health(&bench, "plugins_shim_stops").0;
        stopped.iter().for_each(|pid| send(*pid, Signal::SIGSTOP));
        assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3));
        // A process stops when it is scheduled next, which may be after it did what was asked of it.
        let counted = || (health(&bench, "plugins_shim_stops").0 > before).then_some(());
        wait_until("the stop to be noticed", counted).await;
        wait_until("both to go on", || stopped.iter().all(|pid| is_running(*pid)).then_some(())).await;
    }
    open(&mut bench).await;
    assert_eq!(bench.worker().await, worker);
    let (stops, named) = health(&bench, "plugins_shim_stops");
    assert!(stops >= 3 && named.contains("somebody stopped a shim"), "{stops} {named}");
    assert!(named.contains("\"/bin/sh\""), "{named}");
    bench.cleared().await;
}

fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    !stat.rsplit_once(") ").unwrap().1.starts_with(['T', 't'])
}

#[tokio::test]
async fn a_plugin_that_runs_alone_and_stops_the_shim_is_ended_and_named() {
    let mut bench = Bench::set();
    let worker = bench.worker().await;
    let report = bench.run(bench.shell("kill -STOP $PPID; sleep 1000; :")).await;
    assert_eq!(report.outcome, Outcome::NotFinished);
    assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3));
    assert_ne!(bench.worker().await, worker);
    let (replaced, named) = health(&bench, "plugins_shims_replaced");
    assert_eq!(replaced, 1);
    assert!(named.contains("stopped while a single plugin ran; what ran in it: \"/bin/sh\""), "{named}");
    bench.cleared().await;
}

#[tokio::test]
async fn a_shim_that_is_stopped_again_and_again_is_replaced() {
    let mut bench = Bench::set();
    let looping = "while kill -STOP $PPID; do :; done; sleep 1000; :";
    for _ in 0..2 {
        bench.submit(bench.shell(WAITING));
    }
    bench.peopled(2).await;
    bench.submit(bench.shell(looping));
    for _ in 0..3 {
        assert_eq!(bench.next().await.1.outcome, Outcome::NotFinished);
    }
    assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3));
    let (replaced, named) = health(&bench, "plugins_shims_replaced");
    assert!(replaced == 1 && named.contains("stopped again and again"), "{replaced} {named}");
    bench.cleared().await;
}

#[tokio::test]
async fn a_shim_that_is_traced_is_replaced() {
    for traces_guard in [false, true] {
        let mut bench = Bench::set();
        two_waiting(&mut bench).await;
        let traced = if traces_guard { guard(&bench) } else { bench.worker().await };
        let tracer = trace(traced);
        for _ in 0..2 {
            assert_eq!(bench.next().await.1.outcome, Outcome::NotFinished, "guard: {traces_guard}");
        }
        assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3));
        let (_, named) = health(&bench, "plugins_shims_replaced");
        assert!(named.contains("traces it"), "{named}");
        drop(tracer);
        bench.cleared().await;
    }
}

#[tokio::test]
async fn a_shim_whose_limits_somebody_changed_is_replaced() {
    for limit in ["--nofile=3:3", "--nproc=0:0", "--fsize=0:0"] {
        let mut bench = Bench::set();
        assert_eq!(bench.run(bench.shell("exit 0")).await.outcome, Outcome::Exited(0));
        let worker = bench.worker().await;
        for pid in [worker, guard(&bench)] {
            let mut prlimit = Command::new("prlimit");
            assert!(prlimit.arg("--pid").arg(pid.to_string()).arg(limit).status().unwrap().success());
        }
        assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::NotFinished, "{limit}");
        assert_eq!(bench.run(bench.shell("exit 3")).await.outcome, Outcome::Exited(3), "{limit}");
        assert_ne!(bench.worker().await, worker);
        let (replaced, named) = health(&bench, "plugins_shims_replaced");
        assert!(replaced == 1 && named.contains("changed its resource limits"), "{replaced} {named}");
        bench.cleared().await;
    }
}

/// A program that starts a shim as the agent does, says its process id, and waits.
const PARENT: &str = "import os, socket, subprocess, sys, time\n\
    ours, theirs = socket.socketpair()\n\
    env = {'CUSTOS_SHIM_WATCHED': '1'}\n\
    shim = subprocess.Popen(sys.argv[1:], stdin=theirs, env=env)\n\
    theirs.close()\n\
    ours.recv(1)\n\
    print(shim.pid, flush=True)\n\
    time.sleep(1000)\n";

#[tokio::test]
async fn a_stopped_shim_does_not_outlive_the_agent() {
    use std::io::{BufRead, BufReader};
    let launch = crate::bench::launch();
    let mut agent = Command::new(python());
    agent.args(["-c", PARENT]).arg(&launch.program).args(&launch.args).stdout(Stdio::piped());
    let mut agent = Running::start(&mut agent);
    let mut line = String::new();
    BufReader::new(agent.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let guard: i32 = line.trim().parse().unwrap();
    let worker = crate::bench::worker_of(guard as u32).unwrap();
    // Stopped itself, the guard cannot do anything for the worker.
    send(guard, Signal::SIGSTOP);
    send(worker, Signal::SIGSTOP);
    drop(agent);
    let gone = |pid: i32| kill(Pid::from_raw(pid), None).is_err();
    wait_until("the shim to end", || (gone(guard) && gone(worker)).then_some(())).await;
}
