//! Connections that have not sent their request yet, bounded in number: for one more, the one that waits longest goes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::limits::CONTROL_CONNECTIONS_MAX;
use crate::lock::locked;

/// The connections, the one that waits longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Idle {
    seats: Arc<Mutex<VecDeque<Arc<Notify>>>>,
}

/// The right of a connection to wait. Dropped, it makes space for another one.
#[derive(Debug)]
pub(super) struct Seat {
    idle: Idle,
    given_up: Arc<Notify>,
}

impl Idle {
    /// Takes a connection in, and gives up the one that waits longest if there are too many.
    pub(super) fn sit(&self) -> Seat {
        let given_up = Arc::new(Notify::new());
        let mut seats = locked(&self.seats);
        seats.push_back(Arc::clone(&given_up));
        if seats.len() > CONTROL_CONNECTIONS_MAX
            && let Some(longest) = seats.pop_front()
        {
            longest.notify_one();
        }
        Seat { idle: self.clone(), given_up }
    }
}

impl Seat {
    /// Waits until the connection is given up.
    pub(super) async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        locked(&self.idle.seats).retain(|seat| !Arc::ptr_eq(seat, &self.given_up));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_one_that_waits_longest_goes_first() {
        let idle = Idle::default();
        let mut seats: VecDeque<Seat> = (0..CONTROL_CONNECTIONS_MAX).map(|_| idle.sit()).collect();
        // One that has sent its request makes space.
        drop(seats.pop_back());
        seats.push_back(idle.sit());
        assert_eq!(locked(&idle.seats).len(), CONTROL_CONNECTIONS_MAX);
        seats.push_back(idle.sit());
        seats[0].given_up().await;
        assert_eq!(locked(&idle.seats).len(), CONTROL_CONNECTIONS_MAX);
        drop(seats);
        assert!(locked(&idle.seats).is_empty());
    }
}
