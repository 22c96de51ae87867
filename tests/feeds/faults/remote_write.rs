//! Receivers of remote write, asked by query.

use std::ops::Range;
use std::path::Path;

use nix::sys::signal::Signal;

use super::peer::Peer;
use crate::peers;
use crate::series::{difference, exported_within, in_prometheus, stored_within};
use crate::stage::{Daemon, Stage, free_port};

/// What delivers.
const HOST: &str = "web1";

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn sink(port: u16) -> String {
    format!("{{ remote_write: '{}/api/v1/write' }}", url(port))
}

/// A process that may be there.
#[derive(Debug)]
struct Process {
    port: u16,
    running: Option<Daemon>,
}

impl Process {
    fn new() -> Process {
        Process { port: free_port(), running: None }
    }

    fn signal(&self, signal: Signal) {
        self.running.iter().for_each(|running| running.signal(signal));
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut running) = self.running.take() {
            running.signal(signal);
            running.wait();
        }
    }
}

/// VictoriaMetrics, which takes samples in any order.
#[derive(Debug)]
pub(super) struct VictoriaMetrics(Process);

impl VictoriaMetrics {
    pub(super) fn new() -> VictoriaMetrics {
        VictoriaMetrics(Process::new())
    }
}

impl Peer for VictoriaMetrics {
    fn port(&self) -> u16 {
        self.0.port
    }

    fn sink(&self, port: u16) -> String {
        sink(port)
    }

    fn start(&mut self, stage: &Stage) {
        let more = ["-dedup.minScrapeInterval=1ms"];
        self.0.running = Some(peers::victoria_metrics(stage, self.0.port, &more));
    }

    fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    fn end(&mut self, signal: Signal) {
        self.0.end(signal);
    }

    fn difference(&mut self, store: &Path, times: Range<i64>) -> Option<String> {
        let stored = stored_within(store, HOST, times.clone());
        difference(&stored, &exported_within(&url(self.0.port), &format!("{{host=\"{HOST}\"}}"), times))
    }
}

/// Prometheus, with a window for samples that are out of order or without one.
#[derive(Debug)]
pub(super) struct Prometheus {
    process: Process,
    has_window: bool,
}

impl Prometheus {
    pub(super) fn new(has_window: bool) -> Prometheus {
        Prometheus { process: Process::new(), has_window }
    }
}

impl Peer for Prometheus {
    fn port(&self) -> u16 {
        self.process.port
    }

    fn sink(&self, port: u16) -> String {
        sink(port)
    }

    fn start(&mut self, stage: &Stage) {
        let config = match self.has_window {
            true => "storage:\n  tsdb:\n    out_of_order_time_window: 30d\n",
            false => "global: {}\n",
        };
        self.process.running = Some(peers::prometheus(stage, self.process.port, config));
    }

    fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    fn end(&mut self, signal: Signal) {
        self.process.end(signal);
    }

    fn difference(&mut self, store: &Path, times: Range<i64>) -> Option<String> {
        let stored = stored_within(store, HOST, times.clone());
        difference(&stored, &in_prometheus(&url(self.process.port), HOST, times))
    }

    fn is_strict(&self) -> bool {
        !self.has_window
    }
}
