//! The listener as a whole: start, reload, end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use custos_compat::nrpe::Severity;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, mpsc};

use super::accept::{Sockets, try_to_listen};
use super::connection::ConnectionLimit;
use super::error::Error;
use super::request::Request;
use super::settings::Settings;
use super::state::{ActiveSettings, Shared};
use crate::limits;
use crate::part::Part;
use crate::trim;

/// A running listener. A clone is another handle on the same one.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
    sockets: Arc<Sockets>,
    /// Closed when the last connection has ended.
    ended: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Server {
    /// Starts listening. Requests go to `requests`, whose other end is the agent. Answers that only wait for the agent are
    /// sent from its runtime.
    ///
    /// It is enough that one of the addresses can be listened on. Must be called within a tokio runtime.
    pub fn start(
        settings: Settings,
        requests: mpsc::Sender<Request>,
        agent: Handle,
    ) -> Result<Server, Error> {
        let active = Arc::new(ActiveSettings::new(settings)?);
        let (alive, ended) = mpsc::channel(1);
        let shared = Arc::new(Shared::new(Arc::clone(&active), waiting_max(), requests, agent));
        let sockets = Arc::new(Sockets::new(Arc::clone(&shared), alive));
        active.announce();
        active.log.write(Severity::Notice, "Starting up daemon");
        ignore_quit();
        sockets.accept(sockets.open(&active)?, &active)?;
        tokio::spawn(give_memory_back(Arc::clone(&shared.waiting)));
        Ok(Server { shared, sockets, ended: Arc::new(Mutex::new(ended)) })
    }

    /// Whether a listener could be started now: TLS can be set up, and an address can be listened on. Nothing is logged.
    ///
    /// # Errors
    /// It could not.
    pub fn try_to_listen(settings: &Settings) -> Result<(), Error> {
        settings.tls.or_context(&settings.ssl)?;
        try_to_listen(&settings.listen, settings.backlog)
    }

    /// Takes new settings, whole or not at all.
    ///
    /// Certificates are read again. Sockets that stay are not touched, new ones are opened before old ones are closed,
    /// and connections under way finish by the settings that they began with. On an error all stays as it was.
    pub fn reload(&self, settings: Settings) -> Result<(), Error> {
        let reloaded = self.activate(settings);
        if let Err(error) = &reloaded {
            self.shared.active().log.error(error);
        }
        reloaded
    }

    fn activate(&self, settings: Settings) -> Result<(), Error> {
        let active = Arc::new(ActiveSettings::new(settings)?);
        let opened = self.sockets.open(&active)?;
        active.log.continue_count(&self.shared.active().log);
        active.log.write(Severity::Notice, "Caught SIGHUP - restarting...");
        active.announce();
        self.shared.activate(Arc::clone(&active));
        self.sockets.accept(opened, &active)
    }

    /// What was counted since the start, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts = self.shared.counters.snapshot();
        counts.push(("log_lines_lost", self.shared.active().log.lost()));
        counts
    }

    /// The listener as a part of the agent.
    pub fn part(&self) -> Part {
        Part::new("NRPE").with_addresses(self.addresses()).with_totals("nrpe", self.counts())
    }

    /// Number of connections that have not sent their request yet.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.len()
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.shared.active().settings.clone()
    }

    /// The names that are served, as the checks that record their runs are called.
    pub fn served_names(&self) -> BTreeSet<String> {
        let active = self.shared.active();
        active.settings.commands.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// Writes to NRPE's log.
    pub fn log(&self, severity: Severity, line: &str) {
        self.shared.active().log.write(severity, line);
    }

    /// The addresses of the listening sockets.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.addresses()
    }

    /// Stops listening, closes idle connections and has requests that wait for their turn answered, all at once. `why` is
    /// for the log.
    pub fn leave(&self, why: &str) {
        let active = self.shared.active();
        active.log.write(Severity::Notice, format!("{why} - shutting down..."));
        self.sockets.leave();
        self.shared.waiting.evict_all();
        active.running.close();
    }

    /// After [`Server::leave`], waits until all requests under way are answered.
    pub async fn left(&self) {
        while self.ended.lock().await.recv().await.is_some() {}
        self.shared.active().log.write(Severity::Notice, "Daemon shutdown");
    }
}

/// nrpe ignores SIGQUIT. tokio never uninstalls a handler that was asked for once, and nothing listens to this one.
fn ignore_quit() {
    let _ = signal(SignalKind::quit());
}

/// Returns memory to the system each time that many connections have come and gone.
async fn give_memory_back(waiting: Arc<ConnectionLimit>) {
    loop {
        waiting.crowd_ended().await;
        tokio::time::sleep(limits::NRPE_TRIM_DELAY).await;
        trim::give_back();
    }
}

/// How many connections may wait for a request: three quarters of the descriptors that the process may have.
///
/// The process's own limit is raised as far as it is needed and permitted. That does not concern plugins: they descend
/// from the shim, which was started before.
fn waiting_max() -> usize {
    let wanted = limits::NRPE_DESCRIPTORS;
    let descriptors = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < wanted && hard > soft => {
            let raised = wanted.min(hard);
            if setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() { raised } else { soft }
        }
        Ok((soft, _)) => soft,
        Err(_) => 1024,
    };
    limits::NRPE_WAITING_MAX.min(usize::try_from(descriptors).unwrap_or(usize::MAX) / 4 * 3)
}
