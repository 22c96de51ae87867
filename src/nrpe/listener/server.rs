//! The listener as a whole: its sockets, its settings and their exchange, its end.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use custos_compat::nrpe::{Note, Severity, SslLogging};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use openssl::ssl::SslContext;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc};

use super::accept;
use super::access::Names;
use super::coalesce::Running;
use super::counters::Counters;
use super::error::Error;
use super::log::Log;
use super::memory;
use super::request::Request;
use super::room::Room;
use super::settings::Settings;
use super::socket::{self, Listener};
use super::tls_log;
use super::wrappers::Wrappers;
use crate::limits;
use crate::lock::locked;
use crate::part::Part;
use crate::text::system_error;

/// A running listener. Cloning it gives another handle on the same one.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    pub(super) room: Arc<Room>,
    pub(super) requests: mpsc::Sender<Request>,
    /// Where the agent runs that answers them.
    pub(super) agent: Handle,
    live: RwLock<Arc<Live>>,
    sockets: Mutex<Vec<Socket>>,
    anonymous_peers: Mutex<HashSet<IpAddr>>,
    /// Held by every connection; gone when the last one is.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// One set of settings in force, with what was made of it.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) settings: Settings,
    pub(super) tls: Option<SslContext>,
    pub(super) names: Names,
    pub(super) wrappers: Option<Wrappers>,
    pub(super) log: Log,
    pub(super) running: Semaphore,
    /// Present if requests for the same line share an execution.
    pub(super) shared_lines: Option<Arc<Running>>,
}

/// A socket being listened on, until it is dropped.
#[derive(Debug)]
struct Socket {
    /// As configured, perhaps with port 0.
    asked: SocketAddr,
    /// As it came to be.
    address: SocketAddr,
    listener: Arc<Listener>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.listener.leave();
    }
}

impl Live {
    fn new(settings: Settings) -> Result<Live, Error> {
        Ok(Live {
            tls: settings.tls.or_context(&settings.ssl)?,
            names: Names::new(),
            wrappers: settings.tcp_wrappers.then(Wrappers::system),
            log: Log::open(settings.log.clone()),
            running: Semaphore::new(settings.commands_max),
            shared_lines: settings.coalesce.then(Arc::default),
            settings,
        })
    }

    fn announce(&self) {
        announce(&self.log, &self.settings);
        for file in self.wrappers.iter().flat_map(Wrappers::in_force) {
            self.log.info(format_args!("TCP wrappers: {} has rules for nrpe", file.display()));
        }
    }
}

impl Shared {
    /// The settings in force.
    pub(super) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this peer's anonymous TLS has not been remarked on yet.
    pub(super) fn first_anonymous(&self, peer: IpAddr) -> bool {
        let mut peers = locked(&self.anonymous_peers);
        peers.len() < limits::NRPE_ANONYMOUS_PEERS_MAX && peers.insert(peer)
    }
}

impl Server {
    /// Starts listening. Requests go to `requests`, whose other end is the agent. Answers that only the agent is waited for
    /// are sent from its runtime.
    ///
    /// It is enough that one of the addresses can be listened on. Must be called within a tokio runtime.
    pub fn start(
        settings: Settings,
        requests: mpsc::Sender<Request>,
        agent: Handle,
    ) -> Result<Server, Error> {
        let live = Arc::new(Live::new(settings)?);
        let (alive, ended) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            counters: Counters::default(),
            room: Arc::new(Room::new(waiting_max())),
            requests,
            agent,
            live: RwLock::new(Arc::clone(&live)),
            sockets: Mutex::default(),
            anonymous_peers: Mutex::default(),
            alive: Mutex::new(Some(alive)),
            ended: tokio::sync::Mutex::new(ended),
        });
        let server = Server { shared };
        live.announce();
        live.log.write(Severity::Notice, "Starting up daemon");
        ignore_quit();
        let wanted = wanted(&live)?;
        let opened = server.open_missing(&wanted, &live)?;
        server.listen(opened, &wanted, &live)?;
        tokio::spawn(give_memory_back(Arc::clone(&server.shared.room)));
        Ok(server)
    }

    /// Takes new settings, whole or not at all.
    ///
    /// Certificates are read anew. Sockets that stay are not touched, new ones are opened before old ones are closed,
    /// and connections under way finish by the settings that they began with. On an error all stays as it was.
    pub fn reload(&self, settings: Settings) -> Result<(), Error> {
        let taken = self.take(settings);
        if let Err(error) = &taken {
            self.shared.live().log.error(error);
        }
        taken
    }

    fn take(&self, settings: Settings) -> Result<(), Error> {
        let live = Arc::new(Live::new(settings)?);
        let wanted = wanted(&live)?;
        let opened = self.open_missing(&wanted, &live)?;
        live.log.continue_count(&self.shared.live().log);
        live.log.write(Severity::Notice, "Caught SIGHUP - restarting...");
        live.announce();
        *self.shared.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&live);
        self.listen(opened, &wanted, &live)
    }

    /// What was counted since the start, by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts = self.shared.counters.snapshot();
        counts.push(("log_lines_lost", self.shared.live().log.lost()));
        counts
    }

    /// The listener as a part of the agent.
    pub fn part(&self) -> Part {
        Part::new("NRPE").with_addresses(self.addresses()).with_totals("nrpe", self.counts())
    }

    /// Connections that wait for a request to arrive.
    pub fn waiting(&self) -> usize {
        self.shared.room.len()
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.shared.live().settings.clone()
    }

    /// Writes to NRPE's log.
    pub fn log(&self, severity: Severity, line: &str) {
        self.shared.live().log.write(severity, line);
    }

    /// The addresses being listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        locked(&self.shared.sockets).iter().map(|socket| socket.address).collect()
    }

    /// Stops listening, sends idle connections away and has requests that wait for their turn answered, all at once.
    pub fn leave(&self) {
        let live = self.shared.live();
        live.log.write(Severity::Notice, "Caught SIGTERM - shutting down...");
        locked(&self.shared.sockets).clear();
        self.shared.room.clear();
        live.running.close();
        drop(locked(&self.shared.alive).take());
    }

    /// After [`Server::leave`], waits until all requests under way are answered.
    pub async fn left(&self) {
        while self.shared.ended.lock().await.recv().await.is_some() {}
        self.shared.live().log.write(Severity::Notice, "Daemon shutdown");
    }

    /// Opens those of the addresses that are not open yet. One that can be opened is enough.
    fn open_missing(&self, wanted: &[SocketAddr], live: &Live) -> Result<Vec<(SocketAddr, Listener)>, Error> {
        let backlog = live.settings.backlog;
        let (mut opened, mut kept, mut failure, mut released) = (Vec::new(), 0, None, Vec::new());
        for &address in wanted {
            if self.has(address) {
                kept += 1;
                continue;
            }
            let mut socket = Listener::open(address, backlog);
            if matches!(&socket, Err(error) if error.kind() == io::ErrorKind::AddrInUse) {
                // Perhaps the port is taken by a wildcard that is on its way out.
                released.append(&mut self.release(address.port(), wanted));
                socket = Listener::open(address, backlog);
            }
            match socket {
                Ok(socket) => opened.push((address, socket)),
                Err(source) => {
                    let (port, ip) = (address.port(), address.ip());
                    let why = system_error::words(&source);
                    live.log.error(format_args!("Bind to port {port} on {ip} failed: {why}."));
                    failure = Some(Error::Bind { address: address.to_string(), source });
                }
            }
        }
        if !opened.is_empty() || kept > 0 {
            return Ok(opened);
        }
        live.log.error("Cannot bind to any address.");
        self.reopen(&released, backlog);
        Err(failure.unwrap_or_else(|| Error::Bind {
            address: "any of the configured addresses".into(),
            source: io::ErrorKind::AddrNotAvailable.into(),
        }))
    }

    fn has(&self, address: SocketAddr) -> bool {
        locked(&self.shared.sockets).iter().any(|socket| socket.asked == address)
    }

    /// Closes the sockets of this port that are not wanted any more, and tells which those were.
    fn release(&self, port: u16, wanted: &[SocketAddr]) -> Vec<SocketAddr> {
        let mut released = Vec::new();
        self.close_unless(|socket| {
            let stays = socket.address.port() != port || wanted.contains(&socket.asked);
            if !stays {
                released.push(socket.asked);
            }
            stays
        });
        released
    }

    fn close_unless(&self, mut stays: impl FnMut(&Socket) -> bool) {
        locked(&self.shared.sockets).retain(|socket| {
            let stays = stays(socket);
            if !stays {
                socket.listener.close();
            }
            stays
        });
    }

    /// Opens sockets again that were closed in vain.
    fn reopen(&self, released: &[SocketAddr], backlog: u32) {
        for &address in released {
            let reopened =
                Listener::open(address, backlog).and_then(|socket| self.accept_on(address, socket));
            if let Err(error) = reopened {
                self.log(Severity::Error, &format!("{address} cannot be listened on again: {error}"));
            }
        }
    }

    /// Serves the new sockets and closes those that the settings no longer name.
    fn listen(
        &self,
        opened: Vec<(SocketAddr, Listener)>,
        wanted: &[SocketAddr],
        live: &Live,
    ) -> Result<(), Error> {
        self.close_unless(|socket| wanted.contains(&socket.asked));
        for (asked, socket) in opened {
            let address = socket.local_addr().unwrap_or(asked);
            live.log.info(format_args!("Server listening on {} port {}.", address.ip(), address.port()));
            self.accept_on(asked, socket)
                .map_err(|source| Error::Bind { address: address.to_string(), source })?;
        }
        if let Some(place) = live.settings.listen.first() {
            live.log.info(format_args!("Listening for connections on port {}", place.port));
        }
        let hosts = &live.settings.allowed_hosts;
        if hosts.entries().is_some() {
            live.log.info(format_args!("Allowing connections from: {}", hosts.written()));
        }
        Ok(())
    }

    fn accept_on(&self, asked: SocketAddr, listener: Listener) -> io::Result<()> {
        // None while the listener stops: then nobody is to be accepted any more.
        let Some(alive) = locked(&self.shared.alive).clone() else { return Ok(()) };
        let address = listener.local_addr().unwrap_or(asked);
        let listener = Arc::new(listener);
        accept::start(Arc::clone(&self.shared), Arc::clone(&listener), alive)?;
        locked(&self.shared.sockets).push(Socket { asked, address, listener });
        Ok(())
    }
}

/// nrpe ignores SIGQUIT. A handler that is asked for once stays, and nobody listens to it.
fn ignore_quit() {
    let _ = signal(SignalKind::quit());
}

/// Every address that the settings mean.
fn wanted(live: &Live) -> Result<Vec<SocketAddr>, Error> {
    let mut addresses = Vec::new();
    for place in &live.settings.listen {
        let found = socket::addresses(place).inspect_err(|error| {
            if let Error::Bind { address, source } = error {
                live.log.error(format_args!("bad addr or host: {address} ({})", system_error::words(source)));
            }
        });
        addresses.append(&mut found?);
    }
    Ok(addresses)
}

/// Logs what a start or a reload has to tell about its settings.
pub(super) fn announce(log: &Log, settings: &Settings) {
    for Note { severity, text } in &settings.notes {
        log.write(*severity, text);
    }
    if settings.ssl.logging.has(SslLogging::STARTUP) && settings.ssl.enabled {
        for line in tls_log::startup_lines(&settings.ssl) {
            log.info(line);
        }
    }
    if settings.policy.arguments {
        log.write(
            Severity::Notice,
            "Warning: Daemon is configured to accept command arguments from clients!",
        );
    }
    if settings.arguments_withheld {
        log.write(
            Severity::Warning,
            "dont_blame_nrpe=1 has no effect without --allow-arguments, as with Debian's nrpe",
        );
    }
}

/// Gives memory back to the system each time that many connections have come and gone.
async fn give_memory_back(room: Arc<Room>) {
    loop {
        room.emptied().await;
        tokio::time::sleep(limits::NRPE_TRIM_DELAY).await;
        memory::give_back();
    }
}

/// Seats in the waiting room: as many as there are descriptors for, with a quarter left for everything else.
///
/// The process's own limit is raised as far as it is needed and permitted. Plugins are not touched by that: they
/// descend from the shim, which was started before.
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
