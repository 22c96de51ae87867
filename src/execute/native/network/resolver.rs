//! Names of hosts, which the system looks up on threads of its own: so few at a time that those a dead server holds cost little.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use custos_native::Family;
use tokio::sync::Semaphore;

use crate::limits::{NATIVE_LOOKUP_WAIT, NATIVE_LOOKUPS_MAX};

/// Looks up names, and whatever else may hold a thread.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    free: Arc<Semaphore>,
}

impl Resolver {
    pub(super) fn new() -> Resolver {
        Resolver { free: Arc::new(Semaphore::new(NATIVE_LOOKUPS_MAX)) }
    }

    /// The addresses of a host, in the order in which they are to be tried.
    ///
    /// # Errors
    /// It has none, or nobody says so in time.
    pub(super) async fn addresses(
        &self,
        name: &str,
        port: u16,
        family: Option<Family>,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let owned = name.to_owned();
        let found = self.apart(move || {
            use std::net::ToSocketAddrs as _;
            (owned.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
        });
        let mut addresses = found.await.ok_or(io::ErrorKind::TimedOut)??;
        addresses.retain(|address| family.is_none_or(|family| (family == Family::V4) == address.is_ipv4()));
        match addresses.is_empty() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(addresses),
        }
    }

    /// Does something on a thread of its own; none if that takes too long, or too much of it is under way.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let thread = tokio::task::spawn_blocking(move || {
            // Held until it is over, whoever still waits.
            let _permit = permit;
            work()
        });
        tokio::time::timeout(NATIVE_LOOKUP_WAIT, thread).await.ok()?.ok()
    }
}
