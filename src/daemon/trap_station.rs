//! The listener for traps as the daemon keeps it: started, given new rules, stopped, looked at.

use std::io;

use tokio::sync::mpsc;

use crate::clock::Moment;
use crate::config::Config;
use crate::limits::TRAPS_QUEUE_MAX;
use crate::observe::PassiveResult;
use crate::snmp::traps::{Counters, Intake, Listener};

/// The listener, if the configuration wants one.
#[derive(Debug)]
pub(super) struct TrapStation {
    sender: mpsc::Sender<Vec<PassiveResult>>,
    listener: Option<Listener>,
    /// The addresses as they were configured.
    listen: Vec<String>,
    /// What the listeners before this one counted.
    counters: Counters,
    lost_before: u64,
    error: Option<String>,
}

impl TrapStation {
    /// None that listens, and where traps will come out.
    pub(super) fn new() -> (TrapStation, mpsc::Receiver<Vec<PassiveResult>>) {
        let (sender, receiver) = mpsc::channel(TRAPS_QUEUE_MAX);
        let station = TrapStation {
            sender,
            listener: None,
            listen: Vec::new(),
            counters: Counters::default(),
            lost_before: 0,
            error: None,
        };
        (station, receiver)
    }

    /// Listens as a configuration wants it. Sockets stay open where the addresses stay the same.
    ///
    /// # Errors
    /// An address cannot be listened on; then nobody listens.
    pub(super) fn configure(&mut self, config: &Config, now: Moment) -> io::Result<()> {
        self.error = None;
        let Some(traps) = &config.snmp.traps else {
            self.close();
            return Ok(());
        };
        let mut faults = Vec::new();
        let intake = Intake::new(config, traps, now, &mut faults);
        for fault in &faults {
            tracing::error!("traps are not accepted by all profiles: {fault}");
        }
        self.error = faults.into_iter().next();
        if let Some(listener) =
            self.listener.as_ref().filter(|l| !l.has_failed() && self.listen == traps.listen)
        {
            listener.replace(intake);
            return Ok(());
        }
        self.close();
        let intake = intake.with_counters(self.counters.clone());
        match Listener::start(&traps.listen, intake, self.sender.clone()) {
            Ok(listener) => {
                for address in listener.addresses() {
                    tracing::info!("receiving traps on {address}");
                }
                self.listener = Some(listener);
                self.listen.clone_from(&traps.listen);
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

    /// Where traps are received.
    pub(super) fn addresses(&self) -> Vec<String> {
        let addresses = self.listener.as_ref().map(Listener::addresses).unwrap_or_default();
        addresses.iter().map(ToString::to_string).collect()
    }

    /// The counts that are not zero.
    pub(super) fn nonzero_counters(&self) -> Vec<(String, u64)> {
        let nonzero = self.counts().into_iter().filter(|counter| counter.1 > 0);
        nonzero.map(|(name, count)| (name.to_owned(), count)).collect()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.listener.as_ref().map(|listener| listener.counters().snapshot()).unwrap_or_default()
    }

    /// The counts, the packets lost since the last look, and what is wrong.
    pub(super) fn health(&mut self) -> (Vec<(&'static str, u64)>, u64, Option<String>) {
        let counts = self.counts();
        let lost = counts.iter().find(|(name, _)| *name == "lost").map_or(0, |(_, count)| *count);
        let since = lost.saturating_sub(self.lost_before);
        self.lost_before = lost;
        let failed = self.listener.as_ref().is_some_and(Listener::has_failed);
        let error =
            self.error.clone().or_else(|| failed.then(|| "the thread that reads them ended".to_owned()));
        (counts, since, error)
    }

    /// Stops listening. Returns what was received and not yet handed over.
    pub(super) async fn stop(
        &mut self,
        receiver: &mut mpsc::Receiver<Vec<PassiveResult>>,
    ) -> Vec<Vec<PassiveResult>> {
        let Some(listener) = self.listener.take() else { return Vec::new() };
        // Its thread may wait for room in the queue, so the queue is emptied while it is told to stop.
        let mut stopping = tokio::task::spawn_blocking(move || drop(listener));
        let mut rest = Vec::new();
        loop {
            tokio::select! {
                Some(results) = receiver.recv() => rest.push(results),
                _ = &mut stopping => break,
            }
        }
        while let Ok(results) = receiver.try_recv() {
            rest.push(results);
        }
        rest
    }
}
