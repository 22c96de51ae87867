//! The budget for the bytes of unfinished requests. Peers that send most of a long request and withhold its end, over
//! thousands of connections, must not exhaust the memory of the machine.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{NRPE_WAITING_FREE_BYTES, NRPE_WAITING_MAX_BYTES};

/// One connection's part of the budget, returned when dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    /// Bytes taken by all connections.
    taken: &'a AtomicUsize,
    own: usize,
}

impl<'a> Share<'a> {
    /// An empty share.
    pub(super) fn of(taken: &'a AtomicUsize) -> Share<'a> {
        Share { taken, own: 0 }
    }

    /// Takes what a request of this many bytes needs; `false` if the budget does not have it.
    pub(super) fn grow_to(&mut self, len: usize) -> bool {
        let wanted = len.saturating_sub(NRPE_WAITING_FREE_BYTES).saturating_sub(self.own);
        if wanted == 0 {
            return true;
        }
        let grown = |taken: usize| taken.checked_add(wanted).filter(|sum| *sum <= NRPE_WAITING_MAX_BYTES);
        let fits = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        self.own += if fits { wanted } else { 0 };
        fits
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_requests_need_the_budget() {
        let taken = AtomicUsize::new(0);
        let long = 64 * 1024;
        let mut shares: Vec<Share<'_>> = Vec::new();
        loop {
            let mut share = Share::of(&taken);
            let fits = share.grow_to(long / 2) && share.grow_to(long);
            shares.push(share);
            if !fits {
                break;
            }
        }
        assert!(taken.load(Ordering::Relaxed) <= NRPE_WAITING_MAX_BYTES);
        assert!(shares.len() > NRPE_WAITING_MAX_BYTES / long);
        let mut ordinary = Share::of(&taken);
        assert!(ordinary.grow_to(NRPE_WAITING_FREE_BYTES));
        assert!(!ordinary.grow_to(long));
        drop(shares);
        assert!(ordinary.grow_to(long));
        drop(ordinary);
        assert_eq!(taken.load(Ordering::Relaxed), 0);
    }
}
