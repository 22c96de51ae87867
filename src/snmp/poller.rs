//! The sockets: one of each address family for all devices, and one buffer for all that arrives.
//!
//! Invariant: each ticket that was submitted comes out once as an outcome, unless the poller was dropped.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};

use super::engine::{Counters, Engine, Poll};
use super::hosts::Hosts;
use super::question::{Failure, Outcome, Question};
use super::target::{Answers, Credentials, Target};
use crate::clock::{self, micros};
use crate::limits::{REPORT_QUEUE_MAX, SNMP_READ_BURST_MAX, SNMP_RECEIVE_BUFFER_BYTES};
use crate::lock::locked;

/// Longest time without a look at the timers.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

/// Whom to ask, by address or by name, and how patiently.
#[derive(Clone, Debug)]
pub struct Device {
    /// An address or a name.
    pub host: String,
    /// The UDP port, 161 as a rule.
    pub port: u16,
    /// By what right it is asked.
    pub credentials: Arc<Credentials>,
    /// How long the first answer may take; each retry waits twice as long as the one before.
    pub timeout: Duration,
    /// How often a request is repeated.
    pub retries: u32,
    /// Most rows to ask for at once.
    pub max_repetitions: u32,
    /// Which answers are taken.
    pub answers: Answers,
}

impl Device {
    fn target(&self, address: IpAddr) -> Target {
        Target {
            address: SocketAddr::new(address, self.port),
            credentials: Arc::clone(&self.credentials),
            timeout: self.timeout,
            retries: self.retries,
            max_repetitions: self.max_repetitions,
            answers: self.answers,
        }
    }
}

/// A handle on the poller. Clones share it.
#[derive(Clone, Debug)]
pub struct Poller {
    shared: Arc<Shared>,
}

/// Where the outcomes come out.
#[derive(Debug)]
pub struct Outcomes {
    receiver: mpsc::Receiver<(u64, Outcome)>,
}

impl Outcomes {
    /// The next outcome with its ticket; none once the poller is gone.
    pub async fn recv(&mut self) -> Option<(u64, Outcome)> {
        self.receiver.recv().await
    }
}

#[derive(Debug)]
struct Shared {
    engine: Mutex<Engine>,
    hosts: Hosts,
    /// Told whenever something was submitted.
    wake: Notify,
}

impl Shared {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        locked(&self.engine)
    }

    fn submit(&self, poll: Poll) {
        self.engine().submit(poll, clock::now());
        self.wake.notify_one();
    }
}

impl Poller {
    /// Opens the sockets. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// There is no socket for IPv4, or no randomness for ids.
    pub fn start() -> io::Result<(Poller, Outcomes)> {
        let mut seed = [0; 8];
        openssl::rand::rand_bytes(&mut seed).map_err(io::Error::other)?;
        let four = open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        // A machine may have no IPv6 at all; then its devices cannot be sent anything.
        let six = open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).ok();
        let engine = Mutex::new(Engine::new(u64::from_ne_bytes(seed)));
        let shared = Arc::new(Shared { engine, hosts: Hosts::default(), wake: Notify::new() });
        let (sender, receiver) = mpsc::channel(REPORT_QUEUE_MAX);
        let driver = Driver { shared: Arc::clone(&shared), four, six, buffer: vec![0; 65_536].into() };
        tokio::spawn(driver.run(sender));
        Ok((Poller { shared }, Outcomes { receiver }))
    }

    /// Asks a device. The outcome comes under `ticket`, within `patience`.
    pub fn submit(&self, ticket: u64, device: &Device, question: Question, patience: Duration) {
        let now = clock::now();
        let deadline_us = now.mono_us.saturating_add(micros(patience));
        if let Some(address) = device.host.parse().ok().or_else(|| self.shared.hosts.known(&device.host, now))
        {
            return self.shared.submit(Poll {
                ticket,
                target: device.target(address),
                question,
                deadline_us,
            });
        }
        let (shared, device) = (Arc::clone(&self.shared), device.clone());
        tokio::spawn(async move {
            let found = tokio::time::timeout(patience, shared.hosts.look_up(&device.host)).await;
            match found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(address) => {
                    shared.submit(Poll { ticket, target: device.target(address), question, deadline_us });
                }
                Err(error) => Poller { shared }.refuse(ticket, Failure::Unresolved(error.to_string())),
            }
        });
    }

    /// Ends a poll before it began. The outcome comes under `ticket`.
    pub(super) fn refuse(&self, ticket: u64, failure: Failure) {
        self.shared.engine().refuse(ticket, failure);
        self.shared.wake.notify_one();
    }

    /// What became of the datagrams so far.
    pub fn counters(&self) -> Counters {
        self.shared.engine().counters()
    }

    /// Polls that are under way or wait.
    pub fn under_way(&self) -> usize {
        self.shared.engine().under_way()
    }

    /// Ends every poll that is under way.
    pub fn stop(&self) {
        self.shared.engine().stop(clock::now());
        self.shared.wake.notify_one();
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // More than the system's bound takes privileges; what it grants without them is taken as well.
    if setsockopt(&socket.as_fd(), sockopt::RcvBufForce, &SNMP_RECEIVE_BUFFER_BYTES).is_err() {
        let _ = setsockopt(&socket.as_fd(), sockopt::RcvBuf, &SNMP_RECEIVE_BUFFER_BYTES);
    }
    UdpSocket::from_std(socket)
}

/// The task that owns the sockets.
struct Driver {
    shared: Arc<Shared>,
    four: UdpSocket,
    six: Option<UdpSocket>,
    buffer: Box<[u8]>,
}

impl Driver {
    async fn run(mut self, outcomes: mpsc::Sender<(u64, Outcome)>) {
        loop {
            let (outbox, done, due_us) = {
                let mut engine = self.shared.engine();
                engine.tick(clock::now());
                (engine.take_outbox(), engine.take_done(), engine.next_due_us())
            };
            for (address, packet) in outbox {
                self.send(address, &packet).await;
            }
            for outcome in done {
                if outcomes.send(outcome).await.is_err() {
                    return;
                }
            }
            let due_us = due_us.unwrap_or(u64::MAX);
            let wait = Duration::from_micros(due_us.saturating_sub(clock::now().mono_us)).min(SLEEP_MAX);
            tokio::select! {
                () = outcomes.closed() => return,
                () = self.shared.wake.notified() => {}
                _ = self.four.readable() => {}
                _ = readable(self.six.as_ref()) => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.receive();
        }
    }

    async fn send(&self, address: SocketAddr, packet: &[u8]) {
        let socket = if address.is_ipv4() { Some(&self.four) } else { self.six.as_ref() };
        let sent = match socket {
            Some(socket) => socket.send_to(packet, address).await,
            None => Err(io::ErrorKind::Unsupported.into()),
        };
        // It is repeated like a request that was lost on the way.
        if let Err(error) = sent {
            tracing::debug!(%address, "failed to send a request: {error}");
            self.shared.engine().unsent();
        }
    }

    fn receive(&mut self) {
        let mut engine = self.shared.engine();
        let now = clock::now();
        for socket in [Some(&self.four), self.six.as_ref()].into_iter().flatten() {
            for _ in 0..SNMP_READ_BURST_MAX {
                match socket.try_recv_from(&mut self.buffer) {
                    Ok((len, from)) => engine.datagram(from, &self.buffer[..len], now),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // An error that an earlier datagram met; the next read goes on.
                    Err(_) => {}
                }
            }
        }
    }
}

async fn readable(socket: Option<&UdpSocket>) {
    match socket {
        Some(socket) => drop(socket.readable().await),
        None => std::future::pending().await,
    }
}
