//! The receiver of traps as the daemon has it: started, given new rules, stopped, looked at.

use std::io;
use std::net::SocketAddr;

use tokio::sync::mpsc;

use crate::clock::Moment;
use crate::config::Config;
use crate::limits::TRAPS_QUEUE_MAX;
use crate::observe::PassiveResult;
use crate::part::Part;
use crate::snmp::traps::{Counters, Intake, Listener, resolve};

/// The receiver, which listens if the configuration wants it to.
#[derive(Debug)]
pub(super) struct TrapReceiver {
    sender: mpsc::Sender<Vec<PassiveResult>>,
    listener: Option<Listener>,
    /// The addresses as they were configured.
    listen: Vec<String>,
    /// What the listeners before this one counted.
    counters: Counters,
    /// Traps that were lost before the last report.
    lost_reported: u64,
    error: Option<String>,
}

/// How traps are to be received: made of a configuration wherever that may take its time, as it looks up names and
/// derives keys.
pub(super) struct Reception {
    listen: Vec<String>,
    addresses: io::Result<Vec<SocketAddr>>,
    intake: Intake,
    /// What of the configuration cannot be used.
    faults: Vec<String>,
}

/// How a configuration wants traps to be received; none if it does not want them.
pub(super) fn reception(config: &Config, now: Moment) -> Option<Reception> {
    let traps = config.snmp.traps.as_ref()?;
    let mut faults = Vec::new();
    let intake = Intake::new(config, traps, now, &mut faults);
    let addresses = resolve(&traps.listen);
    Some(Reception { listen: traps.listen.clone(), addresses, intake, faults })
}

impl TrapReceiver {
    /// One that does not listen yet, and where traps will come out.
    pub(super) fn new() -> (TrapReceiver, mpsc::Receiver<Vec<PassiveResult>>) {
        let (sender, results) = mpsc::channel(TRAPS_QUEUE_MAX);
        let receiver = TrapReceiver {
            sender,
            listener: None,
            listen: Vec::new(),
            counters: Counters::default(),
            lost_reported: 0,
            error: None,
        };
        (receiver, results)
    }

    /// Listens as a configuration wants it. Sockets stay open where the addresses stay the same.
    ///
    /// # Errors
    /// An address cannot be listened on; then no traps are received.
    pub(super) fn configure(&mut self, reception: Option<Reception>) -> io::Result<()> {
        self.error = None;
        let Some(Reception { listen, addresses, intake, faults }) = reception else {
            self.close();
            return Ok(());
        };
        for fault in &faults {
            tracing::error!("traps are not accepted by all profiles: {fault}");
        }
        self.error = faults.into_iter().next();
        if let Some(listener) = self.listener.as_ref().filter(|l| !l.has_failed() && self.listen == listen) {
            listener.replace(intake);
            return Ok(());
        }
        self.close();
        let started = addresses.and_then(|addresses| {
            let intake = intake.with_counters(self.counters.clone());
            Listener::start(&addresses, intake, self.sender.clone())
        });
        match started {
            Ok(listener) => {
                for address in listener.addresses() {
                    tracing::info!("receiving traps on {address}");
                }
                self.listener = Some(listener);
                self.listen = listen;
                Ok(())
            }
            Err(error) => {
                self.error = Some(error.to_string());
                Err(error)
            }
        }
    }

    fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.counters = listener.counters();
        }
    }

    /// What was counted so far, if traps are received.
    fn counters(&self) -> Option<Counters> {
        self.listener.as_ref().map(Listener::counters)
    }

    /// Where traps are received, what became of them, and what is wrong.
    pub(super) fn part(&self) -> Part {
        let counters = self.counters();
        let lost = counters.as_ref().map_or(0, |counters| counters.lost).saturating_sub(self.lost_reported);
        let counts = counters.map(|counters| counters.snapshot()).unwrap_or_default();
        let addresses = self.listener.as_ref().map(Listener::addresses).unwrap_or_default();
        let mut part = Part::new("traps").with_addresses(addresses).with_totals("traps", counts);
        let failed = self.listener.as_ref().is_some_and(Listener::has_failed);
        let ended = failed.then(|| "the thread that reads them ended".to_owned());
        if let Some(why) = self.error.clone().or(ended) {
            part.critical(format!("traps are not received: {why}"));
        }
        if lost > 0 {
            part.warning(format!("{lost} traps were lost before they could be read"));
        }
        part
    }

    /// The traps that are lost so far have been reported.
    pub(super) fn note_reported(&mut self) {
        self.lost_reported = self.counters().map_or(self.lost_reported, |counters| counters.lost);
    }

    /// Stops listening. Returns what was received and not yet handed over.
    pub(super) async fn stop(
        &mut self,
        results: &mut mpsc::Receiver<Vec<PassiveResult>>,
    ) -> Vec<Vec<PassiveResult>> {
        let Some(listener) = self.listener.take() else { return Vec::new() };
        // Its thread may wait until there is space in the queue, so the queue is emptied while it ends.
        let mut stopping = tokio::task::spawn_blocking(move || drop(listener));
        let mut rest = Vec::new();
        loop {
            tokio::select! {
                Some(batch) = results.recv() => rest.push(batch),
                _ = &mut stopping => break,
            }
        }
        while let Ok(batch) = results.try_recv() {
            rest.push(batch);
        }
        rest
    }
}
