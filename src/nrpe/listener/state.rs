//! What every connection of the listener needs: the settings in force and what was made of them, and shared counters.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use openssl::ssl::SslContext;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::access::{Names, Wrappers};
use super::coalesce::Running;
use super::connection::ConnectionLimit;
use super::counters::Counters;
use super::error::Error;
use super::log::{Log, announce};
use super::request::Request;
use super::settings::Settings;
use crate::limits;
use crate::lock::locked;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Counters,
    /// Connections that have not sent their request yet.
    pub(super) waiting: Arc<ConnectionLimit>,
    /// A permit for each peer that is turned away and whose first bytes are waited for.
    pub(super) turned_away: Semaphore,
    /// Bytes of unfinished requests that count against the budget.
    pub(super) waiting_bytes: AtomicUsize,
    pub(super) requests: mpsc::Sender<Request>,
    /// The runtime of the agent, which answers the requests.
    pub(super) agent: Handle,
    active: RwLock<Arc<ActiveSettings>>,
    anonymous_peers: Mutex<HashSet<IpAddr>>,
}

/// The settings in force, with what was made of them.
#[derive(Debug)]
pub(super) struct ActiveSettings {
    pub(super) settings: Settings,
    pub(super) tls: Option<SslContext>,
    pub(super) names: Names,
    /// `None`: TCP wrappers are not asked.
    pub(super) wrappers: Option<Wrappers>,
    pub(super) log: Log,
    /// A permit for each command that may run at once.
    pub(super) running: Semaphore,
    /// Set if requests for the same line share an execution.
    pub(super) shared_lines: Option<Arc<Running>>,
}

impl ActiveSettings {
    pub(super) fn new(settings: Settings) -> Result<ActiveSettings, Error> {
        Ok(ActiveSettings {
            tls: settings.tls.or_context(&settings.ssl)?,
            names: Names::new(),
            wrappers: settings.tcp_wrappers.then(Wrappers::system),
            log: Log::open(settings.log.clone()),
            running: Semaphore::new(settings.commands_max),
            shared_lines: settings.coalesce.then(Arc::default),
            settings,
        })
    }

    /// Logs what the settings call for at a start and at a reload.
    pub(super) fn announce(&self) {
        announce(&self.log, &self.settings);
        for file in self.wrappers.iter().flat_map(Wrappers::in_force) {
            self.log.info(format_args!("TCP wrappers: {} has rules for nrpe", file.display()));
        }
    }
}

impl Shared {
    /// State for connections whose requests go to `requests`; at most `waiting_max` of them wait for a request at once.
    pub(super) fn new(
        active: Arc<ActiveSettings>,
        waiting_max: usize,
        requests: mpsc::Sender<Request>,
        agent: Handle,
    ) -> Shared {
        Shared {
            counters: Counters::default(),
            waiting: Arc::new(ConnectionLimit::new(waiting_max)),
            turned_away: Semaphore::new(limits::NRPE_TURN_AWAY_MAX),
            waiting_bytes: AtomicUsize::new(0),
            requests,
            agent,
            active: RwLock::new(active),
            anonymous_peers: Mutex::default(),
        }
    }

    /// The settings in force.
    pub(super) fn active(&self) -> Arc<ActiveSettings> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other settings in force. Connections under way keep theirs.
    pub(super) fn activate(&self, settings: Arc<ActiveSettings>) {
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Whether this is the first connection by anonymous TLS of this peer.
    pub(super) fn first_anonymous(&self, peer: IpAddr) -> bool {
        let mut peers = locked(&self.anonymous_peers);
        peers.len() < limits::NRPE_ANONYMOUS_PEERS_MAX && peers.insert(peer)
    }
}
