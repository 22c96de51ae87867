//! The places of connections: so many in all, and so many for each client. Where none is free, the connection that has been idle for the
//! longest gives its place up, so that nobody keeps others out by holding what they do not use.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::strain::Strains;
use crate::clock::mono_us;
use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_CONNECTIONS_PER_CLIENT_MAX, HTTP_GIVE_WAY};
use crate::lock::locked;

/// While a request is answered.
const BUSY: u64 = u64::MAX;

/// Which client an address is of: whoever has one address of this host has all, and whoever has one of IPv6 has those beside it.
pub(super) fn client_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        peer if peer.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(peer) => IpAddr::V6((u128::from(peer) & !u128::from(u64::MAX)).into()),
        peer => peer,
    }
}

/// All places.
pub(super) struct Places {
    taken: Mutex<Taken>,
    strains: Arc<Strains>,
    /// Told when a place is free again.
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    next: u64,
    connections: HashMap<u64, Arc<Seat>>,
}

impl Taken {
    fn of(&self, client: Option<IpAddr>) -> usize {
        self.connections.values().filter(|seat| seat.client == client).count()
    }

    /// The connection that has been idle for the longest, of a client or of all, and has not been asked to leave.
    fn longest_idle(&self, client: Option<IpAddr>) -> Option<&Arc<Seat>> {
        let of_client = self.connections.values().filter(|seat| client.is_none() || seat.client == client);
        let idle = of_client.map(|seat| (seat.idle_since_us.load(Ordering::Relaxed), seat));
        idle.filter(|(since_us, _)| *since_us != BUSY)
            .min_by_key(|(since_us, _)| *since_us)
            .map(|(_, seat)| seat)
    }
}

/// What is known of one connection.
pub(super) struct Seat {
    /// None over a socket in the file system.
    client: Option<IpAddr>,
    /// Since when it has waited for a request (µs of the monotonic clock).
    idle_since_us: AtomicU64,
    leave: Notify,
}

impl Seat {
    /// A request has come.
    pub(super) fn begin(&self) {
        self.idle_since_us.store(BUSY, Ordering::Relaxed);
    }

    /// It has been answered.
    pub(super) fn end(&self) {
        self.idle_since_us.store(mono_us(), Ordering::Relaxed);
    }

    /// Waits until somebody else needs the place.
    pub(super) async fn is_needed(&self) {
        self.leave.notified().await;
    }

    /// Asks it to leave, once.
    fn ask_to_leave(&self) {
        self.idle_since_us.store(BUSY, Ordering::Relaxed);
        self.leave.notify_one();
    }
}

/// The place of a connection, which is free again when this is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Places {
    /// Free places; that one is given up for another is noted there.
    pub(super) fn new(strains: Arc<Strains>) -> Places {
        Places { taken: Mutex::default(), strains, freed: Notify::new() }
    }

    fn ask_to_leave(&self, seat: &Seat) {
        seat.ask_to_leave();
        self.strains.note(mono_us(), |strain| strain.closed += 1);
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        locked(&self.taken).connections.len()
    }

    /// Waits until all are free.
    pub(super) async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            if self.taken() == 0 {
                return;
            }
            freed.await;
        }
    }

    /// Waits until a connection could have a place.
    pub(super) async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            {
                let taken = locked(&self.taken);
                if taken.connections.len() < HTTP_CONNECTIONS_MAX {
                    return;
                }
                if let Some(seat) = taken.longest_idle(None) {
                    self.ask_to_leave(seat);
                }
            }
            // Those that are busy now may be idle soon.
            let _ = timeout(HTTP_GIVE_WAY, freed).await;
        }
    }

    /// A place for a connection of an address; none if its client has too many that are not idle.
    pub(super) async fn take(&self, peer: Option<IpAddr>) -> Option<Place<'_>> {
        let client = peer.map(client_of);
        loop {
            let freed = self.freed.notified();
            {
                let mut taken = locked(&self.taken);
                if client.is_none() || taken.of(client) < HTTP_CONNECTIONS_PER_CLIENT_MAX {
                    let number = taken.next;
                    taken.next += 1;
                    let (idle_since_us, leave) = (AtomicU64::new(mono_us()), Notify::new());
                    let seat = Arc::new(Seat { client, idle_since_us, leave });
                    taken.connections.insert(number, Arc::clone(&seat));
                    return Some(Place { places: self, number, seat });
                }
                self.ask_to_leave(taken.longest_idle(client)?);
            }
            timeout(HTTP_GIVE_WAY, freed).await.ok()?;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        locked(&self.places.taken).connections.remove(&self.number);
        self.places.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_client_count_together() {
        let client = |text: &str| client_of(text.parse().unwrap()).to_string();
        assert_eq!(client("127.0.0.9"), "127.0.0.1");
        assert_eq!(client("::ffff:127.1.2.3"), "127.0.0.1");
        assert_eq!(client("::1"), "127.0.0.1");
        assert_eq!(client("192.0.2.7"), "192.0.2.7");
        assert_eq!(client("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[tokio::test]
    async fn the_longest_idle_gives_way_and_one_that_is_busy_does_not() {
        let places = Places::new(Arc::default());
        let peer = |last| Some(IpAddr::from([192, 0, 2, last]));
        let mut all = Vec::new();
        for _ in 0..HTTP_CONNECTIONS_PER_CLIENT_MAX {
            all.push(places.take(peer(1)).await.unwrap());
        }
        all.iter().for_each(|place| place.seat.begin());
        assert!(places.take(peer(1)).await.is_none());
        assert!(places.take(peer(2)).await.is_some());
        all[7].seat.end();
        let seat = Arc::clone(&all[7].seat);
        let leaving = async {
            seat.is_needed().await;
            drop(all.remove(7));
        };
        let (place, ()) = tokio::join!(places.take(peer(1)), leaving);
        assert!(place.is_some());
        assert_eq!(places.taken(), HTTP_CONNECTIONS_PER_CLIENT_MAX);
        assert_eq!(places.strains.recent(mono_us()).closed, 1);
    }

    #[tokio::test]
    async fn there_is_room_once_the_longest_idle_of_any_client_has_left() {
        let places = Places::new(Arc::default());
        let mut all = Vec::new();
        for at in 0..HTTP_CONNECTIONS_MAX {
            let peer = IpAddr::from([192, 0, 2, (at / HTTP_CONNECTIONS_PER_CLIENT_MAX) as u8]);
            all.push(places.take(Some(peer)).await.unwrap());
        }
        let seat = Arc::clone(&all[0].seat);
        let leaving = async {
            seat.is_needed().await;
            drop(all.remove(0));
        };
        tokio::join!(places.room(), leaving);
        assert_eq!(places.taken(), HTTP_CONNECTIONS_MAX - 1);
    }
}
