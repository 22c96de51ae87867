//! The rounds of faults.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::Duration;

use custos_store::{Metric, Options, Run, Value, Writer};
use nix::sys::signal::Signal;

use super::disk::Disk;
use super::fault::{Fault, draw};
use super::peer::Peer;
use super::proxy::{Proxy, Weather};
use crate::stage::{Daemon, Random, Stage, children, kill_hard, pause, text, wait_for};

/// What is looked at again of what was found right in the round before: a receiver that is killed loses what it took last.
const OVERLAP_MS: i64 = 60_000;
/// How far ahead of the clock samples are looked for: less than a sink's `clock_lead`.
const AHEAD_MS: i64 = 4 * 60_000 + 30_000;
/// How long a receiver is gone at the least: longer than it takes until what it had acknowledged would be taken for safe.
const OUTAGE: Duration = custos::limits::SINK_SETTLE.saturating_add(Duration::from_secs(5));
/// The check that runs while the clock is set otherwise.
const JUMPED: &str = "jumped";
/// Each of a run's metrics is a figure, one of them only now and then.
const COUNTER: &str =
    "n=$(date +%N | sed 's/^0*//'); echo \"OK - $n | n=$n;;;; $(test $((n % 3)) = 0 && echo odd=1)\"\n";

/// An agent that delivers to a receiver, over a network and from a disk that fail.
pub(super) struct Trial<P> {
    name: String,
    seed: u64,
    random: Random,
    agent: Option<Daemon>,
    peer: P,
    proxy: Proxy,
    stage: Stage,
    disk: Option<Disk>,
    faults: u64,
    rounds: u64,
    /// The earliest time of a run (ms since the epoch).
    first_ms: i64,
    /// From here on it is to be looked whether all is there (ms since the epoch).
    from_ms: i64,
}

impl<P: Peer> Trial<P> {
    /// An agent and a receiver that run.
    pub(super) fn begin(name: &str, mut peer: P, seed: u64) -> Trial<P> {
        let stage = Stage::new();
        let disk = Disk::mount(&stage.path("disk"));
        peer.start(&stage);
        let proxy = Proxy::start(peer.port());
        stage.plugin("counter", COUNTER);
        let from_ms = custos::clock::now_ms();
        let mut trial = Trial {
            name: name.to_owned(),
            seed,
            random: Random(seed),
            agent: None,
            peer,
            proxy,
            stage,
            disk,
            faults: 0,
            rounds: 0,
            first_ms: from_ms,
            from_ms,
        };
        trial.configure("300ms");
        trial.agent = Some(trial.stage.start());
        trial.stage.runs("counter", 1);
        trial
    }

    /// Has some things go wrong, and looks whether all is there once they no longer do.
    pub(super) fn round(&mut self, round: u64) {
        let faults = draw(&mut self.random, round, self.disk.is_some(), self.peer.is_strict());
        let result = catch_unwind(AssertUnwindSafe(|| {
            faults.iter().for_each(|fault| {
                self.begin_fault(*fault);
                self.some_time();
            });
            let mut over = faults.clone();
            while !over.is_empty() {
                let at = self.random.below(over.len() as u64) as usize;
                self.end_fault(over.swap_remove(at));
                self.some_time();
            }
            self.wait_for_all();
        }));
        if let Err(panic) = result {
            let status = text(&self.stage.custos(&["sink", "status"]).stdout);
            eprintln!("{}, seed {}, round {round}: {faults:?}\n{status}", self.name, self.seed);
            resume_unwind(panic);
        }
        self.faults += faults.len() as u64;
        self.rounds += 1;
        if round.is_multiple_of(50) {
            eprintln!("{}: {round} rounds, {} faults", self.name, self.faults);
        }
    }

    /// Looks at everything once more when nothing is added to it, and says what was done.
    pub(super) fn end(mut self) -> String {
        self.agent.take().unwrap().end();
        self.configure("24h");
        self.agent = Some(self.stage.start());
        self.wait_until_there(self.first_ms..custos::clock::now_ms() + AHEAD_MS);
        let store = self.store();
        self.peer.at_end(&self.stage, &store);
        let disk = if self.disk.is_some() { "" } else { ", no full disks (only root may mount one)" };
        format!("{}: {} rounds, {} faults{disk}: 0 missing, 0 doubled", self.name, self.rounds, self.faults)
    }

    fn configure(&self, interval: &str) {
        let sink = self.peer.sink(self.proxy.port());
        self.stage.write(
            "custos.yaml",
            &format!(
                "store: disk/store\nplugins: plugins\nhost: web1\nsinks: {{ peer: {sink} }}\n\
                 defaults: {{ check_interval: {interval} }}\nchecks:\n  counter: {{ command: counter }}\n  \
                 'disk /': {{ command: \"/bin/echo 'OK | used=7;;;; größe=5MB'\" }}\n"
            ),
        );
    }

    fn store(&self) -> PathBuf {
        self.stage.path("disk/store")
    }

    fn some_time(&mut self) {
        pause(Duration::from_millis(self.random.below(400)));
    }

    fn begin_fault(&mut self, fault: Fault) {
        match fault {
            Fault::AgentKilled => self.agent.take().unwrap().kill(),
            Fault::AgentEnded => {
                self.agent.take().unwrap().end();
            }
            Fault::AgentStopped => self.agent.as_ref().unwrap().signal(Signal::SIGSTOP),
            Fault::SinksKilled => children(self.agent.as_ref().unwrap().pid())
                .into_iter()
                .filter(|pid| is_of_sinks(*pid))
                .for_each(kill_hard),
            Fault::ClockSet(by_ms) => {
                self.agent.take().unwrap().kill();
                self.run_at_another_time(by_ms);
            }
            Fault::ReceiverKilled | Fault::ReceiverGone => self.peer.end(Signal::SIGKILL),
            Fault::ReceiverEnded => self.peer.end(Signal::SIGTERM),
            Fault::ReceiverStopped => self.peer.signal(Signal::SIGSTOP),
            Fault::Cut => self.proxy.cut(),
            Fault::CutAfter(bytes) => self.proxy.cut_after(bytes),
            Fault::Network(weather) => self.proxy.set(weather),
            Fault::DiskFull => self.disk.iter().for_each(Disk::fill),
        }
    }

    fn end_fault(&mut self, fault: Fault) {
        match fault {
            Fault::AgentKilled | Fault::AgentEnded | Fault::ClockSet(_) => {
                self.agent = Some(self.stage.start());
            }
            Fault::AgentStopped => self.agent.as_ref().unwrap().signal(Signal::SIGCONT),
            Fault::ReceiverKilled | Fault::ReceiverEnded => self.peer.start(&self.stage),
            Fault::ReceiverGone => {
                pause(OUTAGE);
                self.peer.start(&self.stage);
            }
            Fault::ReceiverStopped => self.peer.signal(Signal::SIGCONT),
            Fault::Network(_) => self.proxy.set(Weather::Fair),
            Fault::DiskFull => self.disk.iter().for_each(Disk::free),
            Fault::SinksKilled | Fault::Cut | Fault::CutAfter(_) => {}
        }
    }

    /// What the agent would have recorded while the clock was set otherwise. It is of a check of its own, so that no other run is of the
    /// same millisecond.
    fn run_at_another_time(&mut self, by_ms: i64) {
        let first_ms = custos::clock::now_ms() + by_ms;
        // The disk may be full.
        let Ok(mut writer) = Writer::open(&self.store(), Options::default()) else { return };
        for n in 0..5 {
            let metrics = vec![Metric::new("n", Value::from(n as f64))];
            let run = Run { time_ms: first_ms + 200 * n, metrics, ..Run::default() };
            let _ = writer.append(&[(JUMPED, &run)]);
        }
        let _ = writer.sync();
        self.from_ms = self.from_ms.min(first_ms);
        self.first_ms = self.first_ms.min(first_ms);
    }

    /// Waits until the agent has recorded something that happened now, and all is there.
    fn wait_for_all(&mut self) {
        if !self.agent.as_mut().unwrap().is_alive() {
            // It was started on a full disk.
            self.agent = Some(self.stage.start());
        }
        let now_ms = custos::clock::now_ms();
        let newest_ms = wait_for("a run of now", || {
            let newest = self.stage.custos(&["history", "counter", "-n", "1", "--json"]);
            let newest: serde_json::Value = serde_json::from_slice(&newest.stdout).ok()?;
            newest["time_ms"].as_i64().filter(|time_ms| (now_ms..now_ms + 60_000).contains(time_ms))
        });
        self.wait_until_there(self.from_ms..newest_ms + 1);
        self.from_ms = newest_ms - OVERLAP_MS;
    }

    fn wait_until_there(&mut self, times: Range<i64>) {
        let (store, mut last) = (self.store(), None);
        let waited = catch_unwind(AssertUnwindSafe(|| {
            wait_for("all to be delivered", || {
                last = self.peer.difference(&store, times.clone());
                last.is_none().then_some(())
            });
        }));
        if let Err(panic) = waited {
            eprintln!("{}", last.unwrap_or_default());
            resume_unwind(panic);
        }
    }
}

/// Whether a process is the one that delivers.
fn is_of_sinks(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"feed"))
}
