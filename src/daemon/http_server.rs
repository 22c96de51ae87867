//! The server over HTTP: a process of its own, which the agent starts, watches and replaces.
//!
//! The agent opens the sockets and keeps them, so that a server that ends refuses nobody: connections wait for the next. No
//! query can hurt the agent: whatever one does, it does to the other process.

use std::os::fd::AsFd;

use tokio::task::JoinHandle;

use super::helper::{Helper, Kind, Reports};
use crate::clock::Moment;
use crate::config::Listening;
use crate::http::{Report, Settings, Socket, Strain};
use crate::limits::{HTTP_DRAIN, LISTENER_RETRY};
use crate::part::Part;

/// Which program answers: this one.
static KIND: Kind = Kind {
    args: ["serve", "--of-agent"],
    process: "the HTTP server",
    lost: "HTTP is not answered",
    was_lost: "HTTP was not answered for a moment",
    again: "HTTP is answered again",
    drain: HTTP_DRAIN,
};

/// The server, if the configuration wants one.
#[derive(Debug, Default)]
pub(super) struct HttpServer {
    running: Option<Running>,
    failed: Option<Failed>,
}

/// Why there is no server, and when to try again.
#[derive(Debug)]
struct Failed {
    settings: Option<Settings>,
    why: String,
    next_us: u64,
}

/// A server that is kept running.
#[derive(Debug)]
struct Running {
    settings: Settings,
    sockets: Vec<Socket>,
    helper: Helper<Report>,
}

impl Reports for Report {
    fn ended(&self) -> Report {
        Report { connections: 0, strain: Strain::default(), ..*self }
    }

    fn with(&self, before: &Report) -> Report {
        Report {
            requests: before.requests + self.requests,
            refused: before.refused + self.refused,
            failed: before.failed + self.failed,
            connections_refused: before.connections_refused + self.connections_refused,
            connections: self.connections,
            strain: self.strain,
        }
    }
}

/// Settings that can be taken over, with the sockets that they take.
#[derive(Debug)]
pub(super) enum Prepared {
    /// All stays as it is.
    Same,
    Nothing,
    New(Box<Settings>, Vec<Socket>),
    /// They cannot be used, or not even read; nothing that works is lost by that.
    Failed(Option<Box<Settings>>, String),
}

impl HttpServer {
    /// Starts the server. If it cannot be started, that is tried again.
    pub(super) fn start_sometime(&mut self, settings: Result<Option<Settings>, String>, now: Moment) {
        let failed = |settings, why: String| {
            tracing::error!("HTTP is not answered: {why}");
            Some(Failed { settings, why, next_us: now.after(LISTENER_RETRY).mono_us })
        };
        match settings {
            Ok(None) => self.failed = None,
            Ok(Some(settings)) => match self.open(&settings) {
                Ok(sockets) => self.run(settings, sockets),
                Err(why) => self.failed = failed(Some(settings), why),
            },
            Err(why) => self.failed = failed(None, why),
        }
    }

    /// Opens what other settings take, before anything changes. Where there is no server so far, there may go on being
    /// none.
    ///
    /// # Errors
    /// The settings of a server in place of the one that runs cannot be used, or an address cannot be listened on.
    pub(super) fn prepare(&self, settings: Result<Option<Settings>, String>) -> Result<Prepared, String> {
        let failed = |settings: Option<Settings>, why| match self.running {
            Some(_) => Err(why),
            None => Ok(Prepared::Failed(settings.map(Box::new), why)),
        };
        match settings {
            Ok(None) => Ok(Prepared::Nothing),
            Ok(Some(settings))
                if self.running.as_ref().is_some_and(|running| running.settings == settings) =>
            {
                Ok(Prepared::Same)
            }
            Ok(Some(settings)) => match self.open(&settings) {
                Ok(sockets) => Ok(Prepared::New(Box::new(settings), sockets)),
                Err(why) => failed(Some(settings), why),
            },
            Err(why) => failed(None, why),
        }
    }

    /// Takes over what was prepared.
    pub(super) fn take(&mut self, prepared: Prepared, now: Moment) {
        match prepared {
            Prepared::Same => {}
            Prepared::Nothing => {
                self.failed = None;
                self.replaced(&[]);
            }
            Prepared::New(settings, sockets) => {
                self.replaced(&settings.listen);
                self.run(*settings, sockets);
            }
            Prepared::Failed(settings, why) => {
                tracing::error!("HTTP is not answered: {why}");
                let next_us = now.after(LISTENER_RETRY).mono_us;
                self.failed = Some(Failed { settings: settings.map(|settings| *settings), why, next_us });
            }
        }
    }

    /// Tries again to start it, if it could not be started and some time has passed.
    pub(super) fn look(&mut self, now: Moment) {
        let Some(failed) = self.failed.as_mut().filter(|failed| now.mono_us >= failed.next_us) else {
            return;
        };
        failed.next_us = now.after(LISTENER_RETRY).mono_us;
        let Some(settings) = failed.settings.clone() else { return };
        match self.open(&settings) {
            Ok(sockets) => self.run(settings, sockets),
            Err(why) => {
                self.failed =
                    Some(Failed { settings: Some(settings), why, next_us: now.after(LISTENER_RETRY).mono_us })
            }
        }
    }

    /// Has it end after the requests under way, and returns what ends with it.
    pub(super) fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.failed = None;
        self.replaced(&[])
    }

    /// Where it listens and what it counts, or why it does not; `None` if it is not to.
    pub(super) fn part(&self, now: Moment) -> Option<Part> {
        if let Some(failed) = &self.failed {
            let mut part = Part::new("HTTP");
            part.critical(format!("HTTP is not answered: {}", failed.why));
            return Some(part);
        }
        let running = self.running.as_ref()?;
        let addresses = running.sockets.iter().filter_map(|socket| socket.listening().ok());
        let (report, restarts) = running.helper.reported();
        let totals = [
            ("requests", report.requests),
            ("requests_refused", report.refused),
            ("requests_failed", report.failed),
            ("connections_refused", report.connections_refused),
            ("restarts", restarts),
        ];
        let mut part = Part::new("HTTP").with_addresses(addresses).with_totals("http", totals);
        part = part.with_level("http_connections", report.connections);
        // Whoever gets at the port can cause it, so it is said, and nobody is woken by it.
        part.summary = report.strain.said();
        running.helper.judge(&mut part, now);
        Some(part)
    }

    /// Opens the sockets that settings take; those that are open already stay so.
    fn open(&self, settings: &Settings) -> Result<Vec<Socket>, String> {
        let known = |at: &Listening| {
            let running = self.running.as_ref()?;
            let index = running.settings.listen.iter().position(|known| known == at)?;
            running.sockets.get(index)
        };
        let open = |at: &Listening| {
            let opened = match known(at) {
                Some(socket) => {
                    socket.as_fd().try_clone_to_owned().map(|descriptor| Socket::of(at, descriptor))
                }
                None => Socket::open(at),
            };
            opened.map_err(|error| format!("failed to listen on {at} for HTTP: {error}"))
        };
        settings.listen.iter().map(open).collect()
    }

    fn run(&mut self, settings: Settings, sockets: Vec<Socket>) {
        for address in sockets.iter().filter_map(|socket| socket.listening().ok()) {
            tracing::info!("answering HTTP on {address}");
        }
        let handed = sockets.iter().map(|socket| socket.as_fd().try_clone_to_owned());
        let helper = Helper::start(&KIND, settings.message(), handed.collect());
        self.failed = None;
        self.running = Some(Running { settings, sockets, helper });
    }

    /// Has the server end, whose sockets are kept where the next one takes them. Those in the file system that nobody takes are
    /// removed.
    fn replaced(&mut self, kept: &[Listening]) -> Option<JoinHandle<()>> {
        let Running { settings, helper, .. } = self.running.take()?;
        let task = helper.stop();
        for listening in settings.listen.iter().filter(|listening| !kept.contains(listening)) {
            if let Listening::Unix(path) = listening {
                let _ = std::fs::remove_file(path);
            }
        }
        Some(task)
    }
}
