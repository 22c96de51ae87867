//! The waiting room: connections that have not sent a request yet.
//!
//! A client sends its request at once, so a connection that waits long is idle, broken or hostile. When the room is
//! full, the connection that has waited longest makes way for the new one; honest clients never notice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::limits;
use crate::lock::locked;

/// The room.
#[derive(Debug)]
pub(super) struct Room {
    seats: Mutex<Seats>,
    len_max: AtomicUsize,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    /// By order of arrival.
    taken: BTreeMap<u64, Arc<Notify>>,
    /// Most seats taken at once since a crowd left.
    peak: usize,
}

/// A place in the room, given up when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    room: Arc<Room>,
    number: u64,
    called: Arc<Notify>,
}

impl Room {
    pub(super) fn new(len_max: usize) -> Room {
        Room { seats: Mutex::default(), len_max: AtomicUsize::new(len_max.max(1)), emptied: Notify::new() }
    }

    /// Takes a seat; `true` with it if somebody had to leave.
    pub(super) fn enter(self: &Arc<Room>) -> (Seat, bool) {
        let called = Arc::new(Notify::new());
        let mut seats = locked(&self.seats);
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, Arc::clone(&called));
        seats.peak = seats.peak.max(seats.taken.len());
        let crowded = seats.taken.len() > self.len_max.load(Ordering::Relaxed);
        if crowded && let Some((_, oldest)) = seats.taken.pop_first() {
            oldest.notify_one();
        }
        (Seat { room: Arc::clone(self), number, called }, crowded)
    }

    /// Sends everybody away.
    pub(super) fn clear(&self) {
        for (_, called) in std::mem::take(&mut locked(&self.seats).taken) {
            called.notify_one();
        }
    }

    /// Sends the one away that waits longest; `false` if nobody waits.
    pub(super) fn evict_oldest(&self) -> bool {
        match locked(&self.seats).taken.pop_first() {
            Some((_, oldest)) => {
                oldest.notify_one();
                true
            }
            None => false,
        }
    }

    /// Waits until a crowd was here and has left, most of it.
    pub(super) async fn emptied(&self) {
        self.emptied.notified().await;
    }

    /// Seats taken.
    pub(super) fn len(&self) -> usize {
        locked(&self.seats).taken.len()
    }
}

impl Seat {
    /// Waits until this seat has to be given up.
    pub(super) async fn evicted(&self) {
        self.called.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = locked(&self.room.seats);
        seats.taken.remove(&self.number);
        let left = seats.taken.len();
        if seats.peak >= limits::NRPE_TRIM_WAITING_MIN && left <= seats.peak / limits::NRPE_TRIM_SHARE {
            seats.peak = left;
            self.room.emptied.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_way() {
        let room = Arc::new(Room::new(2));
        let (first, crowded) = room.enter();
        assert!(!crowded);
        let (second, _) = room.enter();
        let (third, crowded) = room.enter();
        assert!(crowded);
        first.evicted().await;
        assert_eq!(room.len(), 2);
        drop(first);
        drop(third);
        assert_eq!(room.len(), 1);
        room.clear();
        second.evicted().await;
        assert_eq!(room.len(), 0);
    }

    #[tokio::test]
    async fn a_crowd_that_leaves_is_told_once() {
        let room = Arc::new(Room::new(usize::MAX));
        let told = async |room: &Arc<Room>| {
            tokio::select! {
                biased;
                () = room.emptied() => true,
                () = std::future::ready(()) => false,
            }
        };
        let enter = |count: usize| (0..count).map(|_| room.enter().0).collect::<Vec<_>>();
        drop(enter(limits::NRPE_TRIM_WAITING_MIN - 1));
        assert!(!told(&room).await);
        let mut crowd = enter(limits::NRPE_TRIM_WAITING_MIN);
        crowd.truncate(limits::NRPE_TRIM_WAITING_MIN / limits::NRPE_TRIM_SHARE + 1);
        assert!(!told(&room).await);
        crowd.pop();
        assert!(told(&room).await);
        drop(crowd);
        assert!(!told(&room).await);
    }
}
