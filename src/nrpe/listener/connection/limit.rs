//! The limit on connections that have not sent a request yet.
//!
//! A client sends its request at once, so a connection that waits long is idle, broken or hostile. At the limit the
//! connection that has waited longest is closed for each new one; honest clients never notice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::limits;
use crate::lock::locked;

/// The limit, and who counts against it.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct ConnectionLimit {
    waiting: Mutex<Waiting>,
    len_max: AtomicUsize,
    crowd_ended: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// By order of arrival.
    permits: BTreeMap<u64, Arc<Notify>>,
    /// Most connections at once since the last time that most of them ended.
    peak: usize,
}

/// The permit of one waiting connection, returned when dropped.
#[derive(Debug)]
pub(in crate::nrpe::listener) struct Permit {
    limit: Arc<ConnectionLimit>,
    number: u64,
    evicted: Arc<Notify>,
}

impl ConnectionLimit {
    pub(in crate::nrpe::listener) fn new(len_max: usize) -> ConnectionLimit {
        ConnectionLimit {
            waiting: Mutex::default(),
            len_max: AtomicUsize::new(len_max.max(1)),
            crowd_ended: Notify::new(),
        }
    }

    /// Admits a connection; `true` with its permit if the oldest had to be closed for it.
    pub(in crate::nrpe::listener) fn admit(self: &Arc<ConnectionLimit>) -> (Permit, bool) {
        let evicted = Arc::new(Notify::new());
        let mut waiting = locked(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        waiting.permits.insert(number, Arc::clone(&evicted));
        waiting.peak = waiting.peak.max(waiting.permits.len());
        let full = waiting.permits.len() > self.len_max.load(Ordering::Relaxed);
        if full && let Some((_, oldest)) = waiting.permits.pop_first() {
            oldest.notify_one();
        }
        (Permit { limit: Arc::clone(self), number, evicted }, full)
    }

    /// Closes all waiting connections.
    pub(in crate::nrpe::listener) fn evict_all(&self) {
        for (_, evicted) in std::mem::take(&mut locked(&self.waiting).permits) {
            evicted.notify_one();
        }
    }

    /// Closes the connection that has waited longest; `false` if none waits.
    pub(in crate::nrpe::listener) fn evict_oldest(&self) -> bool {
        match locked(&self.waiting).permits.pop_first() {
            Some((_, oldest)) => {
                oldest.notify_one();
                true
            }
            None => false,
        }
    }

    /// Waits until there were many connections and most of them have ended.
    pub(in crate::nrpe::listener) async fn crowd_ended(&self) {
        self.crowd_ended.notified().await;
    }

    /// Number of waiting connections.
    pub(in crate::nrpe::listener) fn len(&self) -> usize {
        locked(&self.waiting).permits.len()
    }
}

impl Permit {
    /// Waits until this connection has to be closed.
    pub(in crate::nrpe::listener) async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut waiting = locked(&self.limit.waiting);
        waiting.permits.remove(&self.number);
        let left = waiting.permits.len();
        if waiting.peak >= limits::NRPE_TRIM_WAITING_MIN && left <= waiting.peak / limits::NRPE_TRIM_SHARE {
            waiting.peak = left;
            self.limit.crowd_ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn at_the_limit_the_oldest_is_closed() {
        let limit = Arc::new(ConnectionLimit::new(2));
        let (first, full) = limit.admit();
        assert!(!full);
        let (second, _) = limit.admit();
        let (third, full) = limit.admit();
        assert!(full);
        first.evicted().await;
        assert_eq!(limit.len(), 2);
        drop(first);
        drop(third);
        assert_eq!(limit.len(), 1);
        limit.evict_all();
        second.evicted().await;
        assert_eq!(limit.len(), 0);
    }

    #[tokio::test]
    async fn the_end_of_a_crowd_is_noticed_once() {
        let limit = Arc::new(ConnectionLimit::new(usize::MAX));
        let noticed = async |limit: &Arc<ConnectionLimit>| {
            tokio::select! {
                biased;
                () = limit.crowd_ended() => true,
                () = std::future::ready(()) => false,
            }
        };
        let admit = |count: usize| (0..count).map(|_| limit.admit().0).collect::<Vec<_>>();
        drop(admit(limits::NRPE_TRIM_WAITING_MIN - 1));
        assert!(!noticed(&limit).await);
        let mut crowd = admit(limits::NRPE_TRIM_WAITING_MIN);
        crowd.truncate(limits::NRPE_TRIM_WAITING_MIN / limits::NRPE_TRIM_SHARE + 1);
        assert!(!noticed(&limit).await);
        crowd.pop();
        assert!(noticed(&limit).await);
        drop(crowd);
        assert!(!noticed(&limit).await);
    }
}
