//! The trap receiver: its start, reconfiguration and end, and its health.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use custos_store::Notes;
use tokio::sync::mpsc;

use super::retry::Retry;
use crate::clock::Moment;
use crate::config::Config;
use crate::limits::TRAPS_QUEUE_MAX;
use crate::lock::locked;
use crate::observe::PassiveResult;
use crate::part::Part;
use crate::snmp::traps::{Counters, Engines, Intake, Listener, SharedEngines, resolve, try_to_listen};
use crate::text::human::counted_were;

/// The receiver, which listens if the configuration wants it to.
#[derive(Debug)]
pub(super) struct TrapReceiver {
    sender: mpsc::Sender<Vec<PassiveResult>>,
    listener: Option<Listener>,
    /// The addresses as they were configured.
    listen: Vec<String>,
    /// Whether anything was ever received.
    listened: bool,
    /// What is known of the engines that send messages of version 3, whoever listens.
    engines: SharedEngines,
    /// What the listeners before this one counted.
    counters: Counters,
    /// Traps that were lost before the last report.
    lost_reported: u64,
    /// Parts of the configuration that cannot be used.
    error: Option<String>,
    /// What becomes of a receiver that could not be started.
    failed: Option<Retry<Reception>>,
}

/// The note of the engines that send messages of version 3.
const ENGINES_NOTE: &str = "snmp-engines";

/// What the store has noted of engines. If it `is_ours`, the note says from now on that the agent has not ended, so that
/// a crash in the first second is known as one.
pub(super) fn noted_engines(store: &Path, is_ours: bool, now: Moment) -> Engines {
    let notes = Notes::new(store);
    let noted = notes.read(ENGINES_NOTE).unwrap_or_else(|error| {
        tracing::error!("SNMP 3 traps from before this start can be replayed: {error}");
        None
    });
    let Some(noted) = noted else { return Engines::default() };
    let engines = Engines::restore(&String::from_utf8_lossy(&noted), now.mono_s());
    if is_ours && let Err(error) = notes.write(ENGINES_NOTE, engines.note(false).as_bytes()) {
        tracing::error!("{error}");
    }
    engines
}

/// How traps are to be received: made of a configuration wherever that may take its time, as it looks up names and
/// derives keys.
#[derive(Debug)]
pub(super) struct Reception {
    listen: Vec<String>,
    addresses: io::Result<Vec<SocketAddr>>,
    intake: Intake,
    /// Parts of the configuration that cannot be used.
    faults: Vec<String>,
}

/// How a configuration wants traps to be received; `None` if it does not receive traps.
pub(super) fn reception(config: &Config, now: Moment) -> Option<Reception> {
    let traps = config.snmp.traps.as_ref()?;
    let mut faults = Vec::new();
    let intake = Intake::new(config, traps, now, &mut faults);
    let addresses = resolve(&traps.listen);
    Some(Reception { listen: traps.listen.clone(), addresses, intake, faults })
}

/// The same, once its addresses can be listened on.
fn free_reception(config: &Config, now: Moment) -> io::Result<Reception> {
    let reception = reception(config, now).ok_or(io::ErrorKind::NotFound)?;
    if let Ok(addresses) = &reception.addresses {
        try_to_listen(addresses)?;
    }
    Ok(reception)
}

impl TrapReceiver {
    /// One that does not listen yet, and where traps will come out. `engines` is what was noted of those that send
    /// messages of version 3.
    pub(super) fn new(engines: Engines) -> (TrapReceiver, mpsc::Receiver<Vec<PassiveResult>>) {
        let (sender, results) = mpsc::channel(TRAPS_QUEUE_MAX);
        let receiver = TrapReceiver {
            sender,
            listener: None,
            listen: Vec::new(),
            listened: false,
            engines: Arc::new(Mutex::new(engines)),
            counters: Counters::default(),
            lost_reported: 0,
            error: None,
            failed: None,
        };
        (receiver, results)
    }

    /// Listens as a configuration wants it, and goes on trying if an address cannot be listened on.
    pub(super) fn start_sometime(&mut self, reception: Option<Reception>, now: Moment) {
        if let Err(error) = self.configure(reception) {
            tracing::error!("traps are not received: {error}");
            self.failed = Some(Retry::after(error.to_string(), now));
        }
    }

    /// Listens as another configuration wants it. Where no receiver has worked so far, it goes on trying if it cannot.
    ///
    /// # Errors
    /// In place of a receiver that worked, another address cannot be listened on; then no traps are received.
    pub(super) fn reload(&mut self, reception: Option<Reception>, now: Moment) -> io::Result<()> {
        if self.listener.as_ref().is_some_and(|listener| !listener.has_failed()) {
            return self.configure(reception);
        }
        self.start_sometime(reception, now);
        Ok(())
    }

    /// Tries again to listen, if it could not and some time has passed.
    pub(super) fn look(&mut self, config: &Arc<Config>, now: Moment) {
        let Some(retry) = &mut self.failed else { return };
        if let Some(reception) = retry.made() {
            self.start_sometime(Some(reception), now);
        } else if retry.is_due(now) {
            let config = Arc::clone(config);
            retry.begin(now, move || free_reception(&config, now).map_err(|error| error.to_string()));
        }
    }

    /// Listens as a configuration wants it. Sockets stay open where the addresses stay the same.
    ///
    /// # Errors
    /// An address cannot be listened on; then no traps are received.
    fn configure(&mut self, reception: Option<Reception>) -> io::Result<()> {
        (self.error, self.failed) = (None, None);
        let Some(Reception { listen, addresses, intake, faults }) = reception else {
            self.close();
            return Ok(());
        };
        for fault in &faults {
            tracing::error!("traps are not accepted by all profiles: {fault}");
        }
        self.error = faults.into_iter().next();
        let intake = intake.with_engines(Arc::clone(&self.engines));
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
                (self.listen, self.listened) = (listen, true);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.counters = listener.counters();
        }
    }

    /// The counters so far, if traps are received.
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
        let not_started = self.failed.as_ref().map(|retry| retry.why().to_owned());
        if let Some(why) = not_started.or(self.error.clone()).or(ended) {
            part.critical(format!("traps are not received: {why}"));
        }
        if lost > 0 {
            part.warning(format!("{} lost unread", counted_were(lost, "trap")));
        }
        part
    }

    /// What is to be noted of engines, if traps are received and it changed.
    pub(super) fn take_note(&self) -> Option<(String, String)> {
        let note = self.listener.as_ref().and_then(|_| locked(&self.engines).take_note())?;
        Some((ENGINES_NOTE.to_owned(), note))
    }

    /// What is to be noted of engines at the end, if traps were ever received.
    pub(super) fn last_note(&self) -> Option<(String, String)> {
        self.listened.then(|| (ENGINES_NOTE.to_owned(), locked(&self.engines).note(true)))
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
