//! The listener as a whole: its sockets, its settings and their exchange, its end.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use custos_compat::nrpe::{Note, Severity, SslLogging};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use openssl::ssl::SslContext;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::access::Names;
use super::connection;
use super::counters::Counters;
use super::error::Error;
use super::listener;
use super::log::Log;
use super::request::Request;
use super::room::Room;
use super::settings::Settings;
use super::tls;
use super::wrappers::Wrappers;
use crate::limits;

/// Peers whose anonymous TLS has been remarked on; further ones are not remembered.
const ANONYMOUS_PEERS_MAX: usize = 4096;

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
}

#[derive(Debug)]
struct Socket {
    address: SocketAddr,
    backlog: u32,
    task: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Live {
    fn new(settings: Settings) -> Result<Live, Error> {
        Ok(Live {
            tls: tls::context(&settings.ssl)?,
            names: Names::new(),
            wrappers: settings.tcp_wrappers.then(Wrappers::system),
            log: Log::open(settings.log.clone()),
            running: Semaphore::new(settings.commands_max),
            settings,
        })
    }
}

impl Shared {
    /// Whether this peer's anonymous TLS has not been remarked on yet.
    pub(super) fn first_anonymous(&self, peer: IpAddr) -> bool {
        let mut peers = locked(&self.anonymous_peers);
        peers.len() < ANONYMOUS_PEERS_MAX && peers.insert(peer)
    }
}

impl Server {
    /// Starts listening. Requests go to `requests`, whose other end is the agent.
    ///
    /// It is enough that one of the addresses can be listened on. Must be called within a tokio runtime.
    pub fn start(settings: Settings, requests: mpsc::Sender<Request>) -> Result<Server, Error> {
        let live = Arc::new(Live::new(settings)?);
        let (alive, ended) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            counters: Counters::default(),
            room: Arc::new(Room::new(waiting_max())),
            requests,
            live: RwLock::new(Arc::clone(&live)),
            sockets: Mutex::default(),
            anonymous_peers: Mutex::default(),
            alive: Mutex::new(Some(alive)),
            ended: tokio::sync::Mutex::new(ended),
        });
        let server = Server { shared };
        announce(&live);
        let opened = server.open_missing(&live)?;
        server.listen(opened, &live);
        Ok(server)
    }

    /// Takes new settings, whole or not at all.
    ///
    /// Certificates are read anew. Sockets that stay are not touched, new ones are opened before old ones are closed,
    /// and connections under way finish by the settings that they began with. On an error all stays as it was.
    pub fn reload(&self, settings: Settings) -> Result<(), Error> {
        let live = Arc::new(Live::new(settings)?);
        let opened = self.open_missing(&live)?;
        live.log.write(Severity::Notice, "Caught SIGHUP - restarting...");
        announce(&live);
        *self.shared.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&live);
        self.listen(opened, &live);
        Ok(())
    }

    /// What was counted since the start.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Connections that wait for a request to arrive.
    pub fn waiting(&self) -> usize {
        self.shared.room.len()
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        self.live().settings.clone()
    }

    /// Writes to NRPE's log.
    pub fn log(&self, severity: Severity, line: &str) {
        self.live().log.write(severity, line);
    }

    /// The addresses being listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        locked(&self.shared.sockets).iter().map(|socket| socket.address).collect()
    }

    /// Stops listening and sends idle connections away, at once; then waits until all requests under way are answered.
    pub async fn stop(&self) {
        let live = self.live();
        live.log.write(Severity::Notice, "Caught SIGTERM - shutting down...");
        locked(&self.shared.sockets).clear();
        self.shared.room.clear();
        drop(locked(&self.shared.alive).take());
        while self.shared.ended.lock().await.recv().await.is_some() {}
        live.log.write(Severity::Notice, "Daemon shutdown");
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.shared.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the sockets of these settings that are not open yet.
    fn open_missing(&self, live: &Live) -> Result<Vec<(SocketAddr, TcpListener)>, Error> {
        let settings = &live.settings;
        let (mut opened, mut kept, mut failure) = (Vec::new(), 0, None);
        for place in &settings.listen {
            for address in listener::addresses(place)? {
                if self.has(address, settings.backlog) {
                    kept += 1;
                    continue;
                }
                match listener::open(address, settings.backlog) {
                    Ok(socket) => opened.push((address, socket)),
                    Err(source) => {
                        let (port, ip) = (address.port(), address.ip());
                        live.log.error(format_args!("Bind to port {port} on {ip} failed: {source}."));
                        failure = Some(Error::Bind { address: address.to_string(), source });
                    }
                }
            }
        }
        match failure {
            Some(failure) if opened.is_empty() && kept == 0 => {
                live.log.error("Cannot bind to any address.");
                Err(failure)
            }
            None if opened.is_empty() && kept == 0 => Err(Error::Bind {
                address: "any of the configured addresses".into(),
                source: std::io::ErrorKind::AddrNotAvailable.into(),
            }),
            Some(_) | None => Ok(opened),
        }
    }

    fn has(&self, address: SocketAddr, backlog: u32) -> bool {
        let sockets = locked(&self.shared.sockets);
        sockets.iter().any(|socket| socket.address == address && socket.backlog == backlog)
    }

    /// Serves the new sockets and closes those that the settings no longer name.
    fn listen(&self, opened: Vec<(SocketAddr, TcpListener)>, live: &Live) {
        let mut wanted = Vec::new();
        for place in &live.settings.listen {
            wanted.extend(listener::addresses(place).unwrap_or_default());
        }
        let Some(alive) = locked(&self.shared.alive).clone() else { return };
        let mut sockets = locked(&self.shared.sockets);
        sockets.retain(|socket| wanted.contains(&socket.address));
        for (address, socket) in opened {
            live.log.info(format_args!("Server listening on {} port {}.", address.ip(), address.port()));
            let address = socket.local_addr().unwrap_or(address);
            let task = tokio::spawn(accept(Arc::clone(&self.shared), socket, alive.clone()));
            sockets.push(Socket { address, backlog: live.settings.backlog, task });
        }
        if let Some(place) = live.settings.listen.first() {
            live.log.info(format_args!("Listening for connections on port {}", place.port));
        }
    }
}

/// Logs what a start or a reload has to tell.
fn announce(live: &Live) {
    let (log, settings) = (&live.log, &live.settings);
    for Note { severity, text } in &settings.notes {
        log.write(*severity, text);
    }
    if settings.ssl.logging.has(SslLogging::STARTUP) && live.tls.is_some() {
        for line in tls::startup_lines(&settings.ssl) {
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
    for file in live.wrappers.iter().flat_map(Wrappers::in_force) {
        log.info(format_args!("TCP wrappers: {} has rules for nrpe", file.display()));
    }
    log.write(Severity::Notice, "Starting up daemon");
    if let Some(hosts) = settings.allowed_hosts.entries() {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        log.info(format_args!("Allowing connections from: {}", hosts.join(",")));
    }
}

async fn accept(shared: Arc<Shared>, socket: TcpListener, alive: mpsc::Sender<()>) {
    let mut backoff = limits::NRPE_ACCEPT_BACKOFF;
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                // Mostly a want of descriptors: an idle connection gives way to whoever comes next.
                shared.counters.accept_failures.add();
                if shared.room.evict_oldest() {
                    shared.counters.crowded_out.add();
                }
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(limits::NRPE_ACCEPT_BACKOFF_MAX);
                continue;
            }
        };
        backoff = limits::NRPE_ACCEPT_BACKOFF;
        shared.counters.accepted.add();
        let live = Arc::clone(&shared.live.read().unwrap_or_else(PoisonError::into_inner));
        let (shared, alive) = (Arc::clone(&shared), alive.clone());
        tokio::spawn(async move {
            connection::serve(shared, live, stream, peer.ip(), peer.port()).await;
            drop(alive);
        });
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
