//! The NRPE listener: its start, reconfiguration and health, also while it cannot be started.

use std::collections::BTreeSet;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::retry::Retry;
use crate::clock::Moment;
use crate::nrpe::listener::{self, Error, Server, Settings};
use crate::part::Part;

/// The listener, which listens if the configuration wants it to and the system lets it.
#[derive(Debug)]
pub(super) struct NrpeListener {
    requests: mpsc::Sender<listener::Request>,
    /// The runtime of its connections.
    serving: Handle,
    /// The runtime of the agent.
    agent: Handle,
    server: Option<Server>,
    /// Settings by which it could not be started, and what becomes of that.
    failed: Option<(Settings, Retry<Server>)>,
}

impl NrpeListener {
    /// One that does not listen yet, whose requests go to `requests`. Must be called within the agent's runtime.
    pub(super) fn new(requests: mpsc::Sender<listener::Request>, serving: Handle) -> NrpeListener {
        NrpeListener { requests, serving, agent: Handle::current(), server: None, failed: None }
    }

    /// The listener, if it listens.
    pub(super) fn take(&mut self) -> Option<Server> {
        self.adopt();
        self.failed = None;
        self.server.take()
    }

    /// Listens for the first time.
    ///
    /// # Errors
    /// It cannot, and does not try again.
    pub(super) fn start(&mut self, settings: Settings) -> Result<(), Error> {
        let server = starting(&self.requests, &self.serving, &self.agent)(settings)?;
        self.started(server);
        Ok(())
    }

    /// The same, but goes on trying.
    pub(super) fn start_sometime(&mut self, settings: Settings, now: Moment) {
        if let Err(error) = self.start(settings.clone()) {
            let why = error.to_string();
            tracing::error!("NRPE is not answered: {why}");
            self.failed = Some((settings, Retry::after(why, now)));
        }
    }

    /// Listens by other settings, or not at all. Where none has listened so far, it goes on trying if it cannot.
    ///
    /// # Errors
    /// A listener that works cannot work by these settings; it goes on by those that it has.
    pub(super) fn reload(&mut self, settings: Option<Settings>, now: Moment) -> Result<(), Error> {
        self.adopt();
        match (settings, &self.server) {
            (Some(settings), Some(server)) => {
                let _within = self.serving.enter();
                server.reload(settings)?;
            }
            (Some(settings), None) => {
                self.failed = None;
                self.start_sometime(settings, now);
            }
            (None, _) => {
                if let Some(server) = self.take() {
                    server.leave("The configuration has no section nrpe any more");
                    self.serving.spawn(async move { server.left().await });
                }
            }
        }
        Ok(())
    }

    /// Tries again to listen, if it could not and some time has passed.
    pub(super) fn look(&mut self, now: Moment) {
        self.adopt();
        let Some((settings, retry)) = self.failed.as_mut().filter(|(_, retry)| retry.is_due(now)) else {
            return;
        };
        let start = starting(&self.requests, &self.serving, &self.agent);
        let settings = settings.clone();
        retry.begin(now, move || {
            // Without a line in NRPE's log for each attempt.
            Server::try_to_listen(&settings).and_then(|()| start(settings)).map_err(|error| error.to_string())
        });
    }

    /// Takes over what an attempt has made, if one was successful.
    fn adopt(&mut self) {
        if let Some(server) = self.failed.as_mut().and_then(|(_, retry)| retry.made()) {
            self.started(server);
        }
    }

    fn started(&mut self, server: Server) {
        for address in server.addresses() {
            tracing::info!("answering NRPE on {address}");
        }
        (self.server, self.failed) = (Some(server), None);
    }

    /// The names that it serves, if it listens.
    pub(super) fn served_names(&self) -> BTreeSet<String> {
        self.server.as_ref().map(Server::served_names).unwrap_or_default()
    }

    /// Where it listens and what it counts, or why it does not listen; `None` if it is not to.
    pub(super) fn part(&self) -> Option<Part> {
        let Some((_, retry)) = &self.failed else { return self.server.as_ref().map(Server::part) };
        let mut part = Part::new("NRPE");
        part.critical(format!("NRPE is not answered: {}", retry.why()));
        Some(part)
    }
}

/// How to start the listener, on whichever thread.
fn starting(
    requests: &mpsc::Sender<listener::Request>,
    serving: &Handle,
    agent: &Handle,
) -> impl FnOnce(Settings) -> Result<Server, Error> + Send + use<> {
    let (requests, serving, agent) = (requests.clone(), serving.clone(), agent.clone());
    move |settings| {
        let _within = serving.enter();
        Server::start(settings, requests, agent)
    }
}
