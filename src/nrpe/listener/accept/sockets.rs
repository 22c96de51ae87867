//! The listening sockets of a listener, and how they follow its settings.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use custos_compat::nrpe::Severity;
use tokio::sync::mpsc;

use super::listener::{self, Listener};
use super::thread;
use crate::lock::locked;
use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::state::{ActiveSettings, Shared};
use crate::text::system_error;

/// The open sockets.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct Sockets {
    shared: Arc<Shared>,
    open: Mutex<Vec<Socket>>,
    /// Cloned by every thread and connection; `None` once the listener stops.
    alive: Mutex<Option<mpsc::Sender<()>>>,
}

/// A listening socket, until it is dropped.
#[derive(Debug)]
struct Socket {
    /// As configured, perhaps with port 0.
    asked: SocketAddr,
    /// As bound.
    address: SocketAddr,
    listener: Arc<Listener>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.listener.leave();
    }
}

/// Sockets opened for new settings, before those are in force.
pub(in crate::nrpe::listener) struct Opened {
    wanted: Vec<SocketAddr>,
    sockets: Vec<(SocketAddr, Listener)>,
}

impl Sockets {
    /// No socket is open yet. `alive` is dropped when the listener and all its connections have ended.
    pub(in crate::nrpe::listener) fn new(shared: Arc<Shared>, alive: mpsc::Sender<()>) -> Sockets {
        Sockets { shared, open: Mutex::default(), alive: Mutex::new(Some(alive)) }
    }

    /// The addresses of the open sockets.
    pub(in crate::nrpe::listener) fn addresses(&self) -> Vec<SocketAddr> {
        locked(&self.open).iter().map(|socket| socket.address).collect()
    }

    /// Stops accepting on every socket, at the end of the process.
    pub(in crate::nrpe::listener) fn leave(&self) {
        locked(&self.open).clear();
        drop(locked(&self.alive).take());
    }

    /// Opens the sockets that the settings name and that are not open yet. It is enough that one of them opens.
    pub(in crate::nrpe::listener) fn open(&self, active: &ActiveSettings) -> Result<Opened, Error> {
        let wanted = wanted(active)?;
        let backlog = active.settings.backlog;
        let (mut sockets, mut open_already, mut failure, mut released) = (Vec::new(), 0, None, Vec::new());
        for &address in &wanted {
            if self.is_open(address) {
                open_already += 1;
                continue;
            }
            let mut socket = Listener::open(address, backlog);
            if matches!(&socket, Err(error) if error.kind() == io::ErrorKind::AddrInUse) {
                // The port may be taken by a wildcard that the new settings no longer name.
                released.append(&mut self.release(address.port(), &wanted));
                socket = Listener::open(address, backlog);
            }
            match socket {
                Ok(socket) => sockets.push((address, socket)),
                Err(source) => {
                    let (port, ip) = (address.port(), address.ip());
                    let why = system_error::words(&source);
                    active.log.error(format_args!("Bind to port {port} on {ip} failed: {why}."));
                    failure = Some(Error::Bind { address: address.to_string(), source });
                }
            }
        }
        if !sockets.is_empty() || open_already > 0 {
            return Ok(Opened { wanted, sockets });
        }
        active.log.error("Cannot bind to any address.");
        self.reopen(&released, backlog);
        Err(failure.unwrap_or_else(|| Error::Bind {
            address: "any of the configured addresses".into(),
            source: io::ErrorKind::AddrNotAvailable.into(),
        }))
    }

    /// Accepts on the new sockets, and closes those that the settings no longer name.
    pub(in crate::nrpe::listener) fn accept(
        &self,
        opened: Opened,
        active: &ActiveSettings,
    ) -> Result<(), Error> {
        self.close_unless(|socket| opened.wanted.contains(&socket.asked));
        for (asked, socket) in opened.sockets {
            let address = socket.local_addr().unwrap_or(asked);
            active.log.info(format_args!("Server listening on {} port {}.", address.ip(), address.port()));
            self.accept_on(asked, socket)
                .map_err(|source| Error::Bind { address: address.to_string(), source })?;
        }
        if let Some(listen) = active.settings.listen.first() {
            active.log.info(format_args!("Listening for connections on port {}", listen.port));
        }
        let hosts = &active.settings.allowed_hosts;
        if hosts.entries().is_some() {
            active.log.info(format_args!("Allowing connections from: {}", hosts.written()));
        }
        Ok(())
    }

    fn is_open(&self, address: SocketAddr) -> bool {
        locked(&self.open).iter().any(|socket| socket.asked == address)
    }

    /// Closes the sockets of this port that are no longer wanted, and returns their addresses.
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
        locked(&self.open).retain(|socket| {
            let stays = stays(socket);
            if !stays {
                socket.listener.close();
            }
            stays
        });
    }

    /// Opens sockets again that were closed for new ones which could not be opened after all.
    fn reopen(&self, released: &[SocketAddr], backlog: u32) {
        for &address in released {
            let reopened =
                Listener::open(address, backlog).and_then(|socket| self.accept_on(address, socket));
            if let Err(error) = reopened {
                let line = format!("{address} cannot be listened on again: {error}");
                self.shared.active().log.write(Severity::Error, line);
            }
        }
    }

    fn accept_on(&self, asked: SocketAddr, listener: Listener) -> io::Result<()> {
        // Nothing is accepted any more once the listener stops.
        let Some(alive) = locked(&self.alive).clone() else { return Ok(()) };
        let address = listener.local_addr().unwrap_or(asked);
        let listener = Arc::new(listener);
        thread::start(Arc::clone(&self.shared), Arc::clone(&listener), alive)?;
        locked(&self.open).push(Socket { asked, address, listener });
        Ok(())
    }
}

/// Every address that the settings name.
fn wanted(active: &ActiveSettings) -> Result<Vec<SocketAddr>, Error> {
    let mut addresses = Vec::new();
    for listen in &active.settings.listen {
        let found = listener::addresses(listen).inspect_err(|error| {
            if let Error::Bind { address, source } = error {
                let why = system_error::words(source);
                active.log.error(format_args!("bad addr or host: {address} ({why})"));
            }
        });
        addresses.append(&mut found?);
    }
    Ok(addresses)
}
