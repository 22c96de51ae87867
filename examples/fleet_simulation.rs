//! Many agents' ways to their receivers in one process: for each a cursor, encoders and connections of its own, as an agent has
//! them. No plugin runs: a few stores get the runs, and each agent reads one of them, under a name of its own.
//!
//! `fleet_simulation stores DIR COUNT SINCE_S` makes stores with two checks of 15 series each, every ten seconds, from a time on
//! (s since the epoch), and goes on adding runs until stdin ends. `fleet_simulation agents DIR STORES FIRST COUNT METRICS [NATS]`
//! delivers as agents number FIRST and following to the addresses of a remote write and a server of NATS, prints a line of JSON each
//! second, and once stdin ends proves every whole hour of each. See `scripts/fleet --simulate`.
#![expect(clippy::disallowed_methods, reason = "a simulation goes by the time")]

use std::cell::RefCell;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use custos::config::{Protocol, SinkStart};
use custos::feed::proof::{Proof, Wish, verify};
use custos::feed::sink::{Delivery, Endpoint, NatsEndpoint, NatsLogin, SinkKind, SinkReport, SinkSettings};
use custos_store::{Metric, Options, Run, Value, Writer};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::LocalSet;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const INTERVAL_MS: i64 = 10_000;
const CHECKS: [&str; 2] = ["load", "disk"];
const METRICS: usize = 12;
/// Files of a store that only whoever writes it has a use for.
const NOT_SHARED: [&str; 2] = ["lock", "reserve"];
/// How often a host is tried to be proven.
const PROOF_TRIES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(3600);

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["stores", dir, count, since_s] => keep_stores(Path::new(dir), count.parse()?, since_s.parse()?),
        ["agents", dir, stores, first, count, metrics, nats @ ..] => {
            let fleet = Fleet {
                dir: PathBuf::from(dir),
                stores: stores.parse()?,
                agents: first.parse()?..first.parse::<usize>()? + count.parse::<usize>()?,
                metrics: (*metrics).to_owned(),
                nats: nats.first().map(|url| (*url).to_owned()),
            };
            fleet.run()
        }
        _ => Err("usage: fleet_simulation stores|agents …, see the head of this file".into()),
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Says when stdin ends.
fn end_of_stdin() -> Receiver<()> {
    let (end, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(end);
    });
    ended
}

// The stores.

/// A store whose runs are due at one moment of each ten seconds.
struct Source {
    writer: Writer,
    next_ms: i64,
    turn: u64,
}

impl Source {
    /// Adds what is due by now; how many runs of each check that is.
    fn add_until(&mut self, until_ms: i64) -> Result<()> {
        while self.next_ms <= until_ms {
            let runs: Vec<Run> = (0..CHECKS.len()).map(|check| run(self.next_ms, self.turn, check)).collect();
            let batch: Vec<(&str, &Run)> = CHECKS.into_iter().zip(&runs).collect();
            self.writer.append(&batch)?;
            self.next_ms += INTERVAL_MS;
            self.turn += 1;
        }
        Ok(())
    }
}

fn run(time_ms: i64, turn: u64, check: usize) -> Run {
    let value = |metric: usize| {
        let step = (turn * 7919 + (check * METRICS + metric) as u64 * 104_729) % 1000;
        Some(Value::from(step as f64 / 100.0 + metric as f64))
    };
    Run {
        time_ms,
        text: "OK".to_owned(),
        exit_code: Some(0),
        duration_us: 1500 + turn % 97,
        metrics: (0..METRICS).map(|metric| Metric::new(format!("m{metric:02}"), value(metric))).collect(),
        ..Run::default()
    }
}

fn keep_stores(dir: &Path, count: usize, since_s: i64) -> Result<()> {
    let mut sources = Vec::new();
    for number in 0..count {
        let writer = Writer::open(&dir.join(format!("store{number}")), Options::default())?;
        // They take turns within ten seconds.
        let next_ms = since_s * 1000 + INTERVAL_MS * number as i64 / count as i64;
        let mut source = Source { writer, next_ms, turn: 0 };
        source.add_until(now_ms())?;
        source.writer.sync()?;
        sources.push(source);
    }
    println!("ready");
    let ended = end_of_stdin();
    loop {
        let next_ms = sources.iter().map(|source| source.next_ms).min().unwrap_or(0);
        let pause = Duration::from_millis(u64::try_from(next_ms - now_ms()).unwrap_or(0));
        if ended.recv_timeout(pause.min(PATIENCE)) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        sources.iter_mut().try_for_each(|source| source.add_until(now_ms()))?;
    }
    let turns: Vec<u64> = sources.iter().map(|source| source.turn).collect();
    println!("{}", json!({ "turns": turns }));
    sources.into_iter().try_for_each(|source| Ok(source.writer.close()?))
}

// The agents.

struct Fleet {
    dir: PathBuf,
    stores: usize,
    agents: std::ops::Range<usize>,
    metrics: String,
    nats: Option<String>,
}

/// What the sinks of one kind said last, by agent.
type Told = Rc<RefCell<Vec<SinkReport>>>;

impl Fleet {
    fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ended = end_of_stdin();
        let hosts: Vec<(PathBuf, Vec<SinkSettings>)> =
            self.agents.clone().map(|agent| self.host(agent)).collect::<Result<_>>()?;
        LocalSet::new().block_on(&runtime, deliver(&hosts, ended))?;
        drop(runtime);
        self.prove(&hosts)
    }

    /// The place of an agent: the files of its store, which are those of a shared one, and its own cursors.
    fn host(&self, agent: usize) -> Result<(PathBuf, Vec<SinkSettings>)> {
        let place = self.dir.join(format!("agent{agent}"));
        std::fs::create_dir_all(&place)?;
        let store = self.dir.join(format!("store{}", agent % self.stores));
        for entry in std::fs::read_dir(store)? {
            let entry = entry?;
            if !NOT_SHARED.iter().any(|name| entry.file_name() == *name) {
                std::fs::hard_link(entry.path(), place.join(entry.file_name()))?;
            }
        }
        let settings = |name: &str, kind: SinkKind| SinkSettings {
            name: name.to_owned(),
            kind,
            checks: Vec::new(),
            metrics: Vec::new(),
            labels: Vec::new(),
            host: format!("sim{agent:06}"),
            start: SinkStart::Beginning,
            clock_lead: Duration::from_secs(300),
            gather: None,
            lag_warning: Duration::ZERO,
            lag_critical: Duration::ZERO,
        };
        let endpoint = Endpoint { url: self.metrics.clone(), authorization: None, authorities: None };
        let mut sinks = vec![settings("metrics", SinkKind::RemoteWrite(endpoint, Protocol::One))];
        if let Some(url) = &self.nats {
            let (stream, site) = ("CUSTOS".to_owned(), "sim".to_owned());
            let endpoint =
                NatsEndpoint { url: url.clone(), stream, site, login: NatsLogin::None, authorities: None };
            sinks.push(settings("runs", SinkKind::Nats(endpoint)));
        }
        Ok((place, sinks))
    }

    /// Asks the receiver of metrics what it has of each host.
    fn prove(&self, hosts: &[(PathBuf, Vec<SinkSettings>)]) -> Result<()> {
        let (mut held, mut hours, mut samples, mut missing, mut doubled) = (0, 0, 0, 0, 0);
        for (place, sinks) in hosts {
            let proof = proven(place, &sinks[0])?;
            held += usize::from(proof.holds());
            hours += proof.hours;
            samples += proof.samples;
            missing += proof.missing;
            doubled += proof.doubled;
        }
        let hosts = hosts.len();
        let said = json!({
            "hosts": hosts, "proven": held, "pairs": hours, "samples": samples, "missing": missing, "doubled": doubled,
        });
        println!("{said}");
        Ok(())
    }
}

/// The proof of a host, which is tried again, as a sink does, while the receiver is too busy to answer.
fn proven(place: &Path, sink: &SinkSettings) -> Result<Proof> {
    let mut tries = 1;
    loop {
        match verify(place, sink, Wish::default()) {
            Err(why) if tries < PROOF_TRIES => eprintln!("{}: tried again: {why}", place.display()),
            proof => return Ok(proof?),
        }
        tries += 1;
    }
}

async fn deliver(hosts: &[(PathBuf, Vec<SinkSettings>)], ended: Receiver<()>) -> Result<()> {
    let (leave, left) = watch::channel(());
    let mut tasks = Vec::new();
    let told: Vec<Told> = (0..2).map(|_| Told::default()).collect();
    for (place, sinks) in hosts {
        for (kind, settings) in sinks.iter().enumerate() {
            let delivery = Delivery::open(place, settings.clone())?;
            let index = told[kind].borrow().len();
            told[kind].borrow_mut().push(SinkReport::default());
            tasks.push(tokio::task::spawn_local(one(delivery, Rc::clone(&told[kind]), index, left.clone())));
        }
    }
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {
        tick.tick().await;
        println!("{}", json!({ "metrics": summed(&told[0]), "runs": summed(&told[1]) }));
    }
    drop(leave);
    for task in tasks {
        task.await?;
    }
    Ok(())
}

async fn one(mut delivery: Delivery, told: Told, index: usize, mut left: watch::Receiver<()>) {
    let tell = |report: SinkReport| told.borrow_mut()[index] = report;
    tokio::select! {
        () = delivery.run(tell) => {}
        _ = left.changed() => {}
    }
    if let Err(why) = delivery.save() {
        eprintln!("{why}");
    }
}

/// The reports of all agents in one.
fn summed(told: &Told) -> serde_json::Value {
    let told = told.borrow();
    let mut lags: Vec<i64> = told.iter().map(|report| report.lag_ms).collect();
    lags.sort_unstable();
    let at = |part: usize| lags.get((lags.len() * part / 100).min(lags.len().saturating_sub(1))).copied();
    let sum = |of: fn(&SinkReport) -> u64| told.iter().map(of).sum::<u64>();
    json!({
        "acknowledged": sum(|report| report.counts.acknowledged),
        "requests": sum(|report| report.counts.requests),
        "failures": sum(|report| report.counts.failures),
        "sent_bytes": sum(|report| report.sent_bytes),
        "waiting": sum(|report| u64::from(report.waits.is_some())),
        "troubled": told.iter().find_map(|report| report.trouble.clone()),
        "behind": sum(|report| u64::from(report.behind_runs > 0)),
        "lag_p50_ms": at(50), "lag_p99_ms": at(99), "lag_max_ms": lags.last(),
    })
}
